"""What a source listed: calls, recordings and their links, upserted by their natural keys."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, select, update

from cloud9_archive.catalog import events
from cloud9_archive.catalog.amendments import Amendment, note_amendments
from cloud9_archive.catalog.catalog import Catalog, upsert
from cloud9_archive.catalog.joins import one_of
from cloud9_archive.catalog.tables import call_recordings, calls, policy_calls, recordings, run_calls
from cloud9_archive.domain.accounting import ABSENT, CallState
from cloud9_archive.domain.amendment import changed_fields
from cloud9_archive.domain.call import Call, canonical_json
from cloud9_archive.domain.run import FIRST_CHECK, CallRef, RunRef

CHUNK = 500
"""Rows to a statement: below SQLite's limit of bound variables, and enough to be fast."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageCounts:
    """How many of a page's calls were new, and how many the source had amended since it last listed them."""

    listed: int = 0
    new: int = 0
    amended: int = 0

    def __add__(self, other: PageCounts) -> PageCounts:
        """The counts of both."""
        return PageCounts(self.listed + other.listed, self.new + other.new, self.amended + other.amended)


def record_calls(catalog: Catalog, run: RunRef, listed: Sequence[Call], *, now: datetime) -> PageCounts:
    """
    The calls, their recordings and links are in the catalog, and belong to the run.

    A call that the source amended goes back to ``selected`` under every policy that keeps it, so that it is
    documented anew: by this run, or under other policies by the next scheduled one. What it changed is noted.
    """
    counts = PageCounts()
    # In one order everywhere, so that two runs that list the same calls wait for each other instead of deadlocking.
    distinct = sorted({(call.source, call.call_id): call for call in listed}.values(), key=_by_key)
    for chunk in chunks(distinct):
        with catalog.begin() as connection:
            counts += _record_chunk(connection, run, chunk, now)
    return counts


def chunks(items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """The items in order, at most ``size`` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _by_key(call: Call) -> tuple[str, str]:
    return call.source, call.call_id


def _record_chunk(connection: Connection, run: RunRef, listed: Sequence[Call], now: datetime) -> PageCounts:
    documents = {(call.source, call.call_id): canonical_json(call.document()).decode() for call in listed}
    digests = {(call.source, call.call_id): call.digest() for call in listed}
    known = _known_digests(connection, listed)
    amended = [ref for ref, digest in digests.items() if known.get(ref, digest) != digest]
    if amended:
        note_amendments(connection, run, _changes(connection, listed, amended), now=now)

    statement = upsert(connection, calls)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(calls.primary_key.columns),
            set_={name: statement.excluded[name] for name in ("started_at", "document", "digest", "last_listed_at")},
        ),
        [
            {
                "source": call.source,
                "call_id": call.call_id,
                "started_at": call.started_at,
                "document": documents[call.source, call.call_id],
                "digest": digests[call.source, call.call_id],
                "first_listed_at": now,
                "last_listed_at": now,
            }
            for call in listed
        ],
    )
    _record_links(connection, listed, now)
    connection.execute(
        upsert(connection, run_calls).on_conflict_do_nothing(),
        [
            {"policy": run.policy, "run_id": run.run_id, "source": call.source, "call_id": call.call_id}
            for call in listed
        ],
    )
    for source, call_id in amended:
        connection.execute(
            update(policy_calls)
            .where(
                policy_calls.c.source == source,
                policy_calls.c.call_id == call_id,
                policy_calls.c.state.in_((CallState.ARCHIVED, CallState.QUARANTINED)),
            )
            .values(state=CallState.SELECTED, next_check_at=now + FIRST_CHECK)
        )
        # What was awaited may be named now, so waiting longer would be waiting for nothing.
        connection.execute(
            update(policy_calls)
            .where(
                policy_calls.c.source == source,
                policy_calls.c.call_id == call_id,
                policy_calls.c.state.in_(ABSENT),
            )
            .values(next_check_at=now)
        )
    trail = [events.Event("call.listed", "/".join(ref), after=digests[ref]) for ref in digests if ref not in known]
    trail += [events.Event("call.amended", "/".join(ref), known[ref], digests[ref]) for ref in amended]
    events.append(connection, trail, policy=run.policy, who=run.run_id, now=now)
    return PageCounts(len(listed), len(listed) - len(known), len(amended))


def _known_digests(connection: Connection, listed: Sequence[Call]) -> dict[tuple[str, str], str]:
    known: dict[tuple[str, str], str] = {}
    for source in {call.source for call in listed}:
        ids = [call.call_id for call in listed if call.source == source]
        query = select(calls.c.call_id, calls.c.digest).where(calls.c.source == source, calls.c.call_id.in_(ids))
        known.update({(source, row.call_id): row.digest for row in connection.execute(query)})
    return known


def _changes(
    connection: Connection, listed: Sequence[Call], amended: Sequence[tuple[str, str]]
) -> dict[CallRef, Amendment]:
    """What the amended calls say otherwise than before, while the catalog has what they said."""
    said = {CallRef(call.source, call.call_id): call for call in listed}
    query = select(calls.c.source, calls.c.call_id, calls.c.document).where(
        one_of(calls.c.source, calls.c.call_id, amended)
    )
    changes: dict[CallRef, Amendment] = {}
    for source, call_id, before in connection.execute(query):
        ref = CallRef(source, call_id)
        # As JSON gives it back, or a tuple would differ from the list that it was.
        after = json.loads(canonical_json(said[ref].document()))
        changes[ref] = Amendment(ref, said[ref].digest(), changed_fields(json.loads(before), after))
    return changes


def _record_links(connection: Connection, listed: Sequence[Call], now: datetime) -> None:
    links = [(call, link) for call in listed for link in call.recordings]
    links.sort(key=lambda link: (link[0].source, link[1].recording_id))
    if not links:
        return
    statement = upsert(connection, recordings)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(recordings.primary_key.columns),
            set_={name: statement.excluded[name] for name in ("duration", "filename")},
        ),
        [
            {
                "source": call.source,
                "recording_id": link.recording_id,
                "duration": link.duration,
                "filename": link.filename,
                "first_listed_at": now,
            }
            for call, link in links
        ],
    )
    statement = upsert(connection, call_recordings)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(call_recordings.primary_key.columns), set_={"offset": statement.excluded["offset"]}
        ),
        [
            {
                "source": call.source,
                "call_id": call.call_id,
                "recording_id": link.recording_id,
                "offset": link.offset,
            }
            for call, link in links
        ],
    )
