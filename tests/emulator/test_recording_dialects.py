from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from cloud9_archive.emulator.calls import Kind
from cloud9_archive.emulator.server import EmulatorServer
from cloud9_archive.emulator.truth import CallTruth, RecordingTruth, Truth

DAY = timedelta(days=1)
RECORDINGS = "/v1/calls/recordings"
DELIVERIES = ["bytes", "zip", "zip_extra", "base64", "url"]
PENDING = [
    ("not_found", 404),
    ("no_content", 204),
    ("empty_body", 200),
    ("empty_zip", 200),
    ("zip_without_entry", 200),
    ("json_status", 200),
    ("json_without_entry", 200),
]


@pytest.fixture
def truth(server: EmulatorServer, friday: datetime) -> Truth:
    return server.admin.truth("emea", begin=friday, end=friday + DAY)


@pytest.fixture
def two(truth: Truth) -> CallTruth:
    return next(call for call in truth.calls if call.kind is Kind.TWO_RECORDINGS)


def a_recording(truth: Truth) -> RecordingTruth:
    return next(one for one in truth.recordings.values() if one.availability == "available" and one.size > 20_000)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def members(answer: Any) -> dict[str, bytes]:
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def follow(caller: Any, url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """The link as a stranger follows it: without anything of ours."""
    assert url.startswith(f"{caller.server.base_url}/media/")
    connection = caller.connection()
    connection.request("GET", url.removeprefix(caller.server.base_url), headers=headers)
    answer = connection.getresponse()
    told = {name.lower(): value for name, value in answer.getheaders()}
    result = (answer.status, told, answer.read())
    connection.close()
    return result


def delivered(caller: Any, answer: Any, delivery: str, file_name: str) -> bytes:
    assert answer.status == 200, answer.body
    if delivery == "bytes":
        return answer.body
    if delivery.startswith("zip"):
        return members(answer)[file_name]
    (item,) = [item for item in answer.json.get("items", [answer.json]) if item["fileName"] == file_name]
    if delivery == "base64":
        return base64.b64decode(item["content"], validate=True)
    status, _, body = follow(caller, item["url"])
    assert status == 200
    return body


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("asked_by", ["recording_id", "file_name"])
@pytest.mark.parametrize("delivery", DELIVERIES)
def test_a_recording_is_the_same_however_asked_for_and_delivered(
    server: EmulatorServer, emea: Any, truth: Truth, delivery: str, asked_by: str, method: str
) -> None:
    server.admin.set_dialect(delivery=delivery, asked_by=asked_by, recording_method=method)
    for known in list(truth.recordings.values())[:12]:
        if known.availability != "available":
            continue
        asked = {"recordingId": known.recording_id} if asked_by == "recording_id" else {"fileName": known.file_name}
        answer = emea.get(RECORDINGS, asked) if method == "GET" else emea.send("POST", RECORDINGS, asked)
        assert sha256(delivered(emea, answer, delivery, known.file_name)) == known.sha256


@pytest.mark.parametrize("delivery", DELIVERIES[1:])
def test_a_call_gives_all_its_recordings(
    server: EmulatorServer, emea: Any, truth: Truth, two: CallTruth, delivery: str
) -> None:
    server.admin.set_dialect(delivery=delivery, asked_by="call_id")
    answer = emea.send("POST", RECORDINGS, {"callId": two.call_id})
    known = [truth.recordings[link.recording_id] for link in two.links]
    assert len(known) == 2
    assert [sha256(delivered(emea, answer, delivery, one.file_name)) for one in known] == [one.sha256 for one in known]
    if delivery == "zip":
        assert len(members(answer)) == 2


def test_extra_members_come_first_and_one_is_somebody_elses_audio(
    server: EmulatorServer, emea: Any, truth: Truth
) -> None:
    server.admin.set_dialect(delivery="zip_extra")
    known = a_recording(truth)
    names = list(members(emea.recording(known.recording_id)))
    assert (names[0], names[-1], names[-2]) == ("README.txt", known.file_name, f"{known.file_name}.json")
    others = {one.file_name for one in truth.recordings.values()} - {known.file_name}
    assert len([name for name in names if name in others]) == 1


@pytest.mark.parametrize(("pending", "status"), PENDING)
@pytest.mark.parametrize("asked_by", ["recording_id", "call_id"])
def test_pending_looks_as_the_dialect_says_until_the_upload(
    server: EmulatorServer, emea: Any, truth: Truth, two: CallTruth, pending: str, status: int, asked_by: str
) -> None:
    server.admin.set_dialect(delivery="zip", pending=pending, asked_by=asked_by)
    first, second = (truth.recordings[link.recording_id] for link in two.links)
    server.admin.upload_never(first.recording_id)
    if asked_by == "call_id":
        partial = emea.send("POST", RECORDINGS, {"callId": two.call_id})
        assert list(members(partial)) == [second.file_name]
        server.admin.upload_never(second.recording_id)
    asked = {"callId": two.call_id} if asked_by == "call_id" else {"recordingId": first.recording_id}
    answer = emea.send("POST", RECORDINGS, asked)
    assert answer.status == status
    looks: dict[str, Callable[[], bool]] = {
        "not_found": lambda: answer.json["error"] == "RECORDING_NOT_AVAILABLE",
        "no_content": lambda: answer.body == b"",
        "empty_body": lambda: answer.body == b"",
        "empty_zip": lambda: members(answer) == {},
        "zip_without_entry": lambda: list(members(answer)) == ["README.txt"],
        "json_status": lambda: answer.json == {"status": "PENDING"},
        "json_without_entry": lambda: answer.json == {"items": []},
    }
    assert looks[pending]()
    server.admin.upload_now(first.recording_id)
    assert first.file_name in members(emea.send("POST", RECORDINGS, asked))


@pytest.mark.parametrize(
    ("asked_by", "delivery", "field", "known"),
    [
        ("recording_id", "bytes", "recordingId", "UNKNOWN_RECORDING"),
        ("file_name", "bytes", "fileName", "UNKNOWN_RECORDING"),
        ("call_id", "zip", "callId", "UNKNOWN_CALL"),
    ],
)
def test_what_is_unknown_or_anothers_is_404_and_what_is_not_asked_rightly_400(
    server: EmulatorServer,
    call_as: Callable[..., Any],
    truth: Truth,
    asked_by: str,
    delivery: str,
    field: str,
    known: str,
) -> None:
    server.admin.set_dialect(asked_by=asked_by, delivery=delivery)
    call = truth.calls[0]
    names = {
        "recordingId": call.links[0].recording_id,
        "fileName": truth.recordings[call.links[0].recording_id].file_name,
        "callId": call.call_id,
    }
    emea, americas = call_as(), call_as(desk="americas")
    for caller, asked in ((emea, "nothing_20261399T"), (emea, "EC20261399-0"), (americas, names[field])):
        answer = caller.send("POST", RECORDINGS, {field: asked})
        assert (answer.status, answer.json["error"]) == (404, known)
    for wrong in ({}, {field: ""}, {field: 7}, {field: "x", "more": "y"}, {"id": "x"}, []):
        answer = emea.send("POST", RECORDINGS, wrong)
        assert (answer.status, answer.json["error"]) == (400, "BAD_REQUEST")
    assert emea.send("POST", RECORDINGS, {field: names[field]}).status == 200


def link_of(emea: Any, truth: Truth) -> str:
    answer = emea.recording(a_recording(truth).recording_id)
    return str(answer.json["url"])


def error_of(found: tuple[int, dict[str, str], bytes]) -> tuple[int, str]:
    status, _, body = found
    return status, body.decode().split('"error": "')[1].split('"')[0]


def test_a_link_expires_by_the_worlds_clock(server: EmulatorServer, emea: Any, truth: Truth) -> None:
    server.admin.set_dialect(delivery="url", url_seconds=60)
    url = link_of(emea, truth)
    now = server.cloud.now()
    server.admin.set_clock(fixed=now + timedelta(seconds=59))
    assert follow(emea, url)[0] == 200
    server.admin.set_clock(fixed=now + timedelta(seconds=60))
    assert error_of(follow(emea, url)) == (403, "LINK_EXPIRED")


def test_a_link_is_good_as_often_as_it_says(server: EmulatorServer, emea: Any, truth: Truth) -> None:
    server.admin.set_dialect(delivery="url", url_uses=1)
    url = link_of(emea, truth)
    assert error_of(follow(emea, url.replace("sig=", "sig=0"))) == (403, "BAD_LINK_SIGNATURE")
    assert error_of(follow(emea, url.replace("/media/", "/media/0"))) == (404, "UNKNOWN_LINK")
    assert follow(emea, url)[0] == 200
    assert error_of(follow(emea, url)) == (403, "LINK_USED")


def test_whoever_shows_the_key_to_a_link_is_refused_and_remembered(
    server: EmulatorServer, emea: Any, truth: Truth
) -> None:
    server.admin.set_dialect(delivery="url")
    url, key = link_of(emea, truth), server.keys["emea"]
    before = len(server.admin.requests().violations)
    shown = [
        (url, {"Authorization": "Bearer x"}),
        (url, {"X-Api-Key": key.api_key}),
        (url, {"Cookie": f"session={key.api_secret}"}),
        (f"{url}&key={key.api_key}", {}),
    ]
    for target, headers in shown:
        assert error_of(follow(emea, target, **headers)) == (400, "CREDENTIALS_SHOWN")
    violations = server.admin.requests().violations[before:]
    assert [(one.path, "followed link" in one.why) for one in violations] == [("/media/{token}", True)] * 4
    assert follow(emea, url)[0] == 200
    assert len(server.admin.requests().violations) == before + 4


def test_downloads_are_counted_where_the_bytes_are(server: EmulatorServer, emea: Any, truth: Truth) -> None:
    server.admin.set_dialect(delivery="url")
    wanted = a_recording(truth).recording_id
    before = server.admin.counters().downloads.get(wanted, 0)
    url = link_of(emea, truth)
    assert server.admin.counters().downloads.get(wanted, 0) == before
    follow(emea, url)
    assert server.admin.counters().downloads[wanted] == before + 1
    last = server.admin.requests().requests[-1]
    assert (last.path, last.subject, last.desk, last.status) == ("/media/{token}", wanted, "emea", 200)


def test_a_key_without_the_scope_of_recordings_may_list_and_no_more(
    server: EmulatorServer, emea: Any, truth: Truth, friday: datetime
) -> None:
    server.admin.set_scopes("emea", "metadata")
    assert emea.page(friday, friday + DAY).status == 200
    answer = emea.recording(a_recording(truth).recording_id)
    assert (answer.status, answer.json["error"]) == (403, "SCOPE_MISSING")
    server.admin.set_scopes("emea", "recordings")
    assert emea.page(friday, friday + DAY).json["error"] == "SCOPE_MISSING"
    assert emea.recording(a_recording(truth).recording_id).status == 200
