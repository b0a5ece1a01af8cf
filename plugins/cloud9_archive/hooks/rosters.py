"""Rosters through Airflow: at any address that its object storage reads, or by a query over one of its connections."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from airflow.sdk import BaseHook

from cloud9_archive.domain.words import shortened
from cloud9_archive.errors import ConfigurationError, RosterError
from cloud9_archive.pipeline.roster_reach import QueryAnswer

AT_ONCE = 1000
"""Rows fetched in one go."""

LONGEST_QUERY = 300
"""Seconds after which Postgres gives up a query."""

_LONGEST_REASON = 300
_CREDENTIALS = re.compile(r"//[^/\s]*:[^/\s]*@")


class AirflowReach:
    """Reaches rosters by the connections of this Airflow."""

    @contextmanager
    def open_url(self, url: str) -> Iterator[BinaryIO]:
        """
        The bytes at the address, until the block ends.

        :param url: ``scheme://place/path``, or ``scheme://conn_id@place/path``
        :raises RosterError: if it cannot be reached
        """
        from airflow.sdk import ObjectStoragePath  # noqa: PLC0415 - slow to import, and most rosters are files

        with _told(
            f"the roster {_without_credentials(url)}", "check the address, the connection in it, and its rights"
        ):
            conn_id = _user_of(url)
            if conn_id:
                # Without it the object storage would go on as whoever this host is.
                BaseHook.get_connection(conn_id)
            opened = cast("Any", ObjectStoragePath(url)).open("rb")
        try:
            yield _Told(opened, url)  # type: ignore[misc]  # it has what is asked of it: read
        finally:
            opened.close()

    @contextmanager
    def query(self, sql: str, *, conn_id: str) -> Iterator[QueryAnswer]:
        """
        The answer to the query, in a transaction that is rolled back.

        On Postgres and SQLite the database itself refuses to change anything; elsewhere the account must.

        :raises RosterError: if the database cannot be reached, or refuses the query
        """
        with _told(
            f"the roster's query over {conn_id}", "check the connection, its rights, and recording_rules.roster"
        ):
            connection, dialect = _connected(conn_id)
        try:
            with _told(
                f"the roster's query over {conn_id}", "check recording_rules.roster.sql, and what its account may"
            ):
                cursor = _reading_cursor(connection, dialect)
                cursor.execute(sql)
                first = cursor.fetchmany(AT_ONCE)
                names = tuple(str(column[0]).lower() for column in cursor.description or ())
            yield QueryAnswer(names, _rows(cursor, first, conn_id))
        finally:
            with suppress(Exception):  # the answer is read, or the reason is told already
                connection.rollback()
            connection.close()


def _connected(conn_id: str) -> tuple[Any, str]:
    """The driver's connection, and the kind of database."""
    from airflow.providers.common.sql.hooks.sql import DbApiHook  # noqa: PLC0415 - only for rosters by query

    hook = BaseHook.get_hook(conn_id)
    if not isinstance(hook, DbApiHook):
        raise RosterError(
            f"connection {conn_id!r} does not lead to a database that Airflow can query",
            subject=conn_id,
            hint="name a connection whose provider has a DbApiHook, such as postgres, mysql, mssql or sqlite",
        )
    return hook.get_conn(), hook.dialect_name


def _reading_cursor(connection: Any, dialect: str) -> Any:  # noqa: ANN401 - the driver's
    """A cursor that changes nothing, and on Postgres leaves the rows on the server until they are fetched."""
    if dialect == "sqlite":
        connection.execute("PRAGMA query_only = ON")
    if dialect != "postgresql":
        return connection.cursor()
    with connection.cursor() as setting:
        setting.execute("SET TRANSACTION READ ONLY")
        setting.execute(f"SET LOCAL statement_timeout = '{LONGEST_QUERY}s'")
    return connection.cursor("cloud9_roster")


def _rows(cursor: Any, first: Sequence[Any], conn_id: str) -> Iterator[Sequence[object]]:  # noqa: ANN401 - the driver's
    rows = first
    while rows:
        yield from rows
        with _told(f"the roster's query over {conn_id}", "it is tried again by clearing the task"):
            rows = cursor.fetchmany(AT_ONCE)


class _Told:
    """The bytes of a stream whose faults are told as a roster's."""

    def __init__(self, stream: BinaryIO, url: str) -> None:
        self._stream = stream
        self._url = _without_credentials(url)

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        with _told(f"the roster {self._url}", "it is tried again by clearing the task"):
            return self._stream.read(size)


@contextmanager
def _told(what: str, hint: str) -> Iterator[None]:
    """Whatever a driver or file system raises is told as a roster that cannot be read; nobody is excluded for that."""
    try:
        yield
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 - every driver and file system has its own errors
        reason = " ".join(_without_credentials(str(error)).split())
        raise RosterError(
            f"{what} cannot be read: {type(error).__name__}: {shortened(reason, longest=_LONGEST_REASON)}", hint=hint
        ) from None


def _user_of(url: str) -> str | None:
    """
    Whom the address names before its host.

    :raises RosterError: without the parser's own words, which quote the credentials
    """
    with suppress(ValueError):
        return urlsplit(url).username
    raise RosterError("the roster's address cannot be read", hint="check recording_rules.roster")


def _without_credentials(text: str) -> str:
    return _CREDENTIALS.sub("//…@", text)
