"""uvicorn on a loopback socket: bound before it starts, told when it accepts, and stoppable at any moment."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import ssl
import threading

import uvicorn
from starlette.types import ASGIApp

from cloud9_archive.emulator.faults import break_connection
from cloud9_archive.emulator.tls import TlsFiles


class CannotListenError(Exception):
    """The emulator cannot be reached where it was asked to be; the message is one line that says why."""


def bind(host: str, *, port: int) -> socket.socket:
    """
    A listening socket on this machine only.

    :param host: ``localhost`` or a loopback address
    :param port: 0 for any free one
    :raises CannotListenError: if the host is not loopback, or the port is taken
    """
    address = "127.0.0.1" if host == "localhost" else host
    try:
        loopback = ipaddress.ip_address(address).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise CannotListenError(f"the emulator listens on loopback only, not on {host!r} – use 127.0.0.1 or ::1")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it each answer takes 40 ms more.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        why = "it is taken" if error.errno == errno.EADDRINUSE else error.strerror
        raise CannotListenError(
            f"cannot listen on {address} port {port}: {why} – choose another with --port"
        ) from error
    return listener


class LocalServer(uvicorn.Server):
    """
    A uvicorn that says when it accepts connections.

    :param tls: its certificate and key
    :param mutual_tls: only clients with a certificate of its authority get as far as a request
    """

    def __init__(self, app: ASGIApp, *, tls: TlsFiles, mutual_tls: bool = False) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                date_header=False,
                timeout_graceful_shutdown=2,
                ssl_certfile=str(tls.certificate),
                ssl_keyfile=str(tls.key),
                ssl_cert_reqs=ssl.CERT_REQUIRED if mutual_tls else ssl.CERT_NONE,
                ssl_ca_certs=str(tls.ca_file),
            )
        )
        self.accepting = threading.Event()
        self.loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Connections are accepted afterwards, and whoever waits for that is told."""
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets=sockets)
        self.accepting.set()

    def stop(self, *, abruptly: bool = False) -> None:
        """
        The server ends soon; callable from any thread.

        :param abruptly: every connection is reset at once, in the middle of whatever it carries
        """
        if abruptly and self.loop is not None and not self.loop.is_closed():
            self.force_exit = True
            self.loop.call_soon_threadsafe(self._break_all)
        self.should_exit = True

    def _break_all(self) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                break_connection(transport)
