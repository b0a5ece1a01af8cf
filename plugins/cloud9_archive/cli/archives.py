"""Archives that a command names by their addresses."""

from __future__ import annotations

import getpass
from pathlib import Path

from cloud9_archive.storage.store import Store
from cloud9_archive.storage.targets import open_store

CONN_ID_HELP = "Airflow connection that leads to the bucket; by default as whoever boto3 finds this host to be."


def archive_at(url: str, conn_id: str | None) -> Store:
    """
    The archive; nothing is read yet.

    :param url: a path, ``file:///…``, or ``s3://bucket/prefix``
    :param conn_id: Airflow connection of type aws; None: boto3's own way of finding credentials
    :raises ConfigurationError: if it is none of these, or there is no such connection
    """
    if conn_id is None:
        return open_store(url, base=Path.cwd())
    from cloud9_archive.cli.connections import archive_of_connection  # noqa: PLC0415 - imports Airflow
    from cloud9_archive.cli.logs import quiet_logs  # noqa: PLC0415 - as above

    with quiet_logs():
        access = archive_of_connection(conn_id)
    return open_store(url, base=Path.cwd(), access=access)


def acting(actor: str | None) -> str:
    """Who does it, for the trail: as told, or the account that the command runs under."""
    if actor:
        return actor
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
