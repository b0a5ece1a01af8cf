"""An import source: where Cloud9 is, who asks, and how patiently."""

from __future__ import annotations

import ipaddress
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from cloud9_archive.errors import ConnectionFieldError

DEFAULT_PORT = 443
DEFAULT_WIRE_FORMAT = "call_data_v1_1"
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_LONGEST_HOST_NAME = 253
_HIGHEST_PORT = 65535
_PRINTABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """
    What is needed to talk to one Cloud9 tenant; checked, so that whoever holds it need not.

    :param conn_id: Airflow connection id, named in every complaint
    :param host: host name or address, lower case, without scheme
    :param api_secret: never shown
    :param scheme: ``https``; there is no other
    :param ca_file: PEM file with the only certificate authorities to trust; none means those of the system
    :param wire_format: name of a shipped format, or absolute path of a format file
    :param connect_timeout: seconds to wait for a connection
    :param read_timeout: seconds to wait for the next bytes
    :param total_timeout: seconds for one answer as a whole, body included
    :param max_recording_bytes: bytes; a larger recording is refused
    :param region: sent with listings when given
    :param media_hosts: hosts, or ``host:port``, from which audio may be fetched when an answer names an address
    :raises ConnectionFieldError: naming the connection and the field
    """

    conn_id: str
    host: str
    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)
    port: int = DEFAULT_PORT
    scheme: str = "https"
    ca_file: Path | None = None
    wire_format: str = DEFAULT_WIRE_FORMAT
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    total_timeout: float = 900.0
    max_recording_bytes: int = 2 * 1024**3
    region: str | None = None
    media_hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Every field is usable afterwards."""
        self._check_place()
        self._check_credentials()
        for name in ("connect_timeout", "read_timeout", "total_timeout", "max_recording_bytes"):
            number = getattr(self, name)
            if not math.isfinite(number) or number <= 0:
                raise self.fault(name, f"{number} is not a positive number")
        if self.ca_file is not None and not (self.ca_file.is_absolute() and self.ca_file.is_file()):
            raise self.fault(
                "ca_file",
                f"{str(self.ca_file)!r} is not the absolute path of a file",
                hint="put the PEM file on every worker and on the API server, and give its absolute path",
            )

    @property
    def authority(self) -> str:
        """``host:port``, the port always written out."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def base_url(self) -> str:
        """Scheme and authority, without a slash at the end."""
        return f"{self.scheme}://{self.authority}"

    def fault(self, name: str, found: str, *, hint: str | None = None) -> ConnectionFieldError:
        """
        The complaint about one field of this connection.

        :param name: the field
        :param found: what is wrong with it; never a secret
        """
        return field_fault(self.conn_id, name, found, hint=hint)

    def _check_place(self) -> None:
        if self.scheme != "https":
            raise self.fault(
                "scheme",
                f"{self.scheme!r} is refused: calls and credentials travel over https only",
                hint="leave the scheme empty or write https",
            )
        if not _is_host(self.host):
            raise self.fault(
                "host",
                f"{self.host[:80]!r} is not a host name or address" if self.host else "it is empty",
                hint="give a host name such as calldataapi.example.com, or its https:// address without a path",
            )
        if not 0 < self.port <= _HIGHEST_PORT:
            raise self.fault("port", f"{self.port} is not a port", hint="leave it empty for 443")

    def _check_credentials(self) -> None:
        for name in ("api_key", "api_secret"):
            if not getattr(self, name):
                raise self.fault(name, "it is empty", hint="both are shown once, when the key is made in the portal")
        if not _PRINTABLE.fullmatch(self.api_key):
            raise self.fault(
                "api_key",
                "it has blanks around it or characters that no HTTP header can carry",
                hint="paste it again without line ends; the API key goes into Login, the secret into Password",
            )


def field_fault(conn_id: str, name: str, found: str, *, hint: str | None = None) -> ConnectionFieldError:
    """The complaint about one field of a connection; ``found`` never holds a secret."""
    return ConnectionFieldError(
        f"connection {conn_id!r}, field {name}: {found}", subject=f"{conn_id}.{name}", hint=hint
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Scheme, host and port as a person wrote them, in one field or in several."""

    scheme: str | None
    host: str
    port: int | None


def place_from_text(conn_id: str, text: str) -> Place:
    """
    What the host field says: a bare host, ``host:port``, or an address with a scheme and no path.

    :raises ConnectionFieldError: if there is more in it than scheme, host and port
    """
    text = text.strip()
    if not text.isprintable():
        raise field_fault(conn_id, "host", "it holds characters that cannot be seen", hint="type it anew")
    if ":" in text and _is_address(text.strip("[]")):
        return Place(None, text.strip("[]").lower(), None)
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        port = parts.port
    except ValueError as error:
        raise field_fault(conn_id, "host", "it cannot be read as host or https address") from error
    if _says_more(parts):
        raise field_fault(
            conn_id, "host", "it holds more than a scheme, a host and a port", hint="leave path, query and login out"
        )
    return Place(parts.scheme or None, (parts.hostname or "").lower(), port)


def _says_more(parts: SplitResult) -> bool:
    return bool(parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)


def _is_host(text: str) -> bool:
    if len(text) > _LONGEST_HOST_NAME or not text:
        return False
    return _is_address(text) or bool(_HOST_NAME.fullmatch(text))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
