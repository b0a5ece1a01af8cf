"""Ways to send a message: the notifiers of Airflow's providers by type of connection, and a webhook of our own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

from airflow.sdk import BaseHook
from airflow.sdk.bases.notifier import BaseNotifier
from airflow.sdk.exceptions import AirflowNotFoundException

from cloud9_archive.domain.alert import Alert
from cloud9_archive.domain.alerting import Alerts
from cloud9_archive.domain.findings import Severity
from cloud9_archive.domain.words import named, nearest, shown
from cloud9_archive.errors import AlertChannelError, AlertNotSentError, Cloud9ArchiveError
from cloud9_archive.notifications.webhook import post

_TRY = "try it with: cloud9-archive policy test-alert"
_PAGERDUTY: Final = {Severity.FATAL: "critical", Severity.NOTIFICATION: "info"}
_OPSGENIE: Final = {severity: f"P{severity.rank + 1}" for severity in Severity}
_APPRISE: Final = {Severity.WARNING: "warning", Severity.NOTIFICATION: "info"}


@dataclass(frozen=True, slots=True)
class Channel:
    """
    How messages go out over connections of one type.

    :param notifier: dotted path of the notifier class
    :param provider: the package to install when the class is not there
    :param arguments: what the class is made with, for a connection id and a message
    """

    notifier: str
    provider: str
    arguments: Callable[[str, Alert], dict[str, Any]]


def _text(alert: Alert) -> str:
    return f"{alert.title}\n{alert.text}"


CHANNELS: Final[Mapping[str, Channel]] = MappingProxyType(
    {
        "smtp": Channel(
            "airflow.providers.smtp.notifications.smtp.SmtpNotifier",
            "apache-airflow-providers-smtp",
            lambda conn_id, alert: {
                "smtp_conn_id": conn_id,
                "subject": alert.title,
                "html_content": alert.html,
            },
        ),
        "slack": Channel(
            "airflow.providers.slack.notifications.slack.SlackNotifier",
            "apache-airflow-providers-slack",
            lambda conn_id, alert: {"slack_conn_id": conn_id, "text": _text(alert), "unfurl_links": False},
        ),
        "slackwebhook": Channel(
            "airflow.providers.slack.notifications.slack_webhook.SlackWebhookNotifier",
            "apache-airflow-providers-slack",
            lambda conn_id, alert: {"slack_webhook_conn_id": conn_id, "text": _text(alert), "unfurl_links": False},
        ),
        "apprise": Channel(
            "airflow.providers.apprise.notifications.apprise.AppriseNotifier",
            "apache-airflow-providers-apprise",
            lambda conn_id, alert: {
                "apprise_conn_id": conn_id,
                "title": alert.title,
                "body": alert.text,
                "notify_type": _APPRISE.get(alert.severity, "failure"),
            },
        ),
        "pagerduty_events": Channel(
            "airflow.providers.pagerduty.notifications.pagerduty.PagerdutyNotifier",
            "apache-airflow-providers-pagerduty",
            lambda conn_id, alert: {
                "pagerduty_events_conn_id": conn_id,
                "summary": alert.title,
                "severity": _PAGERDUTY.get(alert.severity, alert.severity.value),
                "dedup_key": alert.fingerprint,
                "custom_details": dict(alert.facts),
                "links": [{"href": alert.link, "text": "the run"}] if alert.link else None,
            },
        ),
        "opsgenie": Channel(
            "airflow.providers.opsgenie.notifications.opsgenie.OpsgenieNotifier",
            "apache-airflow-providers-opsgenie",
            lambda conn_id, alert: {
                "opsgenie_conn_id": conn_id,
                "payload": {
                    "message": alert.title[:130],
                    "alias": alert.fingerprint,
                    "description": alert.text,
                    "priority": _OPSGENIE[alert.severity],
                },
            },
        ),
    }
)
"""Types of connection whose provider has a notifier that fits; an ``http`` connection is our own webhook."""

WEBHOOK: Final = "http"


def send(alerts: Alerts, alert: Alert) -> None:
    """
    The message has been handed to the channel that the policy names.

    :raises AlertChannelError: if a person must change the policy or the connection
    :raises AlertNotSentError: if the channel did not take it; nothing of its answer is repeated, since addresses of
        such services are secrets
    """
    conn_type = _type_of(alerts.conn_id)
    try:
        _hand_over(alerts, alert, conn_type)
    except Cloud9ArchiveError:
        raise
    except Exception as fault:  # noqa: BLE001 - notifiers raise whatever their clients do, addresses and all
        status = getattr(getattr(fault, "response", None), "status_code", None)
        raise AlertNotSentError(
            f"the alert was not taken over connection {alerts.conn_id} ({shown(conn_type)}): {type(fault).__name__}"
            f"{f', status {status}' if isinstance(status, int) else ''}",
            subject=alerts.conn_id,
            hint=_TRY,
        ) from None


def _hand_over(alerts: Alerts, alert: Alert, conn_type: str) -> None:
    if alerts.notifier is not None:
        _notify(_class(alerts.notifier, package=""), _filled(alerts, alert))
        return
    if conn_type == WEBHOOK:
        post(alerts.conn_id, alert, alerts.options)
        return
    if conn_type not in CHANNELS:
        raise AlertChannelError(
            f"alerts.conn_id {alerts.conn_id}: no notifier is known for connections of type {shown(conn_type)}",
            subject=alerts.conn_id,
            hint=f"take a connection of type {', '.join([*CHANNELS, WEBHOOK])}, or name a class as alerts.notifier",
        )
    channel = CHANNELS[conn_type]
    made_with = {**channel.arguments(alerts.conn_id, alert), **_plain(alerts.options)}
    _notify(_class(channel.notifier, package=channel.provider), made_with)


def _type_of(conn_id: str) -> str:
    try:
        return str(BaseHook.get_connection(conn_id).conn_type)
    except AirflowNotFoundException:
        raise AlertChannelError(
            f"alerts.conn_id {conn_id}: there is no such connection",
            subject=conn_id,
            hint="add it, or correct the policy",
        ) from None


def _class(path: str, *, package: str) -> type[BaseNotifier]:
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        hint = f"install {package} where Airflow runs" if package else "correct alerts.notifier, or install its package"
        raise AlertChannelError(f"the notifier {path} is not installed here", subject=path, hint=hint) from None
    if not (isinstance(found, type) and issubclass(found, BaseNotifier)):
        raise AlertChannelError(f"{path} is no notifier: it does not extend Airflow's BaseNotifier", subject=path)
    return found


def _notify(kind: type[BaseNotifier], made_with: Mapping[str, Any]) -> None:
    signature = inspect.signature(kind)
    try:
        signature.bind(**made_with)
    except TypeError as fault:
        known = list(signature.parameters)
        strange = next((name for name in made_with if name not in known), "")
        near = nearest(strange, known) if strange else ""
        raise AlertChannelError(
            f"alerts.options do not fit {kind.__name__}: {fault}{near}",
            subject="alerts.options",
            hint=f"it takes {named(known, last='and')}",
        ) from None
    # Not by calling it: that renders its fields as templates, and a message is none.
    kind(**made_with).notify({})


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in options.items()}


def _filled(alerts: Alerts, alert: Alert) -> dict[str, Any]:
    """The options with the message in the places that are named in them."""
    places = {
        "{conn_id}": alerts.conn_id,
        "{title}": alert.title,
        "{text}": alert.text,
        "{html}": alert.html,
        "{severity}": alert.severity.value,
    }

    def fill(value: Any) -> Any:  # noqa: ANN401 - whatever an option may be
        if isinstance(value, list):
            return [fill(each) for each in value]
        if not isinstance(value, str):
            return value
        for place, text in places.items():
            if place in value:
                head, _, tail = value.partition(place)
                return f"{fill(head)}{text}{fill(tail)}"
        return value

    return {name: fill(value) for name, value in _plain(alerts.options).items()}
