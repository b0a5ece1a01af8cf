"""Days of a policy: their newest reports, the runs that went over them, and what they found."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, and_, select

from cloud9_archive.catalog.catalog import Catalog, upsert
from cloud9_archive.catalog.findings import Acceptance
from cloud9_archive.catalog.joins import same_call
from cloud9_archive.catalog.listing import chunks
from cloud9_archive.catalog.runs import RunState
from cloud9_archive.catalog.tables import bags, calls, day_reports, findings, listings, run_calls, runs
from cloud9_archive.domain.findings import FINDING_KINDS, Finding
from cloud9_archive.domain.run import CallRef, RunKind
from cloud9_archive.domain.window import Window


@dataclass(frozen=True, slots=True)
class DayRecord:
    """
    The newest report of a day that a link vouches for.

    :param key: of its JSON file in the archive
    :param sums: JSON text of both sums, and of the findings that are not healed by code
    """

    number: int
    key: str
    facts_digest: str
    sums: str


@dataclass(frozen=True, slots=True)
class RunOver:
    """
    A run whose window lies over a part of the day.

    :param sources: those that it listed to their end
    :param single_calls: whether it was asked for single calls, and says nothing of others
    :param listed: calls in the sum of its newest report; None if it has none
    :param report: key of that report
    """

    run_id: str
    kind: RunKind
    window: Window
    state: RunState
    single_calls: bool
    sources: frozenset[str]
    listed: int | None
    report: str | None


@dataclass(frozen=True, slots=True, order=True)
class FindingRecord:
    """
    A finding, and how far its life has come.

    :param opened_at: when it was seen first
    :param healed_at: None: it is open
    """

    finding: Finding
    opened_at: datetime
    healed_at: datetime | None
    accepted: Acceptance | None = None

    @property
    def status(self) -> str:
        """``open``, ``accepted`` or ``healed``."""
        if self.healed_at is not None:
            return "healed"
        return "accepted" if self.accepted else "open"


def find_day_report(catalog: Catalog, policy: str, day: date) -> DayRecord | None:
    """The day's newest report, if there is one."""
    query = select(day_reports).where(day_reports.c.policy == policy, day_reports.c.day == day)
    with catalog.begin() as connection:
        row = connection.execute(query).one_or_none()
    return DayRecord(row.number, row.key, row.facts_digest, row.sums) if row else None


def note_day_report(connection: Connection, policy: str, day: date, record: DayRecord) -> None:
    """The day's newest report is this one, unless a newer one is known."""
    fields = {"number": record.number, "key": record.key, "facts_digest": record.facts_digest, "sums": record.sums}
    connection.execute(
        upsert(connection, day_reports)
        .values(policy=policy, day=day, **fields)
        .on_conflict_do_update(
            index_elements=list(day_reports.primary_key.columns),
            set_=fields,
            where=day_reports.c.number < record.number,
        )
    )


def runs_over(catalog: Catalog, policy: str, day: Window) -> list[RunOver]:
    """The policy's runs whose windows have a part of the day in them, by window and id."""
    over = and_(runs.c.policy == policy, runs.c.window_end > day.start, runs.c.window_start < day.end)
    query = select(runs).where(over).order_by(runs.c.window_start, runs.c.window_end, runs.c.run_id)
    listed = (
        select(listings.c.run_id, listings.c.source)
        .join(runs, and_(runs.c.policy == listings.c.policy, runs.c.run_id == listings.c.run_id))
        .where(over)
    )
    with catalog.begin() as connection:
        rows = connection.execute(query).all()
        sources: dict[str, set[str]] = {}
        for run_id, source in connection.execute(listed):
            sources.setdefault(run_id, set()).add(source)
    return [
        RunOver(
            run_id=row.run_id,
            kind=RunKind(row.kind),
            window=Window(row.window_start, row.window_end),
            state=RunState(row.state),
            single_calls=row.single_calls > 0,
            sources=frozenset(sources.get(row.run_id, ())),
            listed=json.loads(row.report_sums)["calls"]["listed"] if row.report_sums else None,
            report=row.report_key,
        )
        for row in rows
    ]


def listed_in_time(catalog: Catalog, policy: str, day: Window) -> set[CallRef]:
    """Calls of the day that a run listed in whose own window they began, not in its lookback, nor by their ids."""
    query = (
        select(calls.c.source, calls.c.call_id)
        .select_from(runs)
        .join(run_calls, and_(run_calls.c.policy == runs.c.policy, run_calls.c.run_id == runs.c.run_id))
        .join(calls, same_call(calls, run_calls))
        .where(
            runs.c.policy == policy,
            runs.c.single_calls == 0,
            runs.c.window_end > day.start,
            runs.c.window_start < day.end,
            calls.c.started_at >= day.start,
            calls.c.started_at < day.end,
            calls.c.started_at >= runs.c.window_start,
            calls.c.started_at < runs.c.window_end,
        )
        .distinct()
    )
    with catalog.begin() as connection:
        return {CallRef(*row) for row in connection.execute(query)}


def runs_of_bags(catalog: Catalog, bag_ids: Collection[str]) -> dict[str, str]:
    """Which run sealed each of the bags."""
    found: dict[str, str] = {}
    with catalog.begin() as connection:
        for chunk in chunks(sorted(bag_ids)):
            found |= {
                row.bag_id: row.run_id
                for row in connection.execute(select(bags.c.bag_id, bags.c.run_id).where(bags.c.bag_id.in_(chunk)))
            }
    return found


def findings_about(catalog: Catalog, policy: str, subjects: Iterable[str]) -> list[FindingRecord]:
    """Every finding of the policy on these subjects, healed ones too, by code and subject."""
    found: list[FindingRecord] = []
    with catalog.begin() as connection:
        for chunk in chunks(sorted(set(subjects))):
            query = select(findings).where(findings.c.policy == policy, findings.c.subject.in_(chunk))
            found += [
                FindingRecord(
                    Finding(row.code, row.subject, row.words),
                    row.opened_at,
                    row.healed_at,
                    Acceptance(row.accepted_by, row.accepted_because, row.accepted_at) if row.accepted_at else None,
                )
                for row in connection.execute(query)
                if row.code in FINDING_KINDS
            ]
    return sorted(found, key=lambda each: each.finding)
