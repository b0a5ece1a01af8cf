"""The command ``verify``: an archive checked from its own files, whoever wrote it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cloud9_archive.errors import Cloud9ArchiveError
from cloud9_archive.pipeline.verify import verify_archive
from cloud9_archive.storage.store import Store
from cloud9_archive.storage.targets import open_store

_CANNOT_TELL = 2


def verify_command(
    url: Annotated[str, typer.Argument(help="The archive: a path, file:///…, or s3://bucket/prefix")],
    *,
    policy: Annotated[str | None, typer.Option(help="Check this policy only.")] = None,
    head: Annotated[
        str | None, typer.Option(help="A head digest kept elsewhere: finds a chain whose end was cut off.")
    ] = None,
    conn_id: Annotated[
        str | None,
        typer.Option(
            help="Airflow connection that leads to the bucket; by default as whoever boto3 finds this host to be."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = False,
) -> None:
    """
    Check every byte of an archive against its seals and chain.

    Prints one line per finding and a summary. Ends with 0 if all is well, 1 if there is a fault (notices are not
    faults), 2 if the archive cannot be looked at.
    """
    try:
        report = verify_archive(_store(url, conn_id), policy=policy, head=head)
    except Cloud9ArchiveError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(_CANNOT_TELL) from None
    if as_json:
        typer.echo(json.dumps(report.document(), indent=2))
    else:
        for finding in report.findings:
            typer.echo(finding.line())
        typer.echo(report.summary())
    if not report.ok:
        raise typer.Exit(1)


def _store(url: str, conn_id: str | None) -> Store:
    if conn_id is None:
        return open_store(url, base=Path.cwd())
    from cloud9_archive.cli.connections import archive_of_connection  # noqa: PLC0415 - imports Airflow
    from cloud9_archive.cli.logs import quiet_logs  # noqa: PLC0415 - as above

    with quiet_logs():
        access = archive_of_connection(conn_id)
    return open_store(url, base=Path.cwd(), access=access)
