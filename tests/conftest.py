"""Before anything imports Airflow: a home of its own, so that no test touches the developer's; and deployments to test in."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from cloud9_archive.emulator.server import EmulatorServer

REPOSITORY = Path(__file__).parents[1]
DAY = datetime(2025, 3, 4, tzinfo=UTC)
"""A Tuesday; the emulated world of a deployment stands still three days later."""

# What several rooms' tests build on; the test folders themselves are no packages.
sys.path.append(str(REPOSITORY / "tests" / "bench"))

for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
    del os.environ[name]
_home = tempfile.mkdtemp(prefix="cloud9-archive-tests-")
os.environ |= {
    "AIRFLOW_HOME": _home,
    "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
}


@atexit.register
def _forget_home(owner: int = os.getpid()) -> None:
    if os.getpid() == owner:
        shutil.rmtree(_home, ignore_errors=True)


@dataclass(frozen=True)
class Deployment:
    """Airflow's settings and connections, as the environment gives them, and the Cloud9 that they lead to."""

    cloud9: EmulatorServer
    data_root: Path
    include: Path
    environment: pytest.MonkeyPatch

    @property
    def archive(self) -> Path:
        return self.data_root / "archive"

    @property
    def secrets(self) -> list[str]:
        return [key.api_secret for key in self.cloud9.keys.values()]

    def connect(self, conn_id: str = "cloud9_emea", *, of: str | None = None, **parts: Any) -> None:
        """The connection leads to the desk that it is named after, or to another; keywords replace its parts."""
        key = self.cloud9.keys[of or conn_id.removeprefix("cloud9_")]
        connection = {
            "conn_type": "cloud9",
            "host": self.cloud9.host,
            "port": self.cloud9.port,
            "login": key.api_key,
            "password": key.api_secret,
            "extra": {"tls_trust": str(self.cloud9.ca_file)},
            **parts,
        }
        self.environment.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(connection))

    def write_policy(self, name: str, text: str) -> Path:
        path = self.include / "policies" / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    def archived_bytes(self) -> dict[str, bytes]:
        """Every file of the archive."""
        files = (path for path in sorted(self.archive.rglob("*")) if path.is_file())
        return {str(path.relative_to(self.archive)): path.read_bytes() for path in files}


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def day() -> datetime:
    return DAY


@pytest.fixture(scope="session")
def emulated_cloud9(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorServer]:
    from cloud9_archive.emulator.server import EmulatorServer  # noqa: PLC0415 - most tests need no server
    from cloud9_archive.emulator.world import WorldSettings  # noqa: PLC0415 - as above

    settings = WorldSettings(seed=7, calls_per_day=30, line_milliseconds=20_000)
    with EmulatorServer(home=tmp_path_factory.mktemp("cloud9"), settings=settings) as server:
        server.admin.set_limits(metadata_per_minute=100_000, recordings_per_minute=100_000)
        yield server


@pytest.fixture
def settings_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: Path) -> Path:
    """A deployment's folders, set through the environment; returns a copy of include/ that may be changed."""
    include = tmp_path / "include"
    shutil.copytree(repository / "include", include)
    monkeypatch.setenv("AIRFLOW__CLOUD9_ARCHIVE__DATA_ROOT", str(tmp_path / "data"))
    monkeypatch.setenv("AIRFLOW__CLOUD9_ARCHIVE__INCLUDE_FOLDER", str(include))
    return include


@pytest.fixture
def deployment(
    emulated_cloud9: EmulatorServer, settings_only: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Deployment:
    emulated_cloud9.admin.set_clock(fixed=DAY + timedelta(days=3))
    emulated_cloud9.admin.clear_faults()
    emulated_cloud9.cloud.log.clear()
    made = Deployment(emulated_cloud9, tmp_path / "data", settings_only, monkeypatch)
    for desk in emulated_cloud9.keys:
        made.connect(f"cloud9_{desk}")
    return made


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """A server of buckets in this process."""
    from buckets import moto_server  # noqa: PLC0415 - most tests need no server

    with moto_server() as url:
        yield url


@pytest.fixture(scope="session")
def ceph_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of buckets that locks in earnest; only make test-services starts it."""
    from ceph_gateway import ceph_gateway  # noqa: PLC0415 - as above

    with ceph_gateway(tmp_path_factory.mktemp("ceph")) as url:
        yield url


@pytest.fixture(scope="session")
def airflow_home() -> Path:
    """Airflow's home, with a migrated metadata database."""
    from airflow.utils.db import initdb  # noqa: PLC0415 - Airflow's models are slow to import

    initdb()
    return Path(os.environ["AIRFLOW_HOME"])
