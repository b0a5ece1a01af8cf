"""What ``cloud9-archive catalog rebuild`` does; apart from the command, because it imports the catalog and Airflow."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import typer
from rich.console import Console

from cloud9_archive.cli.archives import acting, archive_at
from cloud9_archive.cli.catalog_work import catalog_at, deployments_catalog
from cloud9_archive.cli.ending import ExitCode
from cloud9_archive.cli.verify_bar import watched
from cloud9_archive.pipeline.opening import Opener
from cloud9_archive.pipeline.rebuild import rebuild_catalog
from cloud9_archive.pipeline.rebuilt import Rebuilt
from cloud9_archive.pipeline.verify_codes import Severity

NOT_IN_ARCHIVES = (
    "calls that stand in no bag, but for id, start and decision: a scheduled run lists the hours of the awaited ones again, and excluded ones stay excluded",
    "texts of policies and rosters, and what rosters have matched: the next run writes its own",
    "which findings were told in alerts: open ones may be told once more",
    "the trail of single steps, batches that came to nothing, turns of the rate budget",
)
"""What a person must know after a rebuild."""


@dataclass(frozen=True, slots=True)
class RebuildOrder:
    """
    What is to be rebuilt.

    :param urls: of the archives
    :param catalog: SQLAlchemy URL; None: the deployment's
    :param conn_id: Airflow connection of the buckets
    :param opener: opens encrypted documents
    :param actor: who does it; None: the account that the command runs under
    """

    urls: tuple[str, ...]
    catalog: str | None
    conn_id: str | None
    opener: Opener | None
    actor: str | None
    as_json: bool


def carry_out(order: RebuildOrder) -> ExitCode:
    """
    The catalog is whole, and what came of it is told.

    :raises Cloud9ArchiveError: if the catalog is not empty, or an archive cannot be looked at
    """
    stores = [archive_at(url, order.conn_id) for url in order.urls]
    address = order.catalog or deployments_catalog()
    with catalog_at(address) as catalog, watched(Console(stderr=True), "rebuild") as watch:
        rebuilt = rebuild_catalog(
            catalog, stores, who=acting(order.actor), now=datetime.now(UTC), opener=order.opener, watch=watch
        )
    if order.as_json:
        typer.echo(json.dumps({**rebuilt.document(), "not_in_archives": list(NOT_IN_ARCHIVES)}, indent=2))
    else:
        _tell(rebuilt)
    faulty = any(finding.severity is Severity.FAULT for finding in rebuilt.findings)
    return ExitCode.FINDING if faulty else ExitCode.OK


def _tell(rebuilt: Rebuilt) -> None:
    for finding in rebuilt.findings:
        typer.echo(finding.line())
    for head in rebuilt.heads:
        typer.echo(f"head of {head.policy}: link {head.number}, {head.digest}")
    typer.echo("compare the heads with those that you keep elsewhere: newer links may have been cut off")
    typer.echo("not in archives, and so not in this catalog:")
    for words in NOT_IN_ARCHIVES:
        typer.echo(f"  - {words}")
    calls = " ".join(f"{state.value}={count}" for state, count in sorted(rebuilt.calls.items()))
    typer.echo(
        f"rebuild: policies={len(rebuilt.policies)} links={rebuilt.links} bags={rebuilt.bags} "
        f"reports={rebuilt.reports} {calls} findings={len(rebuilt.findings)}"
    )
