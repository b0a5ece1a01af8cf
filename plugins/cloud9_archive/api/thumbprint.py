"""Thumbprints of certificates: written in many ways, meant in one."""

from __future__ import annotations

import hashlib
import re

_SHA1_DIGITS, _SHA256_DIGITS, _MD5_DIGITS = 40, 64, 32
_HEXADECIMAL = re.compile(r"[0-9a-f]+")
# Certificate dialogs show blanks between the bytes, and Windows copies an invisible mark with the first one.
_MEANINGLESS = re.compile(r"[\s:\u200b-\u200f\u202a-\u202e\ufeff]")


def thumbprint_from_text(text: str) -> str:
    """
    A SHA-1 or SHA-256 thumbprint in lower-case hex, without separators.

    Colons, blanks and capitals are forgiven, and so is what ``openssl x509 -fingerprint`` prints before it.

    :raises ValueError: saying what is wrong with it
    """
    digits = _MEANINGLESS.sub("", text.rpartition("=")[2]).lower()
    if not _HEXADECIMAL.fullmatch(digits):
        raise ValueError(f"{text.strip()[:80]!r} is neither an absolute path nor a thumbprint")
    if len(digits) == _MD5_DIGITS:
        raise ValueError(f"{text.strip()[:80]!r} is an MD5 thumbprint, which anybody can forge")
    if len(digits) not in {_SHA1_DIGITS, _SHA256_DIGITS}:
        raise ValueError(
            f"{text.strip()[:80]!r} has {len(digits)} hexadecimal digits; SHA-1 has {_SHA1_DIGITS}, SHA-256 {_SHA256_DIGITS}"
        )
    return digits


def thumbprints_from_text(text: str) -> tuple[str, ...]:
    """
    The thumbprints that the text lists, separated by commas.

    :raises ValueError: saying what is wrong with one
    """
    found = tuple(thumbprint_from_text(part) for part in text.split(",") if part.strip())
    if not found:
        raise ValueError("there is no thumbprint in it")
    return found


def thumbprints_of(certificate: bytes) -> frozenset[str]:
    """
    Both thumbprints of a certificate.

    :param certificate: DER
    """
    return frozenset(
        {hashlib.sha1(certificate, usedforsecurity=False).hexdigest(), hashlib.sha256(certificate).hexdigest()}
    )


def shown_thumbprint(certificate: bytes) -> str:
    """The SHA-256 thumbprint as ``openssl x509 -fingerprint -sha256`` prints it."""
    return hashlib.sha256(certificate).digest().hex(":").upper()
