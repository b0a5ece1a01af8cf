"""The wire format as data: what a format file may say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from cloud9_archive.domain.call import CallType, Direction, Side
from cloud9_archive.errors import WireFormatError


def _compiled(text: object) -> object:
    if not isinstance(text, str):
        return text
    try:
        return jmespath.compile(text)
    except JMESPathError as error:
        raise ValueError(f"{text!r} is not a JMESPath expression") from error


def _zone(name: object) -> object:
    try:
        return ZoneInfo(name) if isinstance(name, str) else name
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not an IANA time zone") from error


Expression = Annotated[ParsedResult, BeforeValidator(_compiled)]
Zone = Annotated[ZoneInfo, BeforeValidator(_zone)]
HttpPath = Annotated[str, Field(pattern=r"^/[A-Za-z0-9._~/-]+$")]
PerMinute = Annotated[int, Field(gt=0)]
BodyField = Annotated[str, Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class FieldRule(_Part):
    """
    Where one value is, and how to read it; a bare expression is short for its ``path``.

    :param required: absent or null is an unknown shape
    :param values: the API's words → ours
    :param factor: what a number is multiplied by, to arrive at seconds
    """

    path: Expression
    required: bool = False
    values: dict[str, str] | None = None
    factor: float = 1.0

    @model_validator(mode="before")
    @classmethod
    def _from_expression(cls, given: Any) -> Any:  # noqa: ANN401 - whatever the file holds
        return {"path": given} if isinstance(given, str) else given


class TimeRules(_Part):
    """How moments are written; ``zone`` is what texts without an offset mean."""

    request: str
    answer: tuple[str, ...] = Field(min_length=1)
    zone: Zone


class ListingRequest(_Part):
    """Names of the fields in the body of a listing."""

    begin: BodyField
    end: BodyField
    page_token: BodyField
    region: BodyField | None = None


class Paging(_Part):
    """Where the token of the next page is: in a header, or in the answer's body."""

    first_token: str = ""
    next_token_header: str | None = None
    next_token: Expression | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Paging:
        if (self.next_token_header is None) == (self.next_token is None):
            raise ValueError("give either next_token_header or next_token")
        return self


class Listing(_Part):
    """The endpoint that lists calls; ``longest_window`` in seconds."""

    method: Literal["POST"]
    path: HttpPath
    per_minute: PerMinute
    longest_window: Annotated[int, Field(gt=0)]
    request: ListingRequest
    paging: Paging
    rows: Expression


class CallRules(_Part):
    """Fields of a call, relative to its row."""

    call_id: FieldRule
    started_at: FieldRule
    ended_at: FieldRule | None = None
    duration: FieldRule | None = None
    call_type: FieldRule | None = None
    direction: FieldRule | None = None
    button_label: FieldRule | None = None
    connection: FieldRule | None = None

    @field_validator("call_type")
    @classmethod
    def _known_call_types(cls, rule: FieldRule | None) -> FieldRule | None:
        return _with_known_words(rule, set(CallType))

    @field_validator("direction")
    @classmethod
    def _known_directions(cls, rule: FieldRule | None) -> FieldRule | None:
        return _with_known_words(rule, set(Direction))


class EndRules(_Part):
    """Fields of one end of a call, relative to that end."""

    number: FieldRule | None = None
    firm_id: FieldRule | None = None
    firm: FieldRule | None = None
    group_id: FieldRule | None = None
    group: FieldRule | None = None


class UserRules(_Part):
    """Fields of one user, relative to that user."""

    login: FieldRule
    user_id: FieldRule | None = None
    display_name: FieldRule | None = None


class PartyRules(_Part):
    """One end of a call: where it is in the row, its own fields, and the users at it."""

    side: Side
    at: Expression
    required: bool = False
    end: EndRules = EndRules()
    users: Expression
    user: UserRules


class RecordingRules(_Part):
    """Where a call's recordings are, and the fields of one."""

    rows: Expression
    recording_id: FieldRule
    offset: FieldRule | None = None
    duration: FieldRule | None = None
    filename: FieldRule | None = None


class RecordingRequest(_Part):
    """Names of the fields in the body of a request for a recording."""

    recording_id: BodyField


class PendingRules(_Part):
    """What "not uploaded yet" looks like; ``reason`` is where a JSON answer says why."""

    statuses: tuple[Annotated[int, Field(ge=200, lt=500)], ...]
    empty_body: bool = False
    reason: Expression | None = None


class AnswerRules(_Part):
    """
    Where the audio is in an answer that is JSON, and what answers hold; audio itself and ZIP archives need no rules.

    :param items: a list, when one answer holds several recordings; the other places are then relative to an item
    :param item_id: of an item; it is ours when that is the id asked for
    :param item_name: of an item; it is ours when that is the recording's file name, or its id
    :param base64: text that is the audio
    :param url: https address of the audio, on one of the connection's media hosts
    :param pending: true, or one of ``pending_words``, while the audio is not uploaded
    :param only_named: other recordings than the one asked for may come, so the only one in a ZIP must have its name
    """

    items: Expression | None = None
    item_id: Expression | None = None
    item_name: Expression | None = None
    base64: Expression | None = None
    url: Expression | None = None
    pending: Expression | None = None
    pending_words: tuple[str, ...] = ()
    only_named: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> AnswerRules:
        if self.items is None and (self.item_id or self.item_name):
            raise ValueError("item_id and item_name need items")
        if self.items is not None and not (self.item_id or self.item_name):
            raise ValueError("items needs item_id or item_name: else nobody knows which one is ours")
        if self.items is not None and not (self.base64 or self.url):
            raise ValueError("items needs base64 or url")
        if self.pending_words and self.pending is None:
            raise ValueError("pending_words needs pending")
        return self


class RecordingEndpoint(_Part):
    """The endpoint that gives a recording's bytes."""

    method: Literal["POST"]
    path: HttpPath
    per_minute: PerMinute
    request: RecordingRequest
    pending: PendingRules
    answer: AnswerRules = AnswerRules()


class WireFormat(_Part):
    """
    One version of the API, read from a format file.

    :param origin: the file, named whenever an answer does not fit
    """

    origin: Path
    format: str
    content_type: str
    time: TimeRules
    listing: Listing
    call: CallRules
    parties: tuple[PartyRules, ...]
    recordings: RecordingRules
    recording: RecordingEndpoint

    def misfit(self, place: str, found: str) -> WireFormatError:
        """
        The complaint that an answer is not as this file says.

        :param place: JSON path within the answer, such as ``calls[3].startTime``
        :param found: type or short form of what is there; never a whole body
        """
        return WireFormatError(
            f"the answer does not fit the wire format {self.format}: {place} {found}",
            subject=place,
            hint=f"if Cloud9 changed its answers, copy {self.origin}, correct the copy, and name it in the connection",
        )


def _with_known_words(rule: FieldRule | None, known: set[CallType] | set[Direction]) -> FieldRule | None:
    unknown = sorted(set((rule.values or {}).values()) - {str(word) for word in known}) if rule else []
    if unknown:
        raise ValueError(f"{unknown[0]!r} is none of {', '.join(sorted(known))}")
    return rule
