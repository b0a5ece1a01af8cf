"""Deciding anew, on request: which decisions are out of date, and what becomes of calls whose decision changes."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, delete, exists, or_, select, tuple_, update

from cloud9_archive.catalog import events
from cloud9_archive.catalog.catalog import Catalog, one_at_a_time
from cloud9_archive.catalog.deciding import insert_decision
from cloud9_archive.catalog.joins import of_run, one_of, same_call, same_recording, this_call, under_policy
from cloud9_archive.catalog.listing import chunks
from cloud9_archive.catalog.tables import batches, call_recordings, calls, decisions, media, policy_calls, run_calls
from cloud9_archive.domain.accounting import BatchState, CallState
from cloud9_archive.domain.call import Call
from cloud9_archive.domain.decision import Decision, Outcome
from cloud9_archive.domain.run import CallRef, RecordingRef, RunRef


@dataclass(frozen=True, slots=True)
class OutdatedCall:
    """
    A call whose standing decision was made by another roster or policy, or before the source amended the call.

    :param decision_id: of the decision that stands
    """

    call: Call
    decision_id: int

    @property
    def ref(self) -> CallRef:
        """The call."""
        return CallRef(self.call.source, self.call.call_id)


@dataclass(frozen=True, slots=True)
class Redecided:
    """
    What came of deciding anew.

    :param decided: new decisions
    :param now_recorded: calls that were excluded before
    :param now_excluded: calls that were recorded before
    :param unwanted: recordings that no call asks for any more and that no bag holds; nothing of them may stay staged
    :param held: calls that a batch holds, so that their decision was left alone
    """

    decided: int = 0
    now_recorded: int = 0
    now_excluded: int = 0
    unwanted: tuple[RecordingRef, ...] = ()
    held: tuple[CallRef, ...] = ()

    def __add__(self, other: Redecided) -> Redecided:
        """Both together."""
        return Redecided(
            self.decided + other.decided,
            self.now_recorded + other.now_recorded,
            self.now_excluded + other.now_excluded,
            self.unwanted + other.unwanted,
            self.held + other.held,
        )


def outdated(
    catalog: Catalog,
    run: RunRef,
    *,
    policy_version: str,
    roster_version: str | None,
    after: CallRef | None,
    limit: int,
) -> list[OutdatedCall]:
    """
    Calls that the run listed whose decision these versions have not made, by source and id.

    :param after: the last call of the page before; None for the first page
    """
    key = tuple_(calls.c.source, calls.c.call_id)
    query = (
        select(calls.c.document, policy_calls.c.decision_id)
        .join(run_calls, same_call(run_calls, calls))
        .join(policy_calls, under_policy(run.policy, calls))
        .join(decisions, decisions.c.decision_id == policy_calls.c.decision_id)
        .where(
            of_run(run_calls, run),
            or_(
                decisions.c.policy_version != policy_version,
                decisions.c.roster_version.is_distinct_from(roster_version),
                decisions.c.call_digest != calls.c.digest,
            ),
            *([key > tuple_(*after)] if after else []),
        )
        .order_by(calls.c.source, calls.c.call_id)
        .limit(limit)
    )
    with catalog.begin() as connection:
        return [
            OutdatedCall(Call.from_document(json.loads(row.document)), row.decision_id)
            for row in connection.execute(query)
        ]


def replace_decisions(
    catalog: Catalog, run: RunRef, decided: Sequence[tuple[OutdatedCall, Decision]], *, now: datetime
) -> Redecided:
    """
    The new decisions hold; the old ones stay in the catalog, and each new one names the one that it replaces.

    - A call that is recorded now is selected, as if it were new.
    - A call that is excluded now is excluded from now on: nothing of it is fetched any more, and what was fetched for it
      alone is not wanted any more. What is archived stays where it is.
    - A recorded call that is archived, and of which the new decision says something else, is documented anew.

    A call is left alone while another run's batch holds it, or its bag is being sealed; one that another run decided on
    meanwhile keeps that decision.
    """
    outcome = Redecided()
    with catalog.begin() as connection:
        for what in ("decide", "form"):
            one_at_a_time(connection, f"{what} {run.policy}")
        for chunk in chunks(decided):
            standing = _standing(connection, run.policy, [outdated.ref for outdated, _ in chunk])
            trail: list[events.Event] = []
            excluded: list[CallRef] = []
            for old, decision in chunk:
                row = standing.get(old.ref)
                if row is None or row.decision_id != old.decision_id:
                    continue
                if _is_held(row, run, now):
                    outcome += Redecided(held=(old.ref,))
                    continue
                decision_id = insert_decision(connection, run, old.call, decision, replaces=old.decision_id, now=now)
                flipped = row.outcome != decision.outcome
                recorded = decision.outcome is Outcome.RECORD
                _follow(connection, run.policy, row, decision, decision_id=decision_id, now=now)
                outcome += Redecided(1, int(flipped and recorded), int(flipped and not recorded))
                if flipped and not recorded:
                    excluded.append(old.ref)
                before, after = f"{row.outcome} {row.rule}", f"{decision.outcome} {decision.rule}"
                trail.append(events.Event("call.redecided", "/".join(old.ref), before, after))
            unwanted = list(_unwant(connection, run.policy, excluded))
            trail += [events.Event("recording.unwanted", "/".join(ref), state) for ref, state in unwanted]
            outcome += Redecided(unwanted=tuple(ref for ref, _ in unwanted))
            events.append(connection, trail, policy=run.policy, who=run.run_id, now=now)
    return outcome


def _standing(connection: Connection, policy: str, refs: Collection[CallRef]) -> dict[CallRef, Row[Any]]:
    query: Select[Any] = (
        select(
            policy_calls.c.source,
            policy_calls.c.call_id,
            policy_calls.c.state,
            policy_calls.c.decision_id,
            batches.c.state.label("batch_state"),
            batches.c.run_id.label("batch_run_id"),
            batches.c.lease_until,
            decisions.c.outcome,
            decisions.c.rule,
            decisions.c.section,
            decisions.c.recorded_for,
            decisions.c.retention,
            decisions.c.profile,
        )
        .join(decisions, decisions.c.decision_id == policy_calls.c.decision_id)
        .outerjoin(batches, batches.c.batch_id == policy_calls.c.batch_id)
        .where(policy_calls.c.policy == policy, one_of(policy_calls.c.source, policy_calls.c.call_id, refs))
    )
    return {CallRef(row.source, row.call_id): row for row in connection.execute(query)}


def _is_held(row: Row[Any], run: RunRef, now: datetime) -> bool:
    if row.batch_state is None:
        return False
    return bool(row.batch_state == BatchState.SEALING or (row.batch_run_id != run.run_id and row.lease_until > now))


def _follow(
    connection: Connection, policy: str, row: Row[Any], decision: Decision, *, decision_id: int, now: datetime
) -> None:
    """The call stands where its new decision puts it."""
    values: dict[str, Any] = {"decision_id": decision_id}
    if row.state == CallState.DISPOSED:
        pass  # nothing of it is archived a second time, whatever is decided
    elif decision.outcome is Outcome.EXCLUDE:
        values |= {"state": CallState.EXCLUDED, "batch_id": None}
    elif row.outcome == Outcome.EXCLUDE:
        values |= {"state": CallState.SELECTED, "archived_digest": None, "next_check_at": now, "attempts": 0}
    elif _says(row) != _says_anew(decision):
        values |= {"archived_digest": None}
        if row.state in (CallState.ARCHIVED, CallState.QUARANTINED):
            values |= {"state": CallState.SELECTED, "next_check_at": now}
    connection.execute(update(policy_calls).where(this_call(policy, CallRef(row.source, row.call_id))).values(values))


def _says(row: Row[Any]) -> tuple[object, ...]:
    return row.rule, row.section, json.loads(row.recorded_for), row.retention, row.profile


def _says_anew(decision: Decision) -> tuple[object, ...]:
    entries = [each.document() for each in decision.recorded_for]
    retention = str(decision.retention) if decision.retention else None
    return decision.rule, decision.section, entries, retention, decision.profile


def _unwant(connection: Connection, policy: str, excluded: Collection[CallRef]) -> Iterator[tuple[RecordingRef, str]]:
    """What belongs to these calls alone and to no bag is not wanted any more; each with the state that it was in."""
    if not excluded:
        return
    linked = (
        exists()
        .where(
            same_recording(call_recordings, media),
            one_of(call_recordings.c.source, call_recordings.c.call_id, excluded),
        )
        .correlate(media)
    )
    others = (
        exists()
        .where(
            same_recording(call_recordings, media),
            under_policy(policy, call_recordings),
            policy_calls.c.state != CallState.EXCLUDED,
        )
        .correlate(media)
    )
    where = and_(media.c.policy == policy, media.c.bag_id.is_(None), linked, ~others)
    query = select(media.c.source, media.c.recording_id, media.c.state).where(where)
    rows = connection.execute(query).all()
    for row in rows:
        ref = RecordingRef(row.source, row.recording_id)
        this = and_(media.c.policy == policy, media.c.source == ref.source, media.c.recording_id == ref.recording_id)
        connection.execute(delete(media).where(this))
        yield ref, row.state
