"""Catalogs on every kind of database that is at hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from postgres_server import fresh_database
from sqlalchemy import create_engine, text

from cloud9_archive.catalog.catalog import Catalog, open_catalog
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window

NOW = datetime(2026, 3, 4, 2, tzinfo=UTC)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A fresh database on the server of this host, gone afterwards."""
    with fresh_database() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    found: str = request.getfixturevalue("postgres_url")
    engine = create_engine(found)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return found


@pytest.fixture
def catalog(url: str) -> Iterator[Catalog]:
    opened = open_catalog(url)
    yield opened
    opened.close()


@pytest.fixture
def run() -> RunRef:
    return RunRef("emea_rates", "one", RunKind.BACKFILL, Window(NOW - timedelta(days=1), NOW))
