"""Airflow connections read outside of a task, from wherever the deployment keeps them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowNotFoundException

from cloud9_archive.api.client import Cloud9Client
from cloud9_archive.api.limits import Limiter
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.domain.words import shown
from cloud9_archive.errors import ConnectionFieldError
from cloud9_archive.hooks.archives import archive_access
from cloud9_archive.hooks.cloud9 import Cloud9Hook

if TYPE_CHECKING:
    from cloud9_archive.storage.s3_client import S3Access

# Outside of a task Airflow looks at its metadata database only when this says "server", as its own
# `airflow connections` commands do; environment variables and the configured secrets backend come first either way.
_CONTEXT = "_AIRFLOW_PROCESS_CONTEXT"


def source_of(conn_id: str) -> SourceSettings:
    """
    What the connection says, checked.

    :raises ConnectionFieldError: if there is no such connection, or a field of it cannot be used
    """
    with _found(conn_id):
        return Cloud9Hook(conn_id).source_settings()


def client_of(conn_id: str, limiter: Limiter | None = None) -> Cloud9Client:
    """
    A client for the connection; use it in a ``with`` block.

    :param limiter: gives turns to send; by default the client keeps to the limits on its own
    :raises ConnectionFieldError: as :func:`source_of`
    """
    with _found(conn_id):
        return Cloud9Hook(conn_id).client(limiter=limiter)


def archive_of_connection(conn_id: str) -> S3Access:
    """
    The way to a bucket.

    :param conn_id: of an Airflow connection of type aws
    :raises ConnectionFieldError: if there is no such connection
    """
    with _found(conn_id):
        return archive_access(conn_id)


@contextmanager
def connections_found() -> Iterator[None]:
    """Within the block Airflow looks for connections wherever the deployment keeps them."""
    before = os.environ.get(_CONTEXT)
    os.environ[_CONTEXT] = "server"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_CONTEXT]
        else:
            os.environ[_CONTEXT] = before


@contextmanager
def _found(conn_id: str) -> Iterator[None]:
    try:
        with connections_found():
            yield
    except AirflowNotFoundException:
        raise ConnectionFieldError(
            f"connection {shown(conn_id)!r} is not defined",
            subject=conn_id,
            hint=f"set AIRFLOW_CONN_{shown(conn_id).upper()} to a JSON document or URI, or add it to the secrets "
            "backend or the database of the Airflow that AIRFLOW_HOME and AIRFLOW__… variables lead to",
        ) from None
