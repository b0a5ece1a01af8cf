"""Starts and stops an emulated Cloud9: in this process for tests, or on its own for the demo and developers."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import tempfile
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import TypeAdapter

from cloud9_archive.emulator.admin_client import AdminClient
from cloud9_archive.emulator.app import make_app
from cloud9_archive.emulator.firm import DESKS
from cloud9_archive.emulator.listener import CannotListenError, LocalServer, bind
from cloud9_archive.emulator.state import Cloud
from cloud9_archive.emulator.tls import ensure_tls, write_private
from cloud9_archive.emulator.truth import ClientFiles, DeskKey, ReadyFile
from cloud9_archive.emulator.world import WorldSettings

_START_DEADLINE = 30.0
_STOP_DEADLINE = 10.0
_Keys = TypeAdapter(dict[str, DeskKey])


def ensure_keys(home: Path) -> dict[str, DeskKey]:
    """Every desk has a random key, kept in the home folder (mode 0600) for the next start."""
    path = home / "keys.json"
    if path.exists():
        return _Keys.validate_json(path.read_bytes())
    keys = {
        desk: DeskKey(api_key=f"{desk}-{secrets.token_hex(8)}", api_secret=secrets.token_urlsafe(32)) for desk in DESKS
    }
    write_private(path, _Keys.dump_json(keys))
    return keys


class EmulatorServer:
    """
    A Cloud9 in a thread of this process: ``with EmulatorServer(home=tmp_path) as cloud9: …``.

    :param home: folder for certificates and keys; a temporary one when not given. The same folder gives the same keys.
    :param port: 0 for any free one
    :param host: loopback address
    :param mutual_tls: only clients that show a certificate of its authority are served; :attr:`client` has one
    """

    def __init__(
        self,
        *,
        home: Path | None = None,
        port: int = 0,
        host: str = "127.0.0.1",
        settings: WorldSettings | None = None,
        mutual_tls: bool = False,
    ) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="cloud9-emulator-") if home is None else None
        self.home = home or Path(self._temporary.name if self._temporary else "")
        self.home.mkdir(parents=True, exist_ok=True)
        self._tls = ensure_tls(self.home, now=datetime.now(UTC))
        self.keys = ensure_keys(self.home)
        self.cloud = Cloud(keys=self.keys, admin_token=secrets.token_urlsafe(24), settings=settings or WorldSettings())
        self.host = host
        self._listener: socket.socket = bind(host, port=port)
        self.port: int = self._listener.getsockname()[1]
        self._server = LocalServer(make_app(self.cloud), tls=self._tls, mutual_tls=mutual_tls)
        self.mutual_tls = mutual_tls
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listener]}, name="cloud9-emulator", daemon=True
        )

    @property
    def base_url(self) -> str:
        """``https://host:port``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}:{self.port}"

    @property
    def ca_file(self) -> Path:
        """The authority that clients must trust, PEM."""
        return self._tls.ca_file

    @property
    def client(self) -> ClientFiles:
        """A certificate for a client to show, and its key, in several forms."""
        client = self._tls.client
        return ClientFiles(
            certificate=str(client.certificate.resolve()),
            key=str(client.key.resolve()),
            encrypted_key=str(client.encrypted_key.resolve()),
            pkcs12=str(client.pkcs12.resolve()),
            password=client.password.read_text(encoding="utf-8"),
        )

    @property
    def admin(self) -> AdminClient:
        """The way to set the scene and to learn the truth."""
        client = (self._tls.client.certificate, self._tls.client.key)
        return AdminClient(self.host, self.port, self.ca_file, self.cloud.admin_token, self.keys, client)

    def ready(self) -> ReadyFile:
        """All that a client needs."""
        return ReadyFile(
            base_url=self.base_url,
            host=self.host,
            port=self.port,
            ca_file=str(self.ca_file.resolve()),
            admin_token=self.cloud.admin_token,
            keys=self.keys,
            pid=os.getpid(),
            mutual_tls=self.mutual_tls,
            client=self.client,
        )

    def start(self) -> Self:
        """
        It accepts connections afterwards.

        :raises CannotListenError: if it does not within half a minute
        """
        self._thread.start()
        if not self._server.accepting.wait(_START_DEADLINE):
            raise CannotListenError(f"the emulator did not start on {self.base_url} – see the messages above")
        return self

    def stop(self, *, abruptly: bool = False) -> None:
        """
        It is gone afterwards; stopping twice is no fault.

        :param abruptly: open connections are reset in the middle of what they carry, as when a machine dies
        """
        self._server.stop(abruptly=abruptly)
        if self._thread.ident is not None:
            self._thread.join(_STOP_DEADLINE)
        self._listener.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    def run(self, *, on_ready: Callable[[Self], None]) -> None:
        """
        It serves in this thread, the main one, until SIGINT or SIGTERM.

        :param on_ready: called once it accepts connections
        """

        def tell() -> None:
            if self._server.accepting.wait(_START_DEADLINE):
                on_ready(self)

        teller = threading.Thread(target=tell, name="cloud9-emulator-ready", daemon=True)
        teller.start()
        # uvicorn raises the signal that ended it once more; it must not take the farewell with it.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        self._server.run(sockets=[self._listener])
        teller.join(1)

    def __enter__(self) -> Self:
        """It accepts connections."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """It is gone."""
        self.stop()


def serve(
    *,
    home: Path,
    port: int = 0,
    host: str = "127.0.0.1",
    settings: WorldSettings | None = None,
    mutual_tls: bool = False,
    ready_file: Path | None = None,
    announce: Callable[[str], None] = print,
) -> None:
    """
    An emulated Cloud9 serves until SIGINT or SIGTERM.

    :param home: folder for certificates and keys
    :param mutual_tls: only clients that show a certificate of its authority are served
    :param ready_file: written (mode 0600, whole) once connections are accepted, removed at the end
    :param announce: takes the one line that says where it is
    :raises CannotListenError: if the host is not loopback, or the port is taken
    """
    server = EmulatorServer(home=home, port=port, host=host, settings=settings, mutual_tls=mutual_tls)

    def on_ready(ready: EmulatorServer) -> None:
        if ready_file is not None:
            ready_file.parent.mkdir(parents=True, exist_ok=True)
            write_private(ready_file, ready.ready().model_dump_json(indent=1).encode())
        announce(f"emulator: {ready.base_url} is ready; desks {', '.join(DESKS)}; trust {ready.ca_file}")

    try:
        server.run(on_ready=on_ready)
    finally:
        server.stop()
        if ready_file is not None:
            ready_file.unlink(missing_ok=True)
