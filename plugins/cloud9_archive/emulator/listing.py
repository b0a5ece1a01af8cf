"""The rows of listings as the wire spells them: calls, and recordings that are listed on their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from cloud9_archive.emulator.calls import EmulatedCall, End, Link, Recording
from cloud9_archive.emulator.dialect import Dialect
from cloud9_archive.emulator.paging import Entry
from cloud9_archive.emulator.state import Cloud
from cloud9_archive.emulator.wire_time import tell_time

CALL_TYPES = {"Shoutdown": 1, "Ringdown": 2, "Click to Call": 3, "Intercom": 4}
DIRECTIONS = {"Incoming": 1, "Outgoing": 2, "Internal": 3}
_USERS_OF_AN_END = 2

Row = dict[str, Any]


def call_entries(cloud: Cloud, calls: Sequence[EmulatedCall]) -> list[Entry]:
    """The calls, in their order, as entries of a listing."""
    now = cloud.now()
    return [
        Entry((call.call_id,), call.listed_at <= now, partial(_call_row, call, cloud.dialect, cloud.shows_links(call)))
        for call in calls
    ]


def recording_entries(cloud: Cloud, calls: Sequence[EmulatedCall]) -> list[Entry]:
    """Each recording of the calls once, in the order of their first call, with all calls of these that it belongs to."""
    now = cloud.now()
    of: dict[str, tuple[Recording, list[tuple[EmulatedCall, Link]]]] = {}
    for call in calls:
        for link in call.links:
            of.setdefault(link.recording.recording_id, (link.recording, []))[1].append((call, link))
    entries = []
    for recording, ties in of.values():
        shown = [(call, link) for call, link in ties if call.listed_at <= now and cloud.shows_links(call)]
        make_row: Callable[[], Row] = partial(_recording_row, recording, shown)
        entries.append(Entry(tuple(call.call_id for call, _ in shown), bool(shown), make_row))
    return entries


def _call_row(call: EmulatedCall, dialect: Dialect, shows_links: bool) -> Row:  # noqa: FBT001 - bound by partial
    coded = dialect.codes == "numbers"
    row: Row = {
        "callId": call.call_id,
        "callType": CALL_TYPES[call.call_type] if coded else call.call_type,
        "direction": DIRECTIONS[call.direction] if coded else call.direction,
        "startTime": tell_time(call.started_at, dialect),
        "stopTime": tell_time(call.ended_at, dialect),
        "milliDuration": call.milliseconds,
        "buttonId": call.connection[-8:],
        "buttonLabel": call.button_label,
        "connectionId": call.connection[-12:],
        "connectionNumber": call.connection,
        "startAction": call.start_action,
        "stopReason": call.stop_reason,
    }
    if dialect.parties == "nested":
        row |= {"nearEnd": _nested_end(call.near), "farEnd": _nested_end(call.far)}
    else:
        row |= _flat_end("near", call.near) | _flat_end("far", call.far)
    if dialect.recordings == "inline":
        row["recordings"] = inline_rows(call) if shows_links else []
    return row


def inline_rows(call: EmulatedCall) -> list[Row]:
    """The call's recordings, as they stand in its row or in a listing of its own."""
    return [
        {
            "recordingId": link.recording.recording_id,
            "fileName": link.recording.file_name,
            "offsetMillis": link.offset,
            "milliDuration": link.recording.milliseconds,
        }
        for link in call.links
    ]


def _recording_row(recording: Recording, ties: Sequence[tuple[EmulatedCall, Link]]) -> Row:
    return {
        "recordingId": recording.recording_id,
        "fileName": recording.file_name,
        "milliDuration": recording.milliseconds,
        "calls": [{"callId": call.call_id, "offsetMillis": link.offset} for call, link in ties],
    }


def _nested_end(end: End) -> Row:
    return {
        "firmId": end.firm_id,
        "firmName": end.firm_name,
        "groupId": end.group_id,
        "groupName": end.group_name,
        "number": end.number,
        "users": [{"userId": p.user_id, "userName": p.login, "fullName": p.full_name} for p in end.people],
    }


def _flat_end(side: str, end: End) -> Row:
    row: Row = {
        f"{side}FirmId": end.firm_id,
        f"{side}Firm": end.firm_name,
        f"{side}GroupId": end.group_id,
        f"{side}Group": end.group_name,
        f"{side}Number": end.number,
    }
    for place in range(max(_USERS_OF_AN_END, len(end.people))):
        person = end.people[place] if place < len(end.people) else None
        suffix = str(place + 1) if place else ""
        row |= {
            f"{side}UserId{suffix}": person and person.user_id,
            f"{side}UserName{suffix}": person and person.login,
            f"{side}FullName{suffix}": person and person.full_name,
        }
    return row
