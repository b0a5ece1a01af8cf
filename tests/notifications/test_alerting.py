"""What is told, when, and through which channel: a real catalog, and a real webhook on loopback."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.sdk.bases.notifier import BaseNotifier
from pytest_httpserver import HTTPServer

from cloud9_archive.catalog.catalog import Catalog, open_catalog
from cloud9_archive.catalog.findings import note_findings
from cloud9_archive.catalog.runs import RunState, note_report, open_run
from cloud9_archive.domain.alert import Alert
from cloud9_archive.domain.alerting import AlertKind, Alerts
from cloud9_archive.domain.findings import Finding, Severity
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import AlertChannelError, AlertNotSentError
from cloud9_archive.notifications.channels import CHANNELS, _class, _filled, send
from cloud9_archive.pipeline.alerting import CATALOG_SILENT, Occasion, tell_failure, tell_findings, tell_lateness

NOW = datetime(2026, 3, 4, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
RUN = RunRef("emea_rates", "one", RunKind.SCHEDULED, Window(NOW - timedelta(days=1), NOW))
MISSING = Finding("MEDIA_MISSING", "cloud9_emea/jsmith-called-her-broker", "it is gone")
DAMAGED = Finding("MEDIA_QUARANTINED", "cloud9_emea/r2", "it is cut")
NOT_LISTED = Finding("SOURCE_NOT_LISTED", "cloud9_emea", "it was not")
GAP = Finding("CALL_UNACCOUNTED", "cloud9_emea/c3", "its work is not done")


@pytest.fixture
def catalog(tmp_path: Path) -> Any:
    opened = open_catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    yield opened
    opened.close()


@pytest.fixture
def outbox() -> list[Alert]:
    return []


def policy_alerts(**more: Any) -> Alerts:
    return Alerts.model_validate({"conn_id": "ops_hook", **more})


def tell(catalog: Catalog, outbox: list[Alert], *, at: datetime = NOW, how: Any = tell_findings, **more: Any) -> Any:
    return how(catalog, Occasion("emea_rates", policy_alerts(**more), "one", tell=outbox.append, now=at))


def found(catalog: Catalog, *seen: Finding, at: datetime = NOW) -> None:
    note_findings(catalog, RUN, seen, examined={each.subject for each in (MISSING, DAMAGED, GAP)}, now=at)


def test_new_findings_are_told_once_in_one_message_without_names(catalog: Catalog, outbox: list[Alert]) -> None:
    found(catalog, MISSING, DAMAGED)
    assert tell(catalog, outbox) is not None
    assert tell(catalog, outbox, at=NOW + 9 * HOUR) is None
    (alert,) = outbox
    assert alert.codes == {"MEDIA_MISSING": 1, "MEDIA_QUARANTINED": 1}
    assert alert.severity is Severity.ERROR
    for form in (alert.title, alert.text, alert.html, json.dumps(alert.document())):
        assert "MEDIA_MISSING" in form
        assert "jsmith" not in form
        assert "emea_rates" in form
    assert all(action in alert.text for action in alert.next_actions)


def test_what_comes_back_is_told_again(catalog: Catalog, outbox: list[Alert]) -> None:
    for number, seen in enumerate([(MISSING,), (), (MISSING,)]):
        found(catalog, *seen, at=NOW + number * 2 * HOUR)
        tell(catalog, outbox, at=NOW + number * 2 * HOUR)
    assert [alert.codes for alert in outbox] == [{"MEDIA_MISSING": 1}] * 2


def test_findings_are_gathered_unless_one_is_critical(catalog: Catalog, outbox: list[Alert]) -> None:
    found(catalog, MISSING)
    tell(catalog, outbox)
    found(catalog, MISSING, DAMAGED)
    assert tell(catalog, outbox, at=NOW + HOUR - timedelta(seconds=1)) is None
    assert tell(catalog, outbox, at=NOW + timedelta(seconds=1), severities={"MEDIA_QUARANTINED": "critical"})
    assert [alert.severity for alert in outbox] == [Severity.ERROR, Severity.CRITICAL]
    assert outbox[1].codes == {"MEDIA_QUARANTINED": 1}


def test_what_is_not_urgent_enough_is_not_told(catalog: Catalog, outbox: list[Alert]) -> None:
    found(catalog, MISSING, DAMAGED)
    tell(catalog, outbox, at_least="error")
    assert [alert.codes for alert in outbox] == [{"MEDIA_MISSING": 1}]


def test_what_could_not_be_sent_is_told_by_the_next_run(catalog: Catalog, outbox: list[Alert]) -> None:
    def broken(alert: Alert) -> None:
        raise AlertNotSentError("no")

    found(catalog, MISSING)
    with pytest.raises(AlertNotSentError):
        tell_findings(catalog, Occasion("emea_rates", policy_alerts(), "one", tell=broken, now=NOW))
    assert tell(catalog, outbox) is not None


def test_the_same_failure_is_told_again_after_a_while_with_how_often_it_came(
    catalog: Catalog, outbox: list[Alert]
) -> None:
    found(catalog, GAP, MISSING)
    failed = partial(tell, catalog, outbox, how=tell_failure)
    assert failed() is not None
    assert failed(at=NOW + HOUR) is None
    assert failed(at=NOW + 2 * HOUR) is None
    assert failed(at=NOW + 4 * HOUR) is not None
    assert [(alert.codes, alert.repeats, alert.severity) for alert in outbox] == [
        ({"CALL_UNACCOUNTED": 1}, 0, Severity.CRITICAL),
        ({"CALL_UNACCOUNTED": 1}, 2, Severity.CRITICAL),
    ]
    assert tell(catalog, outbox).codes == {"MEDIA_MISSING": 1}, "what fails a run is told with the failure"


def test_runs_that_failed_for_the_same_reason_are_told_once_whichever_saw_it_last(
    catalog: Catalog, outbox: list[Alert]
) -> None:
    sums = json.dumps({"findings": {"SOURCE_NOT_LISTED": 1, "MEDIA_MISSING": 2}})
    for run_id in ("one", "two"):
        run = replace(RUN, run_id=run_id)
        open_run(catalog, run, policy_version="1", policy_document={}, now=NOW)
        note_findings(catalog, run, [NOT_LISTED], examined=set(), now=NOW)
        note_report(catalog, run, state=RunState.GAP, number=1, key="k", facts_digest="d", sums=sums)
    for run_id in ("one", "two"):
        tell_failure(catalog, Occasion("emea_rates", policy_alerts(), run_id, tell=outbox.append, now=NOW))
    assert [(alert.run_id, alert.codes) for alert in outbox] == [("one", {"SOURCE_NOT_LISTED": 1})]


def test_another_failure_is_told_at_once(catalog: Catalog, outbox: list[Alert]) -> None:
    tell(catalog, outbox, how=tell_failure)
    found(catalog, GAP)
    assert tell(catalog, outbox, how=tell_failure, at=NOW + timedelta(minutes=1)) is not None


@pytest.mark.parametrize("how", [tell_failure, tell_lateness])
def test_without_a_catalog_people_are_told_all_the_same(outbox: list[Alert], how: Any) -> None:
    how(None, Occasion("emea_rates", policy_alerts(), "one", tell=outbox.append, now=NOW))
    assert outbox[0].remark == CATALOG_SILENT


def test_the_webhook_gets_the_message_as_json(
    webhook: Callable[[], list[dict[str, Any]]], httpserver: HTTPServer
) -> None:
    httpserver.expect_request(
        "/hook", method="POST", headers={"Authorization": "Bearer canary-of-the-webhook"}
    ).respond_with_data("")
    alert = Alert(AlertKind.RUN_FAILED, "emea_rates", Severity.CRITICAL, run_id="one", codes={"CALL_UNACCOUNTED": 2})
    send(policy_alerts(options={"endpoint": "/hook"}), alert)
    assert webhook() == [alert.document()]


@pytest.mark.parametrize("status", [301, 404, 500])
def test_a_webhook_that_does_not_take_it_is_named_without_its_secrets(
    webhook: Callable[[], list[dict[str, Any]]], httpserver: HTTPServer, status: int
) -> None:
    httpserver.expect_request("/").respond_with_data("canary in the answer", status=status)
    with pytest.raises(AlertNotSentError, match=rf"ops_hook answered {status}") as caught:
        send(policy_alerts(), Alert(AlertKind.TEST, "emea_rates", Severity.NOTIFICATION))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("connection", "more", "words"),
    [
        (None, {}, "there is no such connection"),
        ({"conn_type": "ftp"}, {}, "no notifier is known for connections of type ftp"),
        ({"conn_type": "http"}, {"options": {"endpont": "/"}}, "a webhook takes endpoint only"),
        ({"conn_type": "smtp"}, {"options": {"too": "x"}}, r"do not fit SmtpNotifier.*did you mean to"),
        ({"conn_type": "smtp"}, {}, "missing a required argument: 'to'"),
        ({"conn_type": "slack"}, {}, "not installed here.*apache-airflow-providers-slack"),
        ({"conn_type": "x"}, {"notifier": "json.JSONDecoder"}, "is no notifier"),
        ({"conn_type": "x"}, {"notifier": "my_firm.Nobody"}, "is not installed here"),
    ],
)
def test_a_channel_that_cannot_be_used_says_what_to_change(
    monkeypatch: pytest.MonkeyPatch, connection: dict[str, Any] | None, more: dict[str, Any], words: str
) -> None:
    if connection:
        monkeypatch.setenv("AIRFLOW_CONN_OPS_HOOK", json.dumps(connection))
    with pytest.raises(AlertChannelError, match=words):
        send(policy_alerts(**more), Alert(AlertKind.TEST, "emea_rates", Severity.NOTIFICATION))


class Kept(BaseNotifier):
    """A firm's own notifier."""

    sent: list[dict[str, str]] = []  # noqa: RUF012 - what all of them sent

    def __init__(self, *, where: str, message: str) -> None:
        super().__init__()
        self.made_with = {"where": where, "message": message}

    def notify(self, context: Any) -> None:
        self.sent.append(self.made_with)


def test_a_notifier_of_the_firms_own_gets_what_its_options_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OPS_HOOK", json.dumps({"conn_type": "x"}))
    monkeypatch.setattr("json.Kept", Kept, raising=False)
    alert = Alert(AlertKind.TEST, "emea_rates", Severity.NOTIFICATION, remark="{title}")
    options = {"where": "{conn_id}", "message": "{severity}: {text}"}
    send(policy_alerts(notifier="json.Kept", options=options), alert)
    assert Kept.sent == [{"where": "ops_hook", "message": f"notification: {alert.text}"}]


TAKES = {
    "smtp": ({"to"}, {"from_email", "subject", "html_content", "smtp_conn_id"}),
    "slack": (set(), {"slack_conn_id", "text", "channel", "unfurl_links"}),
    "slackwebhook": ({"text"}, {"slack_webhook_conn_id", "unfurl_links"}),
    "apprise": ({"body"}, {"title", "notify_type", "apprise_conn_id"}),
    "pagerduty_events": (
        {"summary", "severity"},
        {"dedup_key", "custom_details", "links", "pagerduty_events_conn_id", "source"},
    ),
    "opsgenie": ({"payload"}, {"opsgenie_conn_id"}),
}
"""What the notifiers of the providers cannot do without, and some of what they take besides, as of November 2026."""
LEVELS = {
    "pagerduty_events": ("severity", {"critical", "error", "warning", "info"}),
    "apprise": ("notify_type", {"failure", "warning", "info"}),
}


@pytest.mark.parametrize("conn_type", CHANNELS)
def test_every_channel_gives_its_notifier_what_it_takes(conn_type: str) -> None:
    channel, (needed, more) = CHANNELS[conn_type], TAKES[conn_type]
    assert channel.provider.startswith("apache-airflow-providers-")
    name, words = LEVELS.get(conn_type, ("", {""}))
    levels = set()
    for severity in Severity:
        alert = Alert(AlertKind.TEST, "emea_rates", severity, link="https://airflow.firm.example/x")
        made_with = channel.arguments("ops", alert)
        assert "ops" in made_with.values()
        assert needed - {"to"} <= made_with.keys() <= needed | more
        assert alert.title in str(made_with)
        levels.add(made_with.get(name, ""))
    assert levels == words


def test_the_notifier_that_the_page_shows_takes_what_it_shows(repository: Path) -> None:
    page = (repository / "docs" / "alerts.md").read_text(encoding="utf-8")
    shown = next(block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "notifier:" in block)
    alerts = Alerts.model_validate(yaml.safe_load(shown)["alerts"])
    assert alerts.notifier
    notifier = _class(alerts.notifier, package="")
    alert = Alert(AlertKind.TEST, "emea_rates", Severity.NOTIFICATION)
    made = notifier(**_filled(alerts, alert))
    assert (made.aws_conn_id, made.subject, made.message) == ("aws_ops", alert.title, alert.text)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"severities": {"MEDIA_MISING": "error"}}, "did you mean MEDIA_MISSING"),
        ({"severities": {"MEDIA_MISSING": "urgent"}}, "one of fatal, critical, error, warning, notification"),
        ({"at_least": "eror"}, "did you mean error"),
        ({"notifier": "Nobody"}, "dotted path"),
        ({"gather": "0s"}, "above 0"),
        ({"chanel": "x"}, "Extra inputs"),
    ],
)
def test_wrong_words_in_a_policy_are_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        policy_alerts(**wrong)
