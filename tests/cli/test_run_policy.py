"""Runs without a scheduler: what each step that fails does to the others and to the end."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cloud9_archive.cli.run_work import sums_line
from cloud9_archive.deployment import deployment_settings
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import CredentialsError, ReconciliationError, TransientError
from cloud9_archive.pipeline.policy_files import load_policy
from cloud9_archive.pipeline.run import StepNews, StepState, filed_sum, run_policy
from cloud9_archive.pipeline.workspace import Workspace, open_workspace

Opened = Callable[..., Workspace]


@pytest.fixture
def opened(firm: Any, impatient: Any, request: pytest.FixtureRequest) -> Opened:
    def make(**changes: Any) -> Workspace:
        policy = load_policy(firm.include / "policies/emea_rates.yaml").model_copy(update=changes)
        context = open_workspace(policy, deployment_settings(), open_source=impatient)
        workspace = context.__enter__()
        request.addfinalizer(lambda: context.__exit__(None, None, None))
        return workspace

    return make


@pytest.fixture
def run(hours: tuple[str, str]) -> RunRef:
    begin, end = map(datetime.fromisoformat, hours)
    return RunRef("emea_rates", "a run", RunKind.MANUAL, Window(begin, end))


def test_what_was_filed_is_what_was_reconciled(opened: Opened, run: RunRef) -> None:
    workspace = opened()
    result = run_policy(workspace, run)
    filed = filed_sum(workspace, run)
    assert filed is not None
    assert (filed.calls, filed.report, filed.chain_head) == (result.calls, result.report, result.chain_head)
    assert filed.recordings["wanted"] == result.recordings.wanted
    assert sum(filed.findings.values()) == len(result.findings)
    assert sums_line(filed).endswith(f"head={result.chain_head}")


def test_one_source_does_not_hold_up_the_other(firm: Any, opened: Opened, run: RunRef) -> None:
    firm.connect("cloud9_americas", password="not-the-right-secret")
    workspace = opened(sources=("cloud9_americas", "cloud9_emea"))
    with pytest.raises(ReconciliationError, match="SOURCE_NOT_LISTED: cloud9_americas") as caught:
        run_policy(workspace, run)
    assert isinstance(caught.value.__cause__, CredentialsError)
    filed = filed_sum(workspace, run)
    assert filed is not None
    assert filed.calls.archived > 0
    assert filed.calls.unaccounted == 0


def test_a_failure_that_needs_a_person_is_the_cause_before_one_that_may_pass(
    firm: Any, opened: Opened, run: RunRef
) -> None:
    firm.connect("cloud9_americas", password="not-the-right-secret")
    firm.cloud9.admin.fault("status", "metadata", status=503, count=20)
    waits: list[float] = []
    workspace = opened(sources=("cloud9_emea", "cloud9_americas"))
    with pytest.raises(ReconciliationError) as caught:
        run_policy(workspace, run, sleep=waits.append)
    assert len(waits) == 3
    assert isinstance(caught.value.__cause__, CredentialsError)


def test_staged_bytes_that_are_lost_are_fetched_once_more(opened: Opened, run: RunRef) -> None:
    workspace = opened()
    lost: list[Path] = []

    def lose(news: StepNews) -> None:
        if (news.step, news.state) == ("fetch_recordings", StepState.DONE) and not lost:
            lost.extend(path for path in (workspace.settings.staging / "media").rglob("*") if path.is_file())
            assert lost
            for path in lost:
                path.unlink()

    assert run_policy(workspace, run, tell=lose).calls.unaccounted == 0


def test_staged_bytes_that_are_always_lost_fail_the_run(opened: Opened, run: RunRef) -> None:
    workspace = opened()

    def lose(news: StepNews) -> None:
        if (news.step, news.state) == ("fetch_recordings", StepState.DONE):
            shutil.rmtree(workspace.settings.staging)

    waits: list[float] = []
    with pytest.raises(ReconciliationError, match="failed tasks: transcode ") as caught:
        run_policy(workspace, run, tell=lose, sleep=waits.append)
    assert isinstance(caught.value.__cause__, TransientError)
    assert waits == []
