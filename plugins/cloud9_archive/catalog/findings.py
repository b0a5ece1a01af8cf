"""Findings of a policy: opened once, seen again, healed when they are seen no more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, tuple_, update

from cloud9_archive.catalog.catalog import Catalog, upsert
from cloud9_archive.catalog.listing import chunks
from cloud9_archive.catalog.tables import findings
from cloud9_archive.domain.findings import Finding
from cloud9_archive.domain.run import RunRef


@dataclass(frozen=True, slots=True)
class OpenFinding:
    """A finding that is not healed."""

    finding: Finding
    opened_at: datetime
    seen_at: datetime


def note_findings(
    catalog: Catalog, run: RunRef, seen: Sequence[Finding], *, examined: Collection[str], now: datetime
) -> None:
    """
    What was seen is open; what was open about an examined subject and was not seen is healed.

    :param examined: subjects that were looked at, so that their silence means something
    """
    present = {(finding.code, finding.subject) for finding in seen}
    with catalog.begin() as connection:
        for chunk in chunks(sorted(examined)):
            query = select(findings.c.code, findings.c.subject).where(
                findings.c.policy == run.policy, findings.c.subject.in_(chunk), findings.c.healed_at.is_(None)
            )
            healed = [tuple(row) for row in connection.execute(query) if tuple(row) not in present]
            if healed:
                connection.execute(
                    update(findings)
                    .where(findings.c.policy == run.policy, tuple_(findings.c.code, findings.c.subject).in_(healed))
                    .values(healed_at=now, told_at=None, run_id=run.run_id)
                )
        for finding in seen:
            fields = {"words": finding.words, "run_id": run.run_id, "seen_at": now, "healed_at": None}
            connection.execute(
                upsert(connection, findings)
                .values(policy=run.policy, code=finding.code, subject=finding.subject, opened_at=now, **fields)
                .on_conflict_do_update(index_elements=list(findings.primary_key.columns), set_=fields)
            )


def open_findings(catalog: Catalog, policy: str) -> list[OpenFinding]:
    """The policy's findings that are not healed, by code and subject."""
    query = (
        select(findings)
        .where(findings.c.policy == policy, findings.c.healed_at.is_(None))
        .order_by(findings.c.code, findings.c.subject)
    )
    with catalog.begin() as connection:
        return [
            OpenFinding(Finding(row.code, row.subject, row.words), row.opened_at, row.seen_at)
            for row in connection.execute(query)
        ]
