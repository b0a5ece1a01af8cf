"""Whether a catalog is being rebuilt: it is begun when empty, marked until it is whole, and no run uses it meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, literal, select, tuple_, update

from cloud9_archive.catalog import events
from cloud9_archive.catalog.catalog import Catalog, one_at_a_time
from cloud9_archive.catalog.retiring import NO_POLICY, SUBJECT
from cloud9_archive.catalog.settling import settle_calls
from cloud9_archive.catalog.tables import bags, chain, metadata, policy_calls, rate_buckets
from cloud9_archive.catalog.tables import events as trail
from cloud9_archive.domain.accounting import ABSENT, CallState
from cloud9_archive.domain.run import CallRef
from cloud9_archive.domain.words import named
from cloud9_archive.errors import CatalogError

BEGUN = "catalog.rebuild_begun"
REBUILT = "catalog.rebuilt"
CONTRADICTION = "catalog.rebuild_finding"

AT_ONCE = 500
"""Calls settled in one transaction."""


def begin_rebuild(catalog: Catalog, *, who: str, origin: str, now: datetime) -> bool:
    """
    The catalog is marked as being rebuilt.

    :param origin: the archives
    :returns: whether a rebuild that was cut off goes on
    :raises CatalogError: if it holds anything that no rebuild put there, or is being rebuilt from other archives
    """
    with catalog.begin() as connection:
        one_at_a_time(connection, "rebuild")
        begun = _begun(connection)
        if begun is not None:
            if begun != origin:
                raise CatalogError(
                    f"this catalog is half rebuilt from {begun}",
                    subject=SUBJECT,
                    hint="give the same archives in the same order, or an empty catalog",
                )
            return True
        filled = filled_tables(connection)
        if filled:
            raise CatalogError(
                f"this catalog is not empty: there are rows in {named(filled, last='and')}",
                subject=SUBJECT,
                hint="a catalog that works needs no rebuild; of one that is to be given up, move the file away, or name an "
                "empty database with --catalog, and rebuild into that",
            )
        events.append(connection, [events.Event(BEGUN, SUBJECT, after=origin)], policy=NO_POLICY, who=who, now=now)
    return False


def filled_tables(connection: Connection) -> list[str]:
    """Names of the tables with rows, but for those of the rate budget, which mean nothing by themselves."""
    return [
        table.name for table in metadata.sorted_tables if table is not rate_buckets and _has_rows(connection, table)
    ]


def note_contradictions(catalog: Catalog, found: Sequence[tuple[str, str, str]], *, who: str, now: datetime) -> None:
    """
    What is not taken over is in the trail, each thing once: a rebuild that was cut off does not forget it.

    :param found: code, subject and words of each
    """
    with catalog.begin() as connection:
        known = set(_contradictions(connection))
        told = [
            events.Event(CONTRADICTION, subject, before=str(code), after=words)
            for code, subject, words in dict.fromkeys(found)
            if (code, subject, words) not in known
        ]
        events.append(connection, told, policy=NO_POLICY, who=who, now=now)


def contradictions(catalog: Catalog) -> list[tuple[str, str, str]]:
    """Code, subject and words of what was not taken over, in the order in which it was found."""
    with catalog.begin() as connection:
        return _contradictions(connection)


def finish_rebuild(catalog: Catalog, *, who: str, outcome: str, now: datetime) -> None:
    """The catalog is whole, and runs may use it."""
    with catalog.begin() as connection:
        events.append(connection, [events.Event(REBUILT, SUBJECT, after=outcome)], policy=NO_POLICY, who=who, now=now)


def refuse_half_rebuilt(catalog: Catalog) -> None:
    """
    Nothing, if the catalog is whole.

    :raises CatalogError: if a rebuild is at work in it, or was cut off: a run would archive again what it lacks
    """
    with catalog.begin() as connection:
        begun = _begun(connection)
    if begun is not None:
        raise CatalogError(
            f"this catalog is being rebuilt from {begun}, or that was cut off",
            subject=SUBJECT,
            hint="wait until it is done, or run the same cloud9-archive catalog rebuild again: it goes on where it stopped",
        )


def known_link(catalog: Catalog, policy: str, number: int) -> str | None:
    """The digest of a link that is in the catalog, and with it all that it covers."""
    query = select(chain.c.digest).where(chain.c.policy == policy, chain.c.number == number)
    with catalog.begin() as connection:
        digest: str | None = connection.scalar(query)
    return digest


def known_seal(catalog: Catalog, bag_id: str) -> str | None:
    """The seal of a bag that is in the catalog."""
    with catalog.begin() as connection:
        digest: str | None = connection.scalar(select(bags.c.seal_sha256).where(bags.c.bag_id == bag_id))
    return digest


def settle_policy(catalog: Catalog, policy: str, *, now: datetime) -> dict[CallState, int]:
    """
    The state of each of the policy's calls follows from its recordings, and what is absent is due at once.

    :returns: how many calls are in each state
    """
    key = tuple_(policy_calls.c.source, policy_calls.c.call_id)
    last: CallRef | None = None
    while True:
        query = select(policy_calls.c.source, policy_calls.c.call_id).where(policy_calls.c.policy == policy)
        if last is not None:
            query = query.where(key > tuple_(*last))
        with catalog.begin() as connection:
            page = [
                CallRef(*row)
                for row in connection.execute(
                    query.order_by(policy_calls.c.source, policy_calls.c.call_id).limit(AT_ONCE)
                )
            ]
            settle_calls(connection, policy, page, now=now)
            connection.execute(
                update(policy_calls)
                .where(
                    policy_calls.c.policy == policy,
                    key.in_(page),
                    policy_calls.c.state.in_((*ABSENT, CallState.SELECTED)),
                )
                .values(next_check_at=now, attempts=0)
            )
        if len(page) < AT_ONCE:
            break
        last = page[-1]
    counts = select(policy_calls.c.state, func.count()).where(policy_calls.c.policy == policy)
    with catalog.begin() as connection:
        return {CallState(state): n for state, n in connection.execute(counts.group_by(policy_calls.c.state))}


def _begun(connection: Connection) -> str | None:
    """The archives that it is being rebuilt from."""
    query = (
        select(trail.c.what, trail.c.after)
        .where(trail.c.policy == NO_POLICY, trail.c.subject == SUBJECT, trail.c.what.in_((BEGUN, REBUILT)))
        .order_by(trail.c.event_id.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return str(row.after) if row is not None and row.what == BEGUN else None


def _contradictions(connection: Connection) -> list[tuple[str, str, str]]:
    query = (
        select(trail.c.before, trail.c.subject, trail.c.after)
        .where(trail.c.policy == NO_POLICY, trail.c.what == CONTRADICTION)
        .order_by(trail.c.event_id)
    )
    return [(str(row.before), row.subject, str(row.after)) for row in connection.execute(query)]


def _has_rows(connection: Connection, table: object) -> bool:
    return connection.execute(select(literal(1)).select_from(table).limit(1)).first() is not None  # type: ignore[arg-type]
