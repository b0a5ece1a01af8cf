"""Reconcile tells what is new, and the notifier tells a failed and a late run, to a real webhook."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from cloud9_archive.errors import AlertNotSentError, ReconciliationError
from cloud9_archive.notifications.alerts import Cloud9AlertNotifier


@pytest.fixture
def told(
    deployment: Any, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer
) -> Callable[[], list[dict[str, Any]]]:
    """Messages so far, of a policy that tells of everything at once."""
    connection = {"conn_type": "http", "schema": "http", "host": "127.0.0.1", "port": httpserver.port}
    monkeypatch.setenv("AIRFLOW_CONN_OPS_HOOK", json.dumps(connection))
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.firm.example")
    path = deployment.include / "policies" / "emea_rates.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "\nalerts: {conn_id: ops_hook}\n", encoding="utf-8")
    return lambda: [json.loads(request.get_data()) for request, _ in httpserver.log]


def test_a_run_tells_its_findings_once(
    told: Any, httpserver: HTTPServer, context: Callable[..., Any], whole_run: Callable[..., Any]
) -> None:
    httpserver.expect_request("/").respond_with_data("")
    run = whole_run(context(run_type="scheduled"))
    run.run()
    run.reconcile()
    (message,) = told()
    assert message["kind"] == "FINDINGS"
    assert message["policy"] == "emea_rates"
    assert message["codes"] == run.xcom["reconcile"][0]["findings"]
    assert message["link"].startswith("https://airflow.firm.example/dags/emea_rates/runs/scheduled__")
    assert message["chain_head"] == run.xcom["reconcile"][0]["chain_head"]


def test_a_channel_that_is_down_fails_no_run_and_is_a_finding(
    told: Any, httpserver: HTTPServer, context: Callable[..., Any], whole_run: Callable[..., Any], open_codes: Any
) -> None:
    httpserver.expect_oneshot_request("/").respond_with_data("", status=503)
    run = whole_run(context(run_type="scheduled"))
    run.run()
    assert "ALERT_NOT_SENT" in open_codes()
    httpserver.clear_all_handlers()
    httpserver.expect_request("/").respond_with_data("")
    run.reconcile()
    assert "ALERT_NOT_SENT" not in open_codes()


@pytest.fixture
def open_codes(deployment: Any) -> Callable[[], set[str]]:
    from sqlalchemy import create_engine, text  # noqa: PLC0415 - asked directly, not through our own code

    def codes() -> set[str]:
        engine = create_engine(f"sqlite:///{deployment.data_root / 'catalog.sqlite'}")
        with engine.connect() as connection:
            found = connection.execute(text("SELECT code FROM findings WHERE healed_at IS NULL")).scalars().all()
        engine.dispose()
        return set(found)

    return codes


@pytest.mark.parametrize("shape", ["failure with task", "failure without task", "deadline"])
def test_a_failed_and_a_late_run_are_told(told: Any, httpserver: HTTPServer, shape: str, context: Any) -> None:
    httpserver.expect_request("/").respond_with_data("")
    whole = context(run_type="scheduled")
    run_id = whole["dag_run"].run_id
    given = {
        "failure with task": whole,
        "failure without task": {"dag": None, "run_id": run_id, "reason": "task_failure"},
        "deadline": {"dag_run": {"dag_run_id": run_id}, "deadline": {"deadline_time": "2026-03-04T02:30:00Z"}},
    }[shape]
    kind = "RUN_LATE" if shape == "deadline" else "RUN_FAILED"
    notifier = Cloud9AlertNotifier(policy="emea_rates", kind=kind, context=given)
    asyncio.run(as_the_triggerer_does(notifier))
    assert len(told()) == 1
    notifier(given)
    (message,) = told()
    assert (message["kind"], message["run_id"]) == (kind, run_id)


async def as_the_triggerer_does(notifier: Cloud9AlertNotifier) -> None:
    await notifier


def test_a_notifier_that_nobody_heard_says_so(told: Any, httpserver: HTTPServer, context: Any) -> None:
    httpserver.expect_request("/").respond_with_data("", status=500)
    with pytest.raises(AlertNotSentError):
        Cloud9AlertNotifier(policy="emea_rates")(context(run_type="scheduled", interval=None))


def test_where_the_page_is_unknown_there_is_no_link(
    told: Any, httpserver: HTTPServer, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "/")
    httpserver.expect_request("/").respond_with_data("")
    Cloud9AlertNotifier(policy="emea_rates")(context(run_type="scheduled"))
    assert told()[0]["link"] is None
    assert told()[0]["window_start"] is None, "the run is not in the catalog"


def test_what_goes_wrong_in_telling_neither_fails_a_run_nor_hides_why_it_failed(
    told: Any, context: Any, whole_run: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("postgresql://someone:canary@db")

    monkeypatch.setattr("cloud9_archive.pipeline.alerting.tell_findings", broken)
    run = whole_run(context(run_type="scheduled"))
    run.run()
    assert run.xcom["reconcile"][0]["chain_head"]
    run.context["ti"].states = {"batch.archive": "failed"}
    with pytest.raises(ReconciliationError, match=r"failed tasks: batch\.archive"):
        run.reconcile()
    assert "canary" not in caplog.text
