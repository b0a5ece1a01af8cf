"""A peer that speaks real TLS with certificates of its own, and the source settings that reach it."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pytest_httpserver import HTTPServer

from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.wire import load_wire_format
from cloud9_archive.api.wire_model import WireFormat

LOOPBACK = x509.IPAddress(IPv4Address("127.0.0.1"))


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: tuple[str, ec.EllipticCurvePrivateKey],
    *,
    authority: bool,
    serves: x509.GeneralName = LOOPBACK,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer[0])]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([serves]), critical=False)
    return builder.sign(issuer[1], hashes.SHA256())


def _pem(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> bytes:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True)
class Authority:
    """A certificate authority of our own, and servers that it vouches for."""

    name: str
    key: ec.EllipticCurvePrivateKey
    ca_file: Path

    def server_context(self, **names: Any) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        pem = self.ca_file.with_name(f"server-{secrets.token_hex(4)}.pem")
        pem.write_bytes(_pem(key, _certificate("server", key, (self.name, self.key), authority=False, **names)))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        return context


def _new_authority(folder: Path, name: str) -> Authority:
    key, ca_file = ec.generate_private_key(ec.SECP256R1()), folder / "ca.pem"
    certificate = _certificate(name, key, (name, key), authority=True)
    ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return Authority(name, key, ca_file)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return _new_authority(tmp_path_factory.mktemp("tls"), "ours")


@pytest.fixture(scope="session")
def other_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return _new_authority(tmp_path_factory.mktemp("tls"), "theirs")


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
