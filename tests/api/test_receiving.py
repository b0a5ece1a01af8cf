"""A recording arrives however it is wrapped; what cannot be taken out whole leaves nothing behind."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from cloud9_archive.api.client import Cloud9Client, FetchedRecording, PendingRecording
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.wire_model import AnswerRules, WireFormat
from cloud9_archive.domain.run import WantedRecording
from cloud9_archive.errors import (
    Cloud9ArchiveError,
    DamagedMediaError,
    IncompleteBodyError,
    MediaHostError,
    MediaHostFaultError,
    RecordError,
    UnsupportedMediaError,
    WireFormatError,
)

RECORDING = "/v1/calls/recordings"
AUDIO = b"OggS" + bytes(range(256)) * 40
DIGEST = hashlib.sha256(AUDIO).hexdigest()
MEGABYTE = 1024**2

Fetched = FetchedRecording | PendingRecording


def zipped(**members: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def in_base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def fetch(
    source_to: Callable[..., SourceSettings],
    peer: HTTPServer,
    media_host: HTTPServer,
    wire: WireFormat,
    tmp_path: Path,
    waits: list[float],
) -> Iterator[Callable[..., Fetched]]:
    folder = tmp_path / "scratch"
    folder.mkdir()

    def fetch(body: bytes | str | Callable[[Request], Response], *, empty_body: bool = False, **rules: Any) -> Fetched:
        answer = body if callable(body) else lambda _: Response(body, content_type="text/html")
        peer.clear()
        peer.expect_request(RECORDING).respond_with_handler(answer)
        endpoint = wire.recording.model_copy(
            update={
                "answer": AnswerRules.model_validate(rules),
                "pending": wire.recording.pending.model_copy(update={"empty_body": empty_body}),
            }
        )
        source = source_to(peer.port, media_hosts=(f"127.0.0.1:{media_host.port}",), max_recording_bytes=100 * MEGABYTE)
        changed = wire.model_copy(update={"recording": endpoint})
        with Cloud9Client(source, wire=changed, sleep=waits.append) as client:
            return client.fetch_recording(WantedRecording("r-1"), folder / "original")

    yield fetch
    # Whatever happened: no scratch file is left, and nothing bears the final name that was not fetched whole.
    assert {path.name for path in folder.iterdir()} <= {"original"}


def taken(fetched: Fetched, content: bytes = AUDIO, *, out_of: bytes | None = None) -> None:
    assert isinstance(fetched, FetchedRecording)
    assert fetched.path.read_bytes() == content
    assert (fetched.size, fetched.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert fetched.received_sha256 == (hashlib.sha256(out_of).hexdigest() if out_of is not None else None)


@pytest.mark.parametrize("content", [AUDIO, b"Service unavailable", bytes(600), b"\x1f\x8b\x08"])
def test_what_is_neither_json_nor_zip_nor_a_page_is_kept_as_it_came(fetch: Any, content: bytes) -> None:
    taken(fetch(content), content)


def test_a_zip_is_unpacked_whatever_it_is_called(fetch: Any) -> None:
    archive = zipped(**{"audio.ogg": AUDIO, "meta.json": b"{}"})
    taken(fetch(archive), out_of=archive)


@pytest.mark.parametrize("members", [{}, {"readme.txt": b"later"}, {"a.ogg": AUDIO, "b.ogg": AUDIO}])
def test_a_zip_without_the_recording_is_awaited(fetch: Any, members: dict[str, bytes]) -> None:
    assert isinstance(fetch(zipped(**members)), PendingRecording)


def test_the_only_audio_of_a_zip_is_not_ours_when_others_may_come_and_the_log_says_what_came(
    fetch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    pending = fetch(zipped(**{"r-2.ogg": AUDIO}), only_named=True)
    assert pending == PendingRecording("r-1", "no member of its own among 1 in the ZIP: r-2.ogg")
    assert "answer without the recording recording=r-1" in caplog.text


def test_a_damaged_zip_is_one_bad_record(fetch: Any, waits: list[float]) -> None:
    with pytest.raises(DamagedMediaError, match="'r-1' came in a ZIP archive"):
        fetch(zipped(**{"r-1.ogg": AUDIO})[:-30])
    assert waits == []


@pytest.mark.parametrize("page", ["<!DOCTYPE html><title>Sign in</title>", "\n<html><body>blocked"])
def test_a_page_is_never_archived_as_a_recording(fetch: Any, page: str) -> None:
    with pytest.raises(WireFormatError, match="an HTML page instead of audio"):
        fetch(page)


@pytest.mark.parametrize(("empty_body", "kind"), [(False, FetchedRecording), (True, PendingRecording)])
def test_an_empty_body_is_what_the_format_says(fetch: Any, *, empty_body: bool, kind: type) -> None:
    assert isinstance(fetch(b"", empty_body=empty_body), kind)
    assert isinstance(fetch(json.dumps({"content": ""}), empty_body=empty_body, base64="content"), kind)


def test_json_without_a_place_for_audio_names_its_keys_and_the_file(fetch: Any, wire: WireFormat) -> None:
    with pytest.raises(WireFormatError) as caught:
        fetch('{"status": "ok", "link": "https://media.example/?s3cr3t"}')
    assert "'link', 'status'" in str(caught.value)
    assert str(wire.origin) in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    "write",
    [
        lambda text: text,
        lambda text: text.replace("+", "-").replace("/", "_"),
        lambda text: "\r\n".join(text[at : at + 76] for at in range(0, len(text), 76)),
    ],
    ids=["standard", "URL-safe", "lines"],
)
@pytest.mark.parametrize(
    "escape",
    [
        lambda body: body,
        lambda body: body.replace("/", "\\/"),
        lambda body: body.replace("+", "\\u002B").replace("=", "\\u003d"),
        lambda body: "\ufeff\n " + body,
    ],
    ids=["plain", "slashes", "unicode", "mark"],
)
@pytest.mark.parametrize("size", [10_000, 40_000, 700_001])
def test_base64_in_json_is_decoded_however_it_is_written(
    fetch: Any, write: Callable[[str], str], escape: Callable[[str], str], size: int
) -> None:
    audio = AUDIO[:4] + os.urandom(size)
    body = escape(json.dumps({"recording": {"content": write(in_base64(audio)), "id": "x"}})).encode()
    taken(fetch(body, base64="recording.content"), audio, out_of=body)


def test_a_zip_in_base64_is_unpacked(fetch: Any) -> None:
    body = json.dumps({"content": in_base64(zipped(**{"r-1.ogg": AUDIO}))}).encode()
    taken(fetch(body, base64="content"), out_of=body)


@pytest.mark.parametrize(
    ("content", "word"),
    [(b'{"content": ""}', "is JSON"), (b"<html>", "is an HTML page"), (zipped(a=b"PK\x03\x04"), "ZIP")],
)
def test_what_is_wrapped_twice_is_refused(fetch: Any, content: bytes, word: str) -> None:
    with pytest.raises(UnsupportedMediaError, match=word):
        fetch(json.dumps({"content": in_base64(content)}), base64="content")


@pytest.mark.parametrize(
    "spoil", [lambda text: text[:-1], lambda text: text[:-4] + "é" + text[-3:], lambda text: text + "="]
)
@pytest.mark.parametrize("size", [100, 50_000])
def test_base64_that_is_not_exactly_right_is_one_bad_record(fetch: Any, spoil: Callable[[str], str], size: int) -> None:
    text = spoil(in_base64(b"OggS" + os.urandom(size)))
    with pytest.raises(DamagedMediaError, match="'r-1' came as Base64, but"):
        fetch(json.dumps({"content": text}, ensure_ascii=False).encode(), base64="content")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b'{"content": 7}', "should be text, but is int 7"),
        (b'{"content": ["x"]}', "a list of 1"),
        (b'{"content": null, "status": "?"}', "'content', 'status'"),
        (b'{"content": "' + b"AAAA\n" * 20_000 + b'"}', "control characters"),
        (b"[" * 100_000, "something else"),
        (b"{" + b'"a": 1, ' * 3_000_000, "too much besides"),
        (b'["x"]', "a list of 1"),
    ],
    ids=range(7),
)
def test_json_of_another_shape_is_a_wire_format_fault(fetch: Any, body: bytes, word: str) -> None:
    with pytest.raises(WireFormatError, match=word):
        fetch(body, base64="content")


@pytest.mark.parametrize(
    "body",
    [
        b'{"content": "' + b"A" * 20_000,
        b'{"content": "' + b'\\"' * 20_000,
        b'{"content": "' + b"A" * 20_000 + b'"',
    ],
    ids=range(3),
)
def test_json_that_breaks_off_is_asked_for_again(fetch: Any, body: bytes) -> None:
    with pytest.raises(IncompleteBodyError, match="breaks off"):
        fetch(body, base64="content")


def test_a_larger_json_than_its_audio_explains_is_refused(fetch: Any) -> None:
    with pytest.raises(RecordError, match="allowed"):
        fetch(b'{"content": "' + b"A" * 170 * MEGABYTE + b'"}', base64="content")
    with pytest.raises(WireFormatError, match="without audio"):
        fetch(b'{"content": "' + b"A" * 17 * MEGABYTE + b'"}', url="content")


ITEMS: dict[str, Any] = {"items": "found", "item_id": "id", "item_name": "file", "base64": "content"}


def items(*made: dict[str, Any]) -> str:
    return json.dumps({"found": made})


def test_of_several_items_ours_is_taken_by_id_then_by_name(fetch: Any) -> None:
    ours, other = in_base64(AUDIO), in_base64(b"OggS, but not ours")
    for mine in ({"id": "r-1", "file": "x.ogg"}, {"id": 5, "file": "a/R-1.ogg"}):
        body = items({"id": "r-11", "content": other}, {**mine, "content": ours}, {"file": "y.ogg", "content": other})
        taken(fetch(body, **ITEMS), out_of=body.encode())


@pytest.mark.parametrize(
    "body",
    [
        items(),
        items({"id": "r-2", "content": in_base64(AUDIO)}),
        items({"id": "r-1", "state": "WAITING", "content": None}, {"id": "r-2", "state": "DONE"}),
        '{"state": true}',
    ],
    ids=["none", "others", "ours is waiting", "all are waiting"],
)
def test_an_absent_or_waiting_item_is_awaited(fetch: Any, body: str) -> None:
    assert isinstance(fetch(body, **ITEMS, pending="state", pending_words=["WAITING"]), PendingRecording)


@pytest.mark.parametrize(
    ("body", "kind", "word"),
    [
        (items({"id": "r-1"}, {"id": "r-1"}), RecordError, "2 items that could be it"),
        (items({"name": "r-1"}), WireFormatError, r"found\[0\] should say which recording"),
        (items({"id": "r-1", "state": "DONE"}), WireFormatError, r"found\[0\] should be audio"),
        ('{"results": []}', WireFormatError, "should be a list, but is absent"),
    ],
)
def test_items_of_another_shape_are_never_taken_for_absent(
    fetch: Any, body: str, kind: type[Cloud9ArchiveError], word: str
) -> None:
    with pytest.raises(kind, match=word):
        fetch(body, **ITEMS, pending="state", pending_words=["WAITING"])


@pytest.mark.parametrize(
    ("state", "pending"), [("WAITING", True), (True, True), (3, True), ("waiting", False), (False, False)]
)
def test_a_field_says_that_audio_is_not_uploaded(fetch: Any, state: Any, *, pending: bool) -> None:
    body = json.dumps({"state": state, "content": in_base64(AUDIO)})
    fetched = fetch(body, base64="content", pending="state", pending_words=["WAITING", "3"])
    assert isinstance(fetched, PendingRecording) == pending


@pytest.mark.parametrize(
    ("rules", "word"),
    [
        ({"item_id": "id"}, "need items"),
        ({"items": "found", "base64": "c"}, "needs item_id"),
        ({"items": "found", "item_id": "id"}, "needs base64 or url"),
        ({"pending_words": ["X"]}, "needs pending"),
        ({"audio": "c"}, "audio"),
        ({"base64": "]["}, "JMESPath"),
    ],
)
def test_rules_that_contradict_themselves_are_refused(rules: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        AnswerRules.model_validate(rules)


@pytest.mark.parametrize("content", [AUDIO, zipped(**{"r-1.ogg": AUDIO})], ids=["audio", "ZIP"])
def test_an_address_is_followed(fetch: Any, media_host: HTTPServer, content: bytes) -> None:
    media_host.expect_request("/r-1", query_string="sig=s3cr3t").respond_with_data(content)
    fetched = fetch(json.dumps({"link": media_host.url_for("/r-1?sig=s3cr3t")}), url="link")
    taken(fetched, out_of=None if content == AUDIO else content)
    assert "Authorization" not in media_host.log[0][0].headers


def test_an_address_that_expired_is_asked_for_anew(fetch: Any, media_host: HTTPServer, waits: list[float]) -> None:
    asked = iter(range(100))
    media_host.expect_request("/2").respond_with_data(AUDIO)
    media_host.expect_request("/0").respond_with_data("<Error>", status=403)
    media_host.expect_request("/1").respond_with_data("", status=503)
    taken(fetch(lambda _: Response(json.dumps({"link": media_host.url_for(f"/{next(asked)}")})), url="link"))
    assert [request.path for request, _ in media_host.log] == ["/0", "/1", "/2"]
    assert len(waits) == 2


def test_an_address_that_stays_expired_is_no_failure_of_cloud9(
    fetch: Any, media_host: HTTPServer, waits: list[float]
) -> None:
    media_host.expect_request("/r-1").respond_with_data("", status=403)
    with pytest.raises(MediaHostFaultError, match="was answered 403"):
        fetch(json.dumps({"link": media_host.url_for("/r-1")}), url="link")
    assert len(waits) == 4


@pytest.mark.parametrize("content", [b'{"error": "x"}', b"<html>sign in"])
def test_a_document_from_a_media_host_is_no_recording(fetch: Any, media_host: HTTPServer, content: bytes) -> None:
    media_host.expect_request("/r-1").respond_with_data(content)
    with pytest.raises(MediaHostError, match="instead of audio"):
        fetch(json.dumps({"link": media_host.url_for("/r-1")}), url="link")


def test_a_followed_recording_that_is_too_large_is_one_bad_record(fetch: Any, media_host: HTTPServer) -> None:
    media_host.expect_request("/r-1").respond_with_response(
        Response(status=200, headers={"Content-Length": str(101 * MEGABYTE)})
    )
    with pytest.raises(RecordError, match="are allowed"):
        fetch(json.dumps({"link": media_host.url_for("/r-1")}), url="link")


def test_an_address_elsewhere_is_not_asked(fetch: Any, peer: HTTPServer, waits: list[float]) -> None:
    with pytest.raises(MediaHostError, match=f"127.0.0.1:{peer.port}"):
        fetch(json.dumps({"link": peer.url_for("/r-1?sig=s3cr3t")}), url="link")
    assert (len(peer.log), waits) == (1, [])


def test_an_address_without_end_is_refused(fetch: Any, media_host: HTTPServer) -> None:
    with pytest.raises(WireFormatError, match="too long for one"):
        fetch(json.dumps({"link": media_host.url_for("/" + "a" * 20_000)}), url="link")


def test_memory_stays_bounded_while_base64_becomes_audio(fetch: Any) -> None:
    noise = os.urandom(MEGABYTE * 3)
    piece = base64.b64encode(noise).replace(b"/", b"\\/")
    body = b'{"content": "' + base64.b64encode(b"OggS\0\0") + piece * 20 + b'"}'
    peak: list[int] = []

    def answer(_: Request) -> Response:
        def pieces() -> Iterator[bytes]:
            tracemalloc.start()
            yield from (body[at : at + MEGABYTE] for at in range(0, len(body), MEGABYTE))

        return Response(pieces(), headers={"Content-Length": str(len(body))})

    try:
        fetched = fetch(answer, base64="content")
        peak.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    assert isinstance(fetched, FetchedRecording)
    assert fetched.size == 60 * MEGABYTE + 6
    # The peer's own pieces count too, since it is a thread of this test; whoever keeps the text has 80 MiB of it.
    assert peak[0] < 20 * MEGABYTE
