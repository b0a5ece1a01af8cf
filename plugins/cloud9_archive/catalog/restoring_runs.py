"""Runs put into a catalog that is rebuilt, from what their reports say of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from cloud9_archive.catalog.catalog import upsert
from cloud9_archive.catalog.runs import RunState
from cloud9_archive.catalog.tables import listings, run_calls, runs
from cloud9_archive.domain.run import CallRef, RunRef


@dataclass(frozen=True, slots=True)
class ToldRun:
    """
    A run as its newest report tells it.

    :param listed: sources that were listed to their end, each with the number of its calls
    :param at: when the link of the report was written
    :param report_sums: JSON text of both sums and the findings by code
    """

    run: RunRef
    policy_version: str
    state: RunState
    facts_digest: str
    report_number: int
    report_key: str
    listed: Mapping[str, int]
    at: datetime
    report_sums: str


def restore_run(connection: Connection, told: ToldRun) -> None:
    """The run, its newest report and its listings are in the catalog."""
    run = told.run
    fields = {
        "kind": run.kind,
        "window_start": run.window.start,
        "window_end": run.window.end,
        "policy_version": told.policy_version,
        "state": told.state,
        "facts_digest": told.facts_digest,
        "report_number": told.report_number,
        "report_key": told.report_key,
        "report_sums": told.report_sums,
        "single_calls": len(run.call_ids),
    }
    statement = upsert(connection, runs).values(policy=run.policy, run_id=run.run_id, opened_at=told.at, **fields)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(runs.primary_key.columns),
            set_=fields,
            where=runs.c.report_number < told.report_number,
        )
    )
    rows = [
        {
            "policy": run.policy,
            "run_id": run.run_id,
            "source": source,
            "pages": 0,
            "rows": count,
            "completed_at": told.at,
        }
        for source, count in told.listed.items()
    ]
    if rows:
        connection.execute(upsert(connection, listings).on_conflict_do_nothing(), rows)


def note_listed(connection: Connection, run: RunRef, refs: Collection[CallRef]) -> None:
    """The run listed these calls, which are in the catalog."""
    rows = [{"policy": run.policy, "run_id": run.run_id, **ref._asdict()} for ref in refs]
    if rows:
        connection.execute(upsert(connection, run_calls).on_conflict_do_nothing(), rows)
