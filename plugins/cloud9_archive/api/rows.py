"""From an answer's bytes to calls, by the wire format: strictly, so that an unknown shape is never taken for no calls."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cloud9_archive.api.answer_json import decoded, keys_shown, shown
from cloud9_archive.api.moments import agreed
from cloud9_archive.api.page_marks import PageMarks, read_marks
from cloud9_archive.api.row_parties import read_parties
from cloud9_archive.api.row_values import RowValues, UnknownWord, rows_at, searched
from cloud9_archive.api.wire_model import WireFormat
from cloud9_archive.api.wire_rows import RecordingsListing
from cloud9_archive.domain.call import Call, CallType, Direction, RecordingLink
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import IncompleteBodyError, WireFormatError


@dataclass(frozen=True, slots=True)
class Listed:
    """
    What one answer to a listing of calls says.

    :param marks: what it says of the listing
    """

    calls: tuple[Call, ...]
    unknown_words: tuple[UnknownWord, ...]
    marks: PageMarks

    @property
    def next_token(self) -> str | None:
        """Token or link to the next page; none at the end."""
        return self.marks.lead


@dataclass(frozen=True, slots=True)
class ListedRecording:
    """
    One row of a listing of recordings.

    :param calls: the calls that it belongs to, each with the recording's link to it; empty when it was listed for a call
    :param raw: the row as it came
    """

    link: RecordingLink
    calls: tuple[tuple[str, RecordingLink], ...]
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ListedRecordings:
    """What one answer to a listing of recordings says."""

    recordings: tuple[ListedRecording, ...]
    marks: PageMarks


def read_listing(
    wire: WireFormat, body: bytes, headers: Mapping[str, str], *, source: str, asked: Window | None = None
) -> Listed:
    """
    The calls of one page, in the order given.

    :param body: the answer as it came
    :param headers: the answer's headers, by case-insensitive name
    :param source: connection id, kept with every call
    :param asked: the window that was asked for; decides what a time means that clocks pass twice
    :raises WireFormatError: naming the place that does not fit
    """
    answer = decoded(wire, body)
    rows = searched(wire, wire.listing.rows, answer, "")
    place = str(wire.listing.rows.expression)
    if not isinstance(rows, list):
        raise wire.misfit(
            place, f"should be a list of calls, but is {shown(rows)} in an answer that is {keys_shown(answer)}"
        )
    values = RowValues(wire)
    calls = tuple(_call(values, row, f"{place}[{number}]", source, asked) for number, row in enumerate(rows))
    ids = (call.call_id for call in calls)
    marks = read_marks(wire, wire.listing.paging, answer, headers, ids=ids, rows=rows)
    return Listed(calls, values.unknown_words(), marks)


def read_recordings(
    wire: WireFormat, listing: RecordingsListing, body: bytes, headers: Mapping[str, str]
) -> ListedRecordings:
    """
    The recordings of one page of their own listing, in the order given.

    :raises WireFormatError: naming the place that does not fit
    """
    answer = decoded(wire, body)
    rules, values = wire.recordings, RowValues(wire)
    rows = rows_at(wire, rules.rows, answer, "")
    found = tuple(_listed_recording(values, row, place) for row, place in rows)
    ids = (one.link.recording_id for one in found)
    marks = read_marks(wire, listing.paging, answer, headers, ids=ids, rows=(row for row, _ in rows))
    return ListedRecordings(found, marks)


def pending_reason(wire: WireFormat, body: bytes) -> str | None:
    """Why a recording is not there yet, in the server's own word; none when it gave no such word."""
    expression = wire.recording.pending.reason
    if expression is None:
        return None
    try:
        word = searched(wire, expression, decoded(wire, body), "")
    except (WireFormatError, IncompleteBodyError):
        return None
    return word if isinstance(word, str) and re.fullmatch(r"[A-Za-z0-9_. -]{1,80}", word) else None


def _call(values: RowValues, row: object, place: str, source: str, asked: Window | None) -> Call:
    if not isinstance(row, dict):
        raise values.wire.misfit(place, f"should be an object, but is {shown(row)}")
    rules = values.wire.call
    call_id = values.needed_text(rules.call_id, row, place)
    duration = values.seconds(rules.duration, row, place)
    started_at, ended_at = agreed(
        values.needed_moment(rules.started_at, row, place),
        values.moment(rules.ended_at, row, place),
        duration=duration,
        asked=asked,
    )
    return Call(
        source=source,
        call_id=call_id,
        started_at=started_at,
        ended_at=ended_at,
        duration=duration,
        call_type=CallType(values.word(rules.call_type, row, place) or CallType.UNKNOWN),
        direction=Direction(values.word(rules.direction, row, place) or Direction.UNKNOWN),
        parties=tuple(party for end in values.wire.parties for party in read_parties(values, end, row, place)),
        recordings=_recordings_in(values, row, place),
        button_label=values.text(rules.button_label, row, place),
        connection=values.text(rules.connection, row, place),
        raw=row,
    )


def _recordings_in(values: RowValues, row: dict[str, Any], place: str) -> tuple[RecordingLink, ...]:
    """The recordings that the call's own row names; none when they have a listing of their own."""
    wire = values.wire
    if wire.recordings.listing is not None:
        return ()
    return tuple(_link(values, one, at) for one, at in rows_at(wire, wire.recordings.rows, row, place))


def _listed_recording(values: RowValues, row: dict[str, Any], place: str) -> ListedRecording:
    rules = values.wire.recordings
    if rules.call_id is None:
        return ListedRecording(_link(values, row, place), (), row)
    call_ids = values.needed_texts(rules.call_id, row, place)
    offsets = values.seconds_of_each(rules.offset, row, place, number=len(call_ids))
    link = _link(values, row, place, offset=offsets[0])
    ties = tuple((call_id, replace(link, offset=offset)) for call_id, offset in zip(call_ids, offsets, strict=True))
    return ListedRecording(link, ties, row)


def _link(values: RowValues, row: dict[str, Any], place: str, *, offset: float | None = None) -> RecordingLink:
    rules = values.wire.recordings
    return RecordingLink(
        values.needed_text(rules.recording_id, row, place),
        offset=values.seconds(rules.offset, row, place) if rules.call_id is None else offset,
        duration=values.seconds(rules.duration, row, place),
        filename=values.text(rules.filename, row, place),
    )
