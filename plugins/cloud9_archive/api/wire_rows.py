"""What a wire format says of rows: the fields of calls, of the parties at both ends, and of recordings."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, field_validator, model_validator

from cloud9_archive.api.wire_requests import Endpoint, Paging, Parameter
from cloud9_archive.api.wire_values import Expression, FieldRule, Part, WholeList, with_known_words
from cloud9_archive.domain.call import CallType, Direction, Side


class CallRules(Part):
    """Fields of a call, relative to its row."""

    call_id: FieldRule = Field(description="the call's own id, which must stay the same whenever it is listed")
    started_at: FieldRule = Field(description="when the call began")
    ended_at: FieldRule | None = Field(default=None, description="when it ended")
    duration: FieldRule | None = Field(default=None, description="how long it was; times factor it is seconds")
    call_type: FieldRule | None = Field(default=None, description="its type, with values that map to our words")
    direction: FieldRule | None = Field(default=None, description="its direction, with values that map to our words")
    button_label: FieldRule | None = Field(default=None, description="label of the button that was used")
    connection: FieldRule | None = Field(default=None, description="number or name of the connection")

    @field_validator("call_type")
    @classmethod
    def _known_call_types(cls, rule: FieldRule | None) -> FieldRule | None:
        return with_known_words(rule, {str(word) for word in CallType})

    @field_validator("direction")
    @classmethod
    def _known_directions(cls, rule: FieldRule | None) -> FieldRule | None:
        return with_known_words(rule, {str(word) for word in Direction})


class EndRules(Part):
    """Fields of one end of a call, relative to that end."""

    number: FieldRule | None = Field(default=None, description="telephone number or extension")
    firm_id: FieldRule | None = Field(default=None, description="id of the firm")
    firm: FieldRule | None = Field(default=None, description="name of the firm")
    group_id: FieldRule | None = Field(default=None, description="id of the group")
    group: FieldRule | None = Field(default=None, description="name of the group")


class UserRules(Part):
    """Fields of one user, relative to that user."""

    login: FieldRule = Field(description="login name, which rosters match")
    user_id: FieldRule | None = Field(default=None, description="id of the user")
    display_name: FieldRule | None = Field(default=None, description="name for people")


class PartyRules(Part):
    """One end of a call, or a list of parties of which each says its end."""

    side: Side | None = Field(default=None, description="near or far: which end this is")
    side_at: FieldRule | None = Field(
        default=None, description="where each user of the list says its end, with values that map to near and far"
    )
    at: Expression | None = Field(default=None, description="where the end is in the row; without it, the row itself")
    required: bool = Field(default=False, description="a row without this end is an unknown shape")
    end: EndRules = Field(default_factory=EndRules)
    users: WholeList | None = Field(
        default=None, description="the whole list of users at this end; without it, the end itself is the only one"
    )
    user: UserRules | None = None

    @field_validator("side_at")
    @classmethod
    def _known_sides(cls, rule: FieldRule | None) -> FieldRule | None:
        return with_known_words(rule, {str(word) for word in Side})

    @model_validator(mode="after")
    def _can_be_read(self) -> PartyRules:
        if (self.side is None) == (self.side_at is None):
            raise ValueError("give either side (near or far) or side_at (where each user says it)")
        if self.users is not None and self.user is None:
            raise ValueError("users needs user, the fields of one")
        if self.side_at is not None and (self.users is None or not self.side_at.values):
            raise ValueError("side_at needs users (the list) and values (their words → near, far)")
        return self


class RecordingsRequest(Part):
    """Names of what a listing of recordings is asked with: a window, or one call."""

    begin: Parameter | None = Field(default=None, description="name of the window's begin")
    end: Parameter | None = Field(default=None, description="name of the window's end")
    call_id: Parameter | None = Field(default=None, description="name of the call's id: one request for each call")
    region: Parameter | None = Field(default=None, description="name of the region, sent when the connection has one")


class RecordingsListing(Endpoint):
    """The endpoint that lists recordings, for formats whose calls do not name theirs."""

    name: ClassVar[str] = "recordings_listing"
    placeholders: ClassVar[frozenset[str]] = frozenset({"call_id"})

    longest_window: int = Field(default=86400, gt=0, description="seconds; longer windows are asked for in parts")
    margin: int = Field(
        default=3600, ge=0, description="seconds by which the calls' window is widened at both ends to find recordings"
    )
    request: RecordingsRequest = Field(default_factory=RecordingsRequest)
    absent: tuple[Annotated[int, Field(ge=200, lt=500)], ...] = Field(
        default=(), description="statuses that mean that a call has no recordings yet, where it is asked for each call"
    )
    paging: Paging

    @property
    def per_call(self) -> bool:
        """Whether it is asked once for each call, not once for each window."""
        return self.request.call_id is not None or "call_id" in self.path_names

    @model_validator(mode="after")
    def _asked_one_way(self) -> RecordingsListing:
        window = (self.request.begin is not None, self.request.end is not None)
        if self.absent and not self.per_call:
            raise ValueError("absent is only for a listing that is asked for each call")
        if self.per_call and any(window):
            raise ValueError("ask for a window (begin and end) or for a call (call_id), not for both")
        if not self.per_call and not all(window):
            raise ValueError("give begin and end, or call_id, or {call_id} in the path")
        return self


class RecordingRules(Part):
    """Where recordings are, and the fields of one."""

    rows: Expression = Field(
        description="list of recordings: relative to the call's row, or to the answer of recordings.listing"
    )
    recording_id: FieldRule = Field(description="the recording's own id, which must stay the same")
    call_id: FieldRule | None = Field(
        default=None, description="the call, or list of calls, that a row of recordings.listing belongs to"
    )
    offset: FieldRule | None = Field(
        default=None,
        description="where the call begins in it; times factor it is seconds. Where `call_id` is a list, this may be one too",
    )
    duration: FieldRule | None = Field(default=None, description="how long it is; times factor it is seconds")
    filename: FieldRule | None = Field(default=None, description="name of its file")
    listing: RecordingsListing | None = None

    @model_validator(mode="after")
    def _can_be_joined(self) -> RecordingRules:
        per_window = self.listing is not None and not self.listing.per_call
        if per_window and self.call_id is None:
            raise ValueError("a listing of recordings for a window needs call_id, where each row names its calls")
        if not per_window and self.call_id is not None:
            raise ValueError("call_id is only for rows of a listing of recordings for a window")
        return self
