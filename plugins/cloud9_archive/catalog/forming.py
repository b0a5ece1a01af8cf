"""Forming batches: what a run may work on is claimed in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, exists, insert, literal, or_, select, update

from cloud9_archive.catalog.catalog import Catalog, one_at_a_time, upsert
from cloud9_archive.catalog.deciding import want_media, want_unknown
from cloud9_archive.catalog.due import Due, due_calls
from cloud9_archive.catalog.joins import of_run, one_of, same_call, this_call
from cloud9_archive.catalog.listing import chunks
from cloud9_archive.catalog.settling import settle_calls
from cloud9_archive.catalog.tables import (
    batches,
    media,
    policy_calls,
    run_calls,
    run_stragglers,
)
from cloud9_archive.domain.accounting import BatchState
from cloud9_archive.domain.batching import Grouped, batches_of
from cloud9_archive.domain.call import utc_text
from cloud9_archive.domain.run import FIRST_CHECK, CallRef, RunKind, RunRef

UNFINISHED = (BatchState.OPEN, BatchState.SEALING)
MOST_BATCHES = 900
"""Below Airflow's limit of 1024 mapped tasks; a run with more work gets larger batches instead of failing."""


def form_batches(catalog: Catalog, run: RunRef, *, max_recordings: int, lease: timedelta, now: datetime) -> list[str]:
    """
    Everything that the run may work on is in batches that it holds; their ids, oldest first.

    Taken are calls that the run listed and that are not settled (a scheduled run leaves alone what is not due yet),
    stragglers of earlier windows that are due (scheduled runs only), and unfinished batches whose holder let its
    lease run out. Those are taken over whole, so that the same bag is finished and never a second one begun.
    A recording that another run holds is left to it.
    """
    with catalog.begin() as connection:
        one_at_a_time(connection, f"form {run.policy}")
        _take_over(connection, run, lease=lease, now=now)
        want_media(connection, run)
        due = due_calls(connection, run, now)
        want_unknown(connection, run.policy, [(ref, call.deadline_at) for call in due.values() for ref in call.unknown])
        _settle_without_media(connection, run, due, now)
        work = [(ref, call.to_do) for ref, call in due.items() if call.has_work()]
        weight = sum(max(len(recordings), 1) for _, recordings in work)
        size = max(max_recordings, -(-weight // MOST_BATCHES))
        retentions = {ref: call.retention for ref, call in due.items()}
        for group in batches_of(work, max_recordings=size, retentions=retentions):
            _claim(connection, run, group, lease=lease, now=now)
        _note_stragglers(connection, run, due)
        held = select(batches.c.batch_id).where(of_run(batches, run), batches.c.state.in_(UNFINISHED))
        return sorted(connection.scalars(held))


def release_batches(catalog: Catalog, run: RunRef, *, now: datetime) -> None:
    """Unfinished batches of the run may be taken over at once: the run is over."""
    with catalog.begin() as connection:
        connection.execute(
            update(batches).where(of_run(batches, run), batches.c.state.in_(UNFINISHED)).values(lease_until=now)
        )


def _take_over(connection: Connection, run: RunRef, *, lease: timedelta, now: datetime) -> None:
    mine = batches.c.run_id == run.run_id
    abandoned = batches.c.lease_until <= now
    if run.kind is not RunKind.SCHEDULED:
        abandoned = and_(abandoned, _holds_calls_of(run))
    connection.execute(
        update(batches)
        .where(batches.c.policy == run.policy, batches.c.state.in_(UNFINISHED), or_(mine, abandoned))
        .values(run_id=run.run_id, lease_until=now + lease)
    )


def _holds_calls_of(run: RunRef) -> exists:  # type: ignore[valid-type]
    return exists().where(
        policy_calls.c.batch_id == batches.c.batch_id,
        of_run(run_calls, run),
        same_call(run_calls, policy_calls),
    )


def _settle_without_media(connection: Connection, run: RunRef, due: dict[CallRef, Due], now: datetime) -> None:
    """Calls that no batch will take are due again later, in the state that follows from what is known."""
    idle = [ref for ref, call in due.items() if not call.held and not call.has_work()]
    settle_calls(connection, run.policy, idle, now=now)
    for ref, call in due.items():
        if call.held:
            connection.execute(
                update(policy_calls).where(this_call(run.policy, ref)).values(next_check_at=now + FIRST_CHECK)
            )


def _note_stragglers(connection: Connection, run: RunRef, due: Iterable[CallRef]) -> None:
    """Calls that the run works on and did not list are remembered, so that its reconciliation looks at them too."""
    columns = ["policy", "run_id", "source", "call_id"]
    listed = exists().where(
        of_run(run_calls, run),
        same_call(run_calls, policy_calls),
    )
    taken = select(literal(run.policy), literal(run.run_id), policy_calls.c.source, policy_calls.c.call_id).where(
        policy_calls.c.policy == run.policy, ~listed
    )
    held = select(batches.c.batch_id).where(of_run(batches, run), batches.c.state.in_(UNFINISHED))
    among: list[ColumnElement[bool]] = [policy_calls.c.batch_id.in_(held)]
    among += [one_of(policy_calls.c.source, policy_calls.c.call_id, chunk) for chunk in chunks(sorted(due))]
    for which in among:
        connection.execute(
            upsert(connection, run_stragglers).from_select(columns, taken.where(which)).on_conflict_do_nothing()
        )


def _claim(connection: Connection, run: RunRef, group: Grouped, *, lease: timedelta, now: datetime) -> None:
    batch_id = _free_batch_id(connection, run, group, now)
    connection.execute(
        insert(batches).values(
            batch_id=batch_id,
            policy=run.policy,
            run_id=run.run_id,
            state=BatchState.OPEN,
            formed_at=now,
            lease_until=now + lease,
        )
    )
    for recordings in chunks(group.recordings):
        connection.execute(
            update(media)
            .where(media.c.policy == run.policy, one_of(media.c.source, media.c.recording_id, recordings))
            .values(batch_id=batch_id)
        )
    for members in chunks(group.calls):
        connection.execute(
            update(policy_calls)
            .where(policy_calls.c.policy == run.policy, one_of(policy_calls.c.source, policy_calls.c.call_id, members))
            .values(batch_id=batch_id)
        )


def _free_batch_id(connection: Connection, run: RunRef, group: Grouped, now: datetime) -> str:
    """An id that no batch has: a run that is cleared may form the same batch again within one tick of its clock."""
    number = 0
    while True:
        batch_id = _batch_id(run, group.calls, now, number=number)
        if connection.scalar(select(batches.c.batch_id).where(batches.c.batch_id == batch_id)) is None:
            return batch_id
        number += 1


def _batch_id(run: RunRef, refs: Iterable[CallRef], now: datetime, *, number: int) -> str:
    """Sorts by the day of the run's window, and is unlike any other batch's."""
    parts: Sequence[str] = [run.policy, run.run_id, str(utc_text(now)), str(number), *("\x1f".join(r) for r in refs)]
    digest = hashlib.sha256("\x1e".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{run.window.start:%Y%m%d}-{digest[:16]}"
