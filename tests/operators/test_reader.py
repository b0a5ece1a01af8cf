"""What a person finds in Airflow beside a run that ended: its table, its report's page, a link; and what lineage tells."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.execution_time.xcom import XCom

from cloud9_archive.catalog.runs import open_run
from cloud9_archive.deployment import archive_address
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import ConfigurationError, CredentialsError, ReconciliationError, WindowError
from cloud9_archive.lineage import archive_dataset, archive_lineage
from cloud9_archive.links import REPORT_KEY, TABLE_KEY, RunReportLink
from cloud9_archive.operators import Cloud9DayReportOperator, Cloud9ReconcileOperator

KEY = "emea_rates/reports/2026/03/03/run-1.html"
Say = Callable[[str], None]


@pytest.fixture
def reports_url(settings_only: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    """Sets the deployment's option."""
    return lambda url: monkeypatch.setenv("AIRFLOW__CLOUD9_ARCHIVE__REPORTS_URL", url)


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("", None),
        ("https://archive.example.com", f"https://archive.example.com/{KEY}"),
        ("https://archive.example.com/files/", f"https://archive.example.com/files/{KEY}"),
        (
            "https://console.example/o?b={policy}&prefix=emea/{key}",
            f"https://console.example/o?b=a%20%26b&prefix=emea/{KEY}",
        ),
    ],
)
def test_an_address_is_that_of_the_deployment(reports_url: Say, said: str, address: str | None) -> None:
    reports_url(said)
    assert archive_address("a &b", KEY) == address


@pytest.mark.parametrize(
    "said",
    [
        "ftp://archive.example.com",
        "javascript:alert(1)//{key}",
        "https://me:secret@archive.example.com",
        "https://me@x",
    ],
)
def test_an_address_that_acts_or_holds_a_secret_is_refused(reports_url: Say, said: str) -> None:
    reports_url(said)
    with pytest.raises(ConfigurationError, match="reports_url is no http or https address") as caught:
        archive_address("emea_rates", KEY)
    assert "secret" not in str(caught.value)


def test_the_link_takes_the_key_from_xcom_and_is_absent_without_either(
    reports_url: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: dict[str, Any] = {REPORT_KEY: "emea_rates/reports/2026/03/03/a~b #?.html"}
    monkeypatch.setattr(XCom, "get_value", lambda *, ti_key, key: left.get(key))
    operator: Any = Cloud9ReconcileOperator(task_id="reconcile", policy="emea_rates")
    (link,) = operator.operator_extra_links
    key: Any = SimpleNamespace(run_id="r")
    assert isinstance(link, RunReportLink)
    assert link.get_link(operator, ti_key=key) == ""
    reports_url("https://archive.example.com")
    assert link.get_link(operator, ti_key=key) == (
        "https://archive.example.com/emea_rates/reports/2026/03/03/a~b%20%23%3F.html"
    )
    left.clear()
    assert link.get_link(operator, ti_key=key) == ""


def test_a_run_that_does_not_add_up_leaves_its_table_and_page_too(
    deployment: Any, context: Callable[..., dict[str, Any]], whole_run: Callable[..., Any]
) -> None:
    deployment.connect(password="canary-of-a-wrong-secret")
    run = whole_run(context())
    with pytest.raises(CredentialsError):
        run.fetch_calls()
    with pytest.raises(ReconciliationError):
        run.reconcile()
    pushed = run.context["ti"].pushed
    assert (deployment.archive / pushed[REPORT_KEY]).read_bytes().startswith(b"<!doctype html>")
    lines = pushed[TABLE_KEY].splitlines()
    assert lines[0].split() == ["calls", "listed", "0", "=", *lines[0].split()[4:]]
    assert lines[2].split() == ["findings", "SOURCE_NOT_LISTED", "1"]
    assert lines[3].split() == ["report", pushed[REPORT_KEY]]


@pytest.mark.parametrize(
    ("target", "dataset"),
    [
        ("archive", ("file", "{data}/archive/emea_rates")),
        ("file:///srv/voice%20archive", ("file", "/srv/voice archive/emea_rates")),
        ("s3://voice-archive/emea/", ("s3://voice-archive", "emea/emea_rates")),
        ("s3://voice-archive", ("s3://voice-archive", "emea_rates")),
    ],
)
def test_the_archive_has_a_name_that_lineage_knows(settings_only: Path, target: str, dataset: tuple[str, str]) -> None:
    from cloud9_archive.deployment import deployment_settings  # noqa: PLC0415 - once the settings stand

    settings = deployment_settings()
    policy = settings.policies / "emea_rates.yaml"
    policy.write_text(
        f"policy: emea_rates\nsources: [cloud9_emea]\nschedule: {{cron: '0 2 * * *', timezone: UTC}}\n"
        f"recording_rules: {{enabled: false}}\narchive: {{target: '{target}'}}\n"
    )
    namespace, name = dataset
    assert archive_dataset("emea_rates") == (namespace, name.format(data=settings.data_root))


def test_the_last_days_are_reported_once_and_the_latest_is_linked(
    settings_only: Path, reports_url: Say, context: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    reports_url("https://archive.example.com")
    made = context()
    operator: Any = Cloud9DayReportOperator(task_id="day", policy="emea_rates", lookback="3d")
    operator.render_template_fields(made)
    assert operator.execute(made) == {}, "nothing is known of any day"
    yesterday = datetime.now(UTC).replace(hour=12) - timedelta(days=1)
    run = RunRef("emea_rates", "r", RunKind.SCHEDULED, Window(yesterday, yesterday + timedelta(minutes=1)))
    with operator.workspace() as workspace:
        version = workspace.policy.version
        open_run(workspace.catalog, run, policy_version=version, policy_document={}, now=yesterday)
    told = operator.execute(made)
    (day,) = told
    assert (told[day]["number"], told[day]["written"], told[day]["holds"]) == (1, True, False)
    assert json.loads(json.dumps(told)) == told, "XCom takes it"
    assert not operator.execute(made)[day]["written"]
    left = made["ti"].pushed
    assert left["day_report"] == told[day]["report"].replace(".json", ".html")
    monkeypatch.setattr(XCom, "get_value", lambda *, ti_key, key: left.get(key))
    (link,) = operator.operator_extra_links
    address = f"https://archive.example.com/{left['day_report']}"
    assert link.get_link(operator, ti_key=SimpleNamespace(run_id="r")) == address
    operator.lookback = "soon"
    with pytest.raises(WindowError, match="lookback 'soon'"):
        operator.execute(made)


WITHOUT = importlib.util.find_spec("airflow.providers.openlineage") is None


@pytest.mark.skipif(not WITHOUT, reason="OpenLineage's provider is installed")
def test_without_openlineage_nobody_is_told_anything(settings_only: Path) -> None:
    assert archive_lineage("emea_rates", sources=["cloud9_emea"], rows=1) is None


@pytest.mark.skipif(WITHOUT, reason="OpenLineage's provider is not installed")
def test_lineage_leads_from_the_sources_to_the_archive_with_counts_alone(settings_only: Path) -> None:
    operator = Cloud9ReconcileOperator(task_id="reconcile", policy="emea_rates")
    operator._archived = 7
    told: Any = operator.get_openlineage_facets_on_complete(None)
    assert [(each.namespace, each.name) for each in told.inputs] == [("cloud9://cloud9_emea", "calls")]
    (output,) = told.outputs
    assert (output.namespace, output.name) == archive_dataset("emea_rates")
    assert output.outputFacets["outputStatistics"].rowCount == 7
