"""An emulated Cloud9, and Airflow connections that lead to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from cloud9_archive.emulator.server import EmulatorServer
from cloud9_archive.emulator.world import WorldSettings

Connect = Callable[..., str]


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorServer]:
    settings = WorldSettings(line_milliseconds=60_000)
    with EmulatorServer(home=tmp_path_factory.mktemp("emulator"), settings=settings) as server:
        yield server


@pytest.fixture
def cloud9(running: EmulatorServer) -> EmulatorServer:
    running.admin.set_clock(fixed=datetime(2027, 1, 1, tzinfo=UTC))
    running.admin.allow("emea", "127.0.0.0/8")
    running.admin.clear_faults()
    running.cloud.log.clear()
    return running


@pytest.fixture
def connect(cloud9: EmulatorServer, monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Makes a connection in the environment and returns its id; keywords replace its parts, ``extra`` adds to its extra."""

    def make(conn_id: str = "cloud9_emea", *, extra: dict[str, Any] | None = None, **parts: Any) -> str:
        key = cloud9.keys["emea"]
        connection = {
            "conn_type": "cloud9",
            "host": cloud9.host,
            "port": cloud9.port,
            "login": key.api_key,
            "password": key.api_secret,
            "extra": {"tls_trust": str(cloud9.ca_file), **(extra or {})},
            **parts,
        }
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(connection))
        return conn_id

    return make
