"""Real forward proxies on loopback that ask for a password: proxy.py always, tinyproxy where it is installed."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

KINDS = ["proxy.py", pytest.param("tinyproxy", marks=pytest.mark.services)]
"""For a fixture's ``params``."""
USER, PASSWORD = "archive", "canary-of-the-proxy"
_DEADLINE = 30.0
_TUNNELS = {
    "proxy.py": re.compile(r"CONNECT (\S+:\d+)"),
    "tinyproxy": re.compile(r"Established connection to host \"(\S+)\""),
}


@dataclass(frozen=True)
class ConnectProxy:
    """A proxy that runs."""

    kind: str
    port: int
    log: Path

    def fields(self, **others: Any) -> dict[str, Any]:
        """The connection fields that lead through it."""
        named = {"proxy_host": "127.0.0.1", "proxy_port": self.port, "proxy_user": USER, "proxy_password": PASSWORD}
        return {**named, **others}

    def tunnels(self, *, at_least: int = 1) -> list[str]:
        """The hosts to which it has opened tunnels, once there are that many; it writes its log in its own time."""
        until = time.monotonic() + _DEADLINE
        while len(found := _TUNNELS[self.kind].findall(self.log.read_text())) < at_least and time.monotonic() < until:
            time.sleep(0.02)
        return found


@contextmanager
def running_proxy(kind: str, folder: Path) -> Iterator[ConnectProxy]:
    """
    A proxy of that kind runs until the block ends; without tinyproxy on this host, its test is skipped.

    :param folder: for its configuration and log
    """
    proxy = ConnectProxy(kind, free_port(), folder / f"{kind}.log")
    proxy.log.touch()
    command = _proxy_py(proxy) if kind == "proxy.py" else _tinyproxy(proxy, folder)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            _wait_for(proxy.port, running)
            yield proxy
        finally:
            running.terminate()
            try:
                running.wait(10)
            except subprocess.TimeoutExpired:
                running.kill()


def free_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _proxy_py(proxy: ConnectProxy) -> list[str]:
    options = {
        "--hostname": "127.0.0.1",
        "--port": str(proxy.port),
        "--basic-auth": f"{USER}:{PASSWORD}",
        "--log-file": str(proxy.log),
        "--num-acceptors": "1",
        "--num-workers": "1",
    }
    return [sys.executable, "-m", "proxy", *(word for pair in options.items() for word in pair)]


def _tinyproxy(proxy: ConnectProxy, folder: Path) -> list[str]:
    program = shutil.which("tinyproxy")
    if program is None:
        if os.environ.get("CLOUD9_SERVICES_REQUIRED"):
            pytest.fail("tinyproxy is not installed on this host")
        pytest.skip("tinyproxy is not installed on this host; make test-services installs it")
    settings = folder / "tinyproxy.conf"
    settings.write_text(
        f'Port {proxy.port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\nLogFile "{proxy.log}"\nLogLevel Info\n'
        f"BasicAuth {USER} {PASSWORD}\n"
    )
    return [program, "-d", "-c", str(settings)]


def _wait_for(port: int, running: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _DEADLINE
    while time.monotonic() < until:
        assert running.poll() is None, "the proxy has ended"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    pytest.fail("the proxy does not listen")
