"""A followed address: what the media host gets to see, and what it may answer."""

from __future__ import annotations

import logging
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography import x509
from pytest_httpserver import HTTPServer
from werkzeug import Response

from cloud9_archive.api import follow
from cloud9_archive.api.follow import MediaFollower
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.transfer import Deadline
from cloud9_archive.errors import (
    Cloud9ArchiveError,
    IncompleteBodyError,
    MediaHostError,
    MediaHostFaultError,
    TlsError,
)

Settings = Callable[..., SourceSettings]
SIGNED = "/r-1.ogg?X-Amz-Signature=s3cr3t-right-to-read"
IN_TIME = Deadline(60.0, 60.0, lambda: 0.0)


@pytest.fixture
def source(source_to: Settings, peer: HTTPServer, media_host: HTTPServer) -> SourceSettings:
    return source_to(peer.port, media_hosts=(f"127.0.0.1:{media_host.port}", f"localhost:{media_host.port}"))


@pytest.fixture
def follower(source: SourceSettings) -> Iterator[MediaFollower]:
    follower = MediaFollower(source)
    yield follower
    follower.close()


def fetched(follower: MediaFollower, url: str, deadline: Deadline = IN_TIME) -> bytes:
    with follower.follow(url, deadline=deadline) as arriving:
        return b"".join(arriving.unbounded())


def failure(follower: MediaFollower, url: str, deadline: Deadline = IN_TIME) -> Cloud9ArchiveError:
    """The error, after making sure that nothing that a traceback shows holds the right to read."""
    with pytest.raises(Cloud9ArchiveError) as caught:
        fetched(follower, url, deadline)
    shown = "".join(traceback.format_exception(caught.value))
    assert "s3cr3t" not in shown
    assert caught.value.hint
    chain: list[BaseException] = []
    error: BaseException | None = caught.value
    while error is not None:
        assert error not in chain, "an error that is its own cause"
        chain.append(error)
        error = error.__cause__
    return caught.value


def test_the_media_host_sees_nothing_of_ours(
    media_host: HTTPServer, follower: MediaFollower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    media_host.expect_request("/r-1.ogg").respond_with_data(b"OggS", headers={"Set-Cookie": "a=b; Path=/"})
    for _ in range(2):
        assert fetched(follower, media_host.url_for(SIGNED)) == b"OggS"
    for request, _ in media_host.log:
        assert request.query_string == b"X-Amz-Signature=s3cr3t-right-to-read"
        assert {name.lower() for name, _ in request.headers} == {"host", "accept", "accept-encoding", "user-agent"}
        assert request.headers["Accept-Encoding"] == "identity"
        assert (request.method, request.data) == ("GET", b"")


def test_a_redirect_is_not_followed_and_only_its_host_is_named(
    media_host: HTTPServer, follower: MediaFollower, peer: HTTPServer
) -> None:
    for status in (301, 302, 303, 307, 308):
        media_host.clear()
        elsewhere = Response(status=status, headers={"Location": f"https://127.0.0.1:{peer.port}{SIGNED}"})
        media_host.expect_request("/r-1.ogg").respond_with_response(elsewhere)
        error = failure(follower, media_host.url_for(SIGNED))
        assert isinstance(error, MediaHostError)
        assert f"{status}, a redirect to 127.0.0.1:" in str(error)
    assert peer.log == []


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (400, "expired"),
        (401, "expired"),
        (403, "expired"),
        (404, "expired"),
        (410, "expired"),
        (204, "failed"),
        (206, "failed"),
        (408, "failed"),
        (416, "failed"),
        (429, "failed"),
        (500, "failed"),
        (503, "failed"),
    ],
)
def test_a_status_of_a_media_host_is_its_own_and_passes(
    media_host: HTTPServer, follower: MediaFollower, status: int, word: str
) -> None:
    media_host.expect_request("/r-1.ogg").respond_with_data("" if status == 204 else "<Error>", status=status)
    error = failure(follower, media_host.url_for(SIGNED))
    assert type(error) is MediaHostFaultError
    assert f"answered {status}" in str(error)
    assert word in str(error)


def test_a_name_that_leads_to_this_machine_is_refused_before_a_word_is_said(
    source_to: Settings, authority: Any
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port, heard = listener.getsockname()[1], []

        def listen() -> None:
            connection, _ = listener.accept()
            with connection:
                heard.append(connection.recv(1000))

        listening = threading.Thread(target=listen)
        listening.start()
        follower = MediaFollower(source_to(443, media_hosts=(f"localhost:{port}",)))
        error = failure(follower, f"https://localhost:{port}{SIGNED}")
        listening.join(timeout=10)
        follower.close()
    assert isinstance(error, MediaHostError)
    assert "would reach 127.0.0.1, this machine itself" in str(error)
    assert heard == [b""]


def test_a_name_that_leads_elsewhere_is_followed(
    source_to: Settings, authority: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "refused_peer", lambda _: None)
    context = authority.server_context(serves=x509.DNSName("localhost"))
    with HTTPServer(host="127.0.0.1", port=0, ssl_context=context) as server:
        server.expect_request("/a").respond_with_data(b"OggS")
        follower = MediaFollower(source_to(443, media_hosts=(f"LOCALHOST.:{server.port}",)))
        assert fetched(follower, f"https://localhost:{server.port}/a") == b"OggS"
        follower.close()


def test_the_sources_trust_holds_for_media_hosts(
    media_host: HTTPServer, source_to: Settings, other_authority: Any
) -> None:
    listed = (f"127.0.0.1:{media_host.port}",)
    follower = MediaFollower(source_to(443, tls_trust=str(other_authority.ca_file), media_hosts=listed))
    error = failure(follower, media_host.url_for(SIGNED))
    follower.close()
    assert isinstance(error, TlsError)
    assert "GET https://127.0.0.1" in str(error)
    assert media_host.log == []


def test_the_name_in_a_media_hosts_certificate_counts(misnamed_peer: HTTPServer, source_to: Settings) -> None:
    follower = MediaFollower(source_to(443, media_hosts=(f"127.0.0.1:{misnamed_peer.port}",)))
    assert isinstance(failure(follower, misnamed_peer.url_for("/a")), TlsError)
    follower.close()


def test_a_media_host_that_nobody_reaches_is_its_own_failure(source_to: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    follower = MediaFollower(source_to(443, media_hosts=(f"127.0.0.1:{port}", "nobody.invalid")))
    for place in (f"127.0.0.1:{port}", "nobody.invalid"):
        error = failure(follower, f"https://{place}{SIGNED}")
        assert type(error) is MediaHostFaultError
        assert place in str(error)
    follower.close()


def test_what_takes_too_long_is_the_media_hosts_failure(media_host: HTTPServer, follower: MediaFollower) -> None:
    media_host.expect_request("/r-1.ogg").respond_with_data(b"OggS")
    error = failure(follower, media_host.url_for(SIGNED), Deadline(60.0, 60.0, lambda: 61.0))
    assert type(error) is MediaHostFaultError
    assert "not complete after 60 s" in str(error)


def test_an_encoding_is_refused(media_host: HTTPServer, follower: MediaFollower) -> None:
    media_host.expect_request("/r-1.ogg").respond_with_data(b"OggS", headers={"Content-Encoding": "gzip"})
    error = failure(follower, media_host.url_for(SIGNED))
    assert isinstance(error, MediaHostError)
    assert "'gzip'" in str(error)


@pytest.mark.parametrize(
    "location", [b"", b"/elsewhere?s3cr3t", b"//[bad", b"https://u:s3cr3t@evil.example/?s3cr3t", b"\xff"]
)
def test_a_redirect_to_anywhere_is_an_error_and_its_body_is_not_read(
    raw_peer: Callable[..., int], source_to: Settings, location: bytes
) -> None:
    # The body never comes: who reads it finds it cut off.
    port = raw_peer(b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 9999999\r\n\r\n")
    follower = MediaFollower(source_to(443, media_hosts=(f"127.0.0.1:{port}",)))
    error = failure(follower, f"https://127.0.0.1:{port}{SIGNED}")
    follower.close()
    assert isinstance(error, MediaHostError)
    assert "a redirect to" in str(error)


def test_a_body_that_breaks_off_is_incomplete(raw_peer: Callable[..., int], source_to: Settings) -> None:
    port = raw_peer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nOggS", abruptly=True)
    follower = MediaFollower(source_to(443, media_hosts=(f"127.0.0.1:{port}",)))
    error = failure(follower, f"https://127.0.0.1:{port}{SIGNED}")
    follower.close()
    assert isinstance(error, (IncompleteBodyError, MediaHostFaultError))


def test_no_log_of_any_level_holds_the_right_to_read(
    media_host: HTTPServer, follower: MediaFollower, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    media_host.expect_request("/r-1.ogg").respond_with_data(b"OggS")
    fetched(follower, media_host.url_for(SIGNED))
    failure(follower, media_host.url_for(SIGNED).replace("r-1", "r-2"))
    ours = [record for record in caplog.records if not record.name.startswith("werkzeug")]
    assert any("/r-1.ogg?…" in record.getMessage() for record in ours)
    assert not any("s3cr3t" in record.getMessage() for record in ours)


def test_a_media_host_that_is_not_listed_is_not_asked(follower: MediaFollower, peer: HTTPServer) -> None:
    with pytest.raises(MediaHostError):
        fetched(follower, peer.url_for("/a"))
    assert peer.log == []


def test_tls_is_the_only_way_out(follower: MediaFollower) -> None:
    session = follower._opened()
    assert list(session.adapters) == ["https://"]
    assert list(session.get_adapter("https://x").poolmanager.pool_classes_by_scheme) == ["https"]  # type: ignore[attr-defined]
