"""What the people who answer for a policy are told, when, and that it was told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from cloud9_archive.catalog.alerts import (
    FindingKey,
    last_told,
    note_told,
    open_codes_of_run,
    take_turn,
    untold_findings,
)
from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.chain import head
from cloud9_archive.domain.alert import Alert
from cloud9_archive.domain.alerting import AlertKind, Alerts
from cloud9_archive.domain.findings import FINDING_KINDS, Severity
from cloud9_archive.domain.window import Window

Tell = Callable[[Alert], None]
"""Sends a message; raises an error of ours when it could not be sent."""

CATALOG_SILENT = (
    "The catalog could not be read where this message was made, so the findings of the run are not counted in it."
)


def tell_findings(
    catalog: Catalog,
    policy: str,
    alerts: Alerts,
    *,
    run_id: str,
    tell: Tell,
    now: datetime,
    window: Window | None = None,
    link: str | None = None,
) -> Alert | None:
    """
    New findings that the policy wants told have been told in one message, or wait for the next run to tell them.

    Findings that fail a run are left to :func:`tell_failure`. What less than critical is waits until ``gather`` has
    passed since the last such message. What could not be sent stays untold, and is told by a later run.

    :param run_id: the run that looks
    :param tell: sends the message
    :param now: aware UTC
    :returns: the message that was sent
    """
    new = [key for key in untold_findings(catalog, policy) if _is_told_by_itself(key) and _wanted(alerts, key[0])]
    if not new:
        return None
    severity = min((alerts.severity(code) for code, _ in new), key=lambda each: each.rank)
    last = last_told(catalog, policy, AlertKind.FINDINGS)
    if severity.rank > Severity.CRITICAL.rank and last is not None and now < last + alerts.gather:
        return None
    alert = Alert(
        AlertKind.FINDINGS,
        policy,
        severity,
        run_id=run_id,
        window=window,
        codes=dict(Counter(code for code, _ in new)),
        link=link,
        chain_head=_head(catalog, policy),
    )
    tell(alert)
    note_told(catalog, alert, told=new, now=now)
    return alert


def tell_failure(
    catalog: Catalog | None,
    policy: str,
    alerts: Alerts,
    *,
    run_id: str,
    tell: Tell,
    now: datetime,
    window: Window | None = None,
    link: str | None = None,
) -> Alert | None:
    """
    The run's failure has been told, unless the same was told of the policy within ``repeat_after``.

    :param catalog: None if it cannot be opened here; the message says so, and is sent every time
    :param run_id: the run that failed
    :param tell: sends the message
    :param now: aware UTC
    :returns: the message that was sent
    """
    counted = open_codes_of_run(catalog, policy, run_id) if catalog else {}
    codes = {code: count for code, count in counted.items() if code in FINDING_KINDS and FINDING_KINDS[code].gap}
    severity = min((alerts.severity(code) for code in [AlertKind.RUN_FAILED.value, *codes]), key=lambda s: s.rank)
    alert = _of_run(AlertKind.RUN_FAILED, catalog, policy, severity, run_id, codes=codes, window=window, link=link)
    told = [key for key in untold_findings(catalog, policy) if key[0] in codes] if catalog else []
    return _tell_once(catalog, alert, alerts, tell=tell, told=told, now=now)


def tell_lateness(
    catalog: Catalog | None,
    policy: str,
    alerts: Alerts,
    *,
    run_id: str,
    tell: Tell,
    now: datetime,
    window: Window | None = None,
    link: str | None = None,
) -> Alert | None:
    """
    It has been told that the run is late, unless it was told of the policy within ``repeat_after``.

    :param catalog: None if it cannot be opened here
    :param run_id: the run that is late
    :param tell: sends the message
    :param now: aware UTC
    :returns: the message that was sent
    """
    severity = alerts.severity(AlertKind.RUN_LATE)
    alert = _of_run(AlertKind.RUN_LATE, catalog, policy, severity, run_id, codes={}, window=window, link=link)
    return _tell_once(catalog, alert, alerts, tell=tell, told=[], now=now)


def _tell_once(
    catalog: Catalog | None, alert: Alert, alerts: Alerts, *, tell: Tell, told: list[FindingKey], now: datetime
) -> Alert | None:
    if not alerts.tells(alert.severity):
        return None
    if catalog is not None:
        turn = take_turn(catalog, alert, repeat_after=alerts.repeat_after, now=now)
        if not turn.due:
            return None
        alert = replace(alert, repeats=turn.repeats)
    tell(alert)
    if catalog is not None:
        note_told(catalog, alert, told=told, now=now)
    return alert


def _of_run(
    kind: AlertKind,
    catalog: Catalog | None,
    policy: str,
    severity: Severity,
    run_id: str,
    *,
    codes: Mapping[str, int],
    window: Window | None,
    link: str | None,
) -> Alert:
    return Alert(
        kind,
        policy,
        severity,
        run_id=run_id,
        window=window,
        codes=codes,
        link=link,
        chain_head=_head(catalog, policy) if catalog else None,
        remark="" if catalog else CATALOG_SILENT,
    )


def _head(catalog: Catalog, policy: str) -> str | None:
    known = head(catalog, policy)
    return known.digest if known else None


def _is_told_by_itself(key: FindingKey) -> bool:
    return key[0] in FINDING_KINDS and not FINDING_KINDS[key[0]].gap


def _wanted(alerts: Alerts, code: str) -> bool:
    return alerts.tells(alerts.severity(code))
