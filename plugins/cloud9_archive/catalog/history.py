"""Calls and the decisions on them, as far back as the catalog knows; only read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, select, tuple_

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.joins import under_policy
from cloud9_archive.catalog.tables import calls, decisions, policy_calls
from cloud9_archive.domain.accounting import CallState
from cloud9_archive.domain.call import Call
from cloud9_archive.domain.decision import Outcome
from cloud9_archive.domain.run import CallRef
from cloud9_archive.domain.window import Window

AT_ONCE = 1000
"""Calls read in one transaction, so that no run waits long for a reader."""


@dataclass(frozen=True, slots=True)
class MadeDecision:
    """
    A decision that a run made.

    :param users: for whom the call is recorded, by name
    :param retention: the longest that is asked for
    :param profile: the one that is asked for; None: the policy's ``media.profile``
    """

    decision_id: int
    outcome: Outcome
    rule: str
    reason: str
    users: tuple[str, ...]
    retention: str | None
    policy_version: str
    roster_version: str | None
    run_id: str
    decided_at: datetime
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class KnownCall:
    """
    A call in the catalog.

    :param state: where it stands under the policy; None if the policy has not decided on it
    :param standing: the decision that holds
    """

    call: Call
    state: CallState | None
    standing: MadeDecision | None


def calls_named(catalog: Catalog, call_id: str, *, source: str | None = None) -> list[Call]:
    """The calls with this id, by source; one at most when the source is given."""
    query = select(calls.c.document).where(calls.c.call_id == call_id).order_by(calls.c.source)
    if source is not None:
        query = query.where(calls.c.source == source)
    with catalog.begin() as connection:
        return [Call.from_document(json.loads(document)) for document in connection.scalars(query)]


def decisions_on(catalog: Catalog, policy: str, ref: CallRef) -> list[MadeDecision]:
    """Every decision of the policy on the call, the oldest first; the last one holds."""
    query: Select[Any] = (
        select(decisions)
        .where(decisions.c.policy == policy, decisions.c.source == ref.source, decisions.c.call_id == ref.call_id)
        .order_by(decisions.c.decision_id)
    )
    with catalog.begin() as connection:
        return [_made(row) for row in connection.execute(query)]


def calls_within(catalog: Catalog, policy: str, sources: Sequence[str], window: Window) -> Iterator[KnownCall]:
    """The calls of these sources that began in the window, by source, start and id, with what the policy decided."""
    key = tuple_(calls.c.source, calls.c.started_at, calls.c.call_id)
    query: Select[Any] = (
        select(calls.c.document, policy_calls.c.state, decisions)
        .select_from(calls)
        .outerjoin(policy_calls, under_policy(policy, calls))
        .outerjoin(decisions, decisions.c.decision_id == policy_calls.c.decision_id)
        .where(_within(sources, window))
        .order_by(calls.c.source, calls.c.started_at, calls.c.call_id)
        .limit(AT_ONCE)
    )
    last: Call | None = None
    while True:
        page = query if last is None else query.where(key > tuple_(last.source, last.started_at, last.call_id))
        with catalog.begin() as connection:
            rows = connection.execute(page).all()
        for row in rows:
            last = Call.from_document(json.loads(row.document))
            known = row.decision_id is not None
            yield KnownCall(last, CallState(row.state) if known else None, _made(row) if known else None)
        if len(rows) < AT_ONCE:
            return


def _within(sources: Sequence[str], window: Window) -> Any:  # noqa: ANN401 - SQLAlchemy's own type is wider here
    return and_(calls.c.source.in_(sources), calls.c.started_at >= window.start, calls.c.started_at < window.end)


def _made(row: Row[Any]) -> MadeDecision:
    return MadeDecision(
        row.decision_id,
        Outcome(row.outcome),
        row.rule,
        row.reason,
        tuple(json.loads(row.users)),
        row.retention,
        row.policy_version,
        row.roster_version,
        row.run_id,
        row.decided_at,
        row.profile,
    )
