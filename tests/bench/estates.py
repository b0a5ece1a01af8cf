"""A real Airflow over an emulated Cloud9, with policies, DAGs and connections of a test's own."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from postgres_server import fresh_database, postgres_answers

from cloud9_archive.airflow_api import FINISHED, AirflowApi
from cloud9_archive.demo.servers import USER, Place, airflow, emulator, free_port, wait_for
from cloud9_archive.domain.keys import is_day_report
from cloud9_archive.emulator.admin_client import AdminClient
from cloud9_archive.emulator.truth import ReadyFile

PATIENCE = 400.0
"""Seconds until something that must come is given up, also on a machine that has other work."""


@dataclass
class Estate:
    """A running Airflow, its Cloud9, and the command line of a person who works with both."""

    place: Place
    server: subprocess.Popen[bytes]
    api: AirflowApi
    admin: AdminClient
    ready: ReadyFile
    password: str = field(repr=False)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What ``cloud9-archive`` prints, and how it ends."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        environment |= {
            "AIRFLOW_HOME": str(self.place.airflow_home),
            "AIRFLOW__CLOUD9_ARCHIVE__DATA_ROOT": str(self.place.data_root),
            "AIRFLOW__CLOUD9_ARCHIVE__INCLUDE_FOLDER": str(self.place.repository / "include"),
            "CLOUD9_ARCHIVE_AIRFLOW_URL": self.api.base_url,
            "CLOUD9_ARCHIVE_AIRFLOW_USER": USER,
            "CLOUD9_ARCHIVE_AIRFLOW_PASSWORD": self.password,
        }
        command = [str(Path(sys.executable).parent / "cloud9-archive"), *arguments]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=800, check=False, stdin=subprocess.DEVNULL
        )

    def cloud9_connection(self, desk: str, *, password: str | None = None) -> dict[str, Any]:
        """The desk's connection, with its own secret unless another is given."""
        key = self.ready.keys[desk]
        return {
            "connection_id": f"cloud9_{desk}",
            "conn_type": "cloud9",
            "host": self.ready.host,
            "port": self.ready.port,
            "login": key.api_key,
            "password": password or key.api_secret,
            "extra": json.dumps({"tls_trust": self.ready.ca_file}),
        }

    def web_connection(self, conn_id: str, port: int) -> None:
        """There is a connection to a webhook on this machine."""
        self.api.add_connection(
            {"connection_id": conn_id, "conn_type": "http", "schema": "http", "host": "127.0.0.1", "port": port}
        )

    def mail_connection(self, conn_id: str, port: int) -> None:
        """There is a connection to a mail server on this machine."""
        extra = {"disable_tls": True, "disable_ssl": True, "from_email": "archive@firm.example"}
        made = {"connection_id": conn_id, "conn_type": "smtp", "host": "127.0.0.1", "port": port}
        self.api.add_connection({**made, "extra": json.dumps(extra)})

    def wait_until(self, condition: Any, what: str, *, seconds: float = PATIENCE) -> None:
        """The condition holds, or the test fails."""
        wait_for(condition, what, self.server, log=self.place.root / "airflow.log", deadline=seconds)

    def ended(self, dag_id: str, run_id: str, *, seconds: float = PATIENCE) -> str:
        """How the run ended, once it has."""
        self.wait_until(lambda: self.api.run(dag_id, run_id)["state"] in FINISHED, f"run {run_id}", seconds=seconds)
        return str(self.api.run(dag_id, run_id)["state"])

    def archived_files(self) -> dict[str, bytes]:
        """Every file of the archive, by its path."""
        root = self.place.archive
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    def reports(self, policy: str) -> list[dict[str, Any]]:
        """The newest report of each run."""
        found: dict[str, tuple[int, dict[str, Any]]] = {}
        for path in self.place.archive.glob(f"{policy}/reports/*/*/*/*.json"):
            if is_day_report(path.name):
                continue
            report = json.loads(path.read_bytes())
            number = int(report["report_number"])
            if found.get(report["run_id"], (0, {}))[0] <= number:
                found[report["run_id"]] = number, report
        return [report for _, report in found.values()]


@contextmanager
def airflow_database() -> Iterator[str | None]:
    """
    A database of Airflow's own on the Postgres server of this host; None where there is none.

    On SQLite, a request that begins a backfill can bring a busy scheduler down, and nothing starts it again.
    """
    if not postgres_answers():
        yield None
        return
    with fresh_database() as address:
        yield address.replace("postgresql+psycopg:", "postgresql+psycopg2:")


@contextmanager
def estate(
    root: Path, *, policies: Mapping[str, str], dags: Mapping[str, str], world: Sequence[str] = ()
) -> Iterator[Estate]:
    """
    An estate of these policies runs while the block does.

    :param policies: text of each policy file, by the policy's name
    :param dags: Python text of each DAG file, by its name
    :param world: options of the emulated Cloud9
    """
    repository = root / "repository"
    for folder, suffix, texts in (("include/policies", "yaml", policies), ("dags", "py", dags), ("plugins", "py", {})):
        (repository / folder).mkdir(parents=True)
        for name, text in texts.items():
            (repository / folder / f"{name}.{suffix}").write_text(text, encoding="utf-8")
    place = Place(repository, root / "var")
    place.root.mkdir()
    port, password = free_port(), secrets.token_urlsafe(9)
    with (
        airflow_database() as database,
        emulator(place, *world) as ready,
        airflow(place, port=port, password=password, database=database) as server,
    ):
        api = AirflowApi(f"http://127.0.0.1:{port}")
        wait_for(api.is_healthy, "Airflow", server, log=place.root / "airflow.log", deadline=PATIENCE)
        api.log_in(USER, password)
        admin = AdminClient(ready.host, ready.port, Path(ready.ca_file), ready.admin_token, ready.keys)
        admin.set_clock(fixed=datetime.now(UTC).replace(microsecond=0))
        made = Estate(place, server, api, admin, ready, password)
        made.wait_until(lambda: api.import_errors() or set(policies) <= api.dag_ids(), "the DAGs")
        assert api.import_errors() == []
        yield made
