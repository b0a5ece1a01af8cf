"""Which spans of time a policy's runs stand for."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.listing import chunks
from cloud9_archive.catalog.runs import RunState
from cloud9_archive.catalog.tables import listings, policies, runs
from cloud9_archive.domain.run import RunKind
from cloud9_archive.domain.window import Window


@dataclass(frozen=True, slots=True)
class RunSpan:
    """
    A run that was asked for all calls of its window.

    :param listed: sources that it listed to their end
    :param sources: those of the policy that it ran under; those that it listed, if that version is not known
    """

    run_id: str
    window: Window
    state: RunState
    opened_at: datetime
    listed: frozenset[str]
    sources: frozenset[str]


def first_scheduled(catalog: Catalog, policy: str) -> datetime | None:
    """Where the window of the policy's first scheduled run begins; None if there was none."""
    query = (
        select(runs.c.window_start)
        .where(runs.c.policy == policy, runs.c.kind == RunKind.SCHEDULED, runs.c.single_calls == 0)
        .order_by(runs.c.window_end)
        .limit(1)
    )
    with catalog.begin() as connection:
        found: datetime | None = connection.execute(query).scalar()
    return found


def run_spans(catalog: Catalog, policy: str, *, since: datetime) -> list[RunSpan]:
    """The policy's runs whose window ends after that moment, by window; those that were asked for single calls left out."""
    query = select(runs).where(
        runs.c.policy == policy,
        runs.c.kind.in_(list(RunKind)),
        runs.c.window_end > since,
        runs.c.single_calls == 0,
    )
    with catalog.begin() as connection:
        rows = connection.execute(query).all()
    listed = _listed(catalog, policy, [row.run_id for row in rows])
    sources = _sources(catalog, policy, {row.policy_version for row in rows})
    found = [
        RunSpan(
            row.run_id,
            Window(row.window_start, row.window_end),
            RunState(row.state),
            row.opened_at,
            listed.get(row.run_id, frozenset()),
            sources.get(row.policy_version, listed.get(row.run_id, frozenset())),
        )
        for row in rows
    ]
    return sorted(found, key=lambda span: (span.window, span.run_id))


def _listed(catalog: Catalog, policy: str, run_ids: Collection[str]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for some in chunks(sorted(run_ids)):
        query = select(listings.c.run_id, listings.c.source).where(
            listings.c.policy == policy, listings.c.run_id.in_(some)
        )
        with catalog.begin() as connection:
            for row in connection.execute(query):
                found[row.run_id] = found.get(row.run_id, frozenset()) | {row.source}
    return found


def _sources(catalog: Catalog, policy: str, versions: Collection[str]) -> dict[str, frozenset[str]]:
    query = select(policies.c.version, policies.c.document).where(
        policies.c.policy == policy, policies.c.version.in_(sorted(versions))
    )
    with catalog.begin() as connection:
        return {row.version: frozenset(json.loads(row.document)["sources"]) for row in connection.execute(query)}
