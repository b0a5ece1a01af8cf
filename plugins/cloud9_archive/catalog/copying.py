"""A whole catalog copied into another database as it stood at one moment, compared, and the old one retired."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, text
from sqlalchemy.exc import DataError

from cloud9_archive.catalog import events
from cloud9_archive.catalog.catalog import HEAD, Catalog, open_catalog, revision_at
from cloud9_archive.catalog.rebuilding import filled_tables
from cloud9_archive.catalog.retiring import NO_POLICY, RETIRED, SUBJECT
from cloud9_archive.catalog.tables import metadata
from cloud9_archive.domain.words import named
from cloud9_archive.errors import CatalogError

COPIED = "catalog.copied"
AT_ONCE = 1000
"""Rows that are held in memory at a time."""
_MODULUS = 1 << 256


@dataclass(frozen=True, slots=True)
class Copied:
    """
    What was copied.

    :param rows: how many, by table
    :param origin: address of the catalog that was copied, without its password
    :param target: address of the copy, without its password
    :param retired: whether no run uses the origin any more
    """

    rows: Mapping[str, int]
    origin: str
    target: str
    retired: bool


def copy_catalog(origin: str, target: str, *, who: str, now: datetime, retire: bool = False) -> Copied:
    """
    The target holds every row that the origin held at one moment, or nothing at all.

    Nobody writes to the origin meanwhile: whoever wants to, waits.

    :param origin: SQLAlchemy URL of a catalog of this software's revision
    :param target: SQLAlchemy URL of an empty database
    :param retire: whether runs and commands refuse the origin afterwards
    :raises CatalogError: if the origin is older or retired, the target is not empty, or the copy is not equal
    """
    _require_current(origin)
    if revision_at(target) not in (None, HEAD):
        raise CatalogError("the target holds a catalog of another revision", subject=SUBJECT, hint="name an empty one")
    source, made = open_catalog(origin), open_catalog(target)
    try:
        addresses = [each.engine.url.render_as_string(hide_password=True) for each in (source, made)]
        _require_empty(made)
        with _standing_still(source) as reading:
            with made.begin() as writing:
                rows = {table.name: _copied(table, reading, writing) for table in metadata.sorted_tables}
                copied = events.Event(COPIED, SUBJECT, before=addresses[0], after=f"{sum(rows.values())} rows")
                events.append(writing, [copied], policy=NO_POLICY, who=who, now=now)
            if retire:
                retired = events.Event(RETIRED, SUBJECT, after=addresses[1])
                events.append(reading, [retired], policy=NO_POLICY, who=who, now=now)
    finally:
        source.close()
        made.close()
    return Copied(rows, addresses[0], addresses[1], retired=retire)


def _require_current(origin: str) -> None:
    found = revision_at(origin)
    if found != HEAD:
        raise CatalogError(
            f"the catalog to copy is at revision {found}, and {HEAD} is wanted"
            if found
            else "there is no catalog there",
            subject=SUBJECT,
            hint="bring it to date with cloud9-archive catalog migrate, or correct the address",
        )


def _require_empty(made: Catalog) -> None:
    with made.begin() as connection:
        filled = filled_tables(connection)
    if filled:
        raise CatalogError(
            f"the target is not empty: there are rows in {named(filled, last='and')}",
            subject=SUBJECT,
            hint="name an empty database; nothing was copied",
        )


@contextmanager
def _standing_still(catalog: Catalog) -> Iterator[Connection]:
    """A transaction during which nobody else writes; SQLite lets only one write anyway."""
    with catalog.begin() as connection:
        if connection.dialect.name == "postgresql":
            quote = connection.dialect.identifier_preparer.quote
            names = ", ".join(quote(table.name) for table in metadata.sorted_tables)
            connection.execute(text(f"LOCK TABLE {names} IN SHARE MODE"))
        yield connection


def _copied(table: Table, reading: Connection, writing: Connection) -> int:
    """
    How many rows of the table were copied.

    :raises CatalogError: if a row does not fit, or the copy holds others; the transaction must not be committed then
    """
    gone = _Sum()
    for chunk in _chunks(table, reading):
        gone.add(chunk)
        rows = [dict(row._mapping) for row in chunk]  # noqa: SLF001 - SQLAlchemy's public name for it
        try:
            writing.execute(insert(table), rows)
        except DataError as error:
            # Only what the driver says: SQLAlchemy's own text has the rows in it.
            raise CatalogError(
                f"a row of the table {table.name} does not fit into the target: {' '.join(str(error.orig).split())}",
                subject=table.name,
                hint="nothing was copied; please report it",
            ) from None
    _count_on(table, writing)
    come = _Sum()
    for chunk in _chunks(table, writing):
        come.add(chunk)
    if come != gone:
        raise CatalogError(
            f"the copy of the table {table.name} differs: {gone.rows} rows were read and {come.rows} came",
            subject=table.name,
            hint="nothing was copied; does the target keep texts in UTF-8, and is it the copy's alone?",
        )
    return gone.rows


def _chunks(table: Table, connection: Connection) -> Iterator[Any]:
    return connection.execute(select(table), execution_options={"yield_per": AT_ONCE}).partitions()


def _count_on(table: Table, connection: Connection) -> None:
    """Numbers that the database gives out go on after those that were copied; SQLite sees to that by itself."""
    column = table.autoincrement_column
    if column is None or connection.dialect.name != "postgresql":
        return
    sequence = func.pg_get_serial_sequence(table.name, column.name)
    connection.execute(select(func.setval(sequence, select(func.max(column)).scalar_subquery())))


@dataclass(slots=True)
class _Sum:
    """Count and digest of rows, whatever their order."""

    rows: int = 0
    digest: int = 0

    def add(self, chunk: Any) -> None:  # noqa: ANN401 - rows of SQLAlchemy
        self.rows += len(chunk)
        for row in chunk:
            one = hashlib.sha256(repr(tuple(row)).encode("utf-8", "surrogatepass")).digest()
            self.digest = (self.digest + int.from_bytes(one)) % _MODULUS
