"""A peer that speaks real TLS with certificates of its own, and the source settings that reach it."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from authorities import Authority
from cryptography import x509
from pytest_httpserver import HTTPServer

from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.wire import load_wire_format
from cloud9_archive.api.wire_model import WireFormat


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.root(tmp_path_factory.mktemp("tls"), "ours")


@pytest.fixture(scope="session")
def other_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.root(tmp_path_factory.mktemp("tls"), "theirs")


@pytest.fixture
def misnamed_peer(authority: Authority) -> Iterator[HTTPServer]:
    context = authority.server_context(serves=x509.DNSName("elsewhere.example"))
    with HTTPServer(host="127.0.0.1", port=0, ssl_context=context) as server:
        yield server


@pytest.fixture(scope="session")
def running_peer(authority: Authority) -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", port=0, ssl_context=authority.server_context()) as server:
        yield server


@pytest.fixture
def peer(running_peer: HTTPServer) -> HTTPServer:
    running_peer.clear()
    return running_peer


@pytest.fixture(scope="session")
def running_media_host(authority: Authority) -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", port=0, ssl_context=authority.server_context()) as server:
        yield server


@pytest.fixture
def media_host(running_media_host: HTTPServer) -> HTTPServer:
    """Another server, which audio may be fetched from when it is listed."""
    running_media_host.clear()
    return running_media_host


@pytest.fixture
def raw_peer(authority: Authority) -> Iterator[Callable[..., int]]:
    """A TLS server that sends the bytes it is given after each request, and hangs up, abruptly or not."""
    listener = socket.create_server(("127.0.0.1", 0))
    context = authority.server_context()

    def serve(answer: bytes, *, abruptly: bool) -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), plain, context.wrap_socket(plain, server_side=True) as connection:
                received = connection.recv(65536)
                # A request with a body ends with its JSON, one without with its head.
                while b"{" not in received and received.startswith(b"POST") and (more := connection.recv(65536)):
                    received += more
                connection.sendall(answer)
                if not abruptly:
                    connection.unwrap()

    def start(answer: bytes, *, abruptly: bool = False) -> int:
        threading.Thread(target=serve, args=(answer,), kwargs={"abruptly": abruptly}, daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.fixture
def serve() -> Iterator[Callable[[ssl.SSLContext], HTTPServer]]:
    """Starts servers that answer everything with "fine"."""
    with ExitStack() as running:

        def start(context: ssl.SSLContext) -> HTTPServer:
            server = running.enter_context(HTTPServer(host="127.0.0.1", port=0, ssl_context=context))
            server.expect_request(re.compile(".*")).respond_with_data("fine")
            return server

        yield start


@pytest.fixture
def source_to(authority: Authority) -> Callable[..., SourceSettings]:
    def make(port: int, **fields: Any) -> SourceSettings:
        given = {
            "host": "127.0.0.1",
            "api_key": "test-api-key",
            "api_secret": "test-api-secret",
            "tls_trust": str(authority.ca_file),
            "connect_timeout": 5.0,
            "read_timeout": 5.0,
            **fields,
        }
        return SourceSettings("cloud9_test", port=port, **given)

    return make


@pytest.fixture
def source(source_to: Callable[..., SourceSettings], peer: HTTPServer) -> SourceSettings:
    return source_to(peer.port)


@pytest.fixture
def wire(source: SourceSettings) -> WireFormat:
    return load_wire_format(source)


@pytest.fixture
def row() -> dict[str, Any]:
    """One row of a listing, as the default wire format describes it."""
    return {
        "callId": "c-1",
        "callType": "Shoutdown",
        "direction": "Outgoing",
        "startTime": "2026-11-22 08:15:02.123",
        "stopTime": "2026-11-22 08:16:05.373",
        "milliDuration": 63250,
        "buttonLabel": "Rates",
        "connectionNumber": "sPK-3574-00112233445566778899aabbccdd",
        "qos": "4",
        "nearEnd": {
            "firmId": "f1",
            "firmName": "Firm",
            "groupId": "g1",
            "groupName": "Rates desk",
            "number": None,
            "users": [
                {"userId": "u1", "userName": "jsmith@firm.example", "fullName": "Jane Smith"},
                {"userId": "u2", "userName": "bjones@firm.example", "fullName": "Bob Jones"},
            ],
        },
        "farEnd": {
            "firmId": "f2",
            "firmName": "Broker",
            "groupId": "g2",
            "groupName": "Desk",
            "number": "4420",
            "users": [],
        },
        "recordings": [{"recordingId": "r-1", "fileName": "r-1.ogg", "offsetMillis": 1500, "milliDuration": 63250}],
    }
