"""The demo itself: start, backfill, wait, compare, show."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console

from cloud9_archive.airflow_api import FINISHED, AirflowApi
from cloud9_archive.api.fields import FIELDS
from cloud9_archive.demo.expectation import Expectation, expected, read_modes
from cloud9_archive.demo.outcome import RunRow, compare, missing_tools, newest_report, records_of, refused_bags
from cloud9_archive.demo.servers import USER, DemoError, Place, airflow, check_port, emulator, free_port, wait_for
from cloud9_archive.demo.shown import print_result, print_where_next
from cloud9_archive.domain.window import Window
from cloud9_archive.emulator.admin_client import AdminClient
from cloud9_archive.emulator.truth import ReadyFile
from cloud9_archive.pipeline.policy_files import load_policy
from cloud9_archive.pipeline.verify import verify_archive
from cloud9_archive.pipeline.verify_codes import Severity
from cloud9_archive.storage.targets import open_store

BACKFILLED = "emea_rates"
TRIGGERED = "americas_credit"
DAYS = 3
RUNS_DEADLINE = 240.0
POLL = 1.0
EXIT_FAILED = 1


def run_demo(place: Place, console: Console, *, port: int | None, stay: bool) -> int:
    """
    The tour is over, and its result printed and written to ``summary.json``.

    :param port: for Airflow's page; any free one when None
    :param stay: whether to leave both servers running until interrupted
    :returns: the exit code
    :raises DemoError: if something is missing or does not start
    """
    began = time.monotonic()
    _prepare(place, port)
    port = port or free_port()
    password = secrets.token_urlsafe(9)
    with emulator(place) as ready, airflow(place, port=port, password=password) as server:
        console.print(f"Cloud9 emulator on [bold]{ready.base_url}[/], Airflow is starting on port {port} …")
        api = AirflowApi(f"http://127.0.0.1:{port}")
        with console.status("waiting for Airflow"):
            wait_for(api.is_healthy, "Airflow", server, log=place.root / "airflow.log")
            api.log_in(USER, password)
            _connect(api, ready, console)
            _wait_for_dags(api, server, place)
        admin = AdminClient(ready.host, ready.port, Path(ready.ca_file), ready.admin_token, ready.keys)
        if stay:
            console.print(
                f"\nAirflow: [bold]http://127.0.0.1:{port}[/]  user [bold]{USER}[/]  password [bold]{password}[/]"
            )
        now = datetime.now(UTC).replace(microsecond=0)
        # The emulated world stands still, so that what was expected cannot change while it is compared.
        admin.set_clock(fixed=now)
        _start_runs(api, now)
        runs = _finished_runs(api, server, console)
        rows = _rows(place, admin, runs)
        ok = _judge(place, console, rows, runs, seconds=time.monotonic() - began)
        if stay:
            admin.set_clock()
            console.print("\nBoth DAGs are paused again; switch them on, or start a backfill of your own.")
            console.print("Everything keeps running until you press Ctrl-C.")
            _stay(server)
        else:
            print_where_next(console, place)
    return 0 if ok else EXIT_FAILED


def _prepare(place: Place, port: int | None) -> None:
    if tools := missing_tools():
        raise DemoError(f"{', '.join(tools)} is not on this machine: install it and try again")
    if port is not None:
        check_port(port)
    # A tour begins at the beginning; var/ holds nothing that a user put there.
    if place.root.exists():
        for path in place.root.rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        shutil.rmtree(place.root)
    place.root.mkdir(parents=True)


def _connect(api: AirflowApi, ready: ReadyFile, console: Console) -> None:
    # Airflow's form shows only those extra fields of a stored connection that it finds in it.
    unset = {field.name: field.default or None for field in FIELDS if field.stored == "extra"}
    for desk, key in ready.keys.items():
        connection = {
            "connection_id": f"cloud9_{desk}",
            "conn_type": "cloud9",
            "description": f"The emulated Cloud9, {desk} desk",
            "host": ready.host,
            "port": ready.port,
            "login": key.api_key,
            "password": key.api_secret,
            "extra": json.dumps({**unset, "tls_trust": ready.ca_file}),
        }
        api.add_connection(connection)
        works, message = api.test_connection(connection)
        if not works:
            raise DemoError(f"the Test button of connection cloud9_{desk} says: {message}")
        console.print(f"connection [bold]cloud9_{desk}[/]: {message}", highlight=False, soft_wrap=True)


def _wait_for_dags(api: AirflowApi, server: subprocess.Popen[bytes], place: Place) -> None:
    def there() -> bool:
        if errors := api.import_errors():
            raise DemoError(f"Airflow cannot read a DAG: {errors[0].strip().splitlines()[-1]}")
        return {BACKFILLED, TRIGGERED} <= api.dag_ids()

    wait_for(there, "the DAGs", server, log=place.root / "airflow.log")


def _start_runs(api: AirflowApi, now: datetime) -> None:
    london, new_york = ZoneInfo("Europe/London"), ZoneInfo("America/New_York")
    boundary = now.astimezone(london).replace(hour=2, minute=0, second=0)
    last = boundary.date() - timedelta(days=1 if boundary <= now else 2)
    first = last - timedelta(days=DAYS - 1)
    api.begin_backfill(
        {
            "dag_id": BACKFILLED,
            "from_date": _at(first, 2, london),
            "to_date": _at(last, 2, london),
            "max_active_runs": DAYS,
            "reprocess_behavior": "none",
        }
    )
    api.trigger(TRIGGERED, logical_date=_at(_weekday_before(now.astimezone(new_york).date()), 10, new_york))
    for dag_id in (BACKFILLED, TRIGGERED):
        api.set_paused(dag_id, paused=False)


def _at(day: date, hour: int, zone: ZoneInfo) -> str:
    return datetime(day.year, day.month, day.day, hour, tzinfo=zone).astimezone(UTC).isoformat()


def _weekday_before(day: date) -> date:
    day -= timedelta(days=1)
    while day.weekday() >= 5:  # noqa: PLR2004 - Saturday and Sunday
        day -= timedelta(days=1)
    return day


def _finished_runs(
    api: AirflowApi, server: subprocess.Popen[bytes], console: Console
) -> list[tuple[str, dict[str, str]]]:
    """All runs of both DAGs, once the expected ones and whatever the scheduler added are finished."""
    until = time.monotonic() + RUNS_DEADLINE
    with console.status("") as status:
        while True:
            runs = [(dag_id, run) for dag_id in (BACKFILLED, TRIGGERED) for run in api.runs(dag_id)]
            backfilled = [run for dag_id, run in runs if dag_id == BACKFILLED]
            triggered = [run for dag_id, run in runs if dag_id == TRIGGERED and run["run_type"] == "manual"]
            status.update(_progress(api, runs))
            if len(backfilled) >= DAYS and triggered:
                for dag_id in (BACKFILLED, TRIGGERED):
                    if all(run["state"] in FINISHED for each, run in runs if each == dag_id):
                        api.set_paused(dag_id, paused=True)
                if all(run["state"] in FINISHED for _, run in runs):
                    return runs
            if server.poll() is not None or time.monotonic() > until:
                raise DemoError("the runs did not finish: see airflow.log, and the task logs in airflow/logs")
            _pause(server)


def _progress(api: AirflowApi, runs: list[tuple[str, dict[str, str]]]) -> str:
    lines = []
    for dag_id, run in runs:
        states = api.task_states(dag_id, run["dag_run_id"])
        done, total = sum(states.get(state, 0) for state in ("success", "failed", "skipped")), sum(states.values())
        lines.append(f"{dag_id} {run['run_type']} {run['state']}: {done} of {total} tasks")
    return "\n".join(lines) or "waiting for the scheduler"


def _rows(place: Place, admin: AdminClient, runs: list[tuple[str, dict[str, str]]]) -> list[RunRow]:
    rows = []
    for dag_id, run in runs:
        report = newest_report(place.archive, dag_id, run["dag_run_id"])
        if report is None:
            raise DemoError(
                f"run {run['dag_run_id']} of {dag_id} left no report: see its reconcile task in airflow/logs"
            )
        window = Window(datetime.fromisoformat(report["window_start"]), datetime.fromisoformat(report["window_end"]))
        truth = _expectation(place, admin, dag_id, window)
        rows.append(compare(report, records_of(place.archive, dag_id), truth))
    return rows


def _expectation(place: Place, admin: AdminClient, dag_id: str, window: Window) -> Expectation:
    include = place.repository / "include"
    policy = load_policy(include / "policies" / f"{dag_id}.yaml")
    truth = admin.truth(policy.sources[0].removeprefix("cloud9_"), begin=window.start, end=window.end)
    roster = policy.recording_rules.roster
    return expected(truth, modes=read_modes(include / roster, at=window.start) if isinstance(roster, str) else None)


def _judge(
    place: Place, console: Console, rows: list[RunRow], runs: list[tuple[str, dict[str, str]]], *, seconds: float
) -> bool:
    failed = [f"run {run['dag_run_id']} of {dag_id} failed" for dag_id, run in runs if run["state"] != "success"]
    problems = [*failed, *(difference for row in rows for difference in row.differences)]
    problems += refused_bags(place.archive)
    report = verify_archive(open_store(str(place.archive), base=place.archive))
    problems += [finding.line() for finding in report.findings if finding.severity is Severity.FAULT]
    totals = {
        name: sum(row.counts[name] for row in rows)
        for name in ("archived", "excluded", "awaiting_media", "quarantined")
    }
    problems += [f"no call came out as {name}" for name, count in totals.items() if not count]
    print_result(console, place, rows, problems, seconds=seconds)
    return not problems


def _stay(server: subprocess.Popen[bytes]) -> None:
    try:
        server.wait()
    except KeyboardInterrupt:
        return


def _pause(server: subprocess.Popen[bytes]) -> None:
    try:
        server.wait(POLL)
    except subprocess.TimeoutExpired:
        return
