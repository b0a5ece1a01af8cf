from __future__ import annotations

import pytest
from sqlalchemy import text

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.growth import ROWS, expected_rows


@pytest.mark.parametrize(
    ("columns", "shared"),
    [
        (["policy", "source", "call_id"], "500000 125000 1"),
        (["policy", "state", "next_check_at"], "500000 500 1"),
        (["policy", "run_id", "source", "call_id"], "500000 50 13 1"),
        (["digest"], "1"),
    ],
)
def test_rows_that_share_the_first_columns(columns: list[str], shared: str) -> None:
    assert expected_rows(columns) == f"{ROWS} {shared}"


def test_each_index_of_each_table_is_told_of_on_sqlite(catalog: Catalog) -> None:
    if catalog.engine.dialect.name != "sqlite":
        return
    with catalog.engine.connect() as connection:
        there = connection.execute(
            text("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name != 'alembic_version'")
        )
        told = connection.execute(text("SELECT idx FROM sqlite_stat1"))
        assert sorted(told.scalars()) == sorted(there.scalars())
