"""What each endpoint of the emulated API answers to a client that may ask."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from starlette.requests import Request

from cloud9_archive.emulator.answers import Answer, json_answer, refusal_answer
from cloud9_archive.emulator.asking import AskedPage, Fields, read_page_request, read_wanted
from cloud9_archive.emulator.calls import EmulatedCall, Recording
from cloud9_archive.emulator.delivery import Wanted, audio_answer, recordings_answer
from cloud9_archive.emulator.fault_kinds import NEEDS_A_WINDOW, FaultKind
from cloud9_archive.emulator.firm import DESKS, Desk
from cloud9_archive.emulator.listing import call_entries, inline_rows, recording_entries
from cloud9_archive.emulator.listing_faults import Window, listing_answer, rows_key, struck_rows
from cloud9_archive.emulator.refusal import RefusedError
from cloud9_archive.emulator.state import Cloud

SUBJECT = "cloud9.subject"
RECORDINGS_KEY = "recordings"
_EARLIER = timedelta(days=7)
_SHORT = 180_000  # milliseconds
_ASKED_AS = {"recording_id": "recordingId", "file_name": "fileName", "call_id": "callId"}


def base_url(request: Request) -> str:
    """This server as the client calls it."""
    return f"https://{request.headers.get('host', '')}"


def answer_metadata(cloud: Cloud, desk: Desk, request: Request, fields: Fields) -> Answer:
    """A page of a window's calls."""
    asked = _asked_page(cloud, request, fields)
    calls, earlier = _calls_around(cloud, desk, asked)
    window = Window(
        endpoint="metadata",
        asked=asked,
        entries=call_entries(cloud, calls),
        earlier=call_entries(cloud, earlier),
        key=cloud.dialect.rows_key,
        url=base_url(request) + request.url.path,
        desk=desk.name,
    )
    return listing_answer(cloud, window)


def answer_recording_list(cloud: Cloud, desk: Desk, request: Request, fields: Fields) -> Answer:
    """A page of the recordings of a window's calls."""
    asked = _asked_page(cloud, request, fields)
    calls, earlier = _calls_around(cloud, desk, asked)
    window = Window(
        endpoint="recording_list",
        asked=asked,
        entries=recording_entries(cloud, calls),
        earlier=recording_entries(cloud, earlier),
        key=RECORDINGS_KEY,
        url=base_url(request) + request.url.path,
        desk=desk.name,
    )
    return listing_answer(cloud, window)


def answer_call_recordings(cloud: Cloud, desk: Desk, request: Request, fields: Fields) -> Answer:
    """The recordings of one call, none while they are not named yet."""
    if fields:
        raise RefusedError(400, "BAD_REQUEST", "The call is named by the path alone.")
    call_id = request.path_params["call_id"]
    request.scope[SUBJECT] = call_id
    fault = cloud.take_fault("recording_list", subjects=frozenset({call_id}), barred=NEEDS_A_WINDOW)
    call = _own_call(cloud, desk, call_id)
    if call is None:
        return refusal_answer(RefusedError(404, "UNKNOWN_CALL", "There is no such call."), fault=fault)
    emptied = fault is not None and fault.kind is FaultKind.EMPTY_LISTING
    rows = [] if emptied or not cloud.shows_links(call) else inline_rows(call)
    rows = struck_rows(rows, call_ids=[(call_id,)] * len(rows), fault=fault)
    return Answer(json_answer({rows_key(RECORDINGS_KEY, fault=fault): rows}), fault)


def answer_recordings(cloud: Cloud, desk: Desk, request: Request, fields: Fields) -> Answer:
    """A recording, or all of a call, as the dialect has it."""
    asked_by = cloud.dialect.asked_by
    name = read_wanted(fields, name=_ASKED_AS[asked_by])
    request.scope[SUBJECT] = name
    recordings = _wanted_recordings(cloud, desk, name)
    ids = {recording.recording_id for recording in recordings or ()}
    fault = cloud.take_fault("recordings", subjects=frozenset({name, *ids}))
    if recordings is None:
        word, noun = ("UNKNOWN_CALL", "call") if asked_by == "call_id" else ("UNKNOWN_RECORDING", "recording")
        return refusal_answer(RefusedError(404, word, f"There is no such {noun}."), fault=fault)
    wanted = Wanted(
        desk=desk.name,
        recordings=recordings,
        other=_other_recording(cloud, recordings),
        by_call=asked_by == "call_id",
        base_url=base_url(request),
    )
    return recordings_answer(cloud, wanted, fault=fault)


def answer_media(cloud: Cloud, request: Request) -> Answer:
    """
    The recording behind a link.

    :raises RefusedError: 404 or 403 if the link is not good
    """
    grant = cloud.grants.find(request.path_params["token"])
    recording = grant.recording
    request.scope[SUBJECT] = recording.recording_id
    request.scope["cloud9.desk"] = DESKS[grant.desk].name
    fault = cloud.take_fault("media", subjects=frozenset({recording.recording_id}))
    try:
        cloud.grants.use(grant, signature=request.query_params.get("sig", ""), now=cloud.now())
    except RefusedError as refusal:
        return refusal_answer(refusal, fault=fault)
    altered = grant.altered or (fault is not None and fault.kind is FaultKind.ALTERED)
    return Answer(audio_answer(cloud, recording, altered=altered), fault, whole=(recording.recording_id,))


def _asked_page(cloud: Cloud, request: Request, fields: Fields) -> AskedPage:
    longest = timedelta(hours=cloud.limits.longest_window_hours)
    asked = read_page_request(fields, dialect=cloud.dialect, longest=longest, largest=cloud.limits.page_size)
    place = asked.token or (str(asked.offset) if asked.offset else "")
    request.scope[SUBJECT] = f"{asked.begin.isoformat()}/{asked.end.isoformat()} {place}".rstrip()
    return asked


def _calls_around(cloud: Cloud, desk: Desk, asked: AskedPage) -> tuple[Sequence[EmulatedCall], Sequence[EmulatedCall]]:
    """The calls of the window; and those of the week before, if a fault waits that shows them."""
    calls = list(cloud.world.calls(desk, begin=asked.begin, end=asked.end))
    if not any(fault.kind is FaultKind.OUTSIDE_WINDOW for fault in (*cloud.faults, *cloud.storm.setting.faults)):
        return calls, ()
    return calls, list(cloud.world.calls(desk, begin=asked.begin - _EARLIER, end=asked.begin))


def _own_call(cloud: Cloud, desk: Desk, call_id: str) -> EmulatedCall | None:
    found = cloud.world.call(call_id)
    listed = found is not None and found[0] == desk and found[1].listed_at <= cloud.now()
    return found[1] if found is not None and listed else None


def _wanted_recordings(cloud: Cloud, desk: Desk, name: str) -> tuple[Recording, ...] | None:
    """The recordings that the name means to the dialect, None if nothing of the desk has it."""
    if cloud.dialect.asked_by == "call_id":
        call = _own_call(cloud, desk, name)
        return None if call is None else tuple(link.recording for link in call.links if cloud.shows_links(call))
    by_name = cloud.dialect.asked_by == "file_name"
    found = cloud.world.recording_named(name) if by_name else cloud.world.recording(name)
    return (found[1],) if found is not None and found[0] == desk else None


def _other_recording(cloud: Cloud, recordings: Sequence[Recording]) -> Recording | None:
    if cloud.dialect.delivery != "zip_extra" or not recordings:
        return None
    others = (one for one in cloud.world.neighbours(recordings[0]) if one not in recordings)
    # Not the day's open line: an answer by the way should not be a hundred times the one that was asked for.
    return next((one for one in others if cloud.availability(one) == "available" and one.milliseconds < _SHORT), None)
