"""What was told to whom answers for a policy, so that nothing is told twice and nothing is left out."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from cloud9_archive.catalog.catalog import Catalog, upsert
from cloud9_archive.catalog.joins import one_of
from cloud9_archive.catalog.listing import chunks
from cloud9_archive.catalog.runs import find_run
from cloud9_archive.catalog.tables import alerts, findings
from cloud9_archive.domain.alert import Alert
from cloud9_archive.domain.alerting import AlertKind

FindingKey = tuple[str, str]
"""Code and subject."""


@dataclass(frozen=True, slots=True)
class Turn:
    """
    Whether a message is to be sent now.

    :param due: False while the same was told a short while ago
    :param repeats: how often the same was met since it was told, this time not counted
    """

    due: bool
    repeats: int = 0


def untold_findings(catalog: Catalog, policy: str) -> list[FindingKey]:
    """Code and subject of every open finding that no message has told, in their order."""
    query = (
        select(findings.c.code, findings.c.subject)
        .where(
            findings.c.policy == policy,
            findings.c.healed_at.is_(None),
            findings.c.told_at.is_(None),
            findings.c.accepted_at.is_(None),
        )
        .order_by(findings.c.code, findings.c.subject)
    )
    with catalog.begin() as connection:
        return [(row.code, row.subject) for row in connection.execute(query)]


def codes_of_run(catalog: Catalog, policy: str, run_id: str) -> dict[str, int]:
    """
    How many findings of each code the run's newest report has; without a report, those it saw that are open still.

    A finding that several runs see is open as that of the last one; the report knows what each of them saw.
    """
    record = find_run(catalog, policy, run_id)
    if record is not None and record.report_sums:
        counted: dict[str, int] = json.loads(record.report_sums)["findings"]
        return counted
    query = (
        select(findings.c.code, func.count().label("found"))
        .where(findings.c.policy == policy, findings.c.run_id == run_id, findings.c.healed_at.is_(None))
        .group_by(findings.c.code)
    )
    with catalog.begin() as connection:
        return {row.code: row.found for row in connection.execute(query)}


def last_told(catalog: Catalog, policy: str, kind: AlertKind) -> datetime | None:
    """When a message of this kind was sent last."""
    query = select(func.max(alerts.c.told_at)).where(alerts.c.policy == policy, alerts.c.kind == kind.value)
    with catalog.begin() as connection:
        found: datetime | None = connection.execute(query).scalar()
    return found


def take_turn(catalog: Catalog, alert: Alert, *, repeat_after: timedelta, now: datetime) -> Turn:
    """
    Whether the message is due; if not, it is counted.

    :param repeat_after: how long the same is not told again
    """
    mine = (alerts.c.policy == alert.policy) & (alerts.c.fingerprint == alert.fingerprint)
    with catalog.begin() as connection:
        row = connection.execute(select(alerts).where(mine)).one_or_none()
        if row is None:
            return Turn(due=True)
        if now < row.told_at + repeat_after:
            connection.execute(update(alerts).where(mine).values(repeats=alerts.c.repeats + 1))
            return Turn(due=False)
        return Turn(due=True, repeats=row.repeats)


def note_told(catalog: Catalog, alert: Alert, *, told: Collection[FindingKey] = (), now: datetime) -> None:
    """
    The message counts as sent, and so do the findings that it told.

    :param told: code and subject of each
    """
    fields = {"kind": alert.kind.value, "run_id": alert.run_id, "told_at": now, "repeats": 0}
    with catalog.begin() as connection:
        connection.execute(
            upsert(connection, alerts)
            .values(policy=alert.policy, fingerprint=alert.fingerprint, **fields)
            .on_conflict_do_update(index_elements=list(alerts.primary_key.columns), set_=fields)
        )
        for chunk in chunks(sorted(told)):
            connection.execute(
                update(findings)
                .where(findings.c.policy == alert.policy, one_of(findings.c.code, findings.c.subject, chunk))
                .values(told_at=now)
            )
