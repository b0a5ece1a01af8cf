"""Certificates in files, in the deployment's certificate folder and in the system's store."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509

from cloud9_archive.api.thumbprint import thumbprints_of

MOST_CERTIFICATE_BYTES = 16 * 1024**2
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\s.*?-----END CERTIFICATE-----", re.DOTALL)
_DER = b"\x30"


def read_bounded(path: Path) -> bytes:
    """
    The file's content.

    :raises OSError: if it cannot be read, or is larger than any bundle of certificates
    """
    with path.open("rb") as file:
        content = file.read(MOST_CERTIFICATE_BYTES + 1)
    if len(content) > MOST_CERTIFICATE_BYTES:
        raise OSError(f"it is larger than {MOST_CERTIFICATE_BYTES} bytes")
    return content


def certificates_in(content: bytes) -> tuple[bytes, ...]:
    """
    The certificates in a PEM or DER file, in its order; none if it is of another kind.

    :returns: DER
    """
    if content.startswith(_DER):
        return (content,) if _is_certificate(content) else ()
    found = []
    for block in _PEM.findall(content):
        try:
            found.append(ssl.PEM_cert_to_DER_cert(block.decode("ascii")))
        except ValueError:
            continue
    return tuple(found)


def is_authority(certificate: bytes) -> bool:
    """
    Whether the certificate may sign others.

    :param certificate: DER
    """
    try:
        parsed = x509.load_der_x509_certificate(certificate)
        constraints = parsed.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        # Roots from before version 3 had no way to say so.
        return parsed.version is x509.Version.v1 and parsed.issuer == parsed.subject
    except ValueError:
        return False
    return constraints.ca


def known_certificates(folder: Path | None) -> dict[str, bytes]:
    """
    Every certificate in the folder and in the system's store, by both of its thumbprints.

    :param folder: the deployment's certificate folder
    :raises OSError: if the folder cannot be listed
    """
    paths = [*(files_of(folder) if folder else ()), *_system_files()]
    found: dict[str, bytes] = {}
    seen: set[Path] = set()
    for path in paths:
        real = path.resolve()
        if real not in seen:
            seen.add(real)
            for certificate in _certificates_at(real):
                found |= dict.fromkeys(thumbprints_of(certificate), certificate)
    return found


def files_of(folder: Path) -> tuple[Path, ...]:
    """
    The files directly in the folder, in the order of their names.

    :raises OSError: if it cannot be listed
    """
    return tuple(sorted(path for path in folder.iterdir() if path.is_file()))


def _system_files() -> Iterator[Path]:
    places = ssl.get_default_verify_paths()
    if places.cafile:
        yield Path(places.cafile)
    if places.capath:
        yield from files_of(Path(places.capath))


def _certificates_at(path: Path) -> tuple[bytes, ...]:
    """None when the file cannot be read: the folder may hold keys that are not for everybody."""
    try:
        return certificates_in(read_bounded(path))
    except OSError:
        return ()


def _is_certificate(content: bytes) -> bool:
    try:
        x509.load_der_x509_certificate(content)
    except ValueError:
        return False
    return True
