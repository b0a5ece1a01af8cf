"""What sources changed about calls that a policy had archived: which fields, and the run that tells of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from cloud9_archive.catalog.catalog import Catalog, upsert
from cloud9_archive.catalog.joins import of_run, one_of
from cloud9_archive.catalog.tables import amendments, policy_calls
from cloud9_archive.domain.run import CallRef, RunRef


@dataclass(frozen=True, slots=True)
class Amendment:
    """
    A call that was archived, and that its source tells otherwise since.

    :param digest: of the call as it is told now
    :param fields: names of what changed
    """

    ref: CallRef
    digest: str
    fields: tuple[str, ...]


def note_amendments(
    connection: Connection, run: RunRef, changed: Mapping[CallRef, Amendment], *, now: datetime
) -> None:
    """
    The changes are noted for every policy that has the call in a bag.

    The run tells of them for its own policy; for another, the first of its runs that has the call.

    :param changed: so many as fit into one statement
    """
    archived = select(policy_calls.c.policy, policy_calls.c.source, policy_calls.c.call_id).where(
        one_of(policy_calls.c.source, policy_calls.c.call_id, sorted(changed)),
        policy_calls.c.archived_digest.is_not(None),
    )
    rows = [
        {
            "policy": policy,
            "source": source,
            "call_id": call_id,
            "digest": changed[CallRef(source, call_id)].digest,
            "run_id": run.run_id if policy == run.policy else None,
            "fields": json.dumps(changed[CallRef(source, call_id)].fields, ensure_ascii=False),
            "listed_at": now,
        }
        for policy, source, call_id in connection.execute(archived)
    ]
    if rows:
        statement = upsert(connection, amendments)
        connection.execute(
            statement.on_conflict_do_update(  # a source that goes back and forth is told of each time
                index_elements=list(amendments.primary_key.columns),
                set_={name: statement.excluded[name] for name in ("run_id", "fields", "listed_at")},
            ),
            rows,
        )


def amendments_told_by(catalog: Catalog, run: RunRef, refs: Collection[CallRef]) -> list[Amendment]:
    """
    The changes that the run tells of; those that no run of the policy has told of yet are its own from now on.

    :param refs: the calls that it listed or took up
    """
    with catalog.begin() as connection:
        untold = select(amendments.c.source, amendments.c.call_id).where(
            amendments.c.policy == run.policy, amendments.c.run_id.is_(None)
        )
        mine = {CallRef(*row) for row in connection.execute(untold)} & set(refs)
        for source, call_id in sorted(mine):
            connection.execute(
                update(amendments)
                .where(
                    amendments.c.policy == run.policy,
                    amendments.c.source == source,
                    amendments.c.call_id == call_id,
                    amendments.c.run_id.is_(None),
                )
                .values(run_id=run.run_id)
            )
        query = (
            select(amendments)
            .where(of_run(amendments, run))
            .order_by(amendments.c.source, amendments.c.call_id, amendments.c.listed_at, amendments.c.digest)
        )
        return [
            Amendment(CallRef(row.source, row.call_id), row.digest, tuple(json.loads(row.fields)))
            for row in connection.execute(query)
        ]
