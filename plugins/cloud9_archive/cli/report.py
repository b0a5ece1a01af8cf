"""``cloud9-archive report``: where the report of a run lies, and a day's report drawn up."""

from __future__ import annotations

from typing import Annotated

import typer

from cloud9_archive.cli.ending import errors_told

report_app = typer.Typer(name="report", help="Reports of runs and days in the archive.", no_args_is_help=True)
Policy = Annotated[str, typer.Argument(help="The policy's name, or the path of its file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print it as one JSON object.")]


@report_app.command("run")
def run_report_command(
    policy: Policy,
    run_id: Annotated[str, typer.Argument(metavar="RUN_ID", help="The run's id in Airflow, as the grid shows it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """
    Tell a run's sums, and where its newest report lies.

    Ends with 0 if the run has a report, 1 if it has none, 2 if there is no such run, policy or archive.
    """
    from cloud9_archive.cli.report_work import tell_run  # noqa: PLC0415 - imports Airflow, only when it runs

    with errors_told():
        raise typer.Exit(tell_run(policy, run_id, as_json=as_json))


@report_app.command("day")
def day_report_command(
    policy: Policy,
    *,
    day: Annotated[
        str, typer.Option("--day", metavar="YYYY-MM-DD", help="A day that is over, in the policy's time zone.")
    ],
    as_json: AsJson = False,
) -> None:
    """
    Draw up the report of a day, and put it into the archive if the facts are others than in the newest one.

    The last line holds the sums and the key of the report; the page and the CSV file lie beside it. Ends with 0 if the day
    was listed whole and every call is accounted for, 1 if not, 2 if a person must change something first, 3 if it may work
    later.
    """
    from cloud9_archive.cli.report_work import draw_day  # noqa: PLC0415 - imports Airflow, only when it runs

    with errors_told():
        raise typer.Exit(draw_day(policy, day, as_json=as_json))
