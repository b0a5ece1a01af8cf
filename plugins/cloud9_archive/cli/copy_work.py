"""What ``cloud9-archive catalog copy`` does; apart from the command, because it imports the catalog."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime

import typer

from cloud9_archive.catalog.copying import copy_catalog
from cloud9_archive.catalog.faults import database_faults_told
from cloud9_archive.cli.archives import acting
from cloud9_archive.cli.catalog_work import require_catalog_at
from cloud9_archive.cli.logs import quiet_logs


def carry_out_copy(origin: str, target: str, *, retire: bool, actor: str | None, as_json: bool) -> None:
    """
    The copy stands, and what is in it is told.

    :raises Cloud9ArchiveError: if it cannot be; the target is empty then
    """
    require_catalog_at(origin)
    with quiet_logs(), database_faults_told():
        copied = copy_catalog(origin, target, who=acting(actor), now=datetime.now(UTC), retire=retire)
    if as_json:
        typer.echo(json.dumps(asdict(copied), indent=2))
        return
    for name, rows in copied.rows.items():
        typer.echo(f"{name}: {rows}")
    if not retire:
        typer.echo("the old catalog is still in use: two catalogs of one archive contradict each other")
    typer.echo(f"now set [cloud9_archive] catalog_url to {copied.target} on every host")
    typer.echo(f"copy: tables={len(copied.rows)} rows={sum(copied.rows.values())} equal=yes")
