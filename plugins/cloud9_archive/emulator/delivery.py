"""Recordings as the dialect delivers them, what it says of those that are not uploaded, and what faults make of both."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from cloud9_archive.emulator.answers import Answer, json_answer, refusal_answer
from cloud9_archive.emulator.calls import Recording
from cloud9_archive.emulator.fault_kinds import FaultKind
from cloud9_archive.emulator.fault_orders import FaultDetails
from cloud9_archive.emulator.recorded import flipped
from cloud9_archive.emulator.refusal import RefusedError
from cloud9_archive.emulator.state import Cloud

MEDIA_TYPES = {"ogg": "audio/ogg", "m4a": "audio/mp4"}
NO_BASE64 = "T2dnUw*this is no base64*"
ESCAPING_NAME = "../../escaped.ogg"
ELSEWHERE = "https://media.elsewhere.example/recording.ogg"
_NOTE = ("README.txt", b"Made by an emulator.\n")
_URL_FAULTS = frozenset(
    {
        FaultKind.URL_OTHER_HOST,
        FaultKind.URL_LOOPBACK,
        FaultKind.URL_PLAIN_HTTP,
        FaultKind.URL_EXPIRED,
        FaultKind.URL_UNKNOWN,
    }
)
_ZIP_FAULTS = frozenset({FaultKind.ZIP_WRONG_CRC, FaultKind.ZIP_TRUNCATED, FaultKind.ZIP_BOMB, FaultKind.ZIP_ESCAPE})

Member = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    What a request asks for.

    :param recordings: one, or all of a call
    :param other: another recording, which an answer may hold by the way
    :param base_url: of this server, as the client calls it
    """

    desk: str
    recordings: Sequence[Recording]
    other: Recording | None
    by_call: bool
    base_url: str


def recordings_answer(cloud: Cloud, wanted: Wanted, *, fault: FaultDetails | None) -> Answer:
    """The recordings that are uploaded, in the dialect's way; or that there is none."""
    there = [recording for recording in wanted.recordings if cloud.availability(recording) == "available"]
    if not there:
        return pending_answer(cloud, fault=fault)
    whole = tuple(recording.recording_id for recording in there)
    kind = fault.kind if fault else None
    if fault is not None and kind in _ZIP_FAULTS:
        return Answer(_faulty_zip(_members(cloud, there[:1], altered=False), fault=fault), fault)
    if kind in {*_URL_FAULTS, FaultKind.BASE64_DAMAGED} or cloud.dialect.delivery in {"base64", "url"}:
        linked = kind in _URL_FAULTS or (cloud.dialect.delivery == "url" and kind is not FaultKind.BASE64_DAMAGED)
        if linked:
            items = [_url_item(cloud, one, wanted=wanted, fault=fault) for one in there]
        else:
            items = [_base64_item(cloud, one, kind=kind) for one in there]
        content = {"items": items} if wanted.by_call else items[0]
        return Answer(json_answer(content), fault, whole=() if linked else whole)
    altered = kind is FaultKind.ALTERED
    if cloud.dialect.delivery == "bytes":
        return Answer(audio_answer(cloud, there[0], altered=altered), fault, whole=whole)
    members = _members(cloud, there, altered=altered)
    if cloud.dialect.delivery == "zip_extra":
        others = [] if wanted.other is None else _members(cloud, [wanted.other], altered=False)
        notes = [(f"{name}.json", b'{"made": "by an emulator"}') for name, _ in members]
        members = [_NOTE, *others, *notes, *members]
    return Answer(_zip(members), fault, whole=whole)


def audio_answer(cloud: Cloud, recording: Recording, *, altered: bool) -> Response:
    """The recording's bytes as they are, or altered on the way."""
    return Response(_content(cloud, recording, altered=altered), media_type=MEDIA_TYPES[recording.container])


def pending_answer(cloud: Cloud, *, fault: FaultDetails | None) -> Answer:
    """What the dialect says when nothing is uploaded yet."""
    match cloud.dialect.pending:
        case "no_content":
            response = Response(status_code=204)
        case "empty_body":
            response = Response(b"", media_type="application/octet-stream")
        case "empty_zip":
            response = _zip([])
        case "zip_without_entry":
            response = _zip([_NOTE])
        case "json_status":
            response = json_answer({"status": "PENDING"})
        case "json_without_entry":
            response = json_answer({"items": []})
        case _:
            refusal = RefusedError(404, "RECORDING_NOT_AVAILABLE", "The recording has not been uploaded yet.")
            return refusal_answer(refusal, fault=fault)
    return Answer(response, fault)


def _content(cloud: Cloud, recording: Recording, *, altered: bool) -> bytes:
    content = cloud.tape.content(recording)
    return flipped(content) if altered else content


def _members(cloud: Cloud, recordings: Sequence[Recording], *, altered: bool) -> list[Member]:
    return [(recording.file_name, _content(cloud, recording, altered=altered)) for recording in recordings]


def _zip(members: Sequence[Member], *, compressed: bool = False) -> Response:
    return Response(_zip_bytes(members, compressed=compressed), media_type="application/zip")


def _zip_bytes(members: Sequence[Member], *, compressed: bool) -> bytes:
    archive = io.BytesIO()
    # Audio is compressed already.
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as file:
        for name, content in members:
            file.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED)
    return archive.getvalue()


def _faulty_zip(members: Sequence[Member], *, fault: FaultDetails) -> Response:
    (name, content) = members[0]
    if fault.kind is FaultKind.ZIP_BOMB:
        return _zip([(name, bytes(fault.size))], compressed=True)
    if fault.kind is FaultKind.ZIP_ESCAPE:
        return _zip([(ESCAPING_NAME, content)])
    archive = _zip_bytes(members, compressed=False)
    if fault.kind is FaultKind.ZIP_TRUNCATED:
        return Response(archive[: len(archive) // 2], media_type="application/zip")
    # Stored members stand in the archive as they are: the flip strikes the audio, and no header.
    at = archive.index(content)
    struck = archive[:at] + flipped(content) + archive[at + len(content) :]
    return Response(struck, media_type="application/zip")


def _base64_item(cloud: Cloud, recording: Recording, *, kind: FaultKind | None) -> dict[str, Any]:
    if kind is FaultKind.BASE64_DAMAGED:
        return {**_item(recording), "content": NO_BASE64}
    content = _content(cloud, recording, altered=kind is FaultKind.ALTERED)
    return {**_item(recording), "content": base64.b64encode(content).decode("ascii")}


def _url_item(cloud: Cloud, recording: Recording, *, wanted: Wanted, fault: FaultDetails | None) -> dict[str, Any]:
    kind = fault.kind if fault else None
    lasts = timedelta(seconds=-1 if kind is FaultKind.URL_EXPIRED else cloud.dialect.url_seconds)
    path = cloud.grants.give(
        recording,
        desk=wanted.desk,
        now=cloud.now(),
        lasts=lasts,
        uses=cloud.dialect.url_uses,
        altered=kind is FaultKind.ALTERED,
    )
    url = wanted.base_url + path
    if kind is FaultKind.URL_UNKNOWN:
        url = f"{wanted.base_url}/media/{'0' * 24}?sig=0"
    if kind is FaultKind.URL_PLAIN_HTTP:
        url = url.replace("https://", "http://", 1)
    if kind is FaultKind.URL_LOOPBACK:
        url = f"https://2130706433:{wanted.base_url.rpartition(':')[2]}{path}"
    if kind is FaultKind.URL_OTHER_HOST:
        url = ELSEWHERE
    if fault is not None and kind in _URL_FAULTS and fault.location is not None:
        url = fault.location
    expires_at = (cloud.now() + lasts).isoformat()
    return {**_item(recording), "url": url, "expiresAt": expires_at}


def _item(recording: Recording) -> dict[str, Any]:
    return {
        "recordingId": recording.recording_id,
        "fileName": recording.file_name,
        "contentType": MEDIA_TYPES[recording.container],
    }
