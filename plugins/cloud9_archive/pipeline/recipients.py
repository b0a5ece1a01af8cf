"""Who can open an encrypted archive: certificates, read and found fit before the first byte is encrypted."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding

from cloud9_archive.domain.policy import Policy
from cloud9_archive.errors import ConfigurationError
from cloud9_archive.pipeline.signing import read_pem

LEAST_RSA_BITS = 2048
CURVES = ("secp256r1", "secp384r1", "secp521r1")
WARNING_TIME = timedelta(days=30)
"""A certificate that ends within this time is warned of."""

_PRIVATE = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_MAKE = "make one with: openssl req -x509 -newkey rsa:3072 -keyout archive-key.pem -out archive.pem -days 3650 -subj /CN=archive"


@dataclass(frozen=True, slots=True)
class Recipient:
    """
    A certificate that files are encrypted for; whoever has its private key opens them.

    :param name: the path that the policy gives
    """

    name: str
    certificate: x509.Certificate

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate in DER, hex."""
        return hashlib.sha256(self.certificate.public_bytes(Encoding.DER)).hexdigest()

    @property
    def key(self) -> RSAPublicKey | EllipticCurvePublicKey:
        """Its public key."""
        key = self.certificate.public_key()
        if isinstance(key, (RSAPublicKey, EllipticCurvePublicKey)):
            return key
        raise _refused(self.name, "has a key that is neither RSA nor elliptic", hint=_MAKE)


def read_recipients(policy: Policy, *, include: Path, now: datetime) -> tuple[Recipient, ...]:
    """
    Whom the policy's archive is encrypted for, in the policy's order; none if it is not encrypted.

    :param include: what relative paths of certificates begin at
    :param now: aware; certificates must be valid then
    :raises ConfigurationError: if a certificate cannot be read, or must not be relied on
    """
    said = policy.archive.encrypt
    found = [read_recipient(name, include=include, now=now) for name in (said.recipients if said else ())]
    by_print: dict[str, Recipient] = {}
    for each in found:
        other = by_print.setdefault(each.fingerprint, each)
        if other is not each:
            raise _refused(each.name, f"holds the same certificate as {other.name}", hint="name each recipient once")
    return tuple(found)


def read_recipient(name: str, *, include: Path, now: datetime) -> Recipient:
    """
    The certificate of that file, which is fit to encrypt for.

    :param name: path below ``include``, or absolute
    :raises ConfigurationError: if it holds anything else than one certificate, of a key that is strong and for
        encrypting, and valid now
    """
    content = read_pem(include / name)
    if _PRIVATE.search(content):
        raise _refused(
            name, "holds a private key", hint="leave only the certificate there; the private key belongs on no worker"
        )
    try:
        certificates = x509.load_pem_x509_certificates(content)
    except ValueError:
        certificates = []
    if len(certificates) != 1:
        raise _refused(name, f"holds {len(certificates) or 'no'} certificates in PEM, and one is wanted", hint=_MAKE)
    recipient = Recipient(name, certificates[0])
    for fault in _faults(recipient, now):
        raise _refused(name, fault, hint=_MAKE)
    return recipient


def ending_soon(policy: Policy, *, include: Path, now: datetime) -> Iterator[tuple[int, str]]:
    """Place among the recipients, and words, of each certificate of the policy that ends within 30 days."""
    for place, each in enumerate(read_recipients(policy, include=include, now=now)):
        end = each.certificate.not_valid_after_utc
        if end - now < WARNING_TIME:
            left = (end - now).days
            yield place, f"{each.name} ends on {end:%Y-%m-%d}, in {left} day(s): runs fail from then on"


def _faults(recipient: Recipient, now: datetime) -> Iterator[str]:
    certificate = recipient.certificate
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < begin:
        yield f"is valid only from {begin:%Y-%m-%dT%H:%M:%SZ} on"
    if now > end:
        yield f"ended on {end:%Y-%m-%dT%H:%M:%SZ}"
    try:
        key = recipient.key
    except (ValueError, UnsupportedAlgorithm):
        yield "has a key that cannot be read"
        return
    if isinstance(key, RSAPublicKey):
        if key.key_size < LEAST_RSA_BITS:
            yield f"has an RSA key of {key.key_size} bits, and at least {LEAST_RSA_BITS} are wanted"
    elif key.curve.name not in CURVES:
        yield f"has a key on the curve {key.curve.name}, and one of {', '.join(CURVES)} is wanted"
    if not _may_encrypt(certificate, rsa=isinstance(key, RSAPublicKey)):
        use = "keyEncipherment" if isinstance(key, RSAPublicKey) else "keyAgreement"
        yield f"is not for encrypting: its keyUsage is without {use}"


def _may_encrypt(certificate: x509.Certificate, *, rsa: bool) -> bool:
    """Whether its key usage, if it states one, has the one that counts here."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    except ValueError:
        return False
    return usage.key_encipherment if rsa else usage.key_agreement


def _refused(name: str, words: str, *, hint: str) -> ConfigurationError:
    return ConfigurationError(f"the certificate {name} {words}", subject="archive.encrypt.recipients", hint=hint)
