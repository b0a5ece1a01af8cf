"""A wire format held against a sample answer: what it finds, what is missing, and what it would send."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from jmespath.parser import ParsedResult
from requests.structures import CaseInsensitiveDict

from cloud9_archive.api.answer_json import decoded
from cloud9_archive.api.moments import listing_windows
from cloud9_archive.api.page_marks import PageMarks
from cloud9_archive.api.paging import PageTrail
from cloud9_archive.api.row_values import searched
from cloud9_archive.api.rows import read_listing, read_recordings
from cloud9_archive.api.sample_fields import FieldSeen, Ground, call_grounds, fields_on, seen_fields
from cloud9_archive.api.unmapped import Path, found_by, looked_at, unmapped_keys
from cloud9_archive.api.wire_model import WireFormat
from cloud9_archive.api.wire_request import (
    Asked,
    PageStep,
    WireRequest,
    around,
    first_step,
    listing_request,
    recording_requests,
    recordings_request,
)
from cloud9_archive.api.wire_requests import Endpoint, LinkPaging, Paging, TokenPaging
from cloud9_archive.api.wire_rows import PartyRules
from cloud9_archive.domain.run import WantedRecording
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import IncompleteBodyError, WireFormatError

EXAMPLE_WINDOW = Window(datetime(2026, 11, 20, 8, tzinfo=UTC), datetime(2026, 11, 20, 9, tzinfo=UTC))
EXAMPLE_RECORDING = WantedRecording("RECORDING-ID", filename="FILE-NAME", call_ids=("CALL-ID",))
_BASE = "https://the-connections-host"


@dataclass(frozen=True, slots=True)
class ShownRequest:
    """
    A request that the format describes, for the example window or recording.

    :param what: what is asked for
    :param target: path and query
    :param body: text of the body, none when there is none
    """

    what: str
    method: str
    target: str
    body: str | None


@dataclass(frozen=True, slots=True)
class SampleCheck:
    """
    What a sample shows of a format.

    :param rows: rows in the sample
    :param calls: calls that were read from them
    :param recordings: recordings that were read from them
    :param next_page: what the sample says of the next page, in words
    :param unmapped: keys of the rows that are kept in ``raw`` only
    :param error: why the sample cannot be read
    """

    fields: tuple[FieldSeen, ...]
    rows: int
    calls: int
    recordings: int
    next_page: str
    unmapped: tuple[str, ...]
    requests: tuple[ShownRequest, ...]
    error: WireFormatError | IncompleteBodyError | None = None


def read_headers(text: str) -> Mapping[str, str]:
    """The headers in a text as ``curl --dump-header`` writes it; other lines are passed over."""
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line and not line.startswith("HTTP/"))
    return CaseInsensitiveDict({name.strip(): content.strip() for name, _, content in pairs})


def check_sample(
    wire: WireFormat, body: bytes, headers: Mapping[str, str] | None = None, *, of_recordings: bool = False
) -> SampleCheck:
    """
    The format held against an answer to a listing.

    :param headers: of the answer, by case-insensitive name; none when they are not known
    :param of_recordings: the answer is one of recordings.listing
    :raises WireFormatError: if the format has no such listing
    """
    own = wire.recordings.listing
    if of_recordings and own is None:
        raise WireFormatError(
            f"{wire.origin} has no recordings.listing",
            subject="recordings.listing",
            hint="check the sample without --recordings: calls name their recordings themselves",
        )
    listing = own if own is not None and of_recordings else wire.listing
    rows, grounds = _rows(wire, body, of_recordings=of_recordings)
    fields = [field for ground in grounds for field in seen_fields(wire, ground)]
    seen = looked_at(_expressions(wire, grounds))
    calls, recordings, next_page, error = 0, 0, "not known", None
    step: PageStep | None = None
    try:
        if own is not None and of_recordings:
            listed = read_recordings(wire, own, body, headers or {})
            recordings, marks = len(listed.recordings), listed.marks
        else:
            read = read_listing(wire, body, headers or {}, source="sample", asked=EXAMPLE_WINDOW)
            calls, recordings = len(read.calls), sum(len(call.recordings) for call in read.calls)
            marks = read.marks
        next_page, step = _next_page(wire, listing.paging, listing.path, marks, headers)
    except (WireFormatError, IncompleteBodyError) as fault:
        error = fault
    requests = tuple(example_requests(wire, step, of_recordings=of_recordings))
    unmapped = tuple(unmapped_keys(rows, seen))
    return SampleCheck(tuple(fields), len(rows), calls, recordings, next_page, unmapped, requests, error)


def example_requests(
    wire: WireFormat, step: PageStep | None = None, *, of_recordings: bool = False
) -> Iterator[ShownRequest]:
    """
    The requests that the format describes, for :data:`EXAMPLE_WINDOW` and :data:`EXAMPLE_RECORDING`.

    :param step: how the next page of the sample is asked for
    """
    own, asked = wire.recordings.listing, Asked(listing_windows(wire, EXAMPLE_WINDOW)[0], "CALL-ID")
    listing, region = wire.listing, None
    yield _shown("calls", listing, listing_request(wire, asked, first_step(listing.paging), region=region))
    if step is not None and not of_recordings:
        yield _shown("calls, next page", listing, listing_request(wire, asked, step, region=region))
    if own is not None:
        asked = replace(asked, window=around(own, asked.window))
        yield _shown("recordings", own, recordings_request(wire, own, asked, first_step(own.paging), region=region))
        if step is not None and of_recordings:
            yield _shown("recordings, next page", own, recordings_request(wire, own, asked, step, region=region))
    for request in recording_requests(wire, EXAMPLE_RECORDING, region=region):
        yield _shown("a recording", wire.recording, request)


def _shown(what: str, endpoint: Endpoint, request: WireRequest) -> ShownRequest:
    body = None if request.body is None else request.body.decode()
    return ShownRequest(what, endpoint.method, request.target, body)


def _rows(wire: WireFormat, body: bytes, *, of_recordings: bool) -> tuple[list[Any], list[Ground]]:
    """The rows as far as they can be found, and what looks at them; reading says what is wrong with them."""
    expression = wire.recordings.rows if of_recordings else wire.listing.rows
    try:
        rows = searched(wire, expression, decoded(wire, body), "")
    except (WireFormatError, IncompleteBodyError):
        rows = []
    rows = rows if isinstance(rows, list) else []
    if of_recordings:
        return rows, [Ground("recordings", wire.recordings, tuple(rows))]
    return rows, list(call_grounds(wire, rows))


def _expressions(wire: WireFormat, grounds: list[Ground]) -> Iterator[tuple[ParsedResult, Path]]:
    """Every expression that looks at a row, with where it begins to look."""
    for ground in grounds:
        yield from ((rule.path, ground.path) for _, rule in fields_on(ground))
        if isinstance(ground.rules, PartyRules):
            at, users = ground.rules.at, ground.rules.users
            if at is not None:
                yield at, ()
            if users is not None:
                yield users, () if at is None else found_by(at)
    if wire.recordings.listing is None:
        yield wire.recordings.rows, ()


def _next_page(
    wire: WireFormat, paging: Paging, path: str, marks: PageMarks, headers: Mapping[str, str] | None
) -> tuple[str, PageStep | None]:
    if isinstance(paging, (TokenPaging, LinkPaging)) and paging.header is not None and headers is None:
        return f"not known: it is in the header {paging.header}, so give --headers", None
    trail = PageTrail(wire, paging, base=_BASE + path)
    trail.follow(marks)
    if trail.step is None:
        return "none: this is the last page", None
    return f"asked for by {paging.by} {trail.step.target or trail.step.sent}", trail.step
