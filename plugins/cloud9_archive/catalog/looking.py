"""What the daily look asks of the catalog: by index, and never more than its span holds."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, or_, select, tuple_, update

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.joins import under_policy
from cloud9_archive.catalog.listing import chunks
from cloud9_archive.catalog.tables import batches, calls, policy_calls
from cloud9_archive.domain.accounting import ABSENT, CallState
from cloud9_archive.domain.run import CallRef
from cloud9_archive.domain.window import Window

AT_ONCE = 5000
"""Calls read in one transaction, so that no run waits long for a reader."""


@dataclass(frozen=True, slots=True)
class KnownCall:
    """
    A call as the catalog knows it, without its document.

    :param state: where it stands under the policy; None if the policy has not decided on it
    """

    call_id: str
    started_at: datetime
    digest: str
    first_listed_at: datetime
    last_listed_at: datetime
    state: CallState | None


def known_within(catalog: Catalog, policy: str, source: str, window: Window) -> Iterator[KnownCall]:
    """The source's calls that began in the window, by start and id."""
    key = tuple_(calls.c.started_at, calls.c.call_id)
    query = (
        _known(policy)
        .where(calls.c.source == source, calls.c.started_at >= window.start, calls.c.started_at < window.end)
        .order_by(calls.c.started_at, calls.c.call_id)
        .limit(AT_ONCE)
    )
    last: KnownCall | None = None
    while True:
        page = query if last is None else query.where(key > tuple_(last.started_at, last.call_id))
        with catalog.begin() as connection:
            rows = connection.execute(page).all()
        for row in rows:
            last = _read(row)
            yield last
        if len(rows) < AT_ONCE:
            return


def known_by_id(catalog: Catalog, policy: str, source: str, call_ids: Collection[str]) -> dict[str, KnownCall]:
    """Those of the source's calls that the catalog knows, whenever they began."""
    found: dict[str, KnownCall] = {}
    for some in chunks(sorted(set(call_ids))):
        query = _known(policy).where(calls.c.source == source, calls.c.call_id.in_(some))
        with catalog.begin() as connection:
            found.update({row.call_id: _read(row) for row in connection.execute(query)})
    return found


def make_due(catalog: Catalog, policy: str, source: str, call_ids: Collection[str], *, now: datetime) -> int:
    """
    Those of the calls that wait for media are due: the next scheduled run asks for them.

    :returns: how many of them were to wait longer
    """
    changed = 0
    for some in chunks(sorted(set(call_ids))):
        with catalog.begin() as connection:
            changed += connection.execute(
                update(policy_calls)
                .where(
                    policy_calls.c.policy == policy,
                    policy_calls.c.source == source,
                    policy_calls.c.call_id.in_(some),
                    policy_calls.c.state.in_(ABSENT),
                    policy_calls.c.next_check_at > now,
                )
                .values(next_check_at=now)
            ).rowcount
    return changed


def due_in_vain(catalog: Catalog, policy: str, *, since: datetime) -> int:
    """How many calls wait for media, and have been due since then at least."""
    query = select(func.count()).where(
        policy_calls.c.policy == policy, policy_calls.c.state.in_(ABSENT), policy_calls.c.next_check_at <= since
    )
    with catalog.begin() as connection:
        return connection.execute(query).scalar_one()


def left_undone(catalog: Catalog, policy: str, *, since: datetime, now: datetime) -> list[CallRef]:
    """Calls that are to be recorded, have been due since then at least, and are in nobody's batch."""
    query = (
        select(policy_calls.c.source, policy_calls.c.call_id)
        .outerjoin(batches, batches.c.batch_id == policy_calls.c.batch_id)
        .where(
            policy_calls.c.policy == policy,
            policy_calls.c.state == CallState.SELECTED,
            policy_calls.c.next_check_at <= since,
            or_(policy_calls.c.batch_id.is_(None), batches.c.lease_until <= now),
        )
        .order_by(policy_calls.c.source, policy_calls.c.call_id)
    )
    with catalog.begin() as connection:
        return [CallRef(*row) for row in connection.execute(query)]


def _known(policy: str) -> Select[Any]:
    return select(
        calls.c.call_id,
        calls.c.started_at,
        calls.c.digest,
        calls.c.first_listed_at,
        calls.c.last_listed_at,
        policy_calls.c.state,
    ).outerjoin(policy_calls, under_policy(policy, calls))


def _read(row: Row[Any]) -> KnownCall:
    return KnownCall(
        row.call_id,
        row.started_at,
        row.digest,
        row.first_listed_at,
        row.last_listed_at,
        CallState(row.state) if row.state else None,
    )
