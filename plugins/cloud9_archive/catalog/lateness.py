"""Calls that a run was the first to list, although their time had been listed before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, select

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.joins import of_run, same_call
from cloud9_archive.catalog.tables import calls, decisions, listings, run_calls
from cloud9_archive.domain.call import Call
from cloud9_archive.domain.lateness import LateCall, Listed, came_late
from cloud9_archive.domain.run import CallRef, RunRef
from cloud9_archive.domain.window import Window

LONGEST_LISTING = timedelta(days=62)
"""A listing of a longer span is not asked: what ends later than this after a call is not looked through."""


def late_calls(catalog: Catalog, run: RunRef) -> list[LateCall]:
    """The calls that the run decided on first, and that a listing of the policy should have shown before."""
    query = (
        select(calls.c.source, calls.c.call_id, calls.c.started_at, calls.c.first_listed_at)
        .select_from(run_calls)
        .join(calls, same_call(calls, run_calls))
        .join(decisions, and_(decisions.c.policy == run.policy, same_call(decisions, calls)))
        .where(of_run(run_calls, run), decisions.c.run_id == run.run_id, decisions.c.replaces.is_(None))
        .order_by(calls.c.source, calls.c.call_id)
    )
    with catalog.begin() as connection:
        adopted = connection.execute(query).all()
        late: list[LateCall] = []
        for source in sorted({row.source for row in adopted}):
            rows = [row for row in adopted if row.source == source]
            starts = [row.started_at for row in rows]
            listed = listed_spans(connection, run.policy, source, first=min(starts), last=max(starts))
            late += [
                _late(connection, CallRef(row.source, row.call_id), row.started_at, row.first_listed_at)
                for row in rows
                if came_late(row.started_at, row.first_listed_at, listed)
            ]
        return late


def listed_spans(connection: Connection, policy: str, source: str, *, first: datetime, last: datetime) -> list[Listed]:
    """The spans with something between the two moments that runs of the policy have listed the source for, whole."""
    query = (
        select(listings.c.covered_from, listings.c.covered_to, listings.c.first_completed_at)
        .where(
            listings.c.policy == policy,
            listings.c.source == source,
            listings.c.covered_to > first,
            listings.c.covered_to <= last + LONGEST_LISTING,
            listings.c.covered_from <= last,
        )
        .order_by(listings.c.covered_from)
    )
    return [Listed(Window(row[0], row[1]), row[2]) for row in connection.execute(query)]


def spans_of_day(catalog: Catalog, policy: str, source: str, day: Window) -> Sequence[Window]:
    """The spans with something of the day that runs of the policy have listed the source for, whole."""
    with catalog.begin() as connection:
        return [each.window for each in listed_spans(connection, policy, source, first=day.start, last=day.end)]


def _late(connection: Connection, ref: CallRef, started_at: datetime, first_listed_at: datetime) -> LateCall:
    document = connection.scalar(
        select(calls.c.document).where(calls.c.source == ref.source, calls.c.call_id == ref.call_id)
    )
    call = Call.from_document(json.loads(document or "{}"))
    return LateCall(ref, started_at, call.ended_at or started_at, first_listed_at)
