"""``cloud9-archive backfill``: days of a policy, run by Airflow, with the offsets of the policy's zone."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

USER_VARIABLE = "CLOUD9_ARCHIVE_AIRFLOW_USER"
PASSWORD_VARIABLE = "CLOUD9_ARCHIVE_AIRFLOW_PASSWORD"  # noqa: S105 - a variable's name
TOKEN_VARIABLE = "CLOUD9_ARCHIVE_AIRFLOW_TOKEN"  # noqa: S105 - as above


class Again(StrEnum):
    """Which days that have a run already are run again, in the words of Airflow's backfills."""

    NONE = "none"
    FAILED = "failed"
    COMPLETED = "completed"


def backfill_command(  # noqa: PLR0913 - one argument for each option
    policy: Annotated[str, typer.Argument(help="The policy's name, which is its DAG's.")],
    *,
    first: Annotated[str, typer.Option("--from", help="First day, such as 2026-11-01, in the policy's time zone.")],
    last: Annotated[str, typer.Option("--to", help="Last day, itself included.")],
    again: Annotated[
        Again,
        typer.Option("--again", help="What becomes of intervals that have a run already: failed runs that one again."),
    ] = Again.NONE,
    at_once: Annotated[int, typer.Option("--at-once", min=1, max=16, help="Runs at a time.")] = 2,
    newest_first: Annotated[bool, typer.Option("--newest-first", help="Begin with the last day.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the intervals, and begin nothing.")] = False,
    unpause: Annotated[
        bool, typer.Option("--unpause", help="Switch the DAG on, without which its runs stay queued.")
    ] = False,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Wait for the runs, and show how far.")] = True,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before it begins.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the outcome as one JSON object; asks nothing.")
    ] = False,
    url: Annotated[
        str | None,
        typer.Option(
            "--airflow",
            help="Address of Airflow's API server; by default this deployment's, api.base_url.",
            envvar="CLOUD9_ARCHIVE_AIRFLOW_URL",
        ),
    ] = None,
    include: Annotated[
        Path | None,
        typer.Option(
            "--include",
            help="Folder that holds policies/ and rosters/; by default the deployment's.",
            envvar="CLOUD9_ARCHIVE_INCLUDE",
        ),
    ] = None,
) -> None:
    """
    Let Airflow run a policy over past days.

    Taken is every interval that begins on one of the days, in the policy's own time zone: Airflow's form takes
    moments in UTC, by which a day far from UTC is easily lost. Days that are archived already change nothing.

    Logs in with a token in CLOUD9_ARCHIVE_AIRFLOW_TOKEN, or the user in CLOUD9_ARCHIVE_AIRFLOW_USER, whose password
    stands in CLOUD9_ARCHIVE_AIRFLOW_PASSWORD or is asked for. Ctrl-C stops following; the backfill goes on. Ends
    with 0 if every run ended well, 1 if one failed, 2 if a person must change something first, 3 if it may work later.
    """
    from cloud9_archive.cli.backfill_work import BackfillOrder, carry_out  # noqa: PLC0415 - imports Airflow

    order = BackfillOrder(
        policy=policy,
        first=first,
        last=last,
        again=again,
        at_once=at_once,
        newest_first=newest_first,
        dry_run=dry_run,
        unpause=unpause,
        follow=follow,
        yes=yes,
        as_json=as_json,
        url=url,
        include=include,
    )
    raise typer.Exit(carry_out(order))
