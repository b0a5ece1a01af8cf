"""What ``cloud9-archive run`` does; apart from the command, because it imports the whole pipeline and Airflow."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

import typer
from rich.console import Console

from cloud9_archive.catalog.faults import database_faults_told
from cloud9_archive.cli.connections import archive_of_connection, client_of
from cloud9_archive.cli.ending import ExitCode, errors_told, exit_code, tell_error
from cloud9_archive.cli.late_reach import LateReach
from cloud9_archive.cli.logs import quiet_logs
from cloud9_archive.cli.narration import narrated
from cloud9_archive.deployment import deployment_settings
from cloud9_archive.domain.call import canonical_json, utc_text
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import ReconciliationError, WindowError
from cloud9_archive.pipeline.policy_files import load_policy
from cloud9_archive.pipeline.run import FiledSum, filed_sum, run_policy
from cloud9_archive.pipeline.settings import Settings
from cloud9_archive.pipeline.windows import calls_asked_for, run_window, window_of_calls
from cloud9_archive.pipeline.workspace import OpenSource, Workspace, open_workspace, utc_now

_EXAMPLE = "for example --from 2026-11-20T00:00:00+00:00 --to 2026-11-21T00:00:00+00:00"


@dataclass(frozen=True, slots=True)
class RunOrder:
    """
    What was asked for.

    :param policy: name, or path of a policy file
    :param begin: ISO 8601 with an offset
    :param end: ISO 8601 with an offset
    :param call_ids: take these calls alone; then the window may be absent
    :param run_id: made from the window when None
    :param redecide: decide anew where another roster or policy decided
    :param include: the deployment's folder when None
    """

    policy: str
    begin: str | None = None
    end: str | None = None
    call_ids: tuple[str, ...] = ()
    run_id: str | None = None
    scheduled: bool = False
    redecide: bool = False
    as_json: bool = False
    include: Path | None = None


def carry_out(
    order: RunOrder,
    *,
    open_source: OpenSource = client_of,
    clock: Callable[[], datetime] = utc_now,
    sleep: Callable[[float], None] = time.sleep,
) -> ExitCode:
    """
    The run is over, and its outcome is printed.

    :param open_source: opens an import source by its connection id
    :param clock: the present moment, aware UTC
    :param sleep: waits for so many seconds before a step is tried again
    """
    with errors_told(), quiet_logs(), database_faults_told():
        settings = _settings(order)
        policy = load_policy(policy_file(order.policy, settings))
        failure: ReconciliationError | None = None
        with open_workspace(
            policy,
            settings,
            open_source=open_source,
            clock=clock,
            reach=LateReach(),
            open_archive=archive_of_connection,
        ) as workspace:
            run = run_of(order, workspace, now=clock())
            try:
                with narrated(Console(stderr=True)) as tell:
                    run_policy(workspace, run, redecide=order.redecide, tell=tell, sleep=sleep)
            except ReconciliationError as error:
                failure = error
            outcome = filed_sum(workspace, run)
        _print(run, outcome, failure, as_json=order.as_json)
    return exit_code(failure)


def policy_file(policy: str, settings: Settings) -> Path:
    """The file of a policy that was named, or given as a path."""
    return Path(policy) if policy.endswith(".yaml") else settings.policies / f"{policy}.yaml"


def run_of(order: RunOrder, workspace: Workspace, *, now: datetime) -> RunRef:
    """
    The run that was asked for.

    :param now: aware UTC
    :raises WindowError: if there is no such window, or it is not over yet
    """
    asked = calls_asked_for(order.call_ids)
    window = _window(order, workspace, asked, now=now)
    kind = RunKind.SCHEDULED if order.scheduled else RunKind.MANUAL
    # One name for one selection: run again with other calls, it is another run.
    mark = f"__{hashlib.sha256(canonical_json(sorted(asked))).hexdigest()[:8]}" if asked else ""
    return RunRef(workspace.policy.policy, order.run_id or f"cli__{window}{mark}", kind, window, asked)


def _window(order: RunOrder, workspace: Workspace, asked: tuple[str, ...], *, now: datetime) -> Window:
    try:
        if asked and not (order.begin or order.end):
            return window_of_calls(workspace, asked)
        return run_window(interval=None, window_start=order.begin, window_end=order.end, now=now)
    except WindowError as error:
        words = _in_options(error.message)
        asks = error.hint is None or "params" in error.hint
        hint = f"give --from and --to, {_EXAMPLE}" if asks else _in_options(error.hint or "")
        raise WindowError(words, subject=error.subject, hint=hint) from None


def _in_options(words: str) -> str:
    """The same words, with the options' names instead of the DAG params'."""
    names = {"window_start": "--from", "window_end": "--to", "window start": "--from", "window end": "--to"}
    for param, option in names.items():
        words = words.replace(param, option)
    return words


def _settings(order: RunOrder) -> Settings:
    settings = deployment_settings()
    return replace(settings, include_folder=order.include.absolute()) if order.include else settings


def _print(run: RunRef, outcome: FiledSum | None, failure: ReconciliationError | None, *, as_json: bool) -> None:
    if failure is not None:
        tell_error(failure)
    if as_json:
        typer.echo(json.dumps(_document(run, outcome, failure), ensure_ascii=False))
    elif outcome is not None:
        typer.echo(sums_line(outcome))


def sums_line(outcome: FiledSum) -> str:
    """The calls' sum on one line, with the report's key and the chain's head."""
    calls = outcome.calls
    disposed = f"disposed={calls.disposed} " if calls.disposed else ""
    return (
        f"run: listed={calls.listed} archived={calls.archived} excluded={calls.excluded} "
        f"awaiting={calls.awaiting_media} quarantined={calls.quarantined} missing={calls.missing} {disposed}"
        f"report={outcome.report} head={outcome.chain_head}"
    )


def _document(run: RunRef, outcome: FiledSum | None, failure: ReconciliationError | None) -> dict[str, object]:
    error = failure and {"code": failure.code, "message": failure.message, "hint": failure.hint}
    return {
        "policy": run.policy,
        "run_id": run.run_id,
        "kind": run.kind.value,
        "window_start": utc_text(run.window.start),
        "window_end": utc_text(run.window.end),
        "adds_up": failure is None,
        "error": error,
        **(asdict(outcome) if outcome else {}),
    }
