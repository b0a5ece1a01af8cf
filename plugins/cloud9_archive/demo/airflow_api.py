"""The few requests to Airflow's REST API that the demo makes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote

TIMEOUT = 30
FINISHED = frozenset({"success", "failed"})


class AirflowRefusedError(Exception):
    """Airflow answered with an error; the message says to what, and how."""


@dataclass(slots=True)
class AirflowApi:
    """
    A logged-in client of the Airflow on a loopback port.

    :param port: where the API server listens
    """

    port: int
    token: str = field(default="", repr=False)

    def is_healthy(self) -> bool:
        """Whether API server, scheduler and DAG processor all say so."""
        try:
            parts = self._ask("GET", "/api/v2/monitor/health")
        except (OSError, HTTPException, AirflowRefusedError):
            return False
        return all(parts[name]["status"] == "healthy" for name in ("metadatabase", "scheduler", "dag_processor"))

    def log_in(self, username: str, password: str) -> None:
        """Further requests are made as this user."""
        self.token = self._ask("POST", "/auth/token", {"username": username, "password": password})["access_token"]

    def add_connection(self, connection: Mapping[str, Any]) -> None:
        """The connection exists."""
        self._ask("POST", "/api/v2/connections", connection)

    def test_connection(self, connection: Mapping[str, Any]) -> tuple[bool, str]:
        """What the form's Test button would say."""
        answer = self._ask("POST", "/api/v2/connections/test", connection)
        return bool(answer["status"]), str(answer["message"])

    def dag_ids(self) -> set[str]:
        """DAGs that Airflow has read."""
        return {dag["dag_id"] for dag in self._ask("GET", "/api/v2/dags?limit=100")["dags"]}

    def import_errors(self) -> list[str]:
        """What Airflow could not read, and why."""
        return [error["stack_trace"] for error in self._ask("GET", "/api/v2/importErrors?limit=100")["import_errors"]]

    def set_paused(self, dag_id: str, *, paused: bool) -> None:
        """The DAG is paused or not."""
        self._ask("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": paused})

    def backfill(self, dag_id: str, *, first: str, last: str) -> None:
        """A backfill over all intervals that begin from ``first`` to ``last`` is on its way."""
        self._ask(
            "POST",
            "/api/v2/backfills",
            {"dag_id": dag_id, "from_date": first, "to_date": last, "max_active_runs": 3, "reprocess_behavior": "none"},
        )

    def trigger(self, dag_id: str, *, logical_date: str) -> None:
        """A manual run whose interval ends at the logical date is on its way."""
        self._ask("POST", f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": logical_date})

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """The DAG's runs, oldest interval first."""
        runs = self._ask("GET", f"/api/v2/dags/{dag_id}/dagRuns?limit=100")["dag_runs"]
        return sorted(runs, key=lambda run: run["data_interval_start"] or "")

    def task_states(self, dag_id: str, run_id: str) -> dict[str, int]:
        """How many task instances of the run are in each state."""
        counts: dict[str, int] = {}
        for task in self.tasks(dag_id, run_id):
            state = task["state"] or "waiting"
            counts[state] = counts.get(state, 0) + 1
        return counts

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Task instances of the run."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances?limit=100"
        return list(self._ask("GET", path)["task_instances"])

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - any JSON
        connection = HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if not 200 <= answer.status < 300:  # noqa: PLR2004 - 2xx
            raise AirflowRefusedError(f"Airflow answered {method} {path} with {answer.status}: {content[:500]!r}")
        return json.loads(content) if content else None
