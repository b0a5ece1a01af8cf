"""A certificate authority of the emulator's own, a server certificate for this machine, and a client's."""

from __future__ import annotations

import ipaddress
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = timedelta(days=825)
RENEW_BEFORE = timedelta(days=30)
HOST_NAMES = ("localhost",)
HOST_ADDRESSES = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """
    Where the PEM files are.

    :param ca_file: the authority's certificate, which clients trust
    :param certificate: the server's certificate
    :param key: the server's private key, mode 0600
    :param client: what a client shows to a server that demands it
    """

    ca_file: Path
    certificate: Path
    key: Path
    client: ClientFiles


@dataclass(frozen=True, slots=True)
class ClientFiles:
    """
    A client's certificate by the emulator's authority, in every form in which firms keep one; keys have mode 0600.

    :param certificate: PEM
    :param key: its private key, PEM
    :param encrypted_key: the same key, PEM, opened by the password
    :param pkcs12: certificate, key and authority in one file, opened by the password
    :param password: made up anew with the certificate, kept beside it
    """

    certificate: Path
    key: Path
    encrypted_key: Path
    pkcs12: Path
    password: Path


def ensure_tls(home: Path, *, now: datetime) -> TlsFiles:
    """
    Valid certificates of server and client, and their authority, are in the home folder; they are kept while they last.

    :param home: existing folder
    :param now: aware UTC
    """
    client = ClientFiles(
        home / "client.pem", home / "client.key", home / "client.enc.key", home / "client.p12", home / "client.password"
    )
    tls = TlsFiles(home / "ca.pem", home / "server.pem", home / "server.key", client)
    if not _lasts(tls, now=now):
        _write_anew(tls, now=now)
    return tls


def write_private(path: Path, content: bytes) -> None:
    """The file holds the content, whole, readable by its owner only."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    fresh.replace(path)


def _lasts(tls: TlsFiles, *, now: datetime) -> bool:
    client = tls.client
    files = (tls.ca_file, tls.certificate, tls.key, client.certificate, client.key, client.encrypted_key)
    if not all(path.exists() for path in (*files, client.pkcs12, client.password)):
        return False
    certificate = x509.load_pem_x509_certificate(tls.certificate.read_bytes())
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - RENEW_BEFORE


def _write_anew(tls: TlsFiles, *, now: datetime) -> None:
    authority_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = _name("Cloud9 emulator authority")
    authority = (
        _builder(authority_name, authority_name, authority_key, authority_key, now=now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    names = [
        *(x509.DNSName(name) for name in HOST_NAMES),
        *(x509.IPAddress(ipaddress.ip_address(address)) for address in HOST_ADDRESSES),
    ]
    server = (
        _builder(_name("Cloud9 emulator"), authority_name, server_key, authority_key, now=now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    write_private(tls.key, _pem(server_key))
    _write_client(tls.client, authority, authority_key, now=now)
    tls.certificate.write_bytes(server.public_bytes(serialization.Encoding.PEM))
    tls.ca_file.write_bytes(authority.public_bytes(serialization.Encoding.PEM))


def _write_client(
    files: ClientFiles, authority: x509.Certificate, authority_key: ec.EllipticCurvePrivateKey, *, now: datetime
) -> None:
    key, password = ec.generate_private_key(ec.SECP256R1()), secrets.token_urlsafe(16).encode()
    certificate = (
        _builder(_name("Cloud9 archive"), authority.subject, key, authority_key, now=now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    sealed = serialization.BestAvailableEncryption(password)
    write_private(files.password, password)
    write_private(files.key, _pem(key))
    write_private(files.encrypted_key, _pem(key, sealed))
    write_private(
        files.pkcs12, pkcs12.serialize_key_and_certificates(b"cloud9-archive", key, certificate, [authority], sealed)
    )
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _pem(
    key: ec.EllipticCurvePrivateKey,
    sealed: serialization.KeySerializationEncryption = serialization.NoEncryption(),  # noqa: B008 - immutable
) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    now: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now.astimezone(UTC) + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
