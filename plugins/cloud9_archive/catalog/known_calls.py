"""When calls began that are asked for by their ids alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.listing import chunks
from cloud9_archive.catalog.tables import calls
from cloud9_archive.domain.run import CallRef


def begun_at(catalog: Catalog, sources: Collection[str], call_ids: Sequence[str]) -> dict[CallRef, datetime]:
    """The calls of these ids that one of the sources ever listed, and when each began, aware UTC."""
    found: dict[CallRef, datetime] = {}
    for some in chunks(sorted(set(call_ids))):
        query = select(calls.c.source, calls.c.call_id, calls.c.started_at).where(
            calls.c.source.in_(sorted(sources)), calls.c.call_id.in_(some)
        )
        with catalog.begin() as connection:
            found.update({CallRef(row.source, row.call_id): row.started_at for row in connection.execute(query)})
    return found
