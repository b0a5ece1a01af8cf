"""The client against a peer that answers whatever the test wants, well-formed or not."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from cloud9_archive.api.client import Cloud9Client, FetchedRecording, PendingRecording
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.wire import read_wire_format
from cloud9_archive.domain.run import WantedRecording
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import (
    ConnectionFieldError,
    CredentialsError,
    RecordError,
    TlsError,
    UnreachableError,
    WireFormatError,
)

LISTING, RECORDING = "/v1.1/calls/metadata", "/v1/calls/recordings"
START = datetime(2026, 11, 22, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(hours=1))
R1 = WantedRecording("r-1", filename="r-1.ogg", call_ids=("c-1",))
Settings = Callable[..., SourceSettings]


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def client(source: SourceSettings, waits: list[float]) -> Iterator[Cloud9Client]:
    with Cloud9Client(source, sleep=waits.append) as client:
        yield client


def asked(peer: HTTPServer) -> list[dict[str, str]]:
    return [json.loads(request.data) for request, _ in peer.log]


def serve_pages(peer: HTTPServer, *pages: tuple[list[dict[str, Any]], str | None]) -> None:
    for rows, token in pages:
        headers = {"Next-Page-Token": token} if token is not None else {}
        peer.expect_ordered_request(LISTING, method="POST").respond_with_json({"calls": rows}, headers=headers)


def test_pages_follow_their_tokens_and_rows_are_passed_on(
    peer: HTTPServer, client: Cloud9Client, row: dict[str, Any]
) -> None:
    serve_pages(peer, ([row, row], "t2"), ([row, row], "t3"), ([], ""))
    pages = list(client.list_calls(WINDOW))
    assert [page.number for page in pages] == [1, 2, 3]
    assert [len(page.calls) for page in pages] == [2, 2, 0]
    assert [body["nextPageToken"] for body in asked(peer)] == ["", "t2", "t3"]
    assert json.loads(pages[1].body) == {"calls": [row, row]}


def test_a_long_window_is_cut_and_fractions_widen_it(peer: HTTPServer, client: Cloud9Client) -> None:
    peer.expect_request(LISTING).respond_with_json({"calls": []})
    half = timedelta(microseconds=500_000)
    pages = list(client.list_calls(Window(START + half, START + timedelta(days=1) + half)))
    assert [(body["beginDate"], body["endDate"]) for body in asked(peer)] == [
        ("2026-11-22 00:00:00", "2026-11-23 00:00:00"),
        ("2026-11-23 00:00:00", "2026-11-23 00:00:01"),
    ]
    assert pages[0].window == Window(START, START + timedelta(days=1))


def test_a_token_that_repeats_stops_the_listing(peer: HTTPServer, client: Cloud9Client, row: dict[str, Any]) -> None:
    serve_pages(peer, ([row], "t2"), ([{**row, "callId": "c-2"}], "t3"), ([{**row, "callId": "c-3"}], "t2"))
    with pytest.raises(WireFormatError, match="Next-Page-Token repeats"):
        list(client.list_calls(WINDOW))


@pytest.mark.parametrize("empty", [True, False])
def test_paging_that_does_not_get_on_stops(
    peer: HTTPServer, client: Cloud9Client, row: dict[str, Any], *, empty: bool
) -> None:
    tokens = iter(range(10_000))

    def answer(_: Request) -> Response:
        body = json.dumps({"calls": [] if empty else [row]})
        return Response(body, headers={"Next-Page-Token": f"t{next(tokens)}"})

    peer.expect_request(LISTING).respond_with_handler(answer)
    with pytest.raises(WireFormatError, match=r"were empty|again and again"):
        list(client.list_calls(WINDOW))
    assert len(peer.log) < 150


def test_a_region_is_sent_when_the_connection_has_one(peer: HTTPServer, source_to: Settings) -> None:
    serve_pages(peer, ([], None))
    with Cloud9Client(source_to(peer.port, region="SG")) as client:
        list(client.list_calls(WINDOW))
    assert asked(peer)[0]["region"] == "SG"


@pytest.mark.parametrize(
    "answer",
    [
        Response("<html>please sign in</html>", content_type="text/html"),
        Response("", content_type="application/json"),
        Response('{"callRecords":[]}', content_type="application/json"),
        Response(status=204),
        Response(status=404),
    ],
    ids=["html", "empty", "renamed", "204", "404"],
)
def test_an_unknown_answer_is_never_no_calls(peer: HTTPServer, client: Cloud9Client, answer: Response) -> None:
    peer.expect_request(LISTING).respond_with_response(answer)
    with pytest.raises(WireFormatError):
        list(client.list_calls(WINDOW))


def test_retries_are_signed_anew_and_wait_as_asked(
    peer: HTTPServer, client: Cloud9Client, waits: list[float], row: dict[str, Any]
) -> None:
    peer.expect_ordered_request(LISTING).respond_with_data(status=500)
    peer.expect_ordered_request(LISTING).respond_with_data(status=429, headers={"Retry-After": "9"})
    serve_pages(peer, ([row], None))
    (page,) = client.list_calls(WINDOW)
    assert len(page.calls) == 1
    assert 8 < waits[2] <= 9, "what is left of the pause, after the jitter of two attempts"
    signed = [request.headers["Authorization"] for request, _ in peer.log]
    assert len({one.split(":")[1] for one in signed}) == 3


def test_a_401_is_not_tried_again_and_blames_the_clock(peer: HTTPServer, source: SourceSettings) -> None:
    peer.expect_request(LISTING).respond_with_data(status=401)
    late = datetime.now(UTC) - timedelta(hours=2)
    with Cloud9Client(source, clock=lambda: late) as client, pytest.raises(CredentialsError) as caught:
        list(client.list_calls(WINDOW))
    assert "clock is 7" in str(caught.value)
    assert "behind the server's" in str(caught.value)
    assert "test-api-secret" not in str(caught.value)
    assert len(peer.log) == 1


def test_a_recording_arrives_whole_with_its_digest(peer: HTTPServer, client: Cloud9Client, tmp_path: Path) -> None:
    audio = bytes(range(256)) * 5000
    peer.expect_request(RECORDING, json={"recordingId": "r-1"}).respond_with_data(audio, content_type="audio/ogg")
    into = tmp_path / "r-1.bin"
    fetched = client.fetch_recording(R1, into)
    assert fetched == FetchedRecording("r-1", into, len(audio), hashlib.sha256(audio).hexdigest(), "audio/ogg")
    assert into.read_bytes() == audio
    assert list(tmp_path.iterdir()) == [into]


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (404, '{"error":"RECORDING_NOT_AVAILABLE"}', "404 RECORDING_NOT_AVAILABLE"),
        (404, "<html>", "404"),
        (204, "", "204"),
    ],
)
def test_not_there_yet_is_pending(
    peer: HTTPServer, client: Cloud9Client, tmp_path: Path, status: int, body: str, reason: str
) -> None:
    peer.expect_request(RECORDING).respond_with_data(body, status=status)
    assert client.fetch_recording(R1, tmp_path / "r") == PendingRecording("r-1", reason)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_recording_is_fetched_unless_the_format_says_pending(
    peer: HTTPServer, source: SourceSettings, client: Cloud9Client, tmp_path: Path
) -> None:
    peer.expect_request(RECORDING).respond_with_data(b"", content_type="audio/ogg")
    fetched = client.fetch_recording(R1, tmp_path / "r")
    assert isinstance(fetched, FetchedRecording)
    assert fetched.size == 0
    own = tmp_path / "own.yaml"
    own.write_text(client.wire.origin.read_text().replace("empty_body: false", "empty_body: true"))
    with Cloud9Client(source, wire=read_wire_format(own)) as other:
        assert other.fetch_recording(R1, tmp_path / "s") == PendingRecording("r-1", "empty body")
    assert not (tmp_path / "s").exists()


def test_json_instead_of_a_recording_is_a_wire_format_fault(
    peer: HTTPServer, client: Cloud9Client, tmp_path: Path
) -> None:
    peer.expect_request(RECORDING).respond_with_json({"url": "https://elsewhere.example"})
    with pytest.raises(WireFormatError, match="should be audio"):
        client.fetch_recording(R1, tmp_path / "r")


def test_an_encoded_recording_is_refused(peer: HTTPServer, client: Cloud9Client, tmp_path: Path) -> None:
    peer.expect_request(RECORDING).respond_with_data(b"x", headers={"Content-Encoding": "gzip"})
    with pytest.raises(WireFormatError, match="Content-Encoding 'gzip'"):
        client.fetch_recording(R1, tmp_path / "r")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: audio/ogg\r\nContent-Length: 12\r\n\r\n123456789012",
        b"HTTP/1.1 200 OK\r\nContent-Type: audio/ogg\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n123456789012\r\n0\r\n\r\n",
    ],
    ids=["announced", "chunked"],
)
def test_a_recording_that_is_too_large_is_one_bad_record(
    raw_peer: Callable[[bytes], int], source_to: Settings, tmp_path: Path, answer: bytes
) -> None:
    source = source_to(raw_peer(answer), max_recording_bytes=10)
    with Cloud9Client(source) as client, pytest.raises(RecordError, match="10 are allowed") as caught:
        client.fetch_recording(R1, tmp_path / "r")
    assert caught.value.subject == "r-1"
    assert list(tmp_path.iterdir()) == []


def test_an_answer_must_be_complete_within_the_total_time(
    peer: HTTPServer, source_to: Settings, tmp_path: Path, waits: list[float]
) -> None:
    peer.expect_request(RECORDING).respond_with_data(b"x" * 10, content_type="audio/ogg")
    readings = iter(range(0, 10_000_000, 1000))
    source = source_to(peer.port, total_timeout=900.0)
    with (
        Cloud9Client(source, monotonic=lambda: float(next(readings)), sleep=waits.append) as client,
        pytest.raises(UnreachableError, match="not complete after 900 s"),
    ):
        client.fetch_recording(R1, tmp_path / "r")
    assert list(tmp_path.iterdir()) == []


def test_a_redirects_body_is_not_read_and_its_address_not_parsed(
    raw_peer: Callable[[bytes], int], source_to: Settings, tmp_path: Path
) -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: //[bad\r\nContent-Length: 9999999\r\n\r\n"
    with Cloud9Client(source_to(raw_peer(answer))) as client, pytest.raises(ConnectionFieldError, match="redirect"):
        client.fetch_recording(WantedRecording("r-1"), tmp_path / "r")


def test_nobody_listening_is_unreachable(source_to: Settings, waits: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with (
        Cloud9Client(source_to(port), sleep=waits.append) as client,
        pytest.raises(UnreachableError, match="check host and port"),
    ):
        list(client.list_calls(WINDOW))
    assert len(waits) == 4


def test_an_untrusted_certificate_is_not_tried_again(
    peer: HTTPServer, source_to: Settings, other_authority: Any, waits: list[float]
) -> None:
    source = source_to(peer.port, tls_trust=str(other_authority.ca_file))
    with Cloud9Client(source, sleep=waits.append) as client, pytest.raises(TlsError, match="TLS trust list"):
        list(client.list_calls(WINDOW))
    assert waits == []


def test_an_unknown_word_is_logged_once(
    peer: HTTPServer, client: Cloud9Client, row: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    odd = {**row, "callType": "Barge"}
    serve_pages(peer, ([odd], "t2"), ([odd], None))
    pages = list(client.list_calls(WINDOW))
    assert [page.unknown_words[0].calls for page in pages] == [1, 1]
    assert sum("Barge" in record.getMessage() for record in caplog.records) == 1


def test_nobody_is_named_in_the_logs(
    peer: HTTPServer, client: Cloud9Client, row: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    peer.expect_ordered_request(LISTING).respond_with_data(status=500)
    serve_pages(peer, ([row], None))
    list(client.list_calls(WINDOW))
    assert not any(word in caplog.text for word in ("jsmith", "Jane", "test-api-secret", "test-api-key"))
