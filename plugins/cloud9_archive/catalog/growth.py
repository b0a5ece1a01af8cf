"""What SQLite is told about its tables, so that it plans for a catalog that has grown, on the first day as on any other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil

from sqlalchemy import Connection, text

from cloud9_archive.catalog.tables import metadata

ROWS = 1_000_000

VALUES = {
    "policy": 2,
    "source": 4,
    "kind": 4,
    "state": 1_000,  # those that are asked for are of few rows; nearly all rows are settled
    "run_id": 10_000,
    "batch_id": 20_000,
    "bag_id": 20_000,
}
"""How many values a column has in so many rows; any other is taken to have another in each."""


def plan_for_growth(connection: Connection) -> None:
    """
    SQLite takes an index by which few rows are found, not one that knows merely the policy, or the order.

    Without statistics it guesses that each column of an index leaves a tenth, and walks all of a policy to save a sort.
    Real ones (``ANALYZE``) take their place until the next migration.
    """
    connection.execute(text("ANALYZE alembic_version"))  # makes the table of statistics, and reads nothing that grows
    connection.execute(text("DELETE FROM sqlite_stat1"))
    for table, index, columns in _indexes(connection):
        connection.execute(
            text("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (:tbl, :idx, :stat)"),
            {"tbl": table, "idx": index, "stat": expected_rows(columns)},
        )


def expected_rows(columns: Sequence[str]) -> str:
    """As ``sqlite_stat1`` has it: the number of rows, then how many share the first column, the first two, and so on."""
    shared = [ROWS]
    left = float(ROWS)
    for column in columns:
        left = max(1.0, left / VALUES.get(column, ROWS))
        shared.append(ceil(left))
    return " ".join(map(str, shared))


def _indexes(connection: Connection) -> Iterator[tuple[str, str, list[str]]]:
    """Each index with its columns; of what is not there, as in an older schema, nothing."""
    for table in metadata.sorted_tables:
        for (index,) in connection.execute(
            text("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = :name"), {"name": table.name}
        ).all():
            yield table.name, index, _columns(connection, index)


def _columns(connection: Connection, index: str) -> list[str]:
    found = connection.execute(text("SELECT name FROM pragma_index_info(:index) ORDER BY seqno"), {"index": index})
    return [row.name for row in found]
