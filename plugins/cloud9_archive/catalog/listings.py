"""Which sources a run has listed to their end, and what was learned of them on the way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, case, select

from cloud9_archive.catalog.catalog import Catalog, upsert
from cloud9_archive.catalog.joins import of_run
from cloud9_archive.catalog.tables import listings
from cloud9_archive.domain.run import RunRef
from cloud9_archive.domain.window import Window


@dataclass(frozen=True, slots=True)
class FinishedListing:
    """
    A source that a run has listed to its end.

    :param pages: answers
    :param rows: calls, repeated ones not counted
    :param completed_at: aware UTC
    :param key_expires: the day on which the source's key expires, when its connection says it
    :param covered: the span of which every call was listed; None if single calls were asked for
    """

    source: str
    pages: int
    rows: int
    completed_at: datetime
    key_expires: date | None = None
    covered: Window | None = None


def finish_listing(catalog: Catalog, run: RunRef, listing: FinishedListing) -> None:
    """The run has listed this source to the end; without this mark its reconciliation fails."""
    row = {
        "pages": listing.pages,
        "rows": listing.rows,
        "completed_at": listing.completed_at,
        "key_expires": listing.key_expires,
        "covered_from": listing.covered.start if listing.covered else None,
        "covered_to": listing.covered.end if listing.covered else None,
    }
    with catalog.begin() as connection:
        statement = upsert(connection, listings).values(
            policy=run.policy, run_id=run.run_id, source=listing.source, first_completed_at=listing.completed_at, **row
        )
        # What a run lists when it is cleared may have come late too: its first listing of that span counts.
        same_span = and_(
            listings.c.covered_from == statement.excluded.covered_from,
            listings.c.covered_to == statement.excluded.covered_to,
        )
        first = case((same_span, listings.c.first_completed_at), else_=statement.excluded.first_completed_at)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=list(listings.primary_key.columns), set_={**row, "first_completed_at": first}
            )
        )


def finished_listings(catalog: Catalog, run: RunRef) -> dict[str, FinishedListing]:
    """The sources that this run has listed to the end, by connection id."""
    query = select(listings).where(of_run(listings, run)).order_by(listings.c.source)
    with catalog.begin() as connection:
        return {
            row.source: FinishedListing(row.source, row.pages, row.rows, row.completed_at, row.key_expires)
            for row in connection.execute(query)
        }
