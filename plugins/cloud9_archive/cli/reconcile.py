"""``cloud9-archive reconcile``: the daily look at a policy, without Airflow's scheduler."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def reconcile_command(
    policy: Annotated[str, typer.Argument(help="The policy's name, or the path of its file.")],
    *,
    lookback: Annotated[
        str, typer.Option("--lookback", help="How far back is looked, such as 7d; at most 92d.")
    ] = "7d",
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as one JSON object.")] = False,
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
    Look whether anything is missing: what the sources list against the catalog against the archive.

    The same as a policy's task of the DAG cloud9_reconcile: it takes up, decides, downloads and writes nothing but what
    it found, which is open in the catalog until it is mended. Airflow is not asked whether the policy's DAG is paused;
    that is concluded from runs that are missing. Nobody is alerted.

    Prints one line per finding and a summary. Ends with 0 if nothing is missing, 1 if there is a gap, 2 if a person
    must change something first, 3 if a source or the archive may be reached later.
    """
    from cloud9_archive.cli.reconcile_work import LookOrder, carry_out  # noqa: PLC0415 - imports Airflow

    raise typer.Exit(carry_out(LookOrder(policy=policy, lookback=lookback, as_json=as_json, include=include)))
