"""A whole run on Postgres, and what the queries of a run cost on SQLite."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from postgres_server import fresh_database
from sqlalchemy import event

from cloud9_archive.domain.run import RunKind
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.pipeline.daily_look import take_look
from cloud9_archive.pipeline.reconcile import reconcile

GROWING = frozenset(
    {
        "amendments",
        "bag_records",
        "bags",
        "call_recordings",
        "calls",
        "chain",
        "decisions",
        "findings",
        "listings",
        "login_audio",
        "media",
        "policy_calls",
        "recordings",
        "run_calls",
        "runs",
    }
)
WHOLE_POLICY = re.compile(r"SELECT \w+\.state, count\(\*\)")
"""The counts over the whole policy: they read an index from end to end, and nothing else."""

NEWEST = re.compile(r"max\(chain\.number\)")
"""Looked up at the end of the key, although SQLite says of it only that the policy is given."""


@pytest.fixture
def postgres(everything: Any) -> Iterator[Any]:
    with fresh_database() as everything.catalog_url:
        yield everything
        everything.stack.close()


def test_a_whole_run_on_postgres(postgres: Any, run_of: Any) -> None:
    run = run_of()
    first = postgres.run(run)
    assert first.calls.listed == len(postgres.truth(run.window).calls)
    before = postgres.snapshot()
    assert postgres.run(run).calls == first.calls
    assert postgres.snapshot() == before
    postgres.complete(run.window)
    looked = take_look(postgres.workspace(), "look", lookback=timedelta(days=7))
    assert not looked.gaps
    assert (looked.bags, looked.calls) == (len(postgres.bags()), first.calls)


def test_two_processes_on_postgres(postgres: Any, run_of: Any) -> None:
    run = run_of(hours=10)
    children = [postgres.elsewhere(run_of(hours=10, run_id=run_id)) for run_id in ("one", "two", "two")]
    for child in children:
        _, complaint = child.communicate(timeout=120)
        assert child.returncode == 0, complaint
    postgres.complete(run.window)


def test_late_media_and_amendments_on_postgres(postgres: Any, run_of: Any, clock: Any) -> None:
    call = postgres.call(Kind.LATE_MEDIA)
    postgres.run(run_of(RunKind.SCHEDULED, start=call.started_at, hours=1 / 3600))
    postgres.cloud9.admin.upload_now(call.all_links[0].recording_id)
    postgres.amend(call.call_id, stop_reason="Supervisor released")
    clock.move_to(clock.now + timedelta(days=6))
    quiet = run_of(RunKind.SCHEDULED, start=call.started_at, hours=1 / 1800, run_id="later")
    assert postgres.run(quiet).calls.archived == 1
    postgres.verified()


def test_no_query_of_a_run_or_a_daily_look_reads_a_growing_table_or_a_policys_part_of_it_whole(
    everything: Any, run_of: Any, clock: Any
) -> None:
    everything.policy["expect"] = {}
    everything.run(run_of(hours=10))
    clock.move_to(clock.now + timedelta(hours=1))
    first = next(call for call in everything.truth(run_of(hours=10).window).calls if call.all_links)
    everything.amend(first.call_id, links=())
    workspace = everything.workspace()
    seen: dict[str, Any] = {}

    def remember(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "INSERT")):
            seen.setdefault(statement, parameters)

    event.listen(workspace.catalog.engine, "before_cursor_execute", remember)
    for kind in (RunKind.SCHEDULED, RunKind.BACKFILL):
        run = run_of(kind, hours=14)
        everything.work(workspace, everything.begin(workspace, run))
        reconcile(workspace, run)
    take_look(workspace, "look", lookback=timedelta(days=7))
    event.remove(workspace.catalog.engine, "before_cursor_execute", remember)
    assert len(seen) > 40
    scans = []
    with workspace.catalog.engine.connect() as connection:
        for statement, parameters in seen.items():
            if WHOLE_POLICY.match(statement.replace("\n", " ")):
                continue
            with suppress(IndexError):
                given = parameters[0] if isinstance(parameters, list) else parameters
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
                for row in plan:
                    scanned = re.match(r"SCAN (\w+)", row.detail) or re.match(
                        r"SEARCH (\w+) .*\((?:policy|source)=\?\)", row.detail
                    )
                    if scanned and _table(scanned[1], statement) in GROWING and not NEWEST.search(statement):
                        scans.append(f"{row.detail}: {statement}")
    assert not scans, "\n\n".join(scans)


def _table(name: str, statement: str) -> str:
    """The table behind a name in a plan, which may be an alias."""
    found = re.search(rf"(\w+) AS {name}\b", statement)
    return found[1] if found else name
