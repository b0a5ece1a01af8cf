"""What ``cloud9-archive backfill`` does; apart from the command, because it imports Airflow."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import typer

from cloud9_archive.airflow_api import FINISHED, AirflowApi
from cloud9_archive.cli.airflow_login import logged_in
from cloud9_archive.cli.backfill import Again
from cloud9_archive.cli.backfill_progress import PAUSE, followed
from cloud9_archive.cli.ending import ExitCode, errors_told
from cloud9_archive.cli.logs import quiet_logs
from cloud9_archive.cli.run_work import policy_file
from cloud9_archive.deployment import deployment_settings, run_link
from cloud9_archive.domain.days import day_of, days_window
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import ConfigurationError, TransientError
from cloud9_archive.pipeline.policy_files import load_policy

TRIES = 10
"""How often Airflow is asked to begin."""
SHOWN = 10
"""Intervals that are shown at each end of a longer list."""


@dataclass(frozen=True, slots=True)
class BackfillOrder:
    """
    What was asked for.

    :param policy: name of a policy, or path of its file
    :param first: first day, ISO 8601
    :param last: last day, itself included
    :param url: Airflow's address; this deployment's when None
    :param include: the deployment's folder when None
    """

    policy: str
    first: str
    last: str
    again: Again = Again.NONE
    at_once: int = 2
    newest_first: bool = False
    dry_run: bool = False
    unpause: bool = False
    follow: bool = True
    yes: bool = False
    as_json: bool = False
    url: str | None = None
    include: Path | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What Airflow would do.

    :param begins: first moments of the intervals that get a run, aware UTC
    :param standing: how many intervals of the days have a run already, by its state
    """

    policy: Policy
    window: Window
    begins: tuple[datetime, ...]
    standing: Counter[str]
    paused: bool

    @property
    def last_moment(self) -> datetime:
        """Airflow includes the end of what is asked for."""
        return self.window.end - timedelta(microseconds=1)

    def local(self, moment: datetime) -> str:
        """The moment as the desk's clock shows it."""
        return moment.astimezone(ZoneInfo(self.policy.schedule.timezone)).strftime("%Y-%m-%d %H:%M %Z")


def carry_out(order: BackfillOrder, *, sleep: Callable[[float], None] = time.sleep) -> ExitCode:
    """
    The backfill was shown, begun and followed, as far as that was asked for.

    :param sleep: waits for so many seconds between two looks at the runs
    """
    with errors_told(), quiet_logs():
        settings = deployment_settings()
        settings = replace(settings, include_folder=order.include.absolute()) if order.include else settings
        policy = load_policy(policy_file(order.policy, settings))
        days = day_of(order.first, name="--from"), day_of(order.last, name="--to")
        window = days_window(*days, zone=policy.schedule.timezone)
        api = logged_in(order.url)
        plan = _plan(api, policy, window, order)
        if not order.as_json:
            _tell(plan, order)
        begun = bool(plan.begins) and not order.dry_run and _begin(api, plan, order, sleep=sleep)
        if begun and order.follow:
            followed(api, plan.policy.policy, plan.begins, sleep=sleep, quiet=order.as_json)
        runs = _runs(api, policy, window)
        if order.as_json:
            typer.echo(json.dumps(_document(plan, runs, order, begun=begun), ensure_ascii=False))
        elif begun and order.follow:
            _tell_end(plan, runs)
        if order.dry_run or (begun and not order.follow):
            return ExitCode.OK
        return ExitCode.FINDING if any(run["state"] == "failed" for run in runs) else ExitCode.OK


def _plan(api: AirflowApi, policy: Policy, window: Window, order: BackfillOrder) -> Plan:
    paused = api.is_paused(policy.policy)
    standing = Counter(str(run["state"]) for run in _runs(api, policy, window))
    plan = Plan(policy, window, (), standing, paused)
    found = api.backfill_preview(_asked(plan, order))
    return replace(plan, begins=tuple(sorted(datetime.fromisoformat(each).astimezone(UTC) for each in found)))


def _asked(plan: Plan, order: BackfillOrder) -> dict[str, Any]:
    return {
        "dag_id": plan.policy.policy,
        "from_date": plan.window.start.isoformat(),
        "to_date": plan.last_moment.isoformat(),
        "reprocess_behavior": order.again.value,
        "max_active_runs": order.at_once,
        "run_backwards": order.newest_first,
    }


def _runs(api: AirflowApi, policy: Policy, window: Window) -> list[dict[str, Any]]:
    """Runs whose interval begins on the days; a manual run's logical date is where its interval ends."""
    found = api.runs(policy.policy, first=window.start.isoformat(), last=window.end.isoformat())
    return [run for run in found if run["run_type"] != "manual" and _begin_of(run) in window]


def _begin_of(run: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(run["logical_date"])


def _begin(api: AirflowApi, plan: Plan, order: BackfillOrder, *, sleep: Callable[[float], None]) -> bool:
    """
    Airflow has the backfill, unless the person said no.

    :raises ConfigurationError: if another one is open, or its runs would stay queued and nobody accepted that
    """
    name = plan.policy.policy
    if not order.yes and not order.as_json and not typer.confirm("Begin?", err=True):
        return False
    if plan.paused and order.follow and not order.unpause:
        raise ConfigurationError(
            f"the DAG {name} is paused: runs of a backfill would stay queued",
            subject=name,
            hint="give --unpause to switch it on, or --no-follow to leave them queued",
        )
    if unfinished := _unfinished(api, name):
        raise ConfigurationError(
            f"backfill {unfinished[0]['id']} of {name}, from {unfinished[0]['from_date']} to "
            f"{unfinished[0]['to_date']}, is not over; Airflow runs one at a time",
            subject=name,
            hint="wait for it, or cancel it on the DAG's page",
        )
    number = _begun(api, _asked(plan, order), sleep=sleep)
    typer.echo(f"backfill {number} of {name} has begun", err=True)
    if order.unpause and plan.paused:
        api.set_paused(name, paused=False)
    return True


def _unfinished(api: AirflowApi, dag_id: str) -> list[dict[str, Any]]:
    return [each for each in api.backfills(dag_id) if each["completed_at"] is None]


def _begun(api: AirflowApi, asked: dict[str, Any], *, sleep: Callable[[float], None]) -> int:
    """Id of the backfill; an Airflow on SQLite answers 503 while its scheduler writes, and may have begun it."""
    for _ in range(TRIES - 1):
        try:
            return api.begin_backfill(asked)
        except TransientError:
            sleep(PAUSE)
            if unfinished := _unfinished(api, asked["dag_id"]):
                return int(unfinished[0]["id"])
    return api.begin_backfill(asked)


def _tell(plan: Plan, order: BackfillOrder) -> None:
    name = plan.policy.policy
    zone = plan.policy.schedule.timezone
    typer.echo(f"{name}: {len(plan.begins)} intervals to run, of the days {order.first} to {order.last} in {zone}")
    for begin in _ends(plan.begins):
        typer.echo(f"  {plan.local(begin)}   {begin:%Y-%m-%dT%H:%M:%SZ}" if begin else "  …")
    if plan.standing:
        states = ", ".join(f"{count} {state}" for state, count in sorted(plan.standing.items()))
        kept = {
            Again.NONE: "they stay as they are; --again failed runs failed ones again",
            Again.FAILED: "failed ones run again",
            Again.COMPLETED: "finished ones run again; what is archived stays as it is",
        }
        typer.echo(f"  intervals with a run already: {states}; {kept[order.again]}")
    if not plan.begins and not plan.standing:
        typer.echo(f"  none begins on these days and is over: the schedule starts on {plan.policy.schedule.start}")
    if plan.paused:
        typer.echo(f"warning: the DAG {name} is paused: runs stay queued until it is switched on", err=True)


def _ends(begins: Sequence[datetime]) -> list[datetime | None]:
    """The beginnings; of many, the first and the last ones with a gap between them."""
    if len(begins) <= 2 * SHOWN:
        return list(begins)
    return [*begins[:SHOWN], None, *begins[-SHOWN:]]


def _tell_end(plan: Plan, runs: Sequence[dict[str, Any]]) -> None:
    states = Counter(str(run["state"]) for run in runs)
    for run in runs:
        if run["state"] != "success":
            link = run_link(plan.policy.policy, run["dag_run_id"]) or run["dag_run_id"]
            typer.echo(f"  {plan.local(_begin_of(run))}   {run['state']}   {link}")
    missing = len(set(plan.begins) - {_begin_of(run) for run in runs})
    if missing:
        typer.echo(f"  {missing} intervals have no run: Airflow passed them over, see the backfill's page")
    typer.echo("backfill: " + " ".join(f"{state}={count}" for state, count in sorted(states.items())))


def _document(plan: Plan, runs: Sequence[dict[str, Any]], order: BackfillOrder, *, begun: bool) -> dict[str, object]:
    return {
        "policy": plan.policy.policy,
        "from": plan.window.start.isoformat(),
        "to": plan.window.end.isoformat(),
        "timezone": plan.policy.schedule.timezone,
        "again": order.again.value,
        "paused": plan.paused and not order.unpause,
        "intervals": [begin.isoformat() for begin in plan.begins],
        "begun": begun,
        "finished": all(run["state"] in FINISHED for run in runs),
        "runs": {run["dag_run_id"]: run["state"] for run in runs},
    }
