"""Whom a source trusts, against real TLS servers: authorities by file or thumbprint, pinned certificates, and nobody else."""

from __future__ import annotations

import re
import socket
import ssl
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from authorities import AN_HOUR, Authority
from cryptography import x509
from pytest_httpserver import HTTPServer

from cloud9_archive.api.certificates import known_certificates
from cloud9_archive.api.outcomes import transport_error
from cloud9_archive.api.pins import PinningContext
from cloud9_archive.api.session import open_session
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.tls import StrictAdapter, trust_context
from cloud9_archive.api.trust import Anchors, read_trust
from cloud9_archive.errors import ConnectionFieldError, TlsError

Serve = Callable[[ssl.SSLContext], HTTPServer]
Settings = Callable[..., SourceSettings]
ELSEWHERE = x509.DNSName("elsewhere.example")


def ask(source: SourceSettings) -> str:
    with warnings.catch_warnings(), open_session(source) as session:
        warnings.simplefilter("error")
        return session.get(f"{source.base_url}/x").text


def refusal(source: SourceSettings) -> str:
    with open_session(source) as session, pytest.raises(requests.exceptions.SSLError) as caught:
        session.get(f"{source.base_url}/x", verify=False)
    error = transport_error(caught.value, asked="GET /x")
    assert type(error) is TlsError
    return error.message


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
@pytest.mark.parametrize(
    "written",
    [
        str,
        str.lower,
        lambda text: text.replace(":", ""),
        lambda text: f" \u200e{text.replace(':', ' ')} ",
        lambda text: f"sha256 Fingerprint={text}",
        lambda text: f"{'00' * 20}, {text}",
    ],
)
def test_a_pinned_certificate_is_trusted_whoever_signed_it_and_whatever_its_name(
    authority: Authority, serve: Serve, source_to: Settings, digest: str, written: Callable[[str], str]
) -> None:
    shown = authority.issue(serves=ELSEWHERE)
    server = serve(authority.server_context(shown))
    assert ask(source_to(server.port, tls_trust=written(shown.thumbprint(digest)))) == "fine"


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
def test_another_certificate_than_the_pinned_one_is_refused_before_anything_is_sent(
    authority: Authority, serve: Serve, source_to: Settings, digest: str
) -> None:
    shown, pinned = authority.issue(), authority.issue()
    server = serve(authority.server_context(shown))
    words = refusal(source_to(server.port, tls_trust=pinned.thumbprint(digest)))
    assert f"the thumbprint of the server's certificate, {shown.thumbprint()}, is not in tls_trust" in words
    assert server.log == []


def test_a_pinned_certificate_that_has_expired_is_refused(
    authority: Authority, serve: Serve, source_to: Settings
) -> None:
    shown = authority.issue(valid_for=-AN_HOUR)
    server = serve(authority.server_context(shown))
    until = shown.certificate.not_valid_after_utc
    words = refusal(source_to(server.port, tls_trust=shown.thumbprint()))
    assert f"the pinned certificate has expired, on {until:%Y-%m-%d %H:%M} UTC" in words
    assert server.log == []


def test_a_pinned_certificate_of_the_future_is_refused(authority: Authority) -> None:
    shown = authority.issue()
    pin = frozenset({shown.thumbprint().replace(":", "").lower()})
    context = PinningContext(pin, clock=lambda: datetime.now(UTC) - timedelta(days=3))
    with pytest.raises(ssl.SSLCertVerificationError, match="is not valid before"):
        context.check(shown.der)
    with pytest.raises(ssl.SSLCertVerificationError, match="showed no certificate"):
        context.check(None)


@pytest.fixture
def mispinned(authority: Authority, serve: Serve, source_to: Settings) -> tuple[ssl.SSLContext, int]:
    server = serve(authority.server_context())
    return trust_context(source_to(server.port, tls_trust="ab" * 32)), server.port


def test_pins_cannot_be_walked_round(mispinned: tuple[ssl.SSLContext, int]) -> None:
    context, port = mispinned
    assert context.options & ssl.OP_NO_RENEGOTIATION
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port)) as plain, pytest.raises(ssl.SSLCertVerificationError):
        context.wrap_socket(plain, server_hostname="127.0.0.1", do_handshake_on_connect=False)
    with socket.socket() as plain:
        unconnected = context.wrap_socket(plain, server_hostname="127.0.0.1", do_handshake_on_connect=False)
        with unconnected, pytest.raises(ssl.SSLCertVerificationError):
            unconnected.connect(("127.0.0.1", port))
    with pytest.raises(ssl.SSLError, match="serves sockets only"):
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="127.0.0.1")


def test_a_pinned_connection_cannot_be_handed_to_another_context(authority: Authority, serve: Serve) -> None:
    shown = authority.issue()
    server = serve(authority.server_context(shown))
    context = PinningContext(frozenset({shown.thumbprint().replace(":", "").lower()}), clock=lambda: datetime.now(UTC))
    with (
        socket.create_connection(("127.0.0.1", server.port)) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped,
    ):
        wrapped.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        with pytest.raises(ssl.SSLCertVerificationError, match="left the context"):
            wrapped.do_handshake()


@pytest.fixture
def folder(authority: Authority, tmp_path: Path) -> Path:
    """A certificate folder with our authority, a key that is nobody's business, and rubbish."""
    (tmp_path / "ours.crt").write_bytes(authority.own.der)
    (tmp_path / "client.key").write_bytes(authority.own.key_pem())
    (tmp_path / "rubbish.pem").write_text("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n")
    (tmp_path / "folder").mkdir()
    return tmp_path


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
def test_an_authority_may_be_named_by_thumbprint(
    authority: Authority, serve: Serve, source_to: Settings, folder: Path, digest: str
) -> None:
    server = serve(authority.server_context())
    source = source_to(server.port, tls_trust=authority.own.thumbprint(digest), certificate_folder=folder)
    assert ask(source) == "fine"
    assert len(trust_context(source).get_ca_certs()) == 1


def test_with_an_authority_by_thumbprint_everything_else_is_checked_as_usual(
    authority: Authority, other_authority: Authority, serve: Serve, source_to: Settings, folder: Path
) -> None:
    servers = {
        "unable to get local issuer": serve(other_authority.server_context()),
        "certificate has expired": serve(authority.server_context(valid_for=-AN_HOUR)),
        "certificate is not valid for '127.0.0.1'": serve(authority.server_context(serves=ELSEWHERE)),
    }
    for words, server in servers.items():
        source = source_to(server.port, tls_trust=authority.own.thumbprint(), certificate_folder=folder)
        assert re.search(words, refusal(source))
        assert server.log == []


@pytest.mark.parametrize("named", ["by file", "by thumbprint"])
def test_an_intermediate_authority_is_trusted_without_its_root(
    authority: Authority, serve: Serve, source_to: Settings, tmp_path: Path, named: str
) -> None:
    between = authority.intermediate(f"between-{tmp_path.name}")
    (tmp_path / "between.pem").write_bytes(between.own.pem)
    trust = str(tmp_path / "between.pem") if named == "by file" else between.own.thumbprint()
    below = serve(between.server_context())
    beside = serve(authority.server_context())
    assert ask(source_to(below.port, tls_trust=trust, certificate_folder=tmp_path)) == "fine"
    assert "unable to get" in refusal(source_to(beside.port, tls_trust=trust, certificate_folder=tmp_path))


def test_a_file_may_hold_several_authorities(
    authority: Authority, other_authority: Authority, serve: Serve, source_to: Settings, tmp_path: Path
) -> None:
    bundle = tmp_path / "both.pem"
    bundle.write_bytes(b"Ours:\r\n" + authority.own.pem + b"\nTheirs:\n" + other_authority.own.pem)
    for each in (authority, other_authority):
        assert ask(source_to(serve(each.server_context()).port, tls_trust=str(bundle))) == "fine"


def test_the_systems_authorities_have_thumbprints_too(source_to: Settings) -> None:
    known = known_certificates(None)
    thumbprint, certificate = next(iter(known.items()))
    trust = read_trust(source_to(443, tls_trust=thumbprint))
    assert isinstance(trust, Anchors)
    assert trust.certificates == (certificate,)
    assert len(known) > 100


def test_authorities_and_others_are_not_mixed(authority: Authority, source_to: Settings, folder: Path) -> None:
    both = f"{authority.own.thumbprint()},{'ab' * 32}"
    with pytest.raises(
        ConnectionFieldError, match=r"field tls_trust: .* is a certificate authority .* is not"
    ) as caught:
        trust_context(source_to(443, tls_trust=both, certificate_folder=folder))
    assert "list authorities only, or server certificates only" in str(caught.value)


def test_a_servers_certificate_in_the_folder_stays_a_pin(
    authority: Authority, serve: Serve, source_to: Settings, tmp_path: Path
) -> None:
    shown = authority.issue(serves=ELSEWHERE)
    (tmp_path / "server.pem").write_bytes(shown.pem)
    server = serve(authority.server_context(shown))
    assert ask(source_to(server.port, tls_trust=shown.thumbprint(), certificate_folder=tmp_path)) == "fine"


@pytest.mark.parametrize(
    ("trust", "words"),
    [
        ("ab" * 16, "MD5 thumbprint, which anybody can forge"),
        ("ab:" * 15 + "ab", "MD5 thumbprint"),
        ("ab" * 19, "has 38 hexadecimal digits"),
        ("ab" * 64, "has 128 hexadecimal digits"),
        ("ca.pem", "neither an absolute path nor a thumbprint"),
        (f"{'ab' * 32},ca.pem", "'ca.pem' is neither"),
        (",", "no thumbprint in it"),
    ],
)
def test_what_is_no_trust_list_is_refused_by_name(source_to: Settings, trust: str, words: str) -> None:
    with pytest.raises(ConnectionFieldError, match=f"field tls_trust: .*{words}"):
        source_to(443, tls_trust=trust)


@pytest.mark.parametrize(("path", "words"), [("/nowhere/ca.pem", "No such file"), ("/", "Is a directory")])
def test_a_file_that_cannot_be_read_is_a_field_fault(source_to: Settings, path: str, words: str) -> None:
    with pytest.raises(ConnectionFieldError, match=f"field tls_trust: .*cannot be read: {words}"):
        trust_context(source_to(443, tls_trust=path))


def test_a_certificate_folder_that_is_not_there_is_named(source_to: Settings) -> None:
    source = source_to(443, tls_trust="ab" * 32, certificate_folder=Path("/nowhere"))
    with pytest.raises(ConnectionFieldError, match=r"certificate folder cannot be listed.*\[cloud9_archive\]"):
        trust_context(source)


def test_an_expired_certificate_and_a_wrong_name_are_refused_under_a_file_of_authorities(
    authority: Authority, serve: Serve, source_to: Settings
) -> None:
    expired = serve(authority.server_context(valid_for=-AN_HOUR))
    misnamed = serve(authority.server_context(serves=ELSEWHERE))
    assert "certificate has expired" in refusal(source_to(expired.port))
    assert "is not valid for '127.0.0.1'" in refusal(source_to(misnamed.port))
    assert expired.log == misnamed.log == []


def test_the_environment_adds_no_trust_no_proxy_and_no_witness(
    authority: Authority,
    other_authority: Authority,
    serve: Serve,
    source_to: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = serve(authority.server_context()), serve(other_authority.server_context())
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(other_authority.ca_file))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    assert ask(source_to(ours.port)) == "fine"
    assert "unable to get local issuer" in refusal(source_to(theirs.port))
    assert list(tmp_path.iterdir()) == []


def test_the_systems_store_is_all_that_the_pool_trusts_by_default(source_to: Settings) -> None:
    source = source_to(1, tls_trust=None)
    system = {entry["serialNumber"] for entry in ssl.create_default_context().get_ca_certs()}
    with open_session(source) as session, pytest.raises(requests.ConnectionError):
        session.get(f"{source.base_url}/x", verify=requests.certs.where())
    adapter = session.get_adapter(source.base_url)
    assert isinstance(adapter, StrictAdapter)
    assert {entry["serialNumber"] for entry in adapter._context.get_ca_certs()} == system


def test_older_tls_than_1_2_is_refused(authority: Authority, serve: Serve, source_to: Settings) -> None:
    old = authority.server_context()
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        lax: Any = ssl.create_default_context(cafile=str(authority.ca_file))
        lax.set_ciphers("ALL:@SECLEVEL=0")
        lax.minimum_version = ssl.TLSVersion.TLSv1_1
    server = serve(old)
    with socket.create_connection(("127.0.0.1", server.port)) as plain:
        assert lax.wrap_socket(plain, server_hostname="127.0.0.1").version() == "TLSv1.1"
    assert "TLS 1.2 or newer" in refusal(source_to(server.port))
    pinned = source_to(server.port, tls_trust="ab" * 32)
    assert "TLS 1.2 or newer" in refusal(pinned)
