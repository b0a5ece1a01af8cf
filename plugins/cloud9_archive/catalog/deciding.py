"""Decisions on calls, append-only, and the recordings that they make wanted."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, literal, select

from cloud9_archive.catalog import events
from cloud9_archive.catalog.catalog import Catalog, one_at_a_time, upsert
from cloud9_archive.catalog.joins import of_run, one_of, same_call, under_policy
from cloud9_archive.catalog.listing import chunks
from cloud9_archive.catalog.tables import call_recordings, calls, decisions, media, policy_calls, run_calls
from cloud9_archive.domain.accounting import OUT_OF_WORK, CallState, MediaState
from cloud9_archive.domain.call import Call
from cloud9_archive.domain.decision import Decision, Outcome
from cloud9_archive.domain.run import CallRef, RecordingRef, RunRef


def undecided(catalog: Catalog, run: RunRef, *, limit: int) -> list[Call]:
    """Calls that the run listed and the policy has not decided on, oldest first, at most ``limit``."""
    query = (
        select(calls.c.document)
        .join(run_calls, same_call(run_calls, calls))
        .outerjoin(
            policy_calls,
            under_policy(run.policy, calls),
        )
        .where(of_run(run_calls, run), policy_calls.c.call_id.is_(None))
        .order_by(calls.c.started_at, calls.c.source, calls.c.call_id)
        .limit(limit)
    )
    with catalog.begin() as connection:
        return [Call.from_document(json.loads(document)) for document in connection.scalars(query)]


def record_decisions(
    catalog: Catalog,
    run: RunRef,
    decided: Sequence[tuple[Call, Decision]],
    *,
    deadline: timedelta,
    now: datetime,
) -> None:
    """
    Each call has its decision under the policy; one that another run decided meanwhile keeps that decision.

    :param deadline: how long after a call's end its media may be absent before they count as missing
    """
    with catalog.begin() as connection:
        one_at_a_time(connection, f"decide {run.policy}")
        known = _decided_already(connection, run.policy, [call for call, _ in decided])
        decided = [(call, decision) for call, decision in decided if CallRef(call.source, call.call_id) not in known]
        for call, decision in decided:
            _record_decision(connection, run, call, decision, deadline=deadline, now=now)
        trail = [
            events.Event("call.decided", f"{call.source}/{call.call_id}", after=f"{decision.outcome} {decision.rule}")
            for call, decision in decided
        ]
        events.append(connection, trail, policy=run.policy, who=run.run_id, now=now)


def want_media(connection: Connection, run: RunRef) -> None:
    """Every recording of a selected call that the run listed is wanted, unless it has a state already."""
    links = (
        select(
            literal(run.policy),
            call_recordings.c.source,
            call_recordings.c.recording_id,
            literal(MediaState.WANTED.value),
            policy_calls.c.deadline_at,
        )
        .join(
            run_calls,
            same_call(run_calls, call_recordings),
        )
        .join(
            policy_calls,
            under_policy(run.policy, call_recordings),
        )
        .where(
            of_run(run_calls, run),
            policy_calls.c.state.not_in(OUT_OF_WORK),
        )
    )
    connection.execute(
        upsert(connection, media)
        .from_select(["policy", "source", "recording_id", "state", "deadline_at"], links)
        .on_conflict_do_nothing()
    )


def want_unknown(connection: Connection, policy: str, unknown: Collection[tuple[RecordingRef, datetime]]) -> None:
    """
    These recordings are wanted: links that another policy's run brought to light after this policy chose their calls.

    :param unknown: each with the deadline of its call
    """
    if unknown:
        connection.execute(
            upsert(connection, media).on_conflict_do_nothing(),
            [
                {
                    "policy": policy,
                    "source": ref.source,
                    "recording_id": ref.recording_id,
                    "state": MediaState.WANTED,
                    "deadline_at": deadline_at,
                }
                for ref, deadline_at in unknown
            ],
        )


def _decided_already(connection: Connection, policy: str, listed: Sequence[Call]) -> set[CallRef]:
    known: set[CallRef] = set()
    for chunk in chunks([CallRef(call.source, call.call_id) for call in listed]):
        query = select(policy_calls.c.source, policy_calls.c.call_id).where(
            policy_calls.c.policy == policy, one_of(policy_calls.c.source, policy_calls.c.call_id, chunk)
        )
        known.update(CallRef(*row) for row in connection.execute(query))
    return known


def insert_decision(
    connection: Connection,
    run: RunRef,
    call: Call,
    decision: Decision,
    *,
    replaces: int | None = None,
    now: datetime,
) -> int:
    """
    The decision is in the catalog, and changes nothing yet; its id.

    :param replaces: id of the decision that it takes the place of
    """
    decision_id: int = connection.scalars(
        insert(decisions)
        .returning(decisions.c.decision_id)
        .values(
            policy=run.policy,
            source=call.source,
            call_id=call.call_id,
            outcome=decision.outcome,
            rule=decision.rule,
            section=decision.section,
            reason=decision.reason,
            users=json.dumps(list(decision.users), ensure_ascii=False),
            recorded_for=json.dumps([each.document() for each in decision.recorded_for]),
            retention=str(decision.retention) if decision.retention else None,
            profile=decision.profile,
            policy_version=decision.policy_version,
            roster_version=decision.roster_version,
            call_digest=call.digest(),
            replaces=replaces,
            run_id=run.run_id,
            decided_at=now,
        )
    ).one()
    return decision_id


def _record_decision(
    connection: Connection, run: RunRef, call: Call, decision: Decision, *, deadline: timedelta, now: datetime
) -> None:
    decision_id = insert_decision(connection, run, call, decision, now=now)
    ended = call.ended_at or call.started_at + timedelta(seconds=call.duration or 0)
    connection.execute(
        upsert(connection, policy_calls)
        .values(
            policy=run.policy,
            source=call.source,
            call_id=call.call_id,
            state=CallState.SELECTED if decision.outcome is Outcome.RECORD else CallState.EXCLUDED,
            decision_id=decision_id,
            started_at=call.started_at,
            deadline_at=ended + deadline,
            next_check_at=now,
            attempts=0,
        )
        .on_conflict_do_nothing()
    )
