"""Opening the catalog: its engine, its pragmas, its schema."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from cloud9_archive.catalog.growth import plan_for_growth
from cloud9_archive.catalog.retiring import refuse_retired
from cloud9_archive.errors import CatalogError

HEAD = "0014"
"""The newest migration; a test compares it with the migrations folder."""

BUSY_TIMEOUT = 60
"""Seconds that a writer waits for another on SQLite."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """A catalog whose schema is current; every change happens in a transaction of :meth:`begin`."""

    engine: Engine

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        with self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """No connection is open afterwards."""
        self.engine.dispose()


def open_catalog(url: str) -> Catalog:
    """
    The catalog at ``url``, created or migrated when it is new or older than this software.

    :param url: SQLAlchemy URL, ``sqlite:///…`` or ``postgresql+psycopg://…``
    :raises CatalogError: if the URL cannot be read, the database is of another kind or newer than this software, or the
        catalog was copied elsewhere and is not in use any more
    """
    engine = _engine(_readable(url))
    if engine.dialect.name == "sqlite":
        _use_wal(engine)
    found = _revision(engine)
    if found != HEAD:
        _migrate(engine, found)
    refuse_retired(engine)
    return Catalog(engine)


def revision_at(url: str) -> str | None:
    """
    The revision of the catalog at ``url``, which is left as it is; None if the database has none.

    :raises CatalogError: as :func:`open_catalog`
    """
    engine = _engine(_readable(url))
    try:
        return _revision(engine)
    finally:
        engine.dispose()


def upsert(connection: Connection, table: Table) -> Any:  # noqa: ANN401 - the dialects share no type for this
    """An INSERT of this database's dialect, which knows ON CONFLICT."""
    dialect: Callable[[Table], Any] = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return dialect(table)


def one_at_a_time(connection: Connection, what: str) -> None:
    """
    Until this transaction ends, no other gets past this line for the same ``what``.

    SQLite has one writer anyway; on Postgres an advisory lock is taken.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:what))"), {"what": f"cloud9_archive {what}"})


def _readable(text: str) -> URL:
    """
    The URL, if it reads as one thing only; its text is in no error.

    What stands behind an unescaped @ of a password would be taken for the host, and drivers name hosts that they
    cannot find.
    """
    url = _parsed(text)
    if url is None or (
        url.get_backend_name() != "sqlite"
        and any("@" in (part or "") for part in (url.host, url.database, text.partition("?")[2]))
    ):
        raise CatalogError(
            "[cloud9_archive] catalog_url cannot be read (it is not shown: it may hold a password)",
            subject="catalog_url",
            hint="percent-encode the user and the password in it: @ is %40, : is %3A, / is %2F, ? is %3F",
        )
    return url


def _parsed(text: str) -> URL | None:
    """None instead of an error, whose text quotes a part of the URL."""
    try:
        return make_url(text)
    except (ArgumentError, ValueError):
        return None


def _engine(url: URL) -> Engine:
    kind = url.get_backend_name()
    if kind == "postgresql":
        return create_engine(url, pool_pre_ping=True)
    if kind != "sqlite" or not url.database or url.database == ":memory:":
        raise CatalogError(
            f"the catalog cannot live in {kind!r}{'' if kind != 'sqlite' else ' without a file'}",
            hint="set [cloud9_archive] catalog_url to sqlite:////absolute/path or postgresql+psycopg://…",
        )
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    # Without a pool no connection outlives its block, so a forked task never inherits one.
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": BUSY_TIMEOUT})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare_sqlite(connection: Any, record: object) -> None:  # noqa: ANN401 - DBAPI connection
    del record
    connection.isolation_level = None  # the driver must not begin transactions of its own
    cursor = connection.cursor()
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _use_wal(engine: Engine) -> None:
    """
    The file is in WAL mode, which stays with it.

    Changing the mode needs the file to oneself. So it is done once, when the catalog is opened and under its lock, and
    never by a connection that others may be working beside.
    """
    with _only_one(engine), closing(sqlite3.connect(str(engine.url.database), timeout=BUSY_TIMEOUT)) as connection:
        if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            connection.execute("PRAGMA journal_mode=WAL")


def _begin_immediate(connection: Connection) -> None:
    # A transaction that reads first and writes later would fail instead of waiting when another wrote in between.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return revision


def _migrate(engine: Engine, found: str | None) -> None:
    from alembic import command  # noqa: PLC0415 - 0.2 s, needed only when the schema is not current
    from alembic.config import Config  # noqa: PLC0415 - as above
    from alembic.util.exc import CommandError  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(files("cloud9_archive.catalog") / "migrations"))
    with _only_one(engine), engine.connect() as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise CatalogError(
                f"the catalog's schema {found!r} is unknown to this version of the software",
                hint="install the version that wrote it, or a newer one",
            ) from error
        if engine.dialect.name == "sqlite":
            plan_for_growth(connection)
        connection.commit()


@contextmanager
def alone(catalog: Catalog, what: str) -> Iterator[None]:
    """
    Nobody else, on any host of the catalog, is past this line for the same ``what``; whoever dies is past it no more.

    It is for work outside of the catalog, and holds up no transaction.

    :param what: a name for files and locks: letters, digits and dots
    """
    with _only_one(catalog.engine, what):
        yield


@contextmanager
def _only_one(engine: Engine, what: str = "migrating") -> Iterator[None]:
    """Nobody else migrates meanwhile, or does what else the name says."""
    if engine.dialect.name == "postgresql":
        name = {"name": "cloud9_archive" if what == "migrating" else f"cloud9_archive alone {what}"}
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(hashtext(:name))"), name)
            connection.commit()  # the lock is the session's; a transaction would stay open for as long
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(hashtext(:name))"), name)
        return
    with Path(f"{engine.url.database}.{what}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
