"""Runs of a policy, and the policy versions that they ran under."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update

from cloud9_archive.catalog.catalog import Catalog, upsert
from cloud9_archive.catalog.joins import of_run
from cloud9_archive.catalog.tables import policies, runs
from cloud9_archive.domain.call import canonical_json
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import CatalogError


class RunState(StrEnum):
    """Whether the run adds up."""

    OPEN = "open"
    ACCOUNTED = "accounted"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """
    What the catalog remembers of a run; the report fields are empty until it was reconciled.

    :param report_sums: JSON text of both sums and the findings by code
    """

    run: RunRef
    state: RunState
    facts_digest: str | None
    report_number: int
    report_key: str | None
    report_sums: str | None


def open_run(
    catalog: Catalog, run: RunRef, *, policy_version: str, policy_document: Mapping[str, Any], now: datetime
) -> None:
    """
    The run and its policy's version are in the catalog.

    A run that is started again with another window (its params were changed) keeps its id and takes the new window.
    """
    fields = {
        "kind": run.kind,
        "window_start": run.window.start,
        "window_end": run.window.end,
        "policy_version": policy_version,
        "single_calls": len(run.call_ids),
    }
    with catalog.begin() as connection:
        connection.execute(
            upsert(connection, policies)
            .values(
                policy=run.policy,
                version=policy_version,
                document=canonical_json(dict(policy_document)).decode(),
                first_used_at=now,
            )
            .on_conflict_do_nothing()
        )
        connection.execute(
            upsert(connection, runs)
            .values(policy=run.policy, run_id=run.run_id, opened_at=now, state=RunState.OPEN, report_number=0, **fields)
            .on_conflict_do_update(index_elements=list(runs.primary_key.columns), set_=fields)
        )


def policy_document(catalog: Catalog, policy: str, version: str) -> dict[str, Any]:
    """What this version of the policy says; nothing if no run has used it."""
    query = select(policies.c.document).where(policies.c.policy == policy, policies.c.version == version)
    with catalog.begin() as connection:
        document: dict[str, Any] = json.loads(connection.scalar(query) or "{}")
    return document


def find_run(catalog: Catalog, policy: str, run_id: str) -> RunRecord | None:
    """The run, when it was opened."""
    query = select(runs).where(runs.c.policy == policy, runs.c.run_id == run_id)
    with catalog.begin() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        return None
    window = Window(row.window_start, row.window_end)
    return RunRecord(
        RunRef(row.policy, row.run_id, RunKind(row.kind), window),
        RunState(row.state),
        row.facts_digest,
        row.report_number,
        row.report_key,
        row.report_sums,
    )


def the_run(catalog: Catalog, policy: str, run_id: str) -> RunRecord:
    """
    The run.

    :raises CatalogError: if it was never opened
    """
    record = find_run(catalog, policy, run_id)
    if record is None:
        raise CatalogError(
            f"run {run_id!r} of policy {policy!r} is not in the catalog",
            subject=run_id,
            hint="clear its fetch_calls task: that step opens the run",
        )
    return record


def note_report(
    catalog: Catalog, run: RunRef, *, state: RunState, number: int, key: str, facts_digest: str, sums: str
) -> None:
    """
    The run's newest report, and whether the run adds up, are remembered.

    :param sums: JSON text
    """
    with catalog.begin() as connection:
        connection.execute(
            update(runs)
            .where(of_run(runs, run))
            .values(state=state, report_number=number, report_key=key, facts_digest=facts_digest, report_sums=sums)
        )
