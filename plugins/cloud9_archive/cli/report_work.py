"""What ``cloud9-archive report`` does; apart from the commands, because it imports the pipeline and Airflow."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer

from cloud9_archive.catalog.runs import the_run
from cloud9_archive.cli.custody_work import workspace_of
from cloud9_archive.cli.ending import ExitCode
from cloud9_archive.cli.run_work import sums_line
from cloud9_archive.deployment import archive_address
from cloud9_archive.domain.days import day_of
from cloud9_archive.pipeline.day_report import DayReport, put_day_report
from cloud9_archive.pipeline.report_filing import page_beside
from cloud9_archive.pipeline.run import filed_sum


def tell_run(policy: str, run_id: str, *, as_json: bool) -> ExitCode:
    """
    The run's sums and its report's key are printed.

    :raises CatalogError: if there was no such run
    """
    with workspace_of(policy) as workspace:
        name = workspace.policy.policy
        filed = filed_sum(workspace, the_run(workspace.catalog, name, run_id).run)
    if filed is None:
        typer.echo(f"{run_id} has no report: it was not reconciled", err=True)
        return ExitCode.FINDING
    if as_json:
        typer.echo(json.dumps({"policy": name, "run_id": run_id, **asdict(filed), **_page(name, filed.report)}))
    else:
        typer.echo("\n".join(_page(name, filed.report).values()))
        typer.echo(sums_line(filed))
    return ExitCode.OK


def draw_day(policy: str, day: str, *, as_json: bool) -> ExitCode:
    """
    The day's report is in the archive, and its sums are printed.

    :raises WindowError: if it is no day, or one that is not over
    """
    wanted = day_of(day, name="--day", ask="give it as in --day 2026-11-22")
    with workspace_of(policy) as workspace:
        name = workspace.policy.policy
        drawn = put_day_report(workspace, wanted)
    if as_json:
        typer.echo(json.dumps({"policy": name, **asdict(drawn), "day": day, **_page(name, drawn.report)}))
    else:
        typer.echo("\n".join(_page(name, drawn.report).values()))
        typer.echo(_day_line(drawn))
    return ExitCode.OK if drawn.holds else ExitCode.FINDING


def _page(policy: str, report: str) -> dict[str, str]:
    page = page_beside(report)
    address = archive_address(policy, page)
    return {"page": page, **({"address": address} if address else {})}


def _day_line(drawn: DayReport) -> str:
    calls = drawn.calls
    disposed = f"disposed={calls.disposed} " if calls.disposed else ""
    return (
        f"day: listed={calls.listed} archived={calls.archived} excluded={calls.excluded} "
        f"awaiting={calls.awaiting_media} quarantined={calls.quarantined} missing={calls.missing} {disposed}"
        f"findings={drawn.findings['open']} number={drawn.number} written={'yes' if drawn.written else 'no'} "
        f"report={drawn.report} head={drawn.chain_head}"
    )
