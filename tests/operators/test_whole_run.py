"""A whole run through the operators, with connections from the environment, against an emulated Cloud9."""

from __future__ import annotations

import csv
import json
import logging
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk import TaskInstanceState

from cloud9_archive.errors import (
    ConfigurationError,
    ConnectionFieldError,
    CredentialsError,
    ReconciliationError,
    WireFormatError,
)

MakeContext = Callable[..., dict[str, Any]]
MakeRun = Callable[..., Any]
LARGEST_XCOM = 10_000


@pytest.fixture
def done(deployment: Any, context: MakeContext, whole_run: MakeRun) -> Any:
    """A run that ended well."""
    del deployment
    run = whole_run(context(run_type="backfill"))
    run.run()
    return run


def test_a_run_adds_up_and_is_in_the_archive(done: Any, deployment: Any) -> None:
    (result,) = done.xcom["reconcile"]
    calls = dict(result["calls"])
    listed = calls.pop("listed")
    assert listed == sum(calls.values())
    assert calls["archived"] > 0
    assert calls["excluded"] > 0
    assert result["bags"] == len(list(deployment.archive.glob("emea_rates/bags/*/*/*/*/tagmanifest-sha256.txt"))) > 0
    report = json.loads(deployment.archive.joinpath(result["report"]).read_bytes())
    assert report["run_id"] == done.context["dag_run"].run_id
    assert len(report["rows"]) == listed
    heads = sorted(deployment.archive.glob("emea_rates/chain/*.json"))
    assert heads
    assert len(result["chain_head"]) == 64


def test_the_catalog_knows_what_kind_of_run_it_was(done: Any, deployment: Any) -> None:
    from sqlalchemy import create_engine, text  # noqa: PLC0415 - asked directly, not through our own code

    engine = create_engine(f"sqlite:///{deployment.data_root / 'catalog.sqlite'}")
    with engine.connect() as connection:
        kinds = connection.execute(text("SELECT kind FROM runs")).scalars().all()
    engine.dispose()
    assert kinds == ["backfill"]
    assert done.context["dag_run"].run_type == "backfill"


def test_a_runs_requests_are_booked_in_the_catalog_under_a_name_that_tells_no_key(done: Any, deployment: Any) -> None:
    from sqlalchemy import create_engine, text  # noqa: PLC0415 - as above

    engine = create_engine(f"sqlite:///{deployment.data_root / 'catalog.sqlite'}")
    with engine.connect() as connection:
        ledgers = dict(connection.execute(text("SELECT bucket, ledger FROM rate_buckets")).all())
    engine.dispose()
    assert {name.partition(" ")[2] for name in ledgers} == {"/v1.1/calls/metadata", "/v1/calls/recordings"}
    for name, ledger in ledgers.items():
        assert json.loads(ledger)["whole"] == [], "the run is a backfill"
        assert len(json.loads(ledger)["shared"]) > 0
        assert not any(key.api_key in name or key.api_key in ledger for key in deployment.cloud9.keys.values())


@pytest.mark.usefixtures("deployment")
def test_a_share_that_is_none_stops_the_run(
    context: MakeContext, whole_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUD9_ARCHIVE__BACKFILL_RATE_SHARE", "1.5")
    with pytest.raises(ConfigurationError, match=r"backfill_rate_share is 1\.5"):
        whole_run(context()).run()


def test_xcom_holds_ids_and_counts_and_no_names(done: Any, deployment: Any, day: Any) -> None:
    texts = {task: [json.dumps(value) for value in values] for task, values in done.xcom.items()}
    assert set(texts) == {
        "fetch_calls",
        "apply_recording_rules",
        "decisions",
        "fetch_recordings",
        "transcode",
        "archive",
        "reconcile",
    }
    assert all(len(text) < LARGEST_XCOM for values in texts.values() for text in values)
    everything = " ".join(text for values in texts.values() for text in values).lower()
    names = _names(deployment, day)
    assert len(names) > 10
    for name in names:
        assert name.lower() not in everything
    assert all(secret.lower() not in everything for secret in deployment.secrets)


def test_a_second_run_over_the_same_window_changes_nothing(done: Any, deployment: Any, whole_run: MakeRun) -> None:
    before = deployment.archived_bytes()
    again = whole_run(done.context)
    again.run()
    assert deployment.archived_bytes() == before
    assert again.xcom["reconcile"] == done.xcom["reconcile"]


@pytest.mark.parametrize("reading", [str, TaskInstanceState])
def test_reconcile_fails_with_any_task_and_names_it(
    done: Any, context: MakeContext, whole_run: MakeRun, reading: Callable[[str], str]
) -> None:
    states = {
        "fetch_calls_0": reading("success"),
        "batch.archive_3": reading("failed"),
        "batch.transcode_4": reading("upstream_failed"),
        "batch.fetch_recordings_1": reading("skipped"),
        "batch.archive_0": None,
        "reconcile": reading("failed"),
    }
    run = whole_run({**done.context, "ti": context(run_type="backfill", states=states)["ti"]})
    with pytest.raises(ReconciliationError) as caught:
        run.reconcile()
    assert caught.value.message.endswith("failed tasks: batch.archive_3, batch.transcode_4")


@pytest.mark.usefixtures("deployment")
def test_reconcile_of_a_run_that_listed_nothing_says_which_tasks_failed(
    context: MakeContext, whole_run: MakeRun
) -> None:
    states = {"fetch_calls_0": "failed", "apply_recording_rules": "upstream_failed"}
    with pytest.raises(ReconciliationError, match="listed nothing") as caught:
        whole_run(context(states=states)).reconcile()
    assert caught.value.hint == "failed tasks: apply_recording_rules, fetch_calls_0"


def test_no_secret_leaves_a_good_run(
    deployment: Any,
    context: MakeContext,
    whole_run: MakeRun,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for kind in ("reset", "status"):
        deployment.cloud9.admin.fault(kind, "recordings", count=1)  # what is tried again is logged
    run = whole_run(context())
    with caplog.at_level(logging.DEBUG):
        run.run()
    _search(deployment, caplog, capfd, json.dumps(run.xcom, default=repr))


@pytest.mark.parametrize(
    ("parts", "fault", "kind"),
    [
        ({"password": "canary-of-a-wrong-secret"}, None, CredentialsError),
        ({"login": ""}, None, ConnectionFieldError),
        ({}, "renamed_field", WireFormatError),
        ({}, "not_json", WireFormatError),
        ({"extra": {"tls_trust": "/nowhere.pem", "secret": "canary-of-an-extra"}}, None, ConnectionFieldError),
    ],
)
def test_no_secret_leaves_a_run_that_fails(
    deployment: Any,
    context: MakeContext,
    whole_run: MakeRun,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    parts: dict[str, Any],
    fault: str | None,
    kind: type[Exception],
) -> None:
    deployment.connect(**parts)
    if fault:
        deployment.cloud9.admin.fault(fault, "metadata", count=20)
    run = whole_run(context())
    with caplog.at_level(logging.DEBUG), pytest.raises(kind) as caught:
        run.fetch_calls()
    told = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=False).format())
    _search(deployment, caplog, capfd, f"{told} {caught.value!r} {run.xcom}")


def _search(deployment: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], told: str) -> None:
    printed = capfd.readouterr()
    logged = f"{caplog.text} {[vars(record) for record in caplog.records]} {printed.out} {printed.err}"
    for secret in [*deployment.secrets, "canary-of-"]:
        assert secret not in told
        assert secret not in logged
    assert "***" not in logged  # what Airflow had to mask was written by somebody


def _names(deployment: Any, day: Any) -> set[str]:
    """Everybody's names and logins, from the roster and from what Cloud9 lists."""
    with (deployment.include / "rosters" / "emea.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = {row[column] for row in rows for column in ("extension", "user", "display_name") if row[column]}
    truth = deployment.cloud9.admin.truth("emea", begin=day, end=day.replace(day=day.day + 1))
    for call in truth.calls:
        names |= {*call.near_logins, *call.far_logins}
    return {name for name in names if len(name) > 3}


def test_decisions_are_made_anew_when_the_param_says_so(
    done: Any, deployment: Any, context: MakeContext, whole_run: MakeRun
) -> None:
    path = deployment.include / "policies" / "emea_rates.yaml"
    text = path.read_text(encoding="utf-8").replace("enabled: true", "enabled: false")
    path.write_text(text.replace("  roster: rosters/emea.csv\n", ""), encoding="utf-8")
    plain = whole_run(context(run_type="backfill"))
    plain.run()
    assert plain.xcom["decisions"][0]["redecided"] == 0
    assert plain.xcom["reconcile"][0]["calls"] == done.xcom["reconcile"][0]["calls"]
    anew = whole_run(context(run_type="backfill", redecide=True))
    anew.run()
    counts = anew.xcom["decisions"][0]
    assert counts["redecided"] == anew.xcom["reconcile"][0]["calls"]["listed"]
    assert counts["now_recorded"] == done.xcom["reconcile"][0]["calls"]["excluded"] > 0
    assert anew.xcom["reconcile"][0]["calls"]["excluded"] == 0
