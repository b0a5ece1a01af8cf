"""Hosts and ports as people write them in the fields of a connection."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from cloud9_archive.api.field_fault import field_fault

HIGHEST_PORT = 65535
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_LONGEST_HOST_NAME = 253


@dataclass(frozen=True, slots=True)
class Place:
    """Scheme, host and port as a person wrote them, in one field or in several."""

    scheme: str | None
    host: str
    port: int | None


def place_from_text(conn_id: str, text: str, *, name: str = "host") -> Place:
    """
    What the field says: a bare host, ``host:port``, or an address with a scheme and no path.

    :param name: the field
    :raises ConnectionFieldError: if there is more in it than scheme, host and port
    """
    text = text.strip()
    if not text.isprintable():
        raise field_fault(conn_id, name, "it holds characters that cannot be seen", hint="type it anew")
    if ":" in text and is_address(text.strip("[]")):
        return Place(None, text.strip("[]").lower(), None)
    read = _read(text)
    if read is None:
        raise field_fault(conn_id, name, "it cannot be read as a host or an address of one")
    parts, port = read
    if _says_more(parts):
        raise field_fault(
            conn_id, name, "it holds more than a scheme, a host and a port", hint="leave path, query and login out"
        )
    return Place(parts.scheme or None, (parts.hostname or "").lower(), port)


def is_host(text: str) -> bool:
    """Whether the text is a host name in lower case, or an address without brackets."""
    if len(text) > _LONGEST_HOST_NAME or not text:
        return False
    return is_address(text) or bool(_HOST_NAME.fullmatch(text))


def is_address(text: str) -> bool:
    """Whether the text is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_port(number: int) -> bool:
    """Whether a TCP connection can be made to the port."""
    return 0 < number <= HIGHEST_PORT


def with_port(host: str, port: int) -> str:
    """``host:port``, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _read(text: str) -> tuple[SplitResult, int | None] | None:
    """Parts and port; none instead of an error, whose text quotes what may be a password in the wrong field."""
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        port = parts.port
    except ValueError:
        return None
    return parts, port


def _says_more(parts: SplitResult) -> bool:
    return bool(parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)
