"""The two servers of the demo, each in a session of its own so that nothing of them is left behind."""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cloud9_archive.emulator.truth import ReadyFile

START_DEADLINE = 120.0
STOP_DEADLINE = 20.0
POLL = 0.25
USER = "admin"


class DemoError(Exception):
    """The demo cannot go on; the message is one line that says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """
    The demo's folders.

    :param repository: the checkout, with ``dags/``, ``plugins/`` and ``include/``
    :param root: everything that the demo writes
    """

    repository: Path
    root: Path

    @property
    def airflow_home(self) -> Path:
        """Airflow's home."""
        return self.root / "airflow"

    @property
    def data_root(self) -> Path:
        """The provider's data: catalog, staging and archive."""
        return self.root / "data"

    @property
    def archive(self) -> Path:
        """The archive's root."""
        return self.data_root / "archive"


@contextmanager
def emulator(place: Place, *options: str) -> Iterator[ReadyFile]:
    """
    An emulated Cloud9 serves while the block runs.

    :param options: further ones of its command line
    """
    ready_file = place.root / "emulator.json"
    ready_file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "cloud9_archive.emulator"]
    command += ["--home", str(place.root / "emulator"), "--ready-file", str(ready_file), *options]
    with _server(command, log=place.root / "emulator.log", env=dict(os.environ)) as server:
        wait_for(ready_file.exists, "the emulator", server, log=place.root / "emulator.log")
        yield ReadyFile.model_validate_json(ready_file.read_bytes())


@contextmanager
def airflow(
    place: Place, *, port: int, password: str, database: str | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """
    ``airflow standalone`` runs while the block runs; it may not be ready yet.

    :param database: SQLAlchemy URL of Airflow's own database; a SQLite file in its home when None
    """
    passwords = place.airflow_home / "passwords.json"
    passwords.parent.mkdir(parents=True, exist_ok=True)
    passwords.touch(mode=0o600)
    passwords.write_text(json.dumps({USER: password}), encoding="utf-8")
    env = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    env |= airflow_environment(place, port=port, passwords=passwords)
    if database is not None:
        env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = database
    command = [str(Path(sys.executable).parent / "airflow"), "standalone"]
    with _server(command, log=place.root / "airflow.log", env=env) as server:
        yield server


def airflow_environment(place: Place, *, port: int, passwords: Path) -> dict[str, str]:
    """Airflow's settings for the demo: loopback only, one user, this checkout's DAGs."""
    log_port, trigger_log_port = free_port(), free_port()
    return {
        "AIRFLOW_HOME": str(place.airflow_home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(place.repository / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(place.repository / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "8",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__SECRET_KEY": secrets.token_urlsafe(32),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(48),
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(log_port),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(trigger_log_port),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW__CLOUD9_ARCHIVE__DATA_ROOT": str(place.data_root),
        "AIRFLOW__CLOUD9_ARCHIVE__INCLUDE_FOLDER": str(place.repository / "include"),
        "PYTHONUNBUFFERED": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",  # standalone calls airflow by name
    }


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def check_port(port: int) -> None:
    """
    Nobody listens on the port.

    :raises DemoError: if somebody does
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise DemoError(f"port {port} is taken ({error.strerror}): name another with PORT=…") from None


def wait_for(
    condition: Callable[[], bool],
    what: str,
    server: subprocess.Popen[bytes],
    *,
    log: Path,
    deadline: float = START_DEADLINE,
) -> None:
    """
    The condition holds.

    :param deadline: seconds
    :raises DemoError: if the server ended, or the condition did not come to hold in time
    """
    until = time.monotonic() + deadline
    while not condition():
        if server.poll() is not None:
            raise DemoError(f"{what} ended with exit code {server.returncode}: see {log}")
        if time.monotonic() > until:
            raise DemoError(f"{what} was not ready after {deadline:.0f} s: see {log}")
        try:
            server.wait(POLL)
        except subprocess.TimeoutExpired:
            continue


@contextmanager
def _server(command: list[str], *, log: Path, env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        server = subprocess.Popen(  # noqa: S603 - our own commands
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env, start_new_session=True
        )
    try:
        yield server
    finally:
        _end(server)


def _end(server: subprocess.Popen[bytes]) -> None:
    """The server and whatever it started are gone; ``airflow standalone`` leaves children to itself."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, sign)
        except ProcessLookupError:
            return
        until = time.monotonic() + STOP_DEADLINE
        while time.monotonic() < until and _group_is_alive(server):
            try:
                server.wait(POLL)
            except subprocess.TimeoutExpired:
                continue


def _group_is_alive(server: subprocess.Popen[bytes]) -> bool:
    server.poll()
    try:
        os.killpg(server.pid, 0)
    except ProcessLookupError:
        return False
    return True
