"""A plain context for operators: no metadata database, but Airflow's own model of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.api.datamodels._generated import DagRun, DagRunState, DagRunType

from cloud9_archive.operators import (
    Cloud9ApplyRecordingRulesOperator,
    Cloud9ArchiveOperator,
    Cloud9FetchCallsOperator,
    Cloud9FetchRecordingsOperator,
    Cloud9ReconcileOperator,
    Cloud9TranscodeOperator,
)

MakeContext = Callable[..., dict[str, Any]]


@dataclass
class TaskInstance:
    """As much of a task instance as the operators ask for."""

    dag_id: str
    run_id: str
    states: dict[str, Any] = field(default_factory=dict)
    pushed: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value

    def get_task_states(self, *, dag_id: str, run_ids: list[str]) -> dict[str, dict[str, Any]]:
        assert dag_id == self.dag_id
        return {run_id: self.states for run_id in run_ids if self.states}


@pytest.fixture
def context(day: datetime) -> MakeContext:
    """Makes a context; ``interval`` is None for a run without logical date."""

    def make(
        *,
        run_type: str = "manual",
        interval: tuple[datetime, datetime] | None = (day, day + timedelta(days=1)),
        policy: str = "emea_rates",
        states: dict[str, Any] | None = None,
        **params: str | None,
    ) -> dict[str, Any]:
        start, end = interval or (None, None)
        run = DagRun(
            dag_id=policy,
            run_id=f"{run_type}__{day.isoformat()}",
            logical_date=start,
            data_interval_start=start,
            data_interval_end=end,
            run_after=day,
            start_date=day,
            end_date=None,
            run_type=DagRunType(run_type),
            state=DagRunState.RUNNING,
            consumed_asset_events=[],
            partition_key=None,
        )
        made = {
            "dag_run": run,
            "ti": TaskInstance(policy, run.run_id, states or {}),
            "params": {"window_start": None, "window_end": None, **params},
        }
        # Airflow leaves these keys out of the context of a run without logical date.
        return made if interval is None else {**made, "data_interval_start": start, "data_interval_end": end}

    return make


@dataclass
class WholeRun:
    """Every task of a run, one after the other, and what each leaves in XCom."""

    context: dict[str, Any]
    policy: str = "emea_rates"
    source: str = "cloud9_emea"
    xcom: dict[str, list[Any]] = field(default_factory=dict)

    def work(self, operator: Any) -> Any:
        """The operator's fields are rendered, and it has run."""
        operator.render_template_fields(self.context)
        returned = operator.execute(self.context)
        self.xcom.setdefault(operator.task_id, []).append(returned)
        return returned

    def fetch_calls(self) -> Any:
        return self.work(Cloud9FetchCallsOperator(task_id="fetch_calls", policy=self.policy, source=self.source))

    def apply(self) -> list[str]:
        found: list[str] = self.work(
            Cloud9ApplyRecordingRulesOperator(task_id="apply_recording_rules", policy=self.policy)
        )
        self.xcom["decisions"] = [self.context["ti"].pushed["decisions"]]
        return found

    def batch(self, batch_id: str) -> None:
        for task_id, kind in (
            ("fetch_recordings", Cloud9FetchRecordingsOperator),
            ("transcode", Cloud9TranscodeOperator),
            ("archive", Cloud9ArchiveOperator),
        ):
            self.work(kind(task_id=task_id, policy=self.policy, batch_id=batch_id))

    def reconcile(self) -> Any:
        return self.work(Cloud9ReconcileOperator(task_id="reconcile", policy=self.policy))

    def run(self) -> Any:
        self.fetch_calls()
        for batch_id in self.apply():
            self.batch(batch_id)
        return self.reconcile()


@pytest.fixture
def whole_run() -> Callable[..., WholeRun]:
    return WholeRun
