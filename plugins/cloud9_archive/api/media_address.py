"""Addresses that an answer gives for audio: read in one way only, and allowed only where the connection lists the host."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from cloud9_archive.api.source import SourceSettings
from cloud9_archive.domain.words import shown
from cloud9_archive.errors import MediaHostError

LONGEST_ADDRESS: Final = 8192
HTTPS_PORT: Final = 443

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# What two readers could take differently is not read at all: blanks, control characters, backslashes, names that are not
# ASCII, escapes in the host, a login before it.
_ADDRESS = re.compile(
    r"https://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<target>[/?][!-\[\]-~]*)?",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"https://[^/?#\\]*@", re.IGNORECASE)
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_LONGEST_NAME: Final = 253
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_HIGHEST_PORT: Final = 65535
_ENTRY = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>[0-9]{1,5}))?")

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_THIS_NETWORK: Final = ipaddress.IPv4Network("0.0.0.0/8")
# Where clouds tell machines their secrets; the best-known one is link-local anyway.
_METADATA: Final = frozenset(
    map(ipaddress.ip_address, ("100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"))
)


@dataclass(frozen=True, slots=True)
class MediaAddress:
    """
    Where audio is, on a host that the connection lists.

    :param host: a name in ASCII and lower case without a dot at its end, or an IP address without brackets
    :param target: path and query; the query may be a right to read, so it is never shown
    """

    host: str
    port: int
    target: str = field(repr=False)

    @property
    def authority(self) -> str:
        """``host:port``, for requests and for messages."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole address; not for messages."""
        return f"https://{self.authority}{self.target}"

    @property
    def is_name(self) -> bool:
        """Whether the host is a name, so that somebody else says which address it has."""
        return _ip_address(self.host) is None


def media_address(text: str, *, source: SourceSettings) -> MediaAddress:
    """
    The address in the text, if audio may be fetched from there.

    :param text: as the answer gave it
    :param source: its ``media_hosts`` are the only ones allowed
    :raises MediaHostError: naming the host, and nothing else of the address
    """
    if len(text) > LONGEST_ADDRESS:
        raise _refused(source, f"an address of {len(text)} characters")
    # What follows a # is never sent.
    match = _ADDRESS.fullmatch(text.partition("#")[0])
    if match is None:
        raise _refused(source, _what_is_wrong(text))
    host, port = _host(match["host"]), int(match["port"] or HTTPS_PORT)
    if host is None or not 0 < port <= _HIGHEST_PORT:
        raise _refused(
            source, f"an address with the host {shown(match['host'])!r} and port {port}, which can be read in two ways"
        )
    if not is_listed(host, port, source.media_hosts):
        raise MediaHostError(
            f"Cloud9 names an address on {shown(host)}:{port} for a recording, and that is no media host of this connection",
            subject=f"{source.conn_id}.media_hosts",
            hint=f"if audio may come from there, add {shown(host)}:{port} to media_hosts of the connection {source.conn_id!r}",
        )
    return MediaAddress(host, port, _target(match["target"] or "/"))


def is_listed(host: str, port: int, entries: Iterable[str]) -> bool:
    """
    Whether an entry of the list means this host and this port.

    :param host: as in :class:`MediaAddress`
    :param entries: ``host`` (port 443) or ``host:port``; each means itself alone, no subdomain
    """
    return any(_means(entry.strip(), host, port) for entry in entries)


def refused_peer(peer: str) -> str | None:
    """
    Why a host name may not lead to this address; none when it may. Private networks are allowed: firms host there.

    :param peer: an IP address, as a socket tells it
    """
    address = _plain(ipaddress.ip_address(peer.partition("%")[0]))
    checks = (
        (address in _METADATA, "a cloud's metadata service"),
        (address.is_loopback, "this machine itself"),
        (address.is_link_local, "a link-local address"),
        (address.is_unspecified or address in _THIS_NETWORK, "no address"),
        (address.is_multicast, "a multicast address"),
        (address.is_reserved, "a reserved address"),
    )
    return next((words for holds, words in checks if holds), None)


def _plain(address: IpAddress) -> IpAddress:
    """The IPv4 address that an IPv6 address only wraps, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _target(text: str) -> str:
    return text if text.startswith("/") else f"/{text}"


def _means(entry: str, host: str, port: int) -> bool:
    bare = _ip_address(entry)
    if bare is not None:
        return (str(bare), HTTPS_PORT) == (host, port)
    match = _ENTRY.fullmatch(entry)
    if match is None or int(match["port"] or HTTPS_PORT) != port:
        return False
    return _host(match["host"]) == host


def _host(text: str) -> str | None:
    """The host in its one spelling; none when it is no host name, or a number that only some would take for an address."""
    text = text.lower()
    if text.startswith("["):
        address = _ip_address(text[1:-1])
        return str(address) if isinstance(address, ipaddress.IPv6Address) else None
    text = text.removesuffix(".")
    if _NUMBER.fullmatch(text.rpartition(".")[2]):
        return str(address) if (address := _ip_address(text)) is not None else None
    return text if len(text) <= _LONGEST_NAME and _NAME.fullmatch(text) else None


def _ip_address(text: str) -> IpAddress | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _what_is_wrong(text: str) -> str:
    if not text.isascii() or not text.isprintable() or "\\" in text or " " in text:
        return "an address with blanks, backslashes or characters that are not ASCII"
    if _LOGIN.match(text):
        return "an address with a login before its host"
    if not text.lower().startswith("https://"):
        return "an address that does not begin with https://"
    return "an address whose host cannot be read"


def _refused(source: SourceSettings, what: str) -> MediaHostError:
    return MediaHostError(
        f"Cloud9 names {what} for a recording, which is refused",
        subject=f"{source.conn_id}.media_hosts",
        hint="addresses are followed over https, to a plain host name or IP address only; ask Cloud9 about it",
    )
