"""The DAG that looks at all policies: its shape, its end under Airflow's own task runner, and whom it tells."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.utils.session import create_session
from pytest_httpserver import HTTPServer
from run_spans_made import remember_run

from cloud9_archive.catalog.catalog import open_catalog
from cloud9_archive.catalog.findings import open_findings
from cloud9_archive.errors import CredentialsError, PolicyError, ReconciliationError, UnreachableError, WindowError
from cloud9_archive.operators import Cloud9DailyLookOperator
from cloud9_archive.reconcile_dag import build_reconcile_dag

MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
DAY = timedelta(days=1)


def look(policy: str, *, lookback: str = "7d", paused: bool | None = None, **context: Any) -> Any:
    """What a policy's task leaves."""

    def get_dag(dag_id: str) -> Any:
        assert dag_id == policy
        if paused is None:
            raise RuntimeError("no supervisor")
        return SimpleNamespace(is_paused=paused)

    left: dict[str, Any] = context.setdefault("left", {})
    ti = SimpleNamespace(get_dag=get_dag, xcom_push=left.__setitem__, try_number=1, max_tries=3, **context)
    task = Cloud9DailyLookOperator(task_id="look", policy=policy, lookback=lookback)
    return task.execute({"dag_run": SimpleNamespace(run_id="scheduled__today"), "ti": ti})  # type: ignore[typeddict-item]


@pytest.fixture
def missed(deployment: Any) -> Any:
    """A deployment whose policy emea_rates has had no run since the day before yesterday."""
    remember_run(deployment.data_root, "emea_rates", MIDNIGHT - 3 * DAY, MIDNIGHT - 2 * DAY, source="cloud9_emea")
    return deployment


def test_it_is_paused_daily_and_has_a_task_for_each_policy_where_that_policy_runs(settings_only: Path) -> None:
    policies = settings_only / "policies"
    (policies / "broken one.yaml").write_text("policy: other\n")
    text = (policies / "americas_credit.yaml").read_text(encoding="utf-8").replace("americas_credit", "placed")
    (policies / "placed.yaml").write_text(text + "run_on: {queue: cloud9-egress}\n", encoding="utf-8")
    dag = build_reconcile_dag()
    assert (dag.is_paused_upon_creation, dag.catchup, dag.max_active_runs) == (True, False, 1)
    assert dag.params["lookback"] == "7d"
    queues = {task.policy: task.queue for task in dag.tasks if isinstance(task, Cloud9DailyLookOperator)}
    assert queues.pop("placed") == "cloud9-egress"
    assert set(queues) == {"americas_credit", "emea_rates", "broken one"}
    assert set(queues.values()) == {"default"}
    assert [task.upstream_task_ids for task in dag.tasks] == [set()] * 4
    with pytest.raises(PolicyError):
        look("broken one")


@pytest.mark.airflow
@pytest.mark.usefixtures("airflow_home")
def test_under_airflow_a_gap_fails_the_task_of_its_policy_alone(missed: Any, repository: Path) -> None:
    dag = DagBag(repository / "dags").dags["cloud9_reconcile"]
    with create_session() as session:
        session.merge(DagBundleModel(name="dags-folder"))
        session.flush()
        session.merge(DagModel(dag_id="emea_rates", bundle_name="dags-folder", is_paused=True, fileloc="", owners=""))
    run = dag.test(logical_date=MIDNIGHT, run_after=MIDNIGHT, run_conf={"lookback": "2d"})
    states = {instance.task_id: (str(instance.state), instance.try_number) for instance in run.get_task_instances()}
    assert states == {"americas_credit": ("success", 1), "emea_rates": ("failed", 1)}
    catalog = open_catalog(f"sqlite:///{missed.data_root / 'catalog.sqlite'}")
    found = {each.finding.code: each.finding.words for each in open_findings(catalog, "emea_rates")}
    catalog.close()
    assert set(found) == {"RUN_MISSING", "POLICY_PAUSED"}
    assert found["POLICY_PAUSED"].startswith("Airflow says")


def test_a_gap_is_told_to_whom_the_policy_names_with_the_run_that_found_it(
    missed: Any, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.firm.example")
    connection = {"conn_type": "http", "schema": "http", "host": "127.0.0.1", "port": httpserver.port}
    monkeypatch.setenv("AIRFLOW_CONN_OPS_HOOK", json.dumps(connection))
    path = missed.include / "policies" / "emea_rates.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "\nalerts: {conn_id: ops_hook}\n", encoding="utf-8")
    httpserver.expect_request("/").respond_with_data("")
    for _ in range(2):
        with pytest.raises(ReconciliationError, match="RUN_MISSING: runs/") as caught:
            look("emea_rates", paused=True)
    assert "cloud9-archive backfill emea_rates --from " in str(caught.value)
    paused, gap = (json.loads(request.get_data()) for request, _ in httpserver.log)
    assert (paused["kind"], paused["codes"]) == ("FINDINGS", {"POLICY_PAUSED": 1})
    assert (gap["kind"], gap["codes"]) == ("RUN_FAILED", {"RUN_MISSING": 1})
    for message in (paused, gap):
        assert message["policy"] == "emea_rates"
        assert message["link"].endswith("/runs/scheduled__today")
        assert "/dags/emea_rates/" not in message["link"]


def test_what_it_leaves_is_counts_and_what_it_cannot_reach_fails_it(deployment: Any) -> None:
    left = look("emea_rates", paused=False)
    assert left["findings"] == {}
    assert left["sources"] == [
        {"source": "cloud9_emea", "listed": 0, "undecided": 0, "vanished": 0, "amended": 0, "made_due": 0}
    ]
    assert len(json.dumps(left)) < 1000
    with pytest.raises(WindowError):
        look("emea_rates", lookback="a week")
    remember_run(deployment.data_root, "emea_rates", MIDNIGHT - 9 * DAY, MIDNIGHT + DAY, source="cloud9_emea")
    deployment.connect(password="canary-of-a-wrong-secret")
    with pytest.raises(CredentialsError):
        look("emea_rates")


def test_reports_that_cannot_be_written_hide_no_gap(missed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> NoReturn:
        raise UnreachableError("the archive takes nothing")

    monkeypatch.setattr("cloud9_archive.pipeline.day_reports.put_day_reports", refused)
    with pytest.raises(ReconciliationError, match="RUN_MISSING: runs/") as caught:
        look("emea_rates", paused=False)
    assert "takes nothing" in str(caught.value.__context__)


def test_a_look_with_gaps_leads_to_the_report_of_its_latest_day(missed: Any) -> None:
    left: dict[str, str] = {}
    with pytest.raises(ReconciliationError, match="RUN_MISSING: runs/"):
        look("emea_rates", paused=False, left=left)
    yesterday = (MIDNIGHT - DAY).date()
    assert left["day_report"].endswith(f"/day~{yesterday}.html")
