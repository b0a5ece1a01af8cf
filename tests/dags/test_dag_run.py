"""emea_rates under Airflow's own task runner, with a metadata database: once, once more, and with a wrong secret."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, DagRunState

pytestmark = [pytest.mark.airflow, pytest.mark.usefixtures("airflow_home"), pytest.mark.timeout(100)]

NIGHT = datetime(2025, 3, 5, 2, tzinfo=ZoneInfo("Europe/London"))
"""Its data interval is the day before."""


@pytest.fixture
def dag(deployment: Any, repository: Path) -> DAG:
    del deployment
    found: DAG = DagBag(repository / "dags").dags["emea_rates"]
    return found


def states(run: Any) -> dict[str, Counter[str]]:
    """How many instances of each task ended in which state."""
    found: dict[str, Counter[str]] = {}
    for instance in run.get_task_instances():
        found.setdefault(instance.task_id, Counter())[str(instance.state)] += 1
    return found


def report_of(deployment: Any) -> dict[str, Any]:
    """The only report of the run, as the archive has it."""
    (path,) = deployment.archive.glob("emea_rates/reports/2025/03/04/*.json")
    report: dict[str, Any] = json.loads(path.read_bytes())
    return report


def shown(run: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What Airflow's own API gives a person who looks at the run's reconcile: the link, and two values of XCom."""
    from airflow.api_fastapi.app import create_app  # noqa: PLC0415 - some seconds, for one test
    from fastapi.testclient import TestClient  # noqa: PLC0415 - as above

    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", "True")
    with TestClient(create_app(apps="core")) as client:
        token = client.get("/auth/token").json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        task = f"/api/v2/dags/emea_rates/dagRuns/{run.run_id}/taskInstances/reconcile"
        links = client.get(f"{task}/links").json()["extra_links"]
        values = {key: client.get(f"{task}/xcomEntries/{key}").json()["value"] for key in ("run_table", "run_report")}
        return {**links, **values}


def test_one_interval_and_the_same_again(dag: DAG, deployment: Any) -> None:
    run = dag.test(logical_date=NIGHT, run_after=NIGHT)
    assert run.state == DagRunState.SUCCESS
    first = states(run)
    assert set(first) == set(dag.task_dict)
    assert all(set(each) == {"success"} for each in first.values())
    assert list(deployment.archive.glob("emea_rates/bags/*/*/*/*/tagmanifest-sha256.txt"))
    facts = report_of(deployment)
    assert {row["state"] for row in facts["rows"]} >= {"archived", "excluded"}
    assert (facts["window_start"], facts["window_end"]) == ("2025-03-04T02:00:00Z", "2025-03-05T02:00:00Z")
    before = deployment.archived_bytes()

    again = dag.test(logical_date=NIGHT, run_after=NIGHT)

    assert again.state == DagRunState.SUCCESS
    assert again.run_id == run.run_id
    assert deployment.archived_bytes() == before


def test_a_wrong_secret_ends_the_run_at_the_first_try(
    dag: DAG,
    deployment: Any,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUD9_ARCHIVE__REPORTS_URL", "https://archive.example.com/x")
    deployment.connect(password="canary-of-a-wrong-secret")
    run = dag.test(logical_date=NIGHT, run_after=NIGHT)

    assert run.state == DagRunState.FAILED
    instances = {instance.task_id: instance for instance in run.get_task_instances()}
    assert instances["fetch_calls"].state == "failed"
    assert instances["fetch_calls"].try_number == 1
    assert instances["fetch_calls"].max_tries == 3
    assert instances["apply_recording_rules"].state == "upstream_failed"
    assert instances["batch.archive"].state == "upstream_failed"
    assert instances["reconcile"].state == "failed"
    assert instances["reconcile"].try_number == 1
    assert report_of(deployment)["rows"] == []

    told = shown(run, monkeypatch)
    assert told["Run report"] == f"https://archive.example.com/x/{told['run_report']}"
    assert b"This run does not add up" in (deployment.archive / told["run_report"]).read_bytes()
    assert "SOURCE_NOT_LISTED 1" in told["run_table"]

    printed = capfd.readouterr()
    logged = f"{printed.out} {printed.err} {caplog.text}"
    assert "CredentialsError" in logged
    assert "not swapped" in logged
    assert "failed tasks: apply_recording_rules, batch.archive" in logged
    kept = b"".join(deployment.archived_bytes().values()).decode()
    assert all(secret not in f"{logged} {kept}" for secret in [*deployment.secrets, "canary-of-a-wrong-secret"])


def test_one_source_that_is_down_does_not_hold_up_the_other(deployment: Any, repository: Path) -> None:
    policy = deployment.include / "policies" / "emea_rates.yaml"
    text = policy.read_text(encoding="utf-8")
    policy.write_text(
        text.replace("sources: [cloud9_emea]", "sources: [cloud9_americas, cloud9_emea]"), encoding="utf-8"
    )
    deployment.connect("cloud9_americas", password="canary-of-a-wrong-secret")

    run = DagBag(repository / "dags").dags["emea_rates"].test(logical_date=NIGHT, run_after=NIGHT)

    found = states(run)
    assert run.state == DagRunState.FAILED
    assert found["fetch_calls"] == {"failed": 1, "success": 1}
    assert set(found["batch.archive"]) == {"success"}
    assert found["reconcile"] == {"failed": 1}
    assert [each["code"] for each in report_of(deployment)["findings"] if each["subject"] == "cloud9_americas"] == [
        "SOURCE_NOT_LISTED"
    ]
