"""The certificate that this client shows, and its private key, from whatever files hold them."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from cloud9_archive.api.certificates import certificates_in, files_of, read_bounded
from cloud9_archive.api.key_files import held_in, opened_key, opened_pkcs12, read_named
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.thumbprint import thumbprint_from_text, thumbprints_of


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """
    A certificate whose key is at hand.

    :param chain: certificates of authorities that are sent along
    :param path: where the certificate was found
    """

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    key: PrivateKeyTypes = field(repr=False)
    path: Path


def client_certificate(source: SourceSettings, *, now: datetime) -> ClientCertificate | None:
    """
    The certificate that the source names; none if it names none.

    :param now: aware
    :raises ConnectionFieldError: if it or its key cannot be used, naming the field
    """
    if not source.tls_certificate:
        return None
    wanted = Path(source.tls_certificate)
    path = wanted if wanted.is_absolute() else _path_by_thumbprint(source, thumbprint_from_text(source.tls_certificate))
    content = read_named(source, "tls_certificate", path)
    held = held_in(source, path, content)
    if not held.certificates:
        raise source.fault(
            "tls_certificate",
            f"{str(path)!r} holds no certificate that can be read",
            hint="give a PEM or PKCS#12 file; openssl pkcs12 -export makes one of a certificate and its key",
        )
    key = held.key if held.key is not None and not source.tls_key_file else _key_elsewhere(source, path)
    # The thumbprint is that of the first one.
    candidates = held.certificates if wanted.is_absolute() else held.certificates[:1]
    own = next((each for each in candidates if _belongs(key, each)), None)
    if own is None:
        where = source.tls_key_file or str(path)
        raise source.fault(
            "tls_key_file" if source.tls_key_file else "tls_certificate",
            f"the key in {where!r} does not belong to the certificate in {str(path)!r}",
            hint="give the key that the certificate was requested with",
        )
    _check_validity(source, own, path, now)
    return ClientCertificate(own, tuple(each for each in held.certificates if each is not own), key, path)


def present(context: ssl.SSLContext, found: ClientCertificate, source: SourceSettings) -> None:
    """
    The context shows the certificate to servers that ask for one.

    :raises ConnectionFieldError: if TLS does not take it
    """
    key = found.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain = b"".join(each.public_bytes(Encoding.PEM) for each in (found.certificate, *found.chain))
    # ssl reads files only. This one has no name and never reaches a disk.
    with os.fdopen(os.memfd_create("client-certificate"), "wb") as memory:
        memory.write(key + chain)
        memory.flush()
        try:
            context.load_cert_chain(f"/proc/self/fd/{memory.fileno()}", password=_never_asked)
        except ssl.SSLError as error:
            raise source.fault(
                "tls_certificate",
                f"TLS does not take the certificate in {str(found.path)!r}: {error.reason}",
                hint="ask for a certificate with a key of at least 2048 bits (RSA) or 256 bits (elliptic curve)",
            ) from error


def _path_by_thumbprint(source: SourceSettings, thumbprint: str) -> Path:
    """The one file of the certificate folder whose own certificate has the thumbprint."""
    folder = source.certificate_folder
    if folder is None:
        raise source.fault(
            "tls_certificate",
            "it is a thumbprint, but this deployment has no certificate folder",
            hint="set [cloud9_archive] certificate_folder, or give the absolute path of the certificate's file",
        )
    try:
        found = [path for path in files_of(folder) if thumbprint in _own_thumbprints(source, path)]
    except OSError as error:
        raise source.fault(
            "tls_certificate",
            f"the certificate folder {str(folder)!r} cannot be listed: {error.strerror or error}",
            hint="mend [cloud9_archive] certificate_folder on this host",
        ) from error
    if len(found) != 1:
        where = f"in {' and '.join(path.name for path in found)}" if found else "in no file"
        raise source.fault(
            "tls_certificate",
            f"the certificate with thumbprint {thumbprint} is {where} of {str(folder)!r}",
            hint="put it into one file there, PEM or PKCS#12, on every worker; what a PKCS#12 file holds is seen only "
            "with its password in tls_key_password",
        )
    return found[0]


def _own_thumbprints(source: SourceSettings, path: Path) -> frozenset[str]:
    """Those of the first certificate in the file: further ones are of authorities that are sent along."""
    try:
        content = read_bounded(path)
    except OSError:
        return frozenset()
    certificates = certificates_in(content)
    if certificates:
        return thumbprints_of(certificates[0])
    opened = opened_pkcs12(content, source.tls_key_password)
    return (
        thumbprints_of(opened.certificates[0].public_bytes(Encoding.DER))
        if opened and opened.certificates
        else frozenset()
    )


def _key_elsewhere(source: SourceSettings, path: Path) -> PrivateKeyTypes:
    """The key in the file that is named, or beside a certificate of the certificate folder."""
    beside = path.with_suffix(".key")
    if source.tls_key_file:
        place = Path(source.tls_key_file)
    elif path.parent == source.certificate_folder and beside.is_file():
        place = beside
    else:
        raise source.fault(
            "tls_key_file",
            f"it is empty, and {str(path)!r} holds no private key",
            hint="name the file of the key, or put the key into the certificate's file",
        )
    return opened_key(source, place, read_named(source, "tls_key_file", place))


def _belongs(key: PrivateKeyTypes, certificate: x509.Certificate) -> bool:
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return key.public_key().public_bytes(*form) == certificate.public_key().public_bytes(*form)


def _check_validity(source: SourceSettings, own: x509.Certificate, path: Path, now: datetime) -> None:
    for wrong, words in (
        (now > own.not_valid_after_utc, f"expired on {own.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"),
        (now < own.not_valid_before_utc, f"is not valid before {own.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"),
    ):
        if wrong:
            raise source.fault(
                "tls_certificate",
                f"the certificate in {str(path)!r} {words}",
                hint="put a valid one there, on every worker; if this host's clock is wrong, set it",
            )


def _never_asked() -> str:
    """Unless it is given something to call, OpenSSL asks for passwords on the terminal and waits."""
    raise ssl.SSLError("a key in memory needs no password")
