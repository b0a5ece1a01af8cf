"""Certificates and private keys of those whom archives are encrypted for, and what openssl makes of a file."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2036, 1, 1, tzinfo=UTC)
USES = [
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
]


@dataclass(frozen=True)
class Keyed:
    """A recipient's two files."""

    certificate: Path
    key: Path

    def opens(self, file: Path) -> bytes:
        """What openssl makes of the file with this key."""
        made = self.decrypt(file)
        assert made.returncode == 0, made.stderr
        return made.stdout

    def decrypt(self, file: Path) -> subprocess.CompletedProcess[bytes]:
        line = ["openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-in", str(file)]
        return subprocess.run(
            [*line, "-inkey", str(self.key), "-recip", str(self.certificate)], capture_output=True, check=False
        )


def private_key(kind: str) -> Any:
    """``rsa2048``, the name of a curve, or ``ed25519``."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind.removeprefix("rsa")))
    return ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(getattr(ec, kind)())


def keyed(
    folder: Path,
    name: str,
    kind: str = "rsa2048",
    *,
    begin: datetime = BEGIN,
    end: datetime = END,
    use: str | None = None,
    password: bytes | None = None,
) -> Keyed:
    """A self-signed certificate of this kind, and its private key, in PEM."""
    key = private_key(kind)
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(called)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )
    if use is not None:
        usage = x509.KeyUsage(**{each: each == use for each in USES})
        certificate = certificate.add_extension(usage, critical=True)
    signed = certificate.sign(key, None if kind == "ed25519" else hashes.SHA256())
    paths = Keyed(folder / f"{name}.pem", folder / f"{name}-key.pem")
    paths.certificate.write_bytes(signed.public_bytes(Encoding.PEM))
    locked = BestAvailableEncryption(password) if password else NoEncryption()
    paths.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))
    return paths
