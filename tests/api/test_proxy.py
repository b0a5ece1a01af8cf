"""Everything through a real forward proxy that asks for a password; and what is said when the proxy is the trouble."""

from __future__ import annotations

import logging
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from authorities import Authority
from connect_proxy import KINDS, PASSWORD, USER, ConnectProxy, free_port, running_proxy
from pytest_httpserver import HTTPServer

from cloud9_archive.api.attempts import MOST_ATTEMPTS
from cloud9_archive.api.client import Cloud9Client, FetchedRecording
from cloud9_archive.api.outcomes import transport_error
from cloud9_archive.api.session import open_session
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.tls import StrictAdapter, trust_context
from cloud9_archive.domain.run import WantedRecording
from cloud9_archive.domain.window import Window
from cloud9_archive.emulator.server import EmulatorServer
from cloud9_archive.emulator.world import WorldSettings
from cloud9_archive.errors import (
    AddressNotAllowedError,
    Cloud9ArchiveError,
    ConnectionFieldError,
    ProxyRefusedError,
    TlsError,
    UnreachableError,
)

Serve = Callable[[ssl.SSLContext], HTTPServer]
Settings = Callable[..., SourceSettings]
DAY = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture(scope="module", params=KINDS)
def proxy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectProxy]:
    with running_proxy(request.param, tmp_path_factory.mktemp("proxy")) as running:
        yield running


def ask(source: SourceSettings) -> str:
    with open_session(source) as session:
        return session.get(f"{source.base_url}/x").text


def refusal(source: SourceSettings) -> Cloud9ArchiveError:
    with open_session(source) as session, pytest.raises(requests.RequestException) as caught:
        session.get(f"{source.base_url}/x")
    error = transport_error(caught.value, asked="GET /x")
    for text in (str(error), repr(error), repr(caught.value), str(caught.value)):
        assert PASSWORD not in text
        assert "Basic" not in text
    return error


def test_requests_go_through_the_proxy_and_its_credentials_no_further(
    peer: HTTPServer, source_to: Settings, proxy: ConnectProxy
) -> None:
    peer.expect_request("/x").respond_with_data("fine")
    before = len(proxy.tunnels(at_least=0))
    assert ask(source_to(peer.port, **proxy.fields())) == "fine"
    assert len(proxy.tunnels(at_least=before + 1)) == before + 1
    sent = peer.log[0][0].headers
    assert not [name for name in sent.keys() if name.lower().startswith("proxy")]  # noqa: SIM118 - werkzeug's headers
    assert sent["Authorization"].startswith("HmacSHA512 ")


def test_whatever_the_caller_says_there_is_no_way_round_the_proxy(
    peer: HTTPServer, source_to: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    source = source_to(peer.port, proxy_host="127.0.0.1", proxy_port=free_port())
    with open_session(source) as session:
        session.proxies = {"no_proxy": "127.0.0.1"}
        for proxies in ({}, {"no_proxy": "*"}, {"https": ""}, None):
            with pytest.raises(requests.exceptions.ProxyError):
                session.get(f"{source.base_url}/x", proxies=proxies)
    assert peer.log == []


@pytest.mark.parametrize(
    "proxies", [{"https": "http://127.0.0.1:1"}, {"all": "http://127.0.0.1:1"}, {"https": ""}, None]
)
def test_an_adapter_knows_one_proxy_or_none(source_to: Settings, proxies: Any) -> None:
    source = source_to(443, proxy_host="proxy.example", proxy_port=3128)
    request = requests.Request("GET", f"{source.base_url}/x").prepare()
    for adapter, place in (
        (StrictAdapter(trust_context(source), proxy=source.proxy), ("proxy.example", 3128)),
        (StrictAdapter(trust_context(source)), None),
    ):
        pool = adapter.get_connection_with_tls_context(request, verify=True, proxies=proxies)
        assert (pool.proxy and (pool.proxy.host, pool.proxy.port)) == place


def test_a_listing_and_a_recording_come_through_one_tunnel(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, source_to: Settings, proxy: ConnectProxy
) -> None:
    settings = WorldSettings(calls_per_day=20, line_milliseconds=20_000)
    before = len(proxy.tunnels(at_least=0))
    with EmulatorServer(home=tmp_path_factory.mktemp("emulator"), settings=settings, mutual_tls=True) as server:
        server.admin.set_clock(fixed=DAY + timedelta(days=30))
        key, client = server.keys["emea"], server.client
        source = source_to(
            server.port,
            api_key=key.api_key,
            api_secret=key.api_secret,
            tls_trust=str(server.ca_file),
            tls_certificate=client.pkcs12,
            tls_key_password=client.password,
            **proxy.fields(),
        )
        truth = server.admin.truth("emea", begin=DAY, end=DAY + timedelta(days=1))
        wanted = next(each for each in truth.recordings.values() if each.availability == "available" and each.size)
        with Cloud9Client(source) as archive:
            listed = [call for page in archive.list_calls(Window(DAY, DAY + timedelta(days=1))) for call in page.calls]
            fetched = archive.fetch_recording(WantedRecording(wanted.recording_id), into=tmp_path / "audio")
            requests_made = len(server.admin.requests().requests)
    assert {call.call_id for call in listed} == {call.call_id for call in truth.calls}
    assert isinstance(fetched, FetchedRecording)
    assert fetched.sha256 == wanted.sha256
    assert requests_made > 1
    assert len(proxy.tunnels(at_least=before + 1)) == before + 1


def test_a_client_certificate_goes_through_the_tunnel(
    authority: Authority, serve: Serve, source_to: Settings, proxy: ConnectProxy, tmp_path: Path
) -> None:
    own = authority.issue("client")
    (tmp_path / "own.pem").write_bytes(own.pem + own.key_pem())
    server = serve(authority.server_context(demands=authority))
    certificate = {"tls_certificate": str(tmp_path / "own.pem")}
    assert ask(source_to(server.port, **proxy.fields(**certificate))) == "fine"
    refusal(source_to(server.port, **proxy.fields()))
    assert len(server.log) == 1


def test_a_pin_holds_through_the_tunnel(
    authority: Authority, serve: Serve, source_to: Settings, proxy: ConnectProxy
) -> None:
    shown = authority.issue()
    server = serve(authority.server_context(shown))
    assert ask(source_to(server.port, **proxy.fields(tls_trust=shown.thumbprint("sha1")))) == "fine"
    error = refusal(source_to(server.port, **proxy.fields(tls_trust="ab" * 32)))
    assert isinstance(error, TlsError)
    assert "is not in tls_trust" in error.message
    assert len(server.log) == 1


def test_trust_is_checked_through_the_tunnel(
    other_authority: Authority, serve: Serve, source_to: Settings, proxy: ConnectProxy
) -> None:
    server = serve(other_authority.server_context())
    error = refusal(source_to(server.port, **proxy.fields()))
    assert isinstance(error, TlsError)
    assert server.log == []


@pytest.mark.parametrize(
    "wrong", [{"proxy_password": "canary-of-the-proxy-wrong"}, {"proxy_user": None, "proxy_password": None}]
)
def test_a_proxy_that_does_not_know_the_password_is_a_fault_of_the_connection(
    peer: HTTPServer, source_to: Settings, proxy: ConnectProxy, wrong: dict[str, Any]
) -> None:
    error = refusal(source_to(peer.port, **proxy.fields(**wrong)))
    assert isinstance(error, ProxyRefusedError)
    assert error.code == "PROXY"
    assert re.search(rf"\(proxy 127\.0\.0\.1:{proxy.port}, which answered 40[17]\)", error.message)
    assert "proxy_user and proxy_password" in str(error)
    assert peer.log == []


def test_a_wrong_password_is_not_tried_again(peer: HTTPServer, source_to: Settings, proxy: ConnectProxy) -> None:
    waits: list[float] = []
    source = source_to(peer.port, **proxy.fields(proxy_password="wrong"))
    with Cloud9Client(source, sleep=waits.append) as client, pytest.raises(ProxyRefusedError):
        next(iter(client.list_calls(Window(DAY, DAY + timedelta(days=1)))))
    assert waits == []


def test_a_proxy_that_is_down_is_waited_for(peer: HTTPServer, source_to: Settings) -> None:
    port, waits = free_port(), list[float]()
    source = source_to(peer.port, proxy_host="127.0.0.1", proxy_port=port, proxy_user=USER, proxy_password=PASSWORD)
    with Cloud9Client(source, sleep=waits.append) as client, pytest.raises(UnreachableError) as caught:
        next(iter(client.list_calls(Window(DAY, DAY + timedelta(days=1)))))
    assert f"proxy 127.0.0.1:{port}" in caught.value.message
    assert "proxy_host and proxy_port" in str(caught.value)
    assert len(waits) == MOST_ATTEMPTS - 1
    assert peer.log == []


def test_a_server_behind_the_proxy_that_is_down_is_the_proxys_word(source_to: Settings, proxy: ConnectProxy) -> None:
    error = refusal(source_to(free_port(), **proxy.fields()))
    assert isinstance(error, UnreachableError)
    assert "opened no tunnel" in error.message


@contextmanager
def stubborn_proxy(answer: bytes) -> Iterator[int]:
    """Answers the first CONNECT as told."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(10)
            connection.recv(4096)
            connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (b"HTTP/1.1 403 Filtered\r\n\r\n", ProxyRefusedError, "which answered 403"),
        (b"HTTP/1.1 401 Who\r\n\r\n", ProxyRefusedError, "which answered 401"),
        (b"HTTP/1.1 407 Who\r\n\r\n", ProxyRefusedError, "which answered 407"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", UnreachableError, "which answered 502"),
        (b"HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/\r\n\r\n", UnreachableError, "answered 302"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", UnreachableError, ""),
        (b"", UnreachableError, ""),
    ],
)
def test_what_a_proxy_answers_is_not_taken_for_cloud9s(
    source_to: Settings, answer: bytes, kind: type[Cloud9ArchiveError], words: str
) -> None:
    with stubborn_proxy(answer) as port:
        error = refusal(source_to(1, proxy_host="127.0.0.1", proxy_port=port))
    assert type(error) is kind
    assert not isinstance(error, AddressNotAllowedError)
    assert words in error.message
    assert "portal" not in str(error)


def test_credentials_are_in_no_address_log_or_repr(
    peer: HTTPServer, source_to: Settings, proxy: ConnectProxy, caplog: pytest.LogCaptureFixture
) -> None:
    peer.expect_request("/x").respond_with_data("fine")
    source = source_to(peer.port, **proxy.fields())
    with caplog.at_level(logging.DEBUG), open_session(source) as session:
        session.get(f"{source.base_url}/x")
        adapter = session.get_adapter(source.base_url)
        assert isinstance(adapter, StrictAdapter)
        (address,) = adapter.proxy_manager
        assert address == f"http://127.0.0.1:{proxy.port}"
    assert source.proxy is not None
    shown = f"{source!r} {source.proxy!r} {caplog.text}"
    assert PASSWORD not in shown
    assert "Basic" not in shown


def test_the_pool_behind_the_proxy_trusts_what_the_source_trusts(
    peer: HTTPServer, source_to: Settings, proxy: ConnectProxy
) -> None:
    peer.expect_request("/x").respond_with_data("fine")
    source = source_to(peer.port, **proxy.fields())
    with open_session(source) as session:
        session.get(f"{source.base_url}/x", verify=requests.certs.where())
        (tunnels,) = session.get_adapter(source.base_url).proxy_manager.values()  # type: ignore[attr-defined]
        pool = tunnels.pools[next(iter(tunnels.pools.keys()))]
        assert len(pool.conn_kw["ssl_context"].get_ca_certs()) == 1
        assert (pool.ca_certs, pool.ca_cert_dir, pool.cert_file) == (None, None, None)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"proxy_port": 3128}, "proxy_port"),
        ({"proxy_user": USER}, "proxy_user"),
        ({"proxy_password": PASSWORD}, "proxy_password"),
        ({"proxy_host": "proxy.example"}, "proxy_port"),
        ({"proxy_host": "proxy.example", "proxy_port": 0}, "proxy_port"),
        ({"proxy_host": "proxy example", "proxy_port": 1}, "proxy_host"),
        ({"proxy_host": "proxy.example", "proxy_port": 1, "proxy_user": "a:b"}, "proxy_user"),
        ({"proxy_host": "proxy.example", "proxy_port": 1, "proxy_password": PASSWORD}, "proxy_user"),
        (
            {"proxy_host": "proxy.example", "proxy_port": 1, "proxy_user": "a", "proxy_password": "x\r\n"},
            "proxy_password",
        ),
    ],
)
def test_half_a_proxy_is_refused(source_to: Settings, fields: dict[str, Any], name: str) -> None:
    with pytest.raises(ConnectionFieldError) as caught:
        source_to(443, **fields)
    assert caught.value.subject == f"cloud9_test.{name}"
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    ("user", "password", "sent"), [("a", "b:c", "YTpiOmM="), ("ü", "ß", "w7w6w58="), ("a", None, "YTo=")]
)
def test_credentials_are_basic_authentication_in_utf_8(
    source_to: Settings, user: str, password: str | None, sent: str
) -> None:
    proxy = source_to(443, proxy_host="::1", proxy_port=1, proxy_user=user, proxy_password=password).proxy
    assert proxy is not None
    assert (proxy.url, dict(proxy.headers)) == ("http://[::1]:1", {"Proxy-Authorization": f"Basic {sent}"})
