"""Databases of the tests' own on the Postgres server of this host, when there is one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

SERVER = "postgresql+psycopg://root@127.0.0.1:5432"


def postgres_answers() -> bool:
    """Whether there is a server here that lets root in without a password."""
    server = create_engine(f"{SERVER}/postgres", connect_args={"connect_timeout": 3})
    try:
        server.connect().close()
    except OperationalError:
        return False
    finally:
        server.dispose()
    return True


@contextmanager
def fresh_database() -> Iterator[str]:
    """The address of an empty database that is gone afterwards; without a server, the test is skipped."""
    server = create_engine(f"{SERVER}/postgres", isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    name = f"cloud9_archive_{uuid4().hex[:12]}"
    try:
        with server.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
    except OperationalError as error:
        pytest.skip(f"no Postgres that lets root in without a password on 127.0.0.1:5432: {error.orig}")
    try:
        yield f"{SERVER}/{name}"
    finally:
        with server.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        server.dispose()
