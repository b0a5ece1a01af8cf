"""Calls, decisions and runs put into a catalog that is rebuilt, from what reports and bags say of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select

from cloud9_archive.catalog.catalog import upsert
from cloud9_archive.catalog.joins import one_of
from cloud9_archive.catalog.listing import chunks
from cloud9_archive.catalog.tables import calls, decisions, policy_calls
from cloud9_archive.domain.accounting import CallState
from cloud9_archive.domain.call import Call, canonical_json
from cloud9_archive.domain.decision import Outcome
from cloud9_archive.domain.run import CallRef


@dataclass(frozen=True, slots=True)
class ToldDecision:
    """A decision as the archive tells it; see the columns of ``decisions``."""

    outcome: Outcome
    rule: str
    reason: str
    policy_version: str
    decided_at: datetime
    section: str | None = None
    users: Sequence[str] = ()
    recorded_for: Sequence[Mapping[str, Any]] = ()
    retention: str | None = None
    profile: str | None = None
    roster_version: str | None = None


@dataclass(frozen=True, slots=True)
class ToldCall:
    """
    A call as a report's row or a call document tells it.

    :param call: all of it; without a document it has no raw row, no parties and no recordings
    :param decision: None if there was none
    :param deadline_at: from here on absent media are missing; None if the row does not say
    """

    call: Call
    decision: ToldDecision | None = None
    deadline_at: datetime | None = None

    @property
    def ref(self) -> CallRef:
        """The call."""
        return CallRef(self.call.source, self.call.call_id)

    @property
    def whole(self) -> bool:
        """Whether all is known of it: what a source reports always has its own row."""
        return bool(self.call.raw)


@dataclass(slots=True)
class _Known:
    """Decisions on one call, by the moment they were made."""

    made: dict[tuple[datetime, str], int] = field(default_factory=dict)
    outcomes: dict[int, str] = field(default_factory=dict)

    def standing(self) -> int:
        """The newest."""
        return self.made[max(self.made)]


def restore_calls(
    connection: Connection, policy: str, run_id: str, told: Sequence[ToldCall], *, at: datetime, deadline: timedelta
) -> dict[CallRef, datetime]:
    """
    Calls and the decisions on them are in the catalog; of several decisions on a call, the newest stands.

    A call that is known whole is never replaced by what a report's row says of it.

    :param run_id: what the decisions that are new here are put down to
    :param at: when the link was written
    :param deadline: after a call's end, where no row says from when on its absent media are missing
    :returns: from when on absent media of each are missing
    """
    _restore_documents(connection, told, at)
    decided = [each for each in told if each.decision is not None]
    known = _known_decisions(connection, policy, [each.ref for each in decided])
    for each in decided:
        _restore_decision(connection, policy, run_id, each, known.setdefault(each.ref, _Known()))
    return _let_stand(connection, policy, decided, known, at=at, deadline=deadline)


def _restore_documents(connection: Connection, told: Sequence[ToldCall], at: datetime) -> None:
    refs = [each.ref for each in told]
    query = select(calls.c.source, calls.c.call_id, calls.c.document, calls.c.last_listed_at).where(
        one_of(calls.c.source, calls.c.call_id, refs)
    )
    known = {CallRef(row.source, row.call_id): row for row in connection.execute(query)}
    rows = []
    for each in told:
        row = known.get(each.ref)
        if row is None or (each.whole and (at >= row.last_listed_at or not json.loads(row.document)["raw"])):
            rows.append(
                {
                    **each.ref._asdict(),
                    "started_at": each.call.started_at,
                    "document": canonical_json(each.call.document()).decode(),
                    "digest": each.call.digest(),
                    "first_listed_at": at,
                    "last_listed_at": at,
                }
            )
    if rows:
        statement = upsert(connection, calls)
        changed = ("started_at", "document", "digest", "last_listed_at")
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=list(calls.primary_key.columns),
                set_={name: statement.excluded[name] for name in changed},
            ),
            rows,
        )


def _known_decisions(connection: Connection, policy: str, refs: Sequence[CallRef]) -> dict[CallRef, _Known]:
    known: dict[CallRef, _Known] = {}
    for chunk in chunks(refs):
        query = select(decisions).where(
            decisions.c.policy == policy, one_of(decisions.c.source, decisions.c.call_id, chunk)
        )
        for row in connection.execute(query):
            mine = known.setdefault(CallRef(row.source, row.call_id), _Known())
            mine.made[row.decided_at, row.rule] = row.decision_id
            mine.outcomes[row.decision_id] = row.outcome
    return known


def _restore_decision(connection: Connection, policy: str, run_id: str, told: ToldCall, known: _Known) -> None:
    decision = told.decision
    if decision is None or (decision.decided_at, decision.rule) in known.made:
        return
    before = [key for key in known.made if key[0] < decision.decided_at]
    decision_id = connection.scalars(
        insert(decisions)
        .returning(decisions.c.decision_id)
        .values(
            policy=policy,
            **told.ref._asdict(),
            outcome=decision.outcome,
            rule=decision.rule,
            section=decision.section,
            reason=decision.reason,
            users=json.dumps(list(decision.users), ensure_ascii=False),
            recorded_for=json.dumps([dict(each) for each in decision.recorded_for]),
            retention=decision.retention,
            profile=decision.profile,
            policy_version=decision.policy_version,
            roster_version=decision.roster_version,
            call_digest=told.call.digest() if told.whole else None,
            replaces=known.made[max(before)] if before else None,
            run_id=run_id,
            decided_at=decision.decided_at,
        )
    ).one()
    known.made[decision.decided_at, decision.rule] = decision_id
    known.outcomes[decision_id] = decision.outcome


def _let_stand(
    connection: Connection,
    policy: str,
    decided: Sequence[ToldCall],
    known: Mapping[CallRef, _Known],
    *,
    at: datetime,
    deadline: timedelta,
) -> dict[CallRef, datetime]:
    """The newest decision on each call stands; from when on absent media of each are missing."""
    statement = upsert(connection, policy_calls)
    stands = ("decision_id", "state")
    for changed, group in (
        ((*stands, "deadline_at"), [each for each in decided if each.deadline_at]),
        (stands, [each for each in decided if not each.deadline_at]),
    ):
        rows = [_standing_row(policy, each, known[each.ref], at=at, deadline=deadline) for each in group]
        if rows:
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=list(policy_calls.primary_key.columns),
                    set_={name: statement.excluded[name] for name in changed},
                ),
                rows,
            )
    deadlines: dict[CallRef, datetime] = {}
    for chunk in chunks([each.ref for each in decided]):
        query = select(policy_calls.c.source, policy_calls.c.call_id, policy_calls.c.deadline_at).where(
            policy_calls.c.policy == policy, one_of(policy_calls.c.source, policy_calls.c.call_id, chunk)
        )
        deadlines |= {CallRef(row.source, row.call_id): row.deadline_at for row in connection.execute(query)}
    return deadlines


def _standing_row(policy: str, told: ToldCall, known: _Known, *, at: datetime, deadline: timedelta) -> dict[str, Any]:
    call, decision_id = told.call, known.standing()
    excluded = known.outcomes[decision_id] == Outcome.EXCLUDE
    ended = call.ended_at or call.started_at + timedelta(seconds=call.duration or 0)
    return {
        "policy": policy,
        **told.ref._asdict(),
        "state": CallState.EXCLUDED if excluded else CallState.SELECTED,
        "decision_id": decision_id,
        "started_at": call.started_at,
        "deadline_at": told.deadline_at or ended + deadline,
        "next_check_at": at,
        "attempts": 0,
    }
