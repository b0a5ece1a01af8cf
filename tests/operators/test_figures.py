"""What Airflow is told of a run: gauges and counters with the policy's name, and an asset event with counts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.sdk.execution_time.context import OutletEventAccessors
from airflow.sdk.observability import stats

from cloud9_archive.api.limits import Bucket
from cloud9_archive.dag import build_dag
from cloud9_archive.domain.accounting import CallSum, MediaSum
from cloud9_archive.domain.findings import Finding
from cloud9_archive.domain.run import RunKind
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import CredentialsError, ReconciliationError
from cloud9_archive.hooks.cloud9 import Cloud9Hook
from cloud9_archive.operators import Cloud9FetchCallsOperator
from cloud9_archive.operators.figures import LOOK_METRICS, METRICS, note_look, policy_asset
from cloud9_archive.pipeline.daily_look import Looked, SourceCounts


class Board:
    """A metrics backend that shows what it was given."""

    def __init__(self) -> None:
        self.gauges: dict[str, float] = {}
        self.counters: Counter[str] = Counter()
        self.policies: set[str] = set()

    def gauge(self, stat: str, value: float, *, tags: dict[str, str], **_: Any) -> None:
        self.gauges[stat] = value
        self.policies.add(tags["policy"])

    def incr(self, stat: str, count: int = 1, *, tags: dict[str, str], **_: Any) -> None:
        self.counters[stat] += count
        self.policies.add(tags["policy"])


@pytest.fixture
def board() -> Iterator[Board]:
    made = Board()
    stats.initialize(factory=lambda: made, export_legacy_names=True)  # type: ignore[arg-type, return-value]
    yield made
    stats.initialize(factory=None, export_legacy_names=True)  # type: ignore[arg-type]


def test_a_daily_look_shows_on_the_board(board: Board) -> None:
    window = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC))
    found = (Finding("CALL_OVERLOOKED", "s/c", "late"), Finding("CALL_VANISHED", "s/d", "gone"))
    sources = (SourceCounts("s", 7, 1, 1, 0, 0), SourceCounts("t", 2, 0, 0, 0, 0))
    note_look(Looked("emea_rates", "look", window, sources, 3, 0, 0, CallSum(), MediaSum(), found, {}))
    assert {f"cloud9_archive.{name}" for name in LOOK_METRICS} == set(board.gauges)
    assert board.policies == {"emea_rates"}
    shown = {name.rpartition(".")[2]: value for name, value in board.gauges.items()}
    assert shown == {"listed": 9, "undecided": 1, "missing_intervals": 3, "gaps": 1, "findings": 2}


def test_a_run_shows_on_the_board_and_starts_who_waits_for_it(
    deployment: Any, context: Callable[..., dict[str, Any]], whole_run: Callable[..., Any], board: Board
) -> None:
    made = context(run_type="backfill")
    made["outlet_events"] = OutletEventAccessors()
    run = whole_run(made)
    run.run()

    (counts,) = run.xcom["reconcile"]
    assert {f"cloud9_archive.{name}" for name in METRICS} == set(board.gauges) | set(board.counters)
    assert board.policies == {"emea_rates"}
    for name, count in counts["calls"].items():
        assert board.gauges[f"cloud9_archive.calls.{name}"] == count
    bags = [path for path in deployment.archive.glob("emea_rates/bags/**/*") if path.is_file()]
    assert board.counters["cloud9_archive.archived_files"] == len(bags)
    assert board.counters["cloud9_archive.archived_bytes"] == sum(path.stat().st_size for path in bags)
    assert board.gauges["cloud9_archive.lag_seconds"] > 0

    told = made["outlet_events"][policy_asset("emea_rates")].extra
    assert told["run_id"] == made["dag_run"].run_id
    assert told["calls"] == counts["calls"]
    assert told["window_start"] == made["data_interval_start"].isoformat()
    assert len(json.dumps(told)) < 5_000

    again = whole_run(made)
    again.run()
    assert board.counters["cloud9_archive.archived_files"] == len(bags), "nothing was written"


def test_a_run_that_failed_shows_too_and_starts_nobody(
    deployment: Any, context: Callable[..., dict[str, Any]], whole_run: Callable[..., Any], board: Board
) -> None:
    deployment.connect(password="canary-of-a-wrong-secret")
    made = context()
    made["outlet_events"] = OutletEventAccessors()
    run = whole_run(made)
    with pytest.raises(CredentialsError):
        run.fetch_calls()
    with pytest.raises(ReconciliationError, match="does not add up"):
        run.reconcile()
    assert board.gauges["cloud9_archive.findings"] == 1
    assert not made["outlet_events"][policy_asset("emea_rates")].extra


def test_a_board_that_is_down_hides_nothing(
    deployment: Any, context: Callable[..., dict[str, Any]], whole_run: Callable[..., Any], board: Board
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OSError("the board is down")

    board.gauge = broken  # type: ignore[method-assign]
    deployment.connect(password="canary-of-a-wrong-secret")
    run = whole_run(context())
    with pytest.raises(CredentialsError):
        run.fetch_calls()
    with pytest.raises(ReconciliationError, match="does not add up"):
        run.reconcile()


@pytest.mark.usefixtures("settings_only")
def test_refusals_of_every_source_are_counted_also_when_the_task_fails(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Cloud9Hook, "client", lambda self, *, limiter: nullcontext(limiter))
    operator = Cloud9FetchCallsOperator(task_id="fetch_calls", policy="emea_rates", source="cloud9_emea")

    def refused() -> None:
        with operator.workspace() as workspace:
            for source in ("cloud9_emea", "cloud9_apac"):
                with workspace.source(source, RunKind.SCHEDULED) as limiter:
                    limiter.pause(Bucket.of("key", "/calls", 60), 0)  # type: ignore[attr-defined]
            raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - the one above
        refused()
    assert board.counters["cloud9_archive.throttled"] == 2


@pytest.mark.usefixtures("deployment")
def test_reconcile_is_what_the_asset_comes_from() -> None:
    dag = build_dag("emea_rates")
    outlets = {task.task_id: [outlet.name for outlet in task.outlets] for task in dag.tasks if task.outlets}
    assert outlets == {"reconcile": ["cloud9_archive.emea_rates"]}
