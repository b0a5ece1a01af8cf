"""The disposition DAG under Airflow's own task runner: a dry run, a wrong count, a name that is missing, and the right count."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DagRunState
from custody_bench import POLICY, POLICY_FILE, SmallArchive, a_call

pytestmark = [pytest.mark.airflow, pytest.mark.usefixtures("airflow_home"), pytest.mark.timeout(100)]


def test_it_lists_refuses_another_count_and_removes_what_was_confirmed(
    settings_only: Path, tmp_path: Path, repository: Path
) -> None:
    (settings_only / "policies" / f"{POLICY}.yaml").write_text(POLICY_FILE)
    made = SmallArchive(tmp_path / "data")
    made.seal(a_call(1), a_call(2))
    before = made.payload()

    def triggered(**params: Any) -> tuple[str, dict[str, Any] | None]:
        # Read anew each time, as a worker does: dag.test() leaves a run's conf in the params of the object.
        dag = DagBag(repository / "dags" / "cloud9_disposition.py").dags["cloud9_disposition"]
        run = dag.test(run_conf={"policy": POLICY, **params})
        (instance,) = run.get_task_instances()
        return run.state, instance.xcom_pull(task_ids="dispose")

    listed = {"expired": 4, "held": 0, "locked": 0, "unfit": 0, "removed": 0}
    assert triggered() == (DagRunState.SUCCESS, listed)
    for refused in ({"confirm": 5, "actor": "Anna Smith"}, {"confirm": 4}):
        assert triggered(**refused) == (DagRunState.FAILED, None)
    assert (made.payload(), made.custody()) == (before, [])

    state, removed = triggered(confirm=4, actor="Anna Smith", reason="its 30 days are over")
    assert state == DagRunState.SUCCESS
    assert removed is not None
    assert (removed["removed"], removed["files"], made.payload()) == (4, len(before), set())
    (stone,) = (json.loads(made.workspace.store.read(key)) for key in made.custody())
    assert (stone["actor"], stone["reason"]) == ("Anna Smith", "its 30 days are over")
    assert made.verify().findings == ()
