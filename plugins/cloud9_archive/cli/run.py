"""``cloud9-archive run``: a policy's run over a window, without Airflow's scheduler."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run_command(  # noqa: PLR0913 - one argument for each option
    policy: Annotated[str, typer.Argument(help="The policy's name, or the path of its file.")],
    *,
    begin: Annotated[
        str | None, typer.Option("--from", help="First instant of the window: ISO 8601 with an offset.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="End of the window, itself not within it; it must have passed.")
    ] = None,
    call_ids: Annotated[
        list[str] | None,
        typer.Option(
            "--call",
            help="Take this call alone; may be given several times. Without a window, it is looked for where it was listed before.",
        ),
    ] = None,
    run_id: Annotated[
        str | None, typer.Option("--run-id", help="Name of the run; by default made from the window.")
    ] = None,
    scheduled: Annotated[
        bool, typer.Option("--scheduled", help="Also take stragglers of earlier windows, as scheduled runs do.")
    ] = False,
    redecide: Annotated[
        bool,
        typer.Option(
            "--redecide",
            help="Decide anew on calls of the window whose decision another roster or policy made; else decisions stand.",
        ),
    ] = False,
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
    Archive the calls of a window, and add up.

    The same steps as the policy's DAG, one after the other, with the same catalog and archive. Steps that fail for
    the time being are tried again up to three times. Running a window again changes nothing that is archived.

    Progress goes to stderr; the last line, on stdout, holds the sums. Ends with 0 if the run adds up, 1 if not, 2 if
    a person must change something first, 3 if it may work later.
    """
    from cloud9_archive.cli.run_work import RunOrder, carry_out  # noqa: PLC0415 - imports Airflow, only when it runs

    order = RunOrder(
        policy=policy,
        begin=begin,
        end=end,
        call_ids=tuple(call_ids or ()),
        run_id=run_id,
        scheduled=scheduled,
        redecide=redecide,
        as_json=as_json,
        include=include,
    )
    raise typer.Exit(carry_out(order))
