"""What the files of a client certificate hold: PEM, DER or PKCS#12, certificates and private keys."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key, pkcs12

from cloud9_archive.api.certificates import certificates_in, read_bounded
from cloud9_archive.api.source import SourceSettings

_PRIVATE_KEY = re.compile(rb"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
_DER = b"\x30"


@dataclass(frozen=True, slots=True)
class Content:
    """What one file holds."""

    certificates: tuple[x509.Certificate, ...]
    key: PrivateKeyTypes | None = field(repr=False)


def read_named(source: SourceSettings, name: str, path: Path) -> bytes:
    """
    The content of a file that a field names.

    :param name: the field
    :raises ConnectionFieldError: if it cannot be read
    """
    try:
        return read_bounded(path)
    except OSError as error:
        raise source.fault(
            name,
            f"{str(path)!r} cannot be read: {error.strerror or error}",
            hint="put the file on every worker and on the API server, readable by Airflow's account only",
        ) from error


def held_in(source: SourceSettings, path: Path, content: bytes) -> Content:
    """
    What the certificate's file holds; its key only if the source names no file of its own for it.

    :param path: where the content is from
    :raises ConnectionFieldError: if a password is missing or wrong
    """
    certificates = certificates_in(content)
    if certificates or not content.startswith(_DER):
        key = opened_key(source, path, content) if _has_key(source, content) else None
        try:
            return Content(tuple(x509.load_der_x509_certificate(each) for each in certificates), key)
        except ValueError:
            return Content((), key)
    opened = opened_pkcs12(content, source.tls_key_password)
    if opened is None:
        given = source.tls_key_password is not None
        raise source.fault(
            "tls_key_password",
            f"it does not open {str(path)!r}" if given else f"it is empty, but {str(path)!r} needs one",
            hint="openssl pkcs12 -noout -in FILE asks for the password and tells whether it is right",
        )
    return opened


def opened_pkcs12(content: bytes, password: str | None) -> Content | None:
    """What a PKCS#12 file holds; none if it does not open."""
    try:
        opened = pkcs12.load_pkcs12(content, None if password is None else password.encode())
    except (ValueError, TypeError):
        return None
    certificates = [opened.cert, *opened.additional_certs]
    return Content(tuple(each.certificate for each in certificates if each is not None), opened.key)


def opened_key(source: SourceSettings, path: Path, content: bytes) -> PrivateKeyTypes:
    """
    The private key in a PEM or DER file; nobody is asked for a password on a terminal.

    :param path: where the content is from
    :raises ConnectionFieldError: if there is none, or its password is missing or wrong
    """
    load = load_der_private_key if content.startswith(_DER) else load_pem_private_key
    block = _PRIVATE_KEY.search(content)
    content = block[0] if block else content
    password = source.tls_key_password
    try:
        return load(content, None if password is None else password.encode())
    except TypeError:
        if password is not None:
            # A key that needs no password opens without the one that was given.
            return load(content, None)
        raise source.fault(
            "tls_key_password",
            f"it is empty, but the key in {str(path)!r} is encrypted",
            hint="give the password that the key was written with",
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        if b"ENCRYPTED" in content or (content.startswith(_DER) and password is not None):
            raise source.fault(
                "tls_key_password",
                f"it does not open the key in {str(path)!r}",
                hint="openssl pkey -noout -in FILE asks for the password and tells whether it is right",
            ) from None
        raise source.fault(
            "tls_key_file",
            f"{str(path)!r} holds no private key that can be read",
            hint="export the key as PEM, PKCS#8",
        ) from None


def _has_key(source: SourceSettings, content: bytes) -> bool:
    """Whether the certificate's file is to give the key too."""
    return not source.tls_key_file and _PRIVATE_KEY.search(content) is not None
