"""Findings of a policy: opened once, seen again, healed when they are seen no more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, select, update

from cloud9_archive.catalog import events
from cloud9_archive.catalog.catalog import Catalog, upsert
from cloud9_archive.catalog.joins import one_of
from cloud9_archive.catalog.listing import chunks
from cloud9_archive.catalog.tables import findings
from cloud9_archive.domain.findings import Finding
from cloud9_archive.domain.look_findings import LOOK_CODES
from cloud9_archive.domain.run import RunRef


@dataclass(frozen=True, slots=True)
class Acceptance:
    """
    A person has seen a finding, and says why it may stand.

    :param by: the person, as they named themselves
    :param at: aware UTC
    """

    by: str
    because: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OpenFinding:
    """
    A finding and its life.

    :param accepted: who lives with it since when and why, if somebody does
    :param times_seen: how many runs have seen it since it was opened
    :param run_id: the run that saw it last, or healed it
    :param healed_at: when a run looked and did not find it any more; None while it is open
    """

    finding: Finding
    opened_at: datetime
    seen_at: datetime
    accepted: Acceptance | None = None
    times_seen: int = 1
    run_id: str = ""
    healed_at: datetime | None = None


_NOT_ACCEPTED = {"accepted_at": None, "accepted_by": None, "accepted_because": None}


def note_findings(
    catalog: Catalog,
    run: RunRef,
    seen: Sequence[Finding],
    *,
    examined: Collection[str],
    now: datetime,
    codes: Collection[str] | None = None,
) -> None:
    """
    What was seen is open; what was open about an examined subject and was not seen is healed.

    :param examined: subjects that were looked at, so that their silence means something
    :param codes: what was looked for, so that the silence means something about these alone; None: all that a run
        looks for
    """
    present = {(finding.code, finding.subject) for finding in seen}
    with catalog.begin() as connection:
        for chunk in chunks(sorted(examined)):
            query = select(findings.c.code, findings.c.subject).where(
                findings.c.policy == run.policy, findings.c.subject.in_(chunk), findings.c.healed_at.is_(None)
            )
            found = [tuple(row) for row in connection.execute(query)]
            healed = [key for key in found if _looked_for(key[0], codes) and key not in present]
            if healed:
                connection.execute(
                    update(findings)
                    .where(findings.c.policy == run.policy, one_of(findings.c.code, findings.c.subject, healed))
                    .values(healed_at=now, told_at=None, run_id=run.run_id, **_NOT_ACCEPTED)
                )
        for finding in seen:
            fields = {"words": finding.words, "run_id": run.run_id, "seen_at": now, "healed_at": None}
            connection.execute(
                upsert(connection, findings)
                .values(
                    policy=run.policy, code=finding.code, subject=finding.subject, opened_at=now, times_seen=1, **fields
                )
                .on_conflict_do_update(
                    index_elements=list(findings.primary_key.columns),
                    set_={**fields, "opened_at": _opened(now), "times_seen": _times_seen(run)},
                )
            )


def _looked_for(code: str, codes: Collection[str] | None) -> bool:
    return code in codes if codes is not None else code not in LOOK_CODES


def _opened(now: datetime) -> ColumnElement[datetime]:
    """One that had healed is open since now."""
    return case((findings.c.healed_at.is_not(None), now), else_=findings.c.opened_at)


def _times_seen(run: RunRef) -> ColumnElement[int]:
    """A run that is reconciled again has seen it once."""
    return case(
        (findings.c.healed_at.is_not(None), 1),
        (findings.c.run_id == run.run_id, findings.c.times_seen),
        else_=findings.c.times_seen + 1,
    )


def open_subjects(catalog: Catalog, policy: str, code: str) -> list[str]:
    """What the open findings of this code are about."""
    query = select(findings.c.subject).where(
        findings.c.policy == policy, findings.c.code == code, findings.c.healed_at.is_(None)
    )
    with catalog.begin() as connection:
        return list(connection.scalars(query))


def open_findings(catalog: Catalog, policy: str) -> list[OpenFinding]:
    """The policy's findings that are not healed, by code and subject."""
    return _found(catalog, findings.c.policy == policy, findings.c.healed_at.is_(None))


def healed_findings(catalog: Catalog, policy: str) -> list[OpenFinding]:
    """The policy's findings that are healed, by code and subject."""
    return _found(catalog, findings.c.policy == policy, findings.c.healed_at.is_not(None))


def _found(catalog: Catalog, *which: ColumnElement[bool]) -> list[OpenFinding]:
    query = select(findings).where(*which).order_by(findings.c.code, findings.c.subject)
    with catalog.begin() as connection:
        return [
            OpenFinding(
                Finding(row.code, row.subject, row.words),
                row.opened_at,
                row.seen_at,
                Acceptance(row.accepted_by, row.accepted_because, row.accepted_at) if row.accepted_at else None,
                row.times_seen,
                row.run_id,
                row.healed_at,
            )
            for row in connection.execute(query)
        ]


def accept_finding(catalog: Catalog, policy: str, code: str, subject: str, acceptance: Acceptance) -> bool:
    """
    The open finding is accepted, which is in the trail; False when it is not open.

    Nothing else changes: a gap fails its run as before. Once healed, the finding is not accepted any more.
    """
    with catalog.begin() as connection:
        found = connection.execute(
            update(findings)
            .where(
                findings.c.policy == policy,
                findings.c.code == code,
                findings.c.subject == subject,
                findings.c.healed_at.is_(None),
            )
            .values(accepted_at=acceptance.at, accepted_by=acceptance.by, accepted_because=acceptance.because)
        )
        if found.rowcount:
            event = events.Event("finding.accepted", f"{code} {subject}", after=acceptance.because)
            events.append(connection, [event], policy=policy, who=acceptance.by, now=acceptance.at)
        return bool(found.rowcount)
