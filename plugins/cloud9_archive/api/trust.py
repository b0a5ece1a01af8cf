"""Whom a source trusts: the system's authorities, authorities of its own, or one certificate exactly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cloud9_archive.api.certificates import certificates_in, is_authority, known_certificates, read_bounded
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.thumbprint import thumbprints_from_text


@dataclass(frozen=True, slots=True)
class SystemTrust:
    """The authorities of this host."""

    words: str = "the authorities of this host"


@dataclass(frozen=True, slots=True)
class Anchors:
    """
    These certificates alone vouch for servers, and the server's name must be in its certificate.

    :param certificates: DER
    :param words: what they are, for a person
    """

    certificates: tuple[bytes, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Pins:
    """
    The server must show one of these certificates, whoever signed it and whatever its name.

    :param thumbprints: SHA-1 or SHA-256, lower-case hex
    """

    thumbprints: frozenset[str]

    @property
    def words(self) -> str:
        """What they are, for a person."""
        return f"only {len(self.thumbprints)} server certificate(s), by thumbprint"


Trust = SystemTrust | Anchors | Pins


def read_trust(source: SourceSettings) -> Trust:
    """
    What the source's ``tls_trust`` amounts to.

    Thumbprints that are all known here as authorities are anchors; those of which none is known as one are pins.

    :raises ConnectionFieldError: if a file cannot be used, or authorities and others are mixed
    """
    if not source.tls_trust:
        return SystemTrust()
    path = Path(source.tls_trust)
    if path.is_absolute():
        return Anchors(_bundle(source, path), f"only the authorities of {path}")
    return _by_thumbprint(source, thumbprints_from_text(source.tls_trust))


def _bundle(source: SourceSettings, path: Path) -> tuple[bytes, ...]:
    try:
        found = certificates_in(read_bounded(path))
    except OSError as error:
        raise source.fault(
            "tls_trust",
            f"{str(path)!r} cannot be read: {error.strerror or error}",
            hint="put the PEM file on every worker and on the API server, and give its absolute path",
        ) from error
    if not found:
        raise source.fault(
            "tls_trust", f"{str(path)!r} holds no PEM certificate that can be read", hint="export it as PEM"
        )
    return found


def _by_thumbprint(source: SourceSettings, thumbprints: tuple[str, ...]) -> Anchors | Pins:
    try:
        known = known_certificates(source.certificate_folder)
    except OSError as error:
        raise source.fault(
            "tls_trust",
            f"the certificate folder cannot be listed: {error.strerror or error}",
            hint="mend [cloud9_archive] certificate_folder on this host",
        ) from error
    authorities = {each: known[each] for each in thumbprints if each in known and is_authority(known[each])}
    if not authorities:
        return Pins(frozenset(thumbprints))
    others = [each for each in thumbprints if each not in authorities]
    if others:
        raise source.fault(
            "tls_trust",
            f"{', '.join(authorities)} is a certificate authority that is known here, {', '.join(others)} is not",
            hint="list authorities only, or server certificates only; an authority is known when its certificate is in "
            "[cloud9_archive] certificate_folder or in the system's store",
        )
    certificates = tuple(dict.fromkeys(authorities.values()))
    return Anchors(certificates, f"only {len(certificates)} authority(ies), by thumbprint")
