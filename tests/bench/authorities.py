"""Certificate authorities of the tests' own, and what they sign: servers, clients, intermediates, expired or misnamed ones."""

from __future__ import annotations

import hashlib
import secrets
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOOPBACK = x509.IPAddress(IPv4Address("127.0.0.1"))
AN_HOUR, A_DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self, password: str | None = None) -> bytes:
        sealed: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password is not None:
            sealed = serialization.BestAvailableEncryption(password.encode())
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed)

    def thumbprint(self, digest: str = "sha256") -> str:
        """As a certificate dialog shows it."""
        return hashlib.new(digest, self.der, usedforsecurity=False).digest().hex(":").upper()


@dataclass(frozen=True)
class Authority:
    """
    A certificate authority, and servers that it vouches for.

    :param ca_file: its own certificate, PEM
    :param above: the authority that signed it; none for a root
    """

    name: str
    own: Issued
    ca_file: Path
    above: Authority | None = None

    @classmethod
    def root(cls, folder: Path, name: str) -> Self:
        own = _issued(name, None, authority=True)
        (folder / "ca.pem").write_bytes(own.pem)
        return cls(name, own, folder / "ca.pem")

    def intermediate(self, name: str) -> Authority:
        own = _issued(name, self, authority=True)
        ca_file = self.ca_file.with_name(f"{name}.pem")
        ca_file.write_bytes(own.pem)
        return Authority(name, own, ca_file, self)

    def issue(
        self, name: str = "server", *, serves: x509.GeneralName = LOOPBACK, valid_for: timedelta = A_DAY
    ) -> Issued:
        """A certificate that is valid from two days ago until ``valid_for`` from now."""
        return _issued(name, self, authority=False, serves=serves, valid_for=valid_for)

    def server_context(
        self,
        shown: Issued | None = None,
        *,
        serves: x509.GeneralName = LOOPBACK,
        valid_for: timedelta = A_DAY,
        demands: Authority | None = None,
    ) -> ssl.SSLContext:
        """
        For a server that shows the certificate, with the intermediates that lead to it.

        :param demands: clients must show a certificate that this authority signed
        """
        shown = shown or self.issue(serves=serves, valid_for=valid_for)
        chain, above = b"", self
        while above.above is not None:
            chain, above = chain + above.own.pem, above.above
        pem = self.ca_file.with_name(f"server-{secrets.token_hex(4)}.pem")
        pem.write_bytes(shown.key_pem() + shown.pem + chain)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        if demands is not None:
            context.load_verify_locations(demands.ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def _issued(
    name: str,
    by: Authority | None,
    *,
    authority: bool,
    serves: x509.GeneralName = LOOPBACK,
    valid_for: timedelta = A_DAY,
) -> Issued:
    now, key = datetime.now(UTC), ec.generate_private_key(ec.SECP256R1())
    issuer, issuer_key = (by.name, by.own.key) if by else (name, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * A_DAY)
        .not_valid_after(now + valid_for)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([serves]), critical=False)
    return Issued(builder.sign(issuer_key, hashes.SHA256()), key)
