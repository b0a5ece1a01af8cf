"""Client certificates in every form, shown to an emulator that demands one; and the faults that people make with them."""

from __future__ import annotations

import os
import pty
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from authorities import AN_HOUR, Authority
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, NoEncryption, PrivateFormat, pkcs12
from cryptography.x509 import load_pem_x509_certificate
from pytest_httpserver import HTTPServer

from cloud9_archive.api.client import Cloud9Client
from cloud9_archive.api.field_values import source_settings
from cloud9_archive.api.outcomes import transport_error
from cloud9_archive.api.session import open_session
from cloud9_archive.api.source import DeploymentCertificates, SourceSettings
from cloud9_archive.api.tls import trust_context
from cloud9_archive.domain.window import Window
from cloud9_archive.emulator.server import EmulatorServer
from cloud9_archive.emulator.world import WorldSettings
from cloud9_archive.errors import ConnectionFieldError, TlsError, UnreachableError

Settings = Callable[..., SourceSettings]
Serve = Callable[[ssl.SSLContext], HTTPServer]
NOW = datetime.now(UTC)
SECOND = Window(NOW - timedelta(seconds=1), NOW)


@dataclass(frozen=True)
class Mutual:
    """An emulator that serves only clients with a certificate, and what leads to it."""

    server: EmulatorServer

    def source(self, certificates: DeploymentCertificates = DeploymentCertificates(), **fields: Any) -> SourceSettings:  # noqa: B008 - frozen
        key = self.server.keys["emea"]
        given = {
            "host": self.server.base_url,
            "api_key": key.api_key,
            "api_secret": key.api_secret,
            "tls_trust": str(self.server.ca_file),
        }
        return source_settings("cloud9_test", {**given, **fields}, certificates=certificates)

    def calls(self, *arguments: Any, **fields: Any) -> int:
        with Cloud9Client(self.source(*arguments, **fields), sleep=lambda seconds: None) as client:
            return sum(len(page.calls) for page in client.list_calls(SECOND))

    def thumbprint(self) -> str:
        certificate = load_pem_x509_certificate(Path(self.server.client.certificate).read_bytes())
        return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


@pytest.fixture(scope="module")
def mutual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mutual]:
    settings = WorldSettings(line_milliseconds=20_000)
    with EmulatorServer(home=tmp_path_factory.mktemp("mutual"), settings=settings, mutual_tls=True) as server:
        server.admin.set_limits(metadata_per_minute=100_000)
        yield Mutual(server)


def test_who_shows_no_certificate_gets_no_answer(mutual: Mutual) -> None:
    with pytest.raises((UnreachableError, TlsError), match="client certificate"):
        mutual.calls()


def test_a_pem_certificate_and_its_key_open_the_door(mutual: Mutual) -> None:
    client = mutual.server.client
    assert mutual.calls(tls_certificate=client.certificate, tls_key_file=client.key) >= 0


def test_an_encrypted_key_opens_with_its_password(mutual: Mutual) -> None:
    client = mutual.server.client
    fields = {"tls_certificate": client.certificate, "tls_key_file": client.encrypted_key}
    assert mutual.calls(**fields, tls_key_password=client.password) >= 0


def test_a_pkcs12_file_opens_with_its_password(mutual: Mutual) -> None:
    client = mutual.server.client
    assert mutual.calls(tls_certificate=client.pkcs12, tls_key_password=client.password) >= 0


@pytest.mark.parametrize("form", ["pem with key", "pem beside key", "pkcs12", "named key"])
def test_a_thumbprint_is_looked_up_in_the_certificate_folder(mutual: Mutual, tmp_path: Path, form: str) -> None:
    client, fields = mutual.server.client, {}
    shutil.copy(mutual.server.ca_file, tmp_path / "authority.pem")
    match form:
        case "pem with key":
            content = Path(client.key).read_bytes() + Path(client.certificate).read_bytes()
            (tmp_path / "own.pem").write_bytes(content)
        case "pem beside key":
            shutil.copy(client.certificate, tmp_path / "own.pem")
            shutil.copy(client.key, tmp_path / "own.key")
        case "pkcs12":
            shutil.copy(client.pkcs12, tmp_path / "own.p12")
            fields = {"tls_key_password": client.password}
        case _:
            shutil.copy(client.certificate, tmp_path / "own.pem")
            fields = {"tls_key_file": client.key}
    assert mutual.calls(DeploymentCertificates(tmp_path), tls_certificate=mutual.thumbprint(), **fields) >= 0


def test_without_a_certificate_of_its_own_a_connection_shows_the_deployments(mutual: Mutual) -> None:
    client = mutual.server.client
    default = DeploymentCertificates(None, client.certificate, client.encrypted_key, client.password)
    assert mutual.calls(default) >= 0
    assert mutual.calls(default, tls_certificate=client.pkcs12, tls_key_password=client.password) >= 0


def test_a_fault_of_the_deployments_certificate_is_said_to_be_its(mutual: Mutual) -> None:
    default = DeploymentCertificates(None, "/nowhere/client.pem")
    with pytest.raises(ConnectionFieldError, match=r"the deployment's default, \[cloud9_archive\] tls_certificate: "):
        mutual.calls(default)


@pytest.mark.parametrize("name", ["tls_key_file", "tls_key_password"])
def test_the_deployments_certificate_is_not_mixed_with_a_connections_key(mutual: Mutual, name: str) -> None:
    client = mutual.server.client
    default = DeploymentCertificates(None, client.certificate, client.key)
    with pytest.raises(ConnectionFieldError, match=f"field {name}: it is given, but tls_certificate is empty"):
        mutual.calls(default, **{name: "/some/where"})


def test_other_hosts_are_not_shown_the_certificate(authority: Authority, serve: Serve, source_to: Settings) -> None:
    server = serve(authority.server_context(demands=authority))
    pem = authority.ca_file.with_name("client-of-ours.pem")
    own = authority.issue("client")
    pem.write_bytes(own.pem + own.key_pem())
    source = source_to(server.port, tls_certificate=str(pem))
    with open_session(source) as session:
        assert session.get(f"{source.base_url}/x").text == "fine"
        session.get_adapter(source.base_url)._context = trust_context(source, present_certificate=False)  # type: ignore[attr-defined]
        session.get_adapter(source.base_url).init_poolmanager(1, 1)  # type: ignore[attr-defined]
        with pytest.raises(requests.RequestException):
            session.get(f"{source.base_url}/x")
    assert len(server.log) == 1


def test_a_certificate_that_the_server_does_not_accept_is_told_apart(
    authority: Authority, other_authority: Authority, serve: Serve, source_to: Settings, tmp_path: Path
) -> None:
    context = authority.server_context(demands=authority)
    # In TLS 1.3 the refusal comes after the handshake, and may lose a race against a reset.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    stranger = other_authority.issue("client")
    (tmp_path / "client.pem").write_bytes(stranger.pem + stranger.key_pem())
    source = source_to(serve(context).port, tls_certificate=str(tmp_path / "client.pem"))
    with open_session(source) as session, pytest.raises(requests.RequestException) as caught:
        session.get(f"{source.base_url}/x")
    error = transport_error(caught.value, asked="GET /x")
    assert isinstance(error, TlsError)
    assert "the server wants a client certificate" in error.message


PASSWORD = "canary-of-a-key"


@pytest.fixture
def files(authority: Authority, tmp_path: Path) -> Path:
    """A folder with a client's files, good and bad."""
    own, other, old = (authority.issue("client"), authority.issue("other"), authority.issue(valid_for=-AN_HOUR))
    (tmp_path / "own.pem").write_bytes(own.pem)
    (tmp_path / "own.der").write_bytes(own.der)
    (tmp_path / "own-with-key.pem").write_bytes(b"Bag Attributes\r\n" + own.key_pem() + own.pem + authority.own.pem)
    (tmp_path / "own.txt").write_bytes(own.key_pem())
    (tmp_path / "sealed.txt").write_bytes(own.key_pem(PASSWORD))
    (tmp_path / "other.txt").write_bytes(other.key_pem())
    (tmp_path / "old.pem").write_bytes(old.pem + old.key_pem())
    (tmp_path / "rubbish.pem").write_text("rubbish")
    (tmp_path / "broken.pem").write_bytes(own.pem.replace(b"MII", b"MIX", 1) + own.key_pem())
    for name, sealed in (("own.p12", BestAvailableEncryption(PASSWORD.encode())), ("open.p12", NoEncryption())):
        (tmp_path / name).write_bytes(
            pkcs12.serialize_key_and_certificates(b"own", own.key, own.certificate, [authority.own.certificate], sealed)
        )
    legacy = (
        PrivateFormat.PKCS12.encryption_builder()
        .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        .build(PASSWORD.encode())
    )
    (tmp_path / "legacy.p12").write_bytes(
        pkcs12.serialize_key_and_certificates(b"own", own.key, own.certificate, None, legacy)
    )
    return tmp_path


def fields_in(folder: Path, certificate: str, key: str, password: str) -> dict[str, str | None]:
    return {
        "tls_certificate": str(folder / certificate) if certificate else None,
        "tls_key_file": str(folder / key) if key else None,
        "tls_key_password": password or None,
    }


@pytest.mark.parametrize(
    ("certificate", "key", "password"),
    [
        ("own.pem", "own.txt", ""),
        ("own.pem", "own.txt", "not needed"),
        ("own.pem", "sealed.txt", PASSWORD),
        ("own.der", "own.txt", ""),
        ("own-with-key.pem", "", ""),
        ("own-with-key.pem", "sealed.txt", PASSWORD),
        ("own.p12", "", PASSWORD),
        ("open.p12", "", ""),
        ("legacy.p12", "", PASSWORD),
    ],
)
def test_every_usual_form_is_taken(
    authority: Authority, serve: Serve, source_to: Settings, files: Path, certificate: str, key: str, password: str
) -> None:
    server = serve(authority.server_context(demands=authority))
    source = source_to(server.port, **fields_in(files, certificate, key, password))
    with open_session(source) as session:
        assert session.get(f"{source.base_url}/x").text == "fine"


@pytest.mark.parametrize(
    ("certificate", "key", "password", "field", "words"),
    [
        ("own.pem", "sealed.txt", "", "tls_key_password", "it is empty, but the key in .* is encrypted"),
        ("own.pem", "sealed.txt", "wrong", "tls_key_password", "it does not open the key in"),
        ("own.p12", "", "", "tls_key_password", "it is empty, but .* needs one"),
        ("own.p12", "", "wrong", "tls_key_password", "it does not open"),
        ("own.pem", "other.txt", "", "tls_key_file", "does not belong to the certificate in"),
        ("own.pem", "", "", "tls_key_file", "it is empty, and .* holds no private key"),
        ("own.pem", "rubbish.pem", "", "tls_key_file", "holds no private key that can be read"),
        ("own.pem", "missing.key", "", "tls_key_file", "cannot be read: No such file"),
        ("missing.pem", "", "", "tls_certificate", "cannot be read: No such file"),
        ("rubbish.pem", "", "", "tls_certificate", "holds no certificate that can be read"),
        ("broken.pem", "", "", "tls_certificate", "holds no certificate that can be read"),
        ("old.pem", "", "", "tls_certificate", r"expired on \d{4}-\d\d-\d\d \d\d:\d\d UTC"),
        ("", "own.txt", "", "tls_key_file", "tls_certificate is empty"),
    ],
)
def test_each_fault_names_its_field(
    source_to: Settings, files: Path, certificate: str, key: str, password: str, field: str, words: str
) -> None:
    with pytest.raises(ConnectionFieldError, match=f"field {field}: .*{words}") as caught:
        trust_context(source_to(443, **fields_in(files, certificate, key, password)))
    assert caught.value.subject == f"cloud9_test.{field}"
    assert caught.value.hint
    assert PASSWORD not in str(caught.value)


def test_a_certificate_of_the_future_says_from_when(source_to: Settings, files: Path) -> None:
    source = source_to(443, **fields_in(files, "own-with-key.pem", "", ""))
    with pytest.raises(ConnectionFieldError, match="is not valid before"):
        trust_context(source, clock=lambda: NOW - timedelta(days=3))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("own.pem", "neither an absolute path nor a thumbprint"),
        ("ab" * 16, "MD5"),
        ("ab" * 32, "no certificate folder"),
    ],
)
def test_what_is_neither_file_nor_known_thumbprint_is_refused(source_to: Settings, value: str, words: str) -> None:
    with pytest.raises(ConnectionFieldError, match=f"field tls_certificate: .*{words}"):
        trust_context(source_to(443, tls_certificate=value))


def test_a_thumbprint_must_be_found_once(source_to: Settings, files: Path) -> None:
    def refused(thumbprint: str, **fields: Any) -> str:
        with pytest.raises(ConnectionFieldError, match="field tls_certificate") as caught:
            trust_context(source_to(443, tls_certificate=thumbprint, certificate_folder=files, **fields))
        return caught.value.message

    own = load_pem_x509_certificate((files / "own.pem").read_bytes()).fingerprint(hashes.SHA1()).hex()  # noqa: S303 - as people do
    assert "is in no file of" in refused("ab" * 20)
    assert "is in open.p12 and own-with-key.pem and own.der and own.pem of" in refused(own)
    with pytest.raises(ConnectionFieldError, match="certificate folder '/nowhere' cannot be listed"):
        trust_context(source_to(443, tls_certificate=own, certificate_folder=Path("/nowhere")))


def test_nobody_is_asked_for_a_password_on_the_terminal(source_to: Settings, files: Path) -> None:
    source = source_to(443, **fields_in(files, "own.pem", "sealed.txt", ""))
    program = f"""
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.tls import trust_context
from cloud9_archive.errors import ConnectionFieldError
try:
    trust_context(SourceSettings("c", "h.example", "k", "s", tls_certificate={source.tls_certificate!r}, tls_key_file={source.tls_key_file!r}))
except ConnectionFieldError as error:
    print(error.subject)
"""
    controller, terminal = pty.openpty()
    try:
        told = subprocess.run(
            [sys.executable, "-c", program],
            stdin=terminal,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            start_new_session=True,
        )
    finally:
        os.close(controller)
        os.close(terminal)
    assert told.stdout == "c.tls_key_password\n", told.stderr


def test_no_private_key_is_written_to_a_disk(
    source_to: Settings, files: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path_factory.mktemp("scratch")
    monkeypatch.setenv("TMPDIR", str(scratch))
    opened: list[str] = []
    watching = True

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            opened.append(str(arguments[0]))

    sys.addaudithook(watch)
    trust_context(source_to(443, **fields_in(files, "own.p12", "", PASSWORD)))
    watching = False
    assert all(name.isdigit() for name in opened), opened
    assert list(scratch.iterdir()) == []
    assert not [each for each in Path("/proc/self/fd").iterdir() if _memory(each)]


def _memory(descriptor: Path) -> bool:
    try:
        return "client-certificate" in descriptor.readlink().name
    except OSError:
        return False


def test_secrets_are_not_shown(source_to: Settings, files: Path) -> None:
    source = source_to(443, **fields_in(files, "own.p12", "", PASSWORD))
    assert PASSWORD not in repr(source)
    assert PASSWORD not in repr(DeploymentCertificates(key_password=PASSWORD))
