"""The way to a server, one step at a time: its name, a connection, the certificate that it shows."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from cloud9_archive.api.outcomes import transport_error
from cloud9_archive.api.places import with_port
from cloud9_archive.api.thumbprint import shown_thumbprint
from cloud9_archive.errors import UnreachableError

_MOST_NAMED = 4


@dataclass(frozen=True, slots=True)
class Reached:
    """
    A connection that came about.

    :param local: this host's own address on it
    :param peer: the address at its other end
    """

    local: str
    peer: str


@dataclass(frozen=True, slots=True)
class Shown:
    """
    What a server showed of itself.

    :param version: of TLS
    :param valid_until: aware; none when the certificate does not say it readably
    :param thumbprint: SHA-256, as ``openssl x509 -fingerprint`` prints it
    """

    version: str
    valid_until: datetime | None
    thumbprint: str


def look_up(host: str, port: int) -> str:
    """
    The addresses of the host, for a person.

    :raises UnreachableError: if its name cannot be looked up here
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnreachableError(
            f"the name {host} cannot be looked up from this host",
            subject=host,
            hint="check the name in the connection, and DNS on this host; behind a firewall a proxy may be needed",
        ) from error
    addresses = list(dict.fromkeys(str(address[4][0]) for address in found))
    more = f" and {len(addresses) - _MOST_NAMED} more" if len(addresses) > _MOST_NAMED else ""
    return f"{', '.join(addresses[:_MOST_NAMED])}{more}"


def connect(host: str, port: int, *, timeout: float, fields: str) -> socket.socket:
    """
    A connection to the host; the caller closes it.

    :param timeout: seconds for each of its addresses
    :param fields: those of the connection that name it
    :raises UnreachableError: if none came about
    """
    where = with_port(host, port)
    try:
        return socket.create_connection((host, port), timeout=timeout)
    except TimeoutError as error:
        raise UnreachableError(
            f"no connection to {where} within {timeout:.0f} s: nothing answers",
            subject=where,
            hint=f"check {fields} of the connection; a firewall between here and there may drop it: have it opened",
        ) from error
    except OSError as error:
        raise UnreachableError(
            f"no connection to {where}: {error.strerror or error}",
            subject=where,
            hint=f"check {fields} of the connection, and the firewall between here and there",
        ) from error


def reached(connection: socket.socket) -> Reached:
    """Both ends of the connection."""
    return Reached(str(connection.getsockname()[0]), str(connection.getpeername()[0]))


def handshake(connection: socket.socket, context: ssl.SSLContext, host: str) -> Shown:
    """
    What the server showed, once it was accepted; the connection is spent.

    :param context: as :func:`cloud9_archive.api.tls.trust_context` makes it
    :raises TlsError: if one side does not accept the other
    :raises UnreachableError: if the server broke off
    """
    try:
        with context.wrap_socket(connection, server_hostname=host) as secured:
            certificate = secured.getpeercert(binary_form=True) or b""
            return Shown(secured.version() or "TLS", _valid_until(certificate), shown_thumbprint(certificate))
    except (ssl.SSLError, OSError) as error:
        raise transport_error(error, asked=f"TLS with {host}") from error


def _valid_until(certificate: bytes) -> datetime | None:
    try:
        return x509.load_der_x509_certificate(certificate).not_valid_after_utc
    except ValueError:
        return None
