"""The wire format as data: what a format file may say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from cloud9_archive.api.wire_answers import AnswerRules
from cloud9_archive.api.wire_requests import Endpoint, Listing, Parameter
from cloud9_archive.api.wire_rows import CallRules, PartyRules, RecordingRules
from cloud9_archive.api.wire_values import Expression, Part, TimeRules, shortest_step
from cloud9_archive.errors import WireFormatError


class RecordingRequest(Part):
    """Names of what a recording is asked for with; at least one, here or as a placeholder in the path."""

    recording_id: Parameter | None = Field(default=None, description="name of the recording's id")
    filename: Parameter | None = Field(default=None, description="name of the recording's file name")
    call_id: Parameter | None = Field(
        default=None, description="name of the id of a call that the recording belongs to"
    )
    region: Parameter | None = Field(default=None, description="name of the region, sent when the connection has one")


class PendingRules(Part):
    """What "not uploaded yet" looks like."""

    statuses: tuple[Annotated[int, Field(ge=200, lt=500)], ...] = Field(
        description="statuses that mean it; list 404 and 204 unless yours are others"
    )
    empty_body: bool = Field(
        default=False,
        description="an answer of no bytes means it, and so do Base64 and an address that give none; a ZIP member of no bytes is an empty recording",
    )
    reason: Expression | None = Field(default=None, description="where a JSON answer with such a status says why")


class RecordingEndpoint(Endpoint):
    """The endpoint that gives a recording's bytes."""

    name: ClassVar[str] = "recording"
    placeholders: ClassVar[frozenset[str]] = frozenset({"recording_id", "filename", "call_id"})

    request: RecordingRequest = Field(default_factory=RecordingRequest)
    pending: PendingRules
    answer: AnswerRules = AnswerRules()

    @property
    def asked_by(self) -> frozenset[str]:
        """Which of recording_id, filename and call_id a request carries."""
        return self.path_names | {name for name in self.placeholders if getattr(self.request, name) is not None}

    @property
    def by_call_alone(self) -> bool:
        """Whether a request names nothing but a call, so that any of the call's recordings may come."""
        return self.asked_by == {"call_id"}

    @property
    def only_named(self) -> bool:
        """Whether the only audio in an answer must be called like the recording, because others may come."""
        return self.by_call_alone if self.answer.only_named is None else self.answer.only_named

    @model_validator(mode="after")
    def _names_a_recording(self) -> RecordingEndpoint:
        if not self.asked_by:
            raise ValueError("ask by recording_id, filename or call_id, in request or as a placeholder in the path")
        return self


class WireFormat(Part):
    """
    One version of the API, read from a format file.

    :param origin: the file, named whenever an answer does not fit
    """

    origin: Path = Field(exclude=True)
    format: str = Field(description="name of the format")
    content_type: str = Field(description="content type of requests; it is part of the signature")
    time: TimeRules
    listing: Listing
    call: CallRules
    parties: tuple[PartyRules, ...] = Field(description="both ends of a call, or one list of parties")
    recordings: RecordingRules
    recording: RecordingEndpoint

    @model_validator(mode="after")
    def _parts_fit_together(self) -> WireFormat:
        shortest = 2 * shortest_step(self.time.request)
        for listing in (self.listing, self.recordings.listing):
            if listing is not None and timedelta(seconds=listing.longest_window) < shortest:
                raise ValueError(
                    f"time.request {self.time.request!r} is so coarse that longest_window must be at least "
                    f"{shortest.total_seconds():.0f} seconds"
                )
        if "filename" in self.recording.asked_by and self.recordings.filename is None:
            raise ValueError("recording is asked for by filename, so recordings needs filename")
        return self

    def endpoints(self) -> Iterator[Endpoint]:
        """Every endpoint that requests go to."""
        yield self.listing
        if self.recordings.listing is not None:
            yield self.recordings.listing
        yield self.recording

    def misfit(self, place: str, found: str, *, change: str | None = None) -> WireFormatError:
        """
        The complaint that an answer is not as this file says.

        :param place: JSON path within the answer, such as ``calls[3].startTime``
        :param found: type or short form of what is there; never a whole body
        :param change: what to change in the file, if that is known
        """
        copy = f"copy {self.origin}, {change or 'correct the copy'}, and name it in the connection"
        return WireFormatError(
            f"the answer does not fit the wire format {self.format}: {place} {found}",
            subject=place,
            hint=copy if change else f"if Cloud9 changed its answers, {copy}",
        )
