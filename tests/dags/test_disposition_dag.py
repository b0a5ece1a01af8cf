"""The DAG that disposes of what has expired: its shape, its dry run, and that it asks for a count and a name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from custody_bench import POLICY, POLICY_FILE, SmallArchive, a_call

from cloud9_archive.disposition_dag import build_disposition_dag
from cloud9_archive.errors import CustodyError
from cloud9_archive.operators import Cloud9DisposeOperator


def test_it_is_paused_has_no_schedule_and_removes_nothing_by_default(settings_only: Path) -> None:
    dag = build_disposition_dag()
    assert (dag.is_paused_upon_creation, dag.schedule, dag.catchup, dag.max_active_runs) == (True, None, False, 1)
    assert {name: dag.params[name] for name in dag.params} == {
        "policy": "americas_credit",
        "confirm": None,
        "actor": None,
        "reason": "its retention has ended",
    }
    (task,) = dag.tasks
    assert (task.task_id, task.retries) == ("dispose", 0)


def test_a_dry_run_leaves_the_count_and_the_confirmed_count_removes(settings_only: Path, tmp_path: Path) -> None:
    (settings_only / "policies" / f"{POLICY}.yaml").write_text(POLICY_FILE)
    made = SmallArchive(tmp_path / "data")
    made.seal(a_call(1), a_call(2))
    before = made.payload()

    def execute(confirm: str = "", actor: str = "") -> Any:
        task = Cloud9DisposeOperator(
            task_id="dispose", policy=POLICY, confirm=confirm, actor=actor, reason="it is time"
        )
        return task.execute({})  # type: ignore[typeddict-item]

    assert execute() == {"expired": 4, "held": 0, "locked": 0, "unfit": 0, "removed": 0}
    for confirm, actor, words in [
        ("4", "", "without actor"),
        ("four", "Anna", "confirm is"),
        ("5", "Anna", "4 of emea"),
    ]:
        with pytest.raises(CustodyError, match=words):
            execute(confirm, actor)
    assert made.payload() == before
    assert execute("4", "Anna Smith")["removed"] == 4
    assert made.payload() == set()
    assert execute("4", "Anna Smith") == {"removed": 0, "files": 0, "bytes": 0}
    assert execute()["expired"] == 0
