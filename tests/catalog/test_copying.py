"""A catalog copied into another database: every row of every table, or nothing; and what stays usable afterwards."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import BigInteger, Date, Float, Integer, func, insert, select, text

from cloud9_archive.catalog import copying, events
from cloud9_archive.catalog.catalog import Catalog, open_catalog
from cloud9_archive.catalog.copying import COPIED, copy_catalog
from cloud9_archive.catalog.events import Event
from cloud9_archive.catalog.retiring import RETIRED, refuse_retired
from cloud9_archive.catalog.tables import UtcDateTime, decisions, metadata
from cloud9_archive.catalog.tables import events as trail
from cloud9_archive.catalog.text_type import SourceText
from cloud9_archive.errors import CatalogError

NOW = datetime(2026, 3, 4, 2, tzinfo=UTC)
ROWS = 3


def value(column: Any, number: int) -> Any:
    """Something for the column that differs from row to row, and is the same under the same name."""
    kinds: dict[type, Any] = {
        UtcDateTime: NOW + timedelta(days=number, microseconds=1),
        Date: date(2026, 3, 4),
        Integer: 100 + number,
        BigInteger: 3 * 1024**3 + number,
        Float: number / 3,
        SourceText: f"{column.name} {number} \x00\x10\ud83dé😀'\\",
    }
    if column.nullable and number % 2:
        return None
    if type(column.type) in kinds:
        return kinds[type(column.type)]
    return f"{number} é😀 {column.name}"[: column.type.length]


def fill(catalog: Catalog) -> None:
    with catalog.begin() as connection:
        for table in metadata.sorted_tables:
            rows = [{column.name: value(column, number) for column in table.columns} for number in range(ROWS)]
            connection.execute(insert(table), rows)


def content(catalog: Catalog) -> dict[str, list[str]]:
    with catalog.begin() as connection:
        return {
            table.name: sorted(repr(tuple(row)) for row in connection.execute(select(table)))
            for table in metadata.sorted_tables
        }


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[Catalog]:
    opened = open_catalog(f"sqlite:///{tmp_path / 'origin.sqlite'}")
    fill(opened)
    yield opened
    opened.close()


def copied(origin: Catalog, url: str, **more: Any) -> Any:
    address = origin.engine.url.render_as_string(hide_password=False)
    return copy_catalog(address, url, who="Anna Smith", now=NOW, **more)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "AT_ONCE", 2)


@pytest.mark.usefixtures("small_chunks")
def test_every_row_of_every_table_is_copied_and_numbers_go_on_after_them(origin: Catalog, url: str) -> None:
    before = content(origin)
    told = copied(origin, url)
    assert told.rows == {table.name: ROWS for table in metadata.sorted_tables}
    assert content(origin) == before
    made = open_catalog(url)
    found = content(made)
    assert {name: rows for name, rows in found.items() if name != "events"} == {
        name: rows for name, rows in before.items() if name != "events"
    }
    assert set(found["events"]) > set(before["events"])
    with made.begin() as connection:
        events.append(connection, [Event("one.more", "subject")], policy="p", who="w", now=NOW)
        row = {column.name: value(column, 9) for column in decisions.columns if column.name != "decision_id"}
        connection.execute(insert(decisions), [row])
        assert connection.scalar(select(func.max(decisions.c.decision_id))) == 100 + ROWS
        whats = connection.scalars(select(trail.c.what).order_by(trail.c.event_id)).all()
        assert whats[-2:] == [COPIED, "one.more"]
    refuse_retired(made.engine)
    refuse_retired(origin.engine)
    made.close()


def test_and_back_again(origin: Catalog, url: str, tmp_path: Path) -> None:
    copied(origin, url)
    back = f"sqlite:///{tmp_path / 'back.sqlite'}"
    copy_catalog(url, back, who="Anna Smith", now=NOW, retire=True)
    made = open_catalog(back)
    assert {name: len(rows) for name, rows in content(made).items() if name != "events"} == {
        table.name: ROWS for table in metadata.sorted_tables if table is not trail
    }
    made.close()
    with pytest.raises(CatalogError, match=r"was copied to sqlite:///.*back\.sqlite"):
        open_catalog(url)


def test_what_is_retired_is_refused_and_copied_no_more(origin: Catalog, tmp_path: Path) -> None:
    assert copied(origin, f"sqlite:///{tmp_path / 'new.sqlite'}", retire=True).retired
    with pytest.raises(
        CatalogError, match=r"copied to sqlite:///.*new\.sqlite, and is not in use.* – set \[cloud9_arc"
    ):
        refuse_retired(origin.engine)
    with pytest.raises(CatalogError, match="is not in use"):
        copied(origin, f"sqlite:///{tmp_path / 'newer.sqlite'}")
    with origin.begin() as connection:
        assert connection.scalar(select(trail.c.who).where(trail.c.what == RETIRED)) == "Anna Smith"


def test_a_target_with_anything_in_it_is_refused_and_left_as_it_is(origin: Catalog, tmp_path: Path) -> None:
    target = open_catalog(f"sqlite:///{tmp_path / 'target.sqlite'}")
    with target.begin() as connection:
        events.append(connection, [Event("something", "subject")], policy="p", who="w", now=NOW)
    before = content(target)
    for url in (str(target.engine.url), str(origin.engine.url)):
        with pytest.raises(CatalogError, match="not empty: there are rows in"):
            copied(origin, url, retire=True)
    assert content(target) == before
    refuse_retired(origin.engine)
    target.close()


@pytest.mark.parametrize(("revision", "words"), [("0009", "is at revision 0009"), (None, "there is no catalog")])
def test_only_a_catalog_of_this_revision_is_copied(
    origin: Catalog, tmp_path: Path, revision: str | None, words: str
) -> None:
    with origin.begin() as connection:
        if revision:
            connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})
        else:
            connection.execute(text("DROP TABLE alembic_version"))
    with pytest.raises(CatalogError, match=words):
        copied(origin, f"sqlite:///{tmp_path / 'new.sqlite'}")
    assert not (tmp_path / "new.sqlite").exists()


def test_a_target_of_another_revision_is_refused(origin: Catalog, tmp_path: Path) -> None:
    target = open_catalog(f"sqlite:///{tmp_path / 'target.sqlite'}")
    with target.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0009'"))
    with pytest.raises(CatalogError, match="another revision"):
        copied(origin, str(target.engine.url))
    target.close()


def test_a_copy_that_differs_is_not_kept(origin: Catalog, url: str) -> None:
    target = open_catalog(url)
    spoil = {
        "sqlite": "CREATE TRIGGER spoil AFTER INSERT ON findings BEGIN UPDATE findings SET words = 'other'; END",
        "postgresql": "CREATE RULE spoil AS ON INSERT TO findings DO INSTEAD NOTHING",
    }
    with target.begin() as connection:
        connection.execute(text(spoil[target.engine.dialect.name]))
    with pytest.raises(CatalogError, match="the copy of the table findings differs"):
        copied(origin, url, retire=True)
    assert not any(content(target).values())
    refuse_retired(origin.engine)
    target.close()


def test_what_does_not_fit_the_target_is_named_and_nothing_is_copied(origin: Catalog, postgres: Catalog) -> None:
    with origin.begin() as connection:
        connection.execute(text("UPDATE roster_extensions SET valid_to = 'the end of days'"))
    with pytest.raises(CatalogError, match=r"a row of the table roster_extensions does not fit .* too long") as caught:
        copied(origin, postgres.engine.url.render_as_string(hide_password=False))
    assert "é" not in str(caught.value), "rows are in no error"
    assert not any(content(postgres).values())


def test_nobody_writes_to_a_catalog_on_postgres_while_it_is_copied(postgres: Catalog, tmp_path: Path) -> None:
    fill(postgres)
    written = threading.Event()

    def write() -> None:
        with postgres.begin() as connection:
            events.append(connection, [Event("late", "subject")], policy="p", who="w", now=NOW)
        written.set()

    writer = threading.Thread(target=write)
    with copying._standing_still(postgres):
        writer.start()
        with postgres.begin() as connection:
            waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'events'::regclass"
            while not connection.scalar(text(waits)):
                assert not written.is_set()
    writer.join(timeout=30)
    assert written.is_set()


@pytest.fixture
def postgres(request: pytest.FixtureRequest) -> Iterator[Catalog]:
    from postgres_server import fresh_database  # noqa: PLC0415 - only for this test

    with fresh_database() as address:
        opened = open_catalog(address)
        yield opened
        opened.close()
