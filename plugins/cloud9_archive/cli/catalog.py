"""``cloud9-archive catalog``: bring the catalog to date, see what is open in it, make it anew from the archive."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from cloud9_archive.cli.archives import CONN_ID_HELP
from cloud9_archive.cli.ending import errors_told

catalog_app = typer.Typer(
    name="catalog", help="Bring the catalog to date, see what is open in it, rebuild it.", no_args_is_help=True
)


@catalog_app.command("migrate")
def migrate_command() -> None:
    """Create the catalog, or bring it to date; prints its address without the password, and its revision."""
    from cloud9_archive.cli.catalog_work import migrated  # noqa: PLC0415 - imports Airflow and SQLAlchemy

    with errors_told():
        typer.echo(migrated())


@catalog_app.command("findings")
def findings_command(
    policy: Annotated[str, typer.Argument(help="The policy's name.")],
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also those that somebody has accepted.")] = False,
    healed: Annotated[bool, typer.Option("--healed", help="Also those that a run healed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document a line.")] = False,
) -> None:
    """
    Show what is open about a policy: findings that no later run healed, with the next action for each kind.

    Each is shown with its life: since when it is open, how many runs have seen it since, who accepted it, and with --healed
    when a run looked and did not find it any more.
    """
    from cloud9_archive.cli.catalog_work import finding_document, findings_of, print_findings  # noqa: PLC0415 - as above

    with errors_told():
        found = [each for each in findings_of(policy, healed=healed) if everything or each.accepted is None]
        if as_json:
            for each in found:
                typer.echo(json.dumps(finding_document(each), ensure_ascii=False))
        else:
            print_findings(policy, found)


@catalog_app.command("accept")
def accept_command(
    policy: Annotated[str, typer.Argument(help="The policy's name.")],
    code: Annotated[str, typer.Argument(help="The finding's code.")],
    subject: Annotated[str, typer.Argument(help="What it is about, as catalog findings shows it.")],
    *,
    actor: Annotated[str, typer.Option("--actor", help="Who accepts it: a person's name.")],
    reason: Annotated[str, typer.Option("--reason", help="Why it may stand.")],
) -> None:
    """
    Accept an open finding, with a name and a reason.

    It is not told any more, and shown by catalog findings with --all only; the trail of events keeps it. It makes no run
    pass: a gap fails its run as before. When the finding heals and comes back, it is open again.
    """
    from cloud9_archive.cli.catalog_work import accepted  # noqa: PLC0415 - as above

    with errors_told():
        typer.echo(accepted(policy, code, subject, actor=actor, reason=reason))


@catalog_app.command("rebuild")
def rebuild_command(
    urls: Annotated[
        list[str], typer.Argument(metavar="URL", help="The archives: a path, file:///…, or s3://bucket/prefix each.")
    ],
    *,
    catalog: Annotated[
        str | None,
        typer.Option("--catalog", help="SQLAlchemy URL of the empty catalog; by default the deployment's."),
    ] = None,
    conn_id: Annotated[str | None, typer.Option(help=CONN_ID_HELP)] = None,
    actor: Annotated[
        str | None, typer.Option(help="Who does it, for the trail; by default this account.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as one JSON object.")] = False,
) -> None:
    """
    Make the catalog anew from the archives alone; for when it is lost.

    The catalog must be empty. Every document is compared with its bag's seal and the chain before it is taken over; what
    contradicts them is told and left out. Audio is not read: run verify for that. A rebuild that was cut off goes on when
    it is run again, and no run uses the catalog before it is whole. Keep the DAGs paused meanwhile.

    Ends with 0 if all was taken over, 1 if something was not, 2 if a person must change something first.
    """
    from cloud9_archive.cli.rebuild_work import RebuildOrder, carry_out  # noqa: PLC0415 - imports SQLAlchemy and more

    order = RebuildOrder(tuple(urls), catalog, conn_id, actor, as_json)
    with errors_told():
        code = carry_out(order)
    raise typer.Exit(code)
