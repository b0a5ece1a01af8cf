"""The commands ``report run`` and ``report day``, as a person gives them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from custody_bench import POLICY, POLICY_FILE
from typer.testing import CliRunner

from cloud9_archive.catalog.runs import open_run
from cloud9_archive.cli import app
from cloud9_archive.cli.custody_work import workspace_of
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import ReconciliationError
from cloud9_archive.pipeline.reconcile import reconcile

BEGIN = datetime(2026, 3, 3, tzinfo=UTC)
RUN = RunRef(POLICY, "scheduled__2026-03-03", RunKind.SCHEDULED, Window(BEGIN, BEGIN + timedelta(days=1)))


@pytest.fixture
def run(settings_only: Path) -> RunRef:
    """A run that listed nothing, in a deployment of one policy."""
    for path in (settings_only / "policies").glob("*.yaml"):
        path.unlink()
    (settings_only / "policies" / f"{POLICY}.yaml").write_text(POLICY_FILE)
    with workspace_of(POLICY) as workspace:
        version = workspace.policy.version
        open_run(workspace.catalog, RUN, policy_version=version, policy_document={}, now=BEGIN)
        with pytest.raises(ReconciliationError):
            reconcile(workspace, RUN)
    return RUN


def told(*words: str, ends: int = 0) -> str:
    done = CliRunner().invoke(app, ["report", *words])
    assert done.exit_code == ends, done.output
    return done.output


def test_where_the_report_of_a_run_lies(run: RunRef, monkeypatch: pytest.MonkeyPatch) -> None:
    page, line = told("run", POLICY, run.run_id).splitlines()
    assert page.endswith("/reports/2026/03/03/scheduled__2026-03-03.html")
    assert line.startswith("run: listed=0 archived=0 ")
    assert f"report={page.removesuffix('html')}json head=" in line
    monkeypatch.setenv("AIRFLOW__CLOUD9_ARCHIVE__REPORTS_URL", "https://archive.example.com/x")
    assert told("run", POLICY, run.run_id).splitlines()[1] == f"https://archive.example.com/x/{page}"
    assert json.loads(told("run", POLICY, run.run_id, "--json"))["page"] == page
    assert "is not in the catalog" in told("run", POLICY, "another", ends=2)


def test_a_day_is_drawn_up_once(run: RunRef) -> None:
    page, line = told("day", POLICY, "--day", "2026-03-03", ends=1).splitlines()
    assert page == f"{POLICY}/reports/2026/03/03/day~2026-03-03.html"
    assert line.startswith("day: listed=0 archived=0 ")
    assert "number=1 written=yes" in line
    again = json.loads(told("day", POLICY, "--day", "2026-03-03", "--json", ends=1))
    assert (again["number"], again["written"], again["day"], again["holds"]) == (1, False, "2026-03-03", False)
    assert "is not over in" in told("day", POLICY, "--day", "2999-01-01", ends=2)
    assert "--day 2026-11-22" in told("day", POLICY, "--day", "yesterday", ends=2)
