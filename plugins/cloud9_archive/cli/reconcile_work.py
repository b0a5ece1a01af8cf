"""What ``cloud9-archive reconcile`` does; apart from the command, because it imports the whole pipeline and Airflow."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

import typer

from cloud9_archive.catalog.faults import database_faults_told
from cloud9_archive.cli.connections import archive_of_connection, client_of
from cloud9_archive.cli.ending import ExitCode, errors_told, exit_code, tell_error
from cloud9_archive.cli.late_reach import LateReach
from cloud9_archive.cli.logs import quiet_logs
from cloud9_archive.cli.run_work import policy_file
from cloud9_archive.deployment import deployment_settings
from cloud9_archive.domain.call import utc_text
from cloud9_archive.domain.words import shown
from cloud9_archive.errors import Cloud9ArchiveError
from cloud9_archive.pipeline.daily_look import Looked, read_lookback, refuse_gaps, take_look
from cloud9_archive.pipeline.policy_files import load_policy
from cloud9_archive.pipeline.workspace import OpenSource, open_workspace, utc_now


@dataclass(frozen=True, slots=True)
class LookOrder:
    """
    What was asked for.

    :param policy: name, or path of a policy file
    :param lookback: such as ``7d``
    :param include: the deployment's folder when None
    """

    policy: str
    lookback: str = "7d"
    as_json: bool = False
    include: Path | None = None


def carry_out(
    order: LookOrder, *, open_source: OpenSource = client_of, clock: Callable[[], datetime] = utc_now
) -> ExitCode:
    """
    The look was taken, and what it came to is printed.

    :param open_source: opens an import source by its connection id
    :param clock: the present moment, aware UTC
    """
    with errors_told(), quiet_logs(), database_faults_told():
        settings = deployment_settings()
        settings = replace(settings, include_folder=order.include.absolute()) if order.include else settings
        lookback = read_lookback(order.lookback)
        opened = open_workspace(
            load_policy(policy_file(order.policy, settings)),
            settings,
            open_source=open_source,
            clock=clock,
            reach=LateReach(),
            open_archive=archive_of_connection,
        )
        with opened as workspace:
            looked = take_look(workspace, f"cli__{utc_text(clock())}", lookback=lookback)
    failure: Cloud9ArchiveError | None = None
    try:
        refuse_gaps(looked)
    except Cloud9ArchiveError as error:
        failure = error
    _print(looked, failure, as_json=order.as_json)
    if looked.gaps:
        return ExitCode.FINDING
    return exit_code(failure)


def _print(looked: Looked, failure: Cloud9ArchiveError | None, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_document(looked, failure), ensure_ascii=False))
        return
    for each in looked.findings:
        typer.echo(f"{each.kind.severity.value} {each.code} {shown(each.subject)}: {each.words}")
    if failure is not None and not looked.gaps:
        tell_error(failure)
    calls = looked.calls
    typer.echo(
        f"reconcile: {looked.window} listed={sum(each.listed for each in looked.sources)} "
        f"undecided={sum(each.undecided for each in looked.sources)} missing_intervals={looked.missing_intervals} "
        f"bags={looked.bags} records={looked.records} findings={len(looked.findings)} gaps={len(looked.gaps)} "
        f"calls={calls.listed} unaccounted={calls.unaccounted}"
    )


def _document(looked: Looked, failure: Cloud9ArchiveError | None) -> dict[str, object]:
    error = failure and {"code": failure.code, "message": failure.message, "hint": failure.hint}
    return {
        "policy": looked.policy,
        "complete": not looked.gaps and not looked.unreached,
        "error": error,
        **looked.counts(),
        "details": [{**asdict(each), "severity": each.kind.severity.value} for each in looked.findings],
    }
