"""What the people who answer for a policy are told, when, and that it was told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from cloud9_archive.catalog.alerts import (
    FindingKey,
    codes_of_run,
    last_told,
    note_told,
    take_turn,
    untold_findings,
)
from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.chain import head
from cloud9_archive.domain.alert import Alert
from cloud9_archive.domain.alerting import AlertKind, Alerts
from cloud9_archive.domain.findings import FINDING_KINDS, Severity
from cloud9_archive.domain.window import Window

CATALOG_SILENT = (
    "The catalog could not be read where this message was made, so the findings of the run are not counted in it."
)


@dataclass(frozen=True, slots=True)
class Occasion:
    """
    Why somebody may have to be told, and how.

    :param run_id: the run that failed, is late, or looked for findings
    :param tell: sends the message; raises an error of ours when it could not be sent
    :param now: aware UTC
    :param window: of the run, where it is known
    :param link: address of the run in Airflow's page, where it is known
    """

    policy: str
    alerts: Alerts
    run_id: str
    tell: Callable[[Alert], None]
    now: datetime
    window: Window | None = None
    link: str | None = None

    def alert(
        self,
        kind: AlertKind,
        severity: Severity,
        catalog: Catalog | None,
        codes: Mapping[str, int] = MappingProxyType({}),
    ) -> Alert:
        """
        The message.

        :param catalog: None if it cannot be opened here, which the message says
        """
        known = head(catalog, self.policy) if catalog else None
        return Alert(
            kind,
            self.policy,
            severity,
            run_id=self.run_id,
            window=self.window,
            codes=codes,
            link=self.link,
            chain_head=known.digest if known else None,
            remark="" if catalog else CATALOG_SILENT,
        )


def tell_findings(catalog: Catalog, occasion: Occasion) -> Alert | None:
    """
    New findings that the policy wants told have been told in one message, or wait for the next run to tell them.

    Findings that fail a run are left to :func:`tell_failure`. What less than critical is waits until ``gather`` has
    passed since the last such message. What could not be sent stays untold, and is told by a later run.

    :returns: the message that was sent
    """
    policy, alerts, now = occasion.policy, occasion.alerts, occasion.now
    new = [key for key in untold_findings(catalog, policy) if _is_told_by_itself(key) and _wanted(alerts, key[0])]
    if not new:
        return None
    severity = _most_urgent(alerts, [code for code, _ in new])
    last = last_told(catalog, policy, AlertKind.FINDINGS)
    if severity.rank > Severity.CRITICAL.rank and last is not None and now < last + alerts.gather:
        return None
    alert = occasion.alert(AlertKind.FINDINGS, severity, catalog, dict(Counter(code for code, _ in new)))
    occasion.tell(alert)
    note_told(catalog, alert, told=new, now=now)
    return alert


def tell_failure(catalog: Catalog | None, occasion: Occasion) -> Alert | None:
    """
    The run's failure has been told, unless the same was told of the policy within ``repeat_after``.

    :param catalog: None if it cannot be opened here; the message is sent every time then
    :returns: the message that was sent
    """
    counted = codes_of_run(catalog, occasion.policy, occasion.run_id) if catalog else {}
    codes = {code: count for code, count in counted.items() if code in FINDING_KINDS and FINDING_KINDS[code].gap}
    severity = _most_urgent(occasion.alerts, [AlertKind.RUN_FAILED.value, *codes])
    told = [key for key in untold_findings(catalog, occasion.policy) if key[0] in codes] if catalog else []
    return _tell_once(catalog, occasion, occasion.alert(AlertKind.RUN_FAILED, severity, catalog, codes), told=told)


def tell_lateness(catalog: Catalog | None, occasion: Occasion) -> Alert | None:
    """
    It has been told that the run is late, unless it was told of the policy within ``repeat_after``.

    :param catalog: as for :func:`tell_failure`
    :returns: the message that was sent
    """
    severity = occasion.alerts.severity(AlertKind.RUN_LATE)
    return _tell_once(catalog, occasion, occasion.alert(AlertKind.RUN_LATE, severity, catalog), told=[])


def _tell_once(catalog: Catalog | None, occasion: Occasion, alert: Alert, *, told: list[FindingKey]) -> Alert | None:
    if not occasion.alerts.tells(alert.severity):
        return None
    if catalog is not None:
        turn = take_turn(catalog, alert, repeat_after=occasion.alerts.repeat_after, now=occasion.now)
        if not turn.due:
            return None
        alert = replace(alert, repeats=turn.repeats)
    occasion.tell(alert)
    if catalog is not None:
        note_told(catalog, alert, told=told, now=occasion.now)
    return alert


def _most_urgent(alerts: Alerts, codes: Iterable[str]) -> Severity:
    return min((alerts.severity(code) for code in codes), key=lambda severity: severity.rank)


def _is_told_by_itself(key: FindingKey) -> bool:
    return key[0] in FINDING_KINDS and not FINDING_KINDS[key[0]].gap


def _wanted(alerts: Alerts, code: str) -> bool:
    return alerts.tells(alerts.severity(code))
