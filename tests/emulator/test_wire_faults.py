from __future__ import annotations

import base64
import gzip
import hashlib
import io
import time
import zipfile
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from cloud9_archive.emulator.server import EmulatorServer
from cloud9_archive.emulator.truth import RecordingTruth

DAY = timedelta(days=1)
RECORDINGS = "/v1/calls/recordings"


@pytest.fixture
def recording(server: EmulatorServer, friday: datetime) -> RecordingTruth:
    truth = server.admin.truth("emea", begin=friday, end=friday + DAY)
    return next(r for r in truth.recordings.values() if r.availability == "available" and 20_000 < r.size < 200_000)


@pytest.fixture
def content(server: EmulatorServer, emea: Any, recording: RecordingTruth) -> bytes:
    body: bytes = emea.recording(recording.recording_id).body
    assert hashlib.sha256(body).hexdigest() == recording.sha256
    return body


def ask_raw(emea: Any, recording: RecordingTruth) -> tuple[dict[str, str], bytes, Exception | None]:
    """Status line and headers, body, and how it ended."""
    head, body, error = emea.raw("POST", RECORDINGS, {"recordingId": recording.recording_id})
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return {"": first, **headers}, body, error


def test_a_reset_before_the_headers_leaves_nothing(
    server: EmulatorServer, emea: Any, recording: RecordingTruth
) -> None:
    server.admin.fault("reset_early", "recordings")
    head, body, error = ask_raw(emea, recording)
    assert (head[""], body) == ("", b"")
    assert isinstance(error, OSError)
    seen = server.admin.requests().requests[-1]
    assert (seen.status, seen.fault) == (0, "reset_early")
    assert emea.recording(recording.recording_id).status == 200


def test_more_is_announced_than_comes(
    server: EmulatorServer, emea: Any, recording: RecordingTruth, content: bytes
) -> None:
    server.admin.fault("length_too_large", "recordings")
    head, body, error = ask_raw(emea, recording)
    assert (int(head["content-length"]), body, error) == (len(content) + 100, content, None)


def test_more_comes_than_is_announced(
    server: EmulatorServer, emea: Any, recording: RecordingTruth, content: bytes
) -> None:
    server.admin.fault("length_too_small", "recordings", after_bytes=1_000)
    head, body, error = ask_raw(emea, recording)
    assert (int(head["content-length"]), body, error) == (1_000, content, None)


def test_a_chunked_body_ends_without_its_last_chunk(
    server: EmulatorServer, emea: Any, recording: RecordingTruth, content: bytes
) -> None:
    server.admin.fault("chunked_cut", "recordings", after_bytes=5_000)
    head, body, error = ask_raw(emea, recording)
    assert (head["transfer-encoding"].lower(), error) == ("chunked", None)
    size, _, rest = body.partition(b"\r\n")
    assert int(size, 16) == 5_000
    assert rest == content[:5_000] + b"\r\n"


def test_a_slow_drip_comes_whole_and_in_pieces(
    server: EmulatorServer, emea: Any, recording: RecordingTruth, content: bytes
) -> None:
    server.admin.fault("slow_drip", "recordings", seconds=0.6)
    begun = time.monotonic()
    assert emea.recording(recording.recording_id).body == content
    assert time.monotonic() - begun >= 0.5


def test_an_unwanted_compression_is_a_real_one(
    server: EmulatorServer, emea: Any, recording: RecordingTruth, content: bytes
) -> None:
    server.admin.fault("gzip", "recordings")
    head, body, _ = ask_raw(emea, recording)
    assert head["content-encoding"] == "gzip"
    assert int(head["content-length"]) == len(body)
    assert gzip.decompress(body) == content


def test_early_hints_come_before_the_answer(
    server: EmulatorServer, emea: Any, recording: RecordingTruth, content: bytes
) -> None:
    server.admin.fault("early_hints", "recordings")
    head, rest, error = ask_raw(emea, recording)
    assert (head[""].split()[1], error) == ("103", None)
    real, _, body = rest.partition(b"\r\n\r\n")
    assert (real.split()[1], body) == (b"200", content)


def test_dates_that_are_off_or_missing(server: EmulatorServer, emea: Any, recording: RecordingTruth) -> None:
    server.admin.fault("date_off", "recordings")
    server.admin.fault("date_off", "recordings", seconds=-7_200)
    server.admin.fault("no_date", "recordings")
    answers = [emea.recording(recording.recording_id) for _ in range(4)]
    assert [answer.status for answer in answers] == [200] * 4
    off = [parsedate_to_datetime(answer.headers["date"]) - datetime.now(UTC) for answer in answers[:2]]
    assert [round(each / timedelta(hours=1)) for each in off] == [24, -2]
    assert ["date" in answer.headers for answer in answers[2:]] == [False, True]


@pytest.mark.parametrize(
    ("details", "told"),
    [
        ({"retry_after": 7}, "7"),
        ({"retry_after": -5}, "-5"),
        ({"retry_after": "99999999999999999999"}, "99999999999999999999"),
        ({"retry_after": "soon"}, "soon"),
        ({}, None),
    ],
)
def test_retry_after_is_told_as_ordered(
    server: EmulatorServer, emea: Any, friday: datetime, details: dict[str, Any], told: str | None
) -> None:
    server.admin.fault("status", "metadata", status=429, **details)
    answer = emea.page(friday, friday + DAY)
    assert (answer.status, answer.headers.get("retry-after")) == (429, told)


def test_retry_after_may_be_a_date_by_the_servers_clock(server: EmulatorServer, emea: Any, friday: datetime) -> None:
    server.admin.fault("status", "metadata", status=503, retry_after=90, retry_after_date=True)
    answer = emea.page(friday, friday + DAY)
    wait = parsedate_to_datetime(answer.headers["retry-after"]) - parsedate_to_datetime(answer.headers["date"])
    assert wait == timedelta(seconds=90)


def test_a_redirect_leads_elsewhere(server: EmulatorServer, emea: Any, recording: RecordingTruth) -> None:
    server.admin.fault("redirect", "recordings")
    server.admin.fault("redirect", "recordings", status=307, location="http://169.254.169.254/")
    answers = [emea.recording(recording.recording_id) for _ in range(2)]
    assert [answer.status for answer in answers] == [302, 307]
    assert answers[0].headers["location"].startswith("https://calldataapi.elsewhere.example/")
    assert answers[1].headers["location"] == "http://169.254.169.254/"


def test_answers_of_another_kind(server: EmulatorServer, emea: Any, recording: RecordingTruth, content: bytes) -> None:
    for kind in ("not_json", "json_error", "wrong_content_type", "deep_json"):
        server.admin.fault(kind, "recordings")
    sign_in, error, mislabelled, deep = (emea.recording(recording.recording_id) for _ in range(4))
    assert {answer.status for answer in (sign_in, error, mislabelled, deep)} == {200}
    assert sign_in.body.startswith(b"<html>")
    assert error.json == {"error": "ORDERED_FAULT", "message": "This error was ordered."}
    assert (mislabelled.headers["content-type"].split(";")[0], mislabelled.body) == ("text/plain", content)
    assert deep.body == b"[" * 100_000 + b"]" * 100_000


def test_an_oversized_recording_is_padded_with_zeros(
    server: EmulatorServer, emea: Any, recording: RecordingTruth, content: bytes
) -> None:
    server.admin.fault("oversized", "recordings", size=1_000_000)
    assert emea.recording(recording.recording_id).body == content + bytes(1_000_000)


@pytest.mark.parametrize("delivery", ["bytes", "zip", "base64", "url"])
def test_altered_audio_differs_in_its_bytes_alone(
    server: EmulatorServer, emea: Any, recording: RecordingTruth, content: bytes, delivery: str
) -> None:
    server.admin.set_dialect(delivery=delivery)
    server.admin.fault("altered", "recordings")
    answer = emea.recording(recording.recording_id)
    if delivery == "zip":
        with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
            body = archive.read(recording.file_name)
    elif delivery == "base64":
        body = base64.b64decode(answer.json["content"], validate=True)
    elif delivery == "url":
        body = media(emea, answer.json["url"])[1]
    else:
        body = answer.body
    assert len(body) == len(content)
    assert sum(one != other for one, other in zip(body, content, strict=True)) == 16
    assert (
        server.admin.truth("emea", begin=recording.available_at - DAY, end=recording.available_at)
        .recordings[recording.recording_id]
        .sha256
        == hashlib.sha256(content).hexdigest()
    )


def media(emea: Any, url: str) -> tuple[int, bytes]:
    connection = emea.connection()
    connection.request("GET", "/media/" + url.partition("/media/")[2])
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def test_zips_that_are_damaged_or_hostile(
    server: EmulatorServer, emea: Any, recording: RecordingTruth, content: bytes
) -> None:
    for kind in ("zip_wrong_crc", "zip_truncated", "zip_escape"):
        server.admin.fault(kind, "recordings")
    server.admin.fault("zip_bomb", "recordings", size=5_000_000)
    wrong, cut, escape, bomb = (io.BytesIO(emea.recording(recording.recording_id).body) for _ in range(4))
    with zipfile.ZipFile(wrong) as archive:
        assert archive.testzip() == recording.file_name
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(cut)
    with zipfile.ZipFile(escape) as archive:
        assert archive.namelist() == ["../../escaped.ogg"]
    with zipfile.ZipFile(bomb) as archive:
        (member,) = archive.infolist()
        assert (member.file_size, member.compress_size < 10_000) == (5_000_000, True)


def test_base64_that_is_none(server: EmulatorServer, emea: Any, recording: RecordingTruth) -> None:
    server.admin.fault("base64_damaged", "recordings")
    with pytest.raises(ValueError, match="base64"):
        base64.b64decode(emea.recording(recording.recording_id).json["content"], validate=True)


def test_links_that_lead_where_nobody_should_go(server: EmulatorServer, emea: Any, recording: RecordingTruth) -> None:
    for kind in ("url_other_host", "url_loopback", "url_plain_http", "url_expired", "url_unknown"):
        server.admin.fault(kind, "recordings")
    server.admin.fault("url_other_host", "recordings", location="https://[::1]/x")
    other, loopback, plain, expired, unknown, chosen = (
        emea.recording(recording.recording_id).json["url"] for _ in range(6)
    )
    assert other.startswith("https://media.elsewhere.example/")
    assert loopback.startswith(f"https://2130706433:{server.port}/media/")
    assert plain.startswith(f"http://{server.host}:{server.port}/media/")
    assert media(emea, expired)[0] == 403
    assert media(emea, unknown)[0] == 404
    assert chosen == "https://[::1]/x"
    assert media(emea, loopback)[0] == 200, "the link itself is good: a client that follows it gets audio"


@pytest.mark.parametrize(
    ("kind", "details", "status"),
    [("status", {"status": 403}, 403), ("status", {"status": 404}, 404), ("redirect", {}, 302), ("altered", {}, 200)],
)
def test_links_have_faults_too(
    server: EmulatorServer, emea: Any, recording: RecordingTruth, kind: str, details: dict[str, int], status: int
) -> None:
    server.admin.set_dialect(delivery="url")
    server.admin.fault(kind, "media", match=recording.recording_id, **details)
    url = emea.recording(recording.recording_id).json["url"]
    told, body = media(emea, url)
    assert told == status
    assert hashlib.sha256(body).hexdigest() != recording.sha256
    told, body = media(emea, url)
    assert (told, hashlib.sha256(body).hexdigest()) == (200, recording.sha256)


@pytest.mark.parametrize("kind", ["reset_early", "reset", "short_body", "length_too_large", "chunked_cut", "gzip"])
def test_faults_of_the_wire_strike_listings(server: EmulatorServer, emea: Any, friday: datetime, kind: str) -> None:
    right = emea.page(friday, friday + DAY).body
    server.admin.fault(kind, "metadata")
    window = {"beginDate": f"{friday:%Y-%m-%d %H:%M:%S}", "endDate": f"{friday + DAY:%Y-%m-%d %H:%M:%S}"}
    head, body, error = emea.raw("POST", "/v1.1/calls/metadata", window)
    assert server.admin.requests().requests[-1].fault == kind
    assert error is not None or body != right or f"content-length: {len(right) + 100}".encode() in head
    assert emea.page(friday, friday + DAY).body == right


def test_a_fault_strikes_what_is_pending_or_unknown_as_well(
    server: EmulatorServer, emea: Any, recording: RecordingTruth
) -> None:
    server.admin.upload_never(recording.recording_id)
    server.admin.fault("status", "recordings", status=503, count=2)
    assert [emea.recording(one).status for one in (recording.recording_id, "x")] == [503, 503]
    server.admin.fault("stall", "recordings", seconds=0.0)
    assert emea.recording(recording.recording_id).json["error"] == "RECORDING_NOT_AVAILABLE"
