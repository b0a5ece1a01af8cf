"""The strict session against a real TLS peer: whom it trusts, what it refuses, what it signs."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import requests
from pytest_httpserver import HTTPServer
from werkzeug import Response

from cloud9_archive.api.session import StrictSession, open_session
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.tls import StrictAdapter, trust_context
from cloud9_archive.errors import ConfigurationError, ConnectionFieldError

Settings = Callable[..., SourceSettings]


def test_a_request_arrives_signed_and_without_encoding(peer: HTTPServer, source: SourceSettings) -> None:
    peer.expect_request("/x", method="POST").respond_with_data("fine")
    with open_session(source) as session:
        assert session.post(f"{source.base_url}/x", data=b"{}").text == "fine"
    sent = peer.log[0][0].headers
    assert sent["Authorization"].startswith("HmacSHA512 test-api-key:")
    assert sent["Date"].endswith("GMT")
    assert sent["Accept-Encoding"] == "identity"


def test_a_prepared_request_that_is_sent_twice_is_signed_twice(peer: HTTPServer, source: SourceSettings) -> None:
    peer.expect_request("/x").respond_with_data("fine")
    with open_session(source) as session:
        request = session.prepare_request(requests.Request("POST", f"{source.base_url}/x", data=b"{}"))
        session.send(request)
        session.send(request)
    nonces = {sent.headers["Authorization"].split(":")[1] for sent, _ in peer.log}
    assert len(nonces) == 2


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE", "HEAD", "OPTIONS", "patch"])
def test_only_reading_methods_are_sent(peer: HTTPServer, source: SourceSettings, method: str) -> None:
    with open_session(source) as session, pytest.raises(ConfigurationError, match="refused before it was sent"):
        session.request(method, f"{source.base_url}/v1/calls/metadata", data=b"{}")
    assert peer.log == []


@pytest.mark.parametrize("place", ["https://other.example", "https://127.0.0.1:1", "https://127.0.0.1@other.example"])
def test_nothing_is_signed_for_another_place(source: SourceSettings, place: str) -> None:
    with open_session(source) as session, pytest.raises(ConfigurationError, match=r"signs for https://127\.0\.0\.1"):
        session.get(f"{place}/x")


def test_plain_http_has_no_way_out(source: SourceSettings) -> None:
    with open_session(source) as session, pytest.raises(ConfigurationError):
        session.get(f"http://127.0.0.1:{source.port}/x")


def test_redirects_are_not_followed(peer: HTTPServer, source: SourceSettings) -> None:
    peer.expect_request("/x").respond_with_response(Response(status=307, headers={"Location": "/y"}))
    with open_session(source) as session:
        assert session.post(f"{source.base_url}/x", data=b"{}", allow_redirects=True).status_code == 307
    assert [sent.path for sent, _ in peer.log] == ["/x"]


def test_cookies_are_not_kept(peer: HTTPServer, source: SourceSettings) -> None:
    peer.expect_request("/x").respond_with_data("", headers={"Set-Cookie": "a=b; Path=/"})
    with open_session(source) as session:
        session.get(f"{source.base_url}/x")
        session.get(f"{source.base_url}/x")
    assert "Cookie" not in peer.log[1][0].headers


def test_an_unknown_authority_is_refused_even_when_the_caller_says_otherwise(
    peer: HTTPServer, source_to: Settings, other_authority: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    source = source_to(peer.port, tls_trust=str(other_authority.ca_file))
    with open_session(source) as session:
        session.verify = False
        with pytest.raises(requests.exceptions.SSLError):
            session.get(f"{source.base_url}/x", verify=False)
    assert peer.log == []


def test_the_systems_authorities_do_not_vouch_for_our_peer(peer: HTTPServer, source_to: Settings) -> None:
    source = source_to(peer.port, tls_trust=None)
    with open_session(source) as session, pytest.raises(requests.exceptions.SSLError):
        session.get(f"{source.base_url}/x")


def test_a_file_of_authorities_is_the_only_trust(source: SourceSettings) -> None:
    assert len(trust_context(source).get_ca_certs()) == 1


def test_the_pool_that_is_used_holds_our_context_and_nothing_else(peer: HTTPServer, source: SourceSettings) -> None:
    peer.expect_request("/x").respond_with_data("fine")
    with open_session(source) as session:
        session.get(f"{source.base_url}/x", verify="/etc/ssl/certs/ca-certificates.crt", cert="/nowhere")
        adapter = session.get_adapter(source.base_url)
        assert isinstance(adapter, StrictAdapter)
        pools = adapter.poolmanager.pools
        assert len(pools) == 1
        pool = pools[next(iter(pools.keys()))]
        assert pool.conn_kw["ssl_context"].minimum_version == ssl.TLSVersion.TLSv1_2
        assert len(pool.conn_kw["ssl_context"].get_ca_certs()) == 1
        assert (pool.ca_certs, pool.ca_cert_dir, pool.cert_file) == (None, None, None)


@pytest.mark.parametrize(("verify", "cert"), [(True, None), (False, None), ("/ca.pem", ("/cert.pem", "/key.pem"))])
def test_no_request_brings_trust_of_its_own(source: SourceSettings, verify: Any, cert: Any) -> None:
    adapter = StrictAdapter(trust_context(source))
    request = requests.Request("GET", f"{source.base_url}/x").prepare()
    place, trust = adapter.build_connection_pool_key_attributes(request, verify, cert)
    assert trust == {}
    assert place == {"scheme": "https", "host": "127.0.0.1", "port": source.port}


def test_tunnels_use_the_same_context(source: SourceSettings) -> None:
    adapter = StrictAdapter(trust_context(source))
    tunnels = adapter.proxy_manager_for("https://proxy.example:3128")
    assert tunnels.connection_pool_kw["ssl_context"] is adapter._context
    assert tunnels.proxy_config.ssl_context is adapter._context


def test_the_name_in_the_certificate_counts(misnamed_peer: HTTPServer, source_to: Settings) -> None:
    source = source_to(misnamed_peer.port)
    with open_session(source) as session, pytest.raises(requests.exceptions.SSLError, match=r"127\.0\.0\.1"):
        session.get(f"{source.base_url}/x")


def test_a_file_without_certificates_is_a_field_fault(source_to: Settings, tmp_path: Path) -> None:
    nothing = tmp_path / "ca.pem"
    nothing.write_text("no certificate")
    with pytest.raises(ConnectionFieldError, match="field tls_trust"):
        open_session(source_to(443, tls_trust=str(nothing)))


def test_every_request_has_a_timeout(source: SourceSettings) -> None:
    with open_session(source) as session, patch.object(StrictAdapter, "send") as send:
        send.side_effect = requests.ConnectionError
        for timeout in ({}, {"timeout": None}):
            with pytest.raises(requests.ConnectionError):
                session.get(f"{source.base_url}/x", **timeout)
            assert send.call_args.kwargs["timeout"] == (5.0, 5.0)


def test_the_session_shows_no_secret(source: SourceSettings) -> None:
    with open_session(source) as session:
        assert isinstance(session, StrictSession)
        assert "test-api-secret" not in repr(vars(session))
