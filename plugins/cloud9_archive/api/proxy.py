"""The forward proxy that stands between this worker and everything that a source names."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cloud9_archive.api.places import is_host, is_port, with_port
from cloud9_archive.errors import ConnectionFieldError

Fault = Callable[..., ConnectionFieldError]


@dataclass(frozen=True, slots=True)
class Proxy:
    """
    An HTTP proxy that opens tunnels (CONNECT).

    :param host: host name or address, lower case
    :param user: none when the proxy asks for no credentials; never shown
    :param password: never shown, and in no address
    """

    host: str
    port: int
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where it is, without credentials: addresses end up in errors and logs."""
        return f"http://{with_port(self.host, self.port)}"

    @property
    def headers(self) -> Mapping[str, str]:
        """What CONNECT carries besides the destination: basic authentication, if a user is named."""
        if self.user is None:
            return {}
        credentials = f"{self.user}:{self.password or ''}".encode()
        return {"Proxy-Authorization": f"Basic {base64.b64encode(credentials).decode()}"}


def checked_proxy(
    fault: Fault, *, host: str | None, port: int | None, user: str | None, password: str | None
) -> Proxy | None:
    """
    The proxy that four fields name; none when no host is given.

    :param fault: makes the complaint about a field, from its name and what was found
    :raises ConnectionFieldError: if they do not name one proxy together
    """
    if not host:
        for name, value in (("proxy_port", port), ("proxy_user", user), ("proxy_password", password)):
            if value:
                raise fault(name, "it is given, but proxy_host is empty", hint="name the proxy, or empty this field")
        return None
    if not is_host(host):
        raise fault("proxy_host", "it is not a host name or address", hint="give it without a path")
    if port is None or not is_port(port):
        found = "it is empty" if port is None else f"{port} is not a port"
        raise fault("proxy_port", found, hint="proxies have no usual port; many listen on 3128 or 8080")
    if password and not user:
        raise fault("proxy_user", "it is empty, but proxy_password is given", hint="give both, or neither")
    if user and ":" in user:
        raise fault("proxy_user", "it holds a colon, which basic authentication cannot carry")
    for name, value in (("proxy_user", user), ("proxy_password", password)):
        if value and not value.isprintable():
            raise fault(name, "it holds characters that cannot be seen", hint="paste it again without line ends")
    return Proxy(host, port, user or None, password or None)
