"""Ledgers of turns: whoever works with this catalog shares them, on every host."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection, delete, select, text, update

from cloud9_archive.catalog.catalog import Catalog, upsert
from cloud9_archive.catalog.tables import rate_buckets

FORGOTTEN_AFTER = timedelta(days=30)
"""A bucket that nobody used for so long belongs to a key that was replaced."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CatalogLedgers:
    """
    Ledgers in the catalog's database, one row each.

    :param wall_clock: seconds since the epoch; read on SQLite only, which is for one host. Postgres has a clock that
        all hosts share
    """

    catalog: Catalog
    wall_clock: Callable[[], float] = time.time

    def change(self, name: str, change: Callable[[str, int], tuple[str, T]]) -> T:
        """
        The ledger is as ``change`` makes it, in one transaction; on Postgres only its own row is locked.

        :param change: takes the ledger's text, empty when there is none, and the present moment in milliseconds since
            the epoch; gives the new text and a result. What it raises leaves all as it was
        :return: the result
        """
        with self.catalog.begin() as connection:
            known = self._lock(connection, name)
            # Only now: the moment at which a wait for the lock began is over.
            now = self._now(connection)
            made, result = change(known, now)
            if made != known:
                connection.execute(
                    update(rate_buckets)
                    .where(rate_buckets.c.bucket == name)
                    .values(ledger=made, changed_at=_instant(now))
                )
            return result

    def _lock(self, connection: Connection, name: str) -> str:
        """The ledger's text; nobody else changes it until the transaction ends."""
        query = select(rate_buckets.c.ledger).where(rate_buckets.c.bucket == name).with_for_update()
        known: str | None = connection.scalar(query)
        if known is None:
            now = _instant(self._now(connection))
            connection.execute(delete(rate_buckets).where(rate_buckets.c.changed_at < now - FORGOTTEN_AFTER))
            new = upsert(connection, rate_buckets).values(bucket=name, ledger="", changed_at=now)
            connection.execute(new.on_conflict_do_nothing())
            known = connection.scalar(query)
        return known or ""

    def _now(self, connection: Connection) -> int:
        if connection.dialect.name == "postgresql":
            # now() would be the moment at which the transaction began.
            seconds = connection.scalar(text("SELECT extract(epoch FROM clock_timestamp())"))
        else:
            seconds = self.wall_clock()
        return int(float(seconds or 0) * 1000)


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
