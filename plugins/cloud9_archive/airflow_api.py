"""Airflow's REST API, version 2: what the command line and the demo ask of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import requests

from cloud9_archive.errors import (
    AirflowRefusedError,
    Cloud9ArchiveError,
    ServerFaultError,
    TransientError,
    UnreachableError,
)

TIMEOUT = 30
"""Seconds to connect, and seconds of silence in an answer."""
PAGE = 100
"""Rows of a page, which is the most that Airflow gives."""
FINISHED = frozenset({"success", "failed"})

_HINTS: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "give a user and password, or a token, that this Airflow knows",
    HTTPStatus.FORBIDDEN: "let an administrator of Airflow give this user the right to do it",
    HTTPStatus.NOT_FOUND: "is the DAG there, and is this the address of Airflow's API server? Its page shows both",
}


@dataclass(slots=True)
class AirflowApi:
    """
    A client of one Airflow.

    :param base_url: where the API server answers, such as ``https://airflow.example``
    :param token: what the API server gave for a login; :meth:`log_in` gets one
    """

    base_url: str
    token: str = field(default="", repr=False)

    def is_healthy(self) -> bool:
        """Whether API server, scheduler and DAG processor all say so."""
        try:
            parts = self._ask("GET", "/api/v2/monitor/health")
        except (TransientError, AirflowRefusedError):
            return False
        return all(parts[name]["status"] == "healthy" for name in ("metadatabase", "scheduler", "dag_processor"))

    def log_in(self, username: str, password: str) -> None:
        """Further requests are made as this user."""
        self.token = self._ask("POST", "/auth/token", {"username": username, "password": password})["access_token"]

    def add_connection(self, connection: Mapping[str, Any]) -> None:
        """The connection exists."""
        self._ask("POST", "/api/v2/connections", connection)

    def change_connection(self, connection: Mapping[str, Any]) -> None:
        """The connection is as given."""
        self._ask("PATCH", f"/api/v2/connections/{_part(connection['connection_id'])}", connection)

    def test_connection(self, connection: Mapping[str, Any]) -> tuple[bool, str]:
        """What the form's Test button would say."""
        answer = self._ask("POST", "/api/v2/connections/test", connection)
        return bool(answer["status"]), str(answer["message"])

    def dag_ids(self) -> set[str]:
        """DAGs that Airflow has read."""
        return {dag["dag_id"] for dag in self._pages("/api/v2/dags", "dags")}

    def import_errors(self) -> list[str]:
        """What Airflow could not read, and why."""
        return [error["stack_trace"] for error in self._pages("/api/v2/importErrors", "import_errors")]

    def is_paused(self, dag_id: str) -> bool:
        """
        Whether the DAG is paused.

        :raises AirflowRefusedError: if there is no such DAG
        """
        return bool(self._ask("GET", f"/api/v2/dags/{_part(dag_id)}")["is_paused"])

    def set_paused(self, dag_id: str, *, paused: bool) -> None:
        """The DAG is paused or not."""
        self._ask("PATCH", f"/api/v2/dags/{_part(dag_id)}", {"is_paused": paused})

    def backfill_preview(self, order: Mapping[str, Any]) -> list[str]:
        """Logical dates, ISO 8601, of the runs that a backfill would begin."""
        answer = self._ask("POST", "/api/v2/backfills/dry_run", order)
        return sorted(str(each["logical_date"]) for each in answer["backfills"])

    def begin_backfill(self, order: Mapping[str, Any]) -> int:
        """
        A backfill is on its way; its id.

        :param order: ``dag_id``, ``from_date`` and ``to_date`` as ISO 8601 with an offset: all intervals that begin from
            the one to the other, both included; ``max_active_runs``, ``reprocess_behavior`` none, failed or completed
        """
        return int(self._ask("POST", "/api/v2/backfills", order)["id"])

    def backfills(self, dag_id: str) -> list[dict[str, Any]]:
        """The DAG's backfills, the newest last."""
        return list(self._pages(f"/api/v2/backfills?dag_id={_part(dag_id)}", "backfills"))

    def trigger(self, dag_id: str, *, logical_date: str | None, conf: Mapping[str, Any] | None = None) -> str:
        """A manual run whose interval ends at the logical date is on its way; its id."""
        body = {"logical_date": logical_date, "conf": dict(conf or {})}
        return str(self._ask("POST", f"/api/v2/dags/{_part(dag_id)}/dagRuns", body)["dag_run_id"])

    def runs(self, dag_id: str, *, first: str | None = None, last: str | None = None) -> list[dict[str, Any]]:
        """
        The DAG's runs, oldest interval first.

        :param first: earliest logical date, ISO 8601 with an offset
        :param last: latest logical date
        """
        asked = {"logical_date_gte": first, "logical_date_lte": last}
        query = "&".join(f"{name}={_part(value)}" for name, value in asked.items() if value)
        runs = self._pages(f"/api/v2/dags/{_part(dag_id)}/dagRuns?order_by=id&{query}", "dag_runs")
        return sorted(runs, key=lambda run: run["data_interval_start"] or "")

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """The run."""
        return dict(self._ask("GET", f"/api/v2/dags/{_part(dag_id)}/dagRuns/{_part(run_id)}"))

    def clear_run(self, dag_id: str, run_id: str, *, only_failed: bool = False) -> None:
        """Task instances of the run are to be done again."""
        path = f"/api/v2/dags/{_part(dag_id)}/dagRuns/{_part(run_id)}/clear"
        self._ask("POST", path, {"dry_run": False, "only_failed": only_failed})

    def clear_task(self, dag_id: str, run_id: str, task_id: str, *, downstream: bool = False) -> None:
        """
        Every instance of the task in the run is to be done again.

        :param downstream: and so is what comes after it
        """
        order = {
            "dag_run_id": run_id,
            "task_ids": [task_id],
            "include_downstream": downstream,
            "only_failed": False,
            "dry_run": False,
        }
        self._ask("POST", f"/api/v2/dags/{_part(dag_id)}/clearTaskInstances", order)

    def task_states(self, dag_id: str, run_id: str) -> dict[str, int]:
        """How many task instances of the run are in each state."""
        counts: dict[str, int] = {}
        for task in self.tasks(dag_id, run_id):
            state = task["state"] or "waiting"
            counts[state] = counts.get(state, 0) + 1
        return counts

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Task instances of the run."""
        path = f"/api/v2/dags/{_part(dag_id)}/dagRuns/{_part(run_id)}/taskInstances?order_by=id"
        return list(self._pages(path, "task_instances"))

    def _pages(self, path: str, rows: str) -> Iterator[dict[str, Any]]:
        """Every row of a listing, however long it is."""
        joint = "&" if "?" in path else "?"
        seen = 0
        while True:
            answer = self._ask("GET", f"{path}{joint}limit={PAGE}&offset={seen}")
            yield from answer[rows]
            seen += len(answer[rows])
            if not answer[rows] or seen >= answer["total_entries"]:
                return

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - any JSON
        headers = {"Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        url = f"{self.base_url.rstrip('/')}{path}"
        try:
            answer = requests.request(method, url, json=body, headers=headers, timeout=TIMEOUT, allow_redirects=False)
        except requests.RequestException as error:
            raise UnreachableError(
                f"Airflow at {self.base_url} was not reached: {type(error).__name__}",
                subject=self.base_url,
                hint="is it the address of Airflow's API server, and does it run?",
            ) from None
        if not answer.ok or answer.is_redirect:
            kind: type[Cloud9ArchiveError] = (
                ServerFaultError if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR else AirflowRefusedError
            )
            raise kind(
                f"Airflow answered {method} {path.partition('?')[0]} with {answer.status_code}: {_reason(answer)}",
                subject=path.partition("?")[0],
                hint=_HINTS.get(answer.status_code),
            )
        return answer.json() if answer.content else None


def _part(text: str) -> str:
    """The text as one part of an address: run ids hold colons and plus signs."""
    return quote(text, safe="")


def _reason(answer: requests.Response) -> str:
    """What Airflow says of it, short and on one line."""
    try:
        said = answer.json().get("detail", "")
    except (ValueError, AttributeError):
        said = answer.text
    words = said if isinstance(said, str) else "; ".join(str(each.get("msg", each)) for each in said)
    return " ".join(words.split())[:500]
