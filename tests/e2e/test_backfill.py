"""Days far from UTC, run through the REST API of a real Airflow: failed, run again, run once more, killed and told of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import psutil
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from estates import Estate, estate
from pytest_httpserver import HTTPServer

from cloud9_archive.demo.servers import free_port

pytestmark = [pytest.mark.estate, pytest.mark.timeout(900)]

POLICY = """\
policy: {name}
description: Far from UTC
sources: [cloud9_emea]
schedule: {{cron: "0 4 * * *", timezone: Pacific/Auckland, start: 2024-01-01, max_active_runs: 1}}
recording_rules: {{enabled: false}}
media: {{profile: none, deadline: 7d}}
archive: {{target: archive}}
alerts: {alerts}
"""
DAG = """\
# An Airflow DAG: Airflow reads no file in which these words are missing.
from cloud9_archive.dag import build_dag

dag = build_dag({name!r})
"""
ONE_TRY = "for task in dag.tasks:\n    task.retries = 0\n"
WEEK = ("--from", "2026-09-24", "--to", "2026-09-30")
"""In the night to the 27th clocks go forward there."""


class Mailbox(Message):
    """Mails as they came."""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[Any] = []

    def handle_message(self, message: Any) -> None:
        self.received.append(message)


@pytest.fixture(scope="module")
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    receiver = Controller(box, hostname="127.0.0.1", port=free_port())
    receiver.start()
    yield box, receiver.port
    receiver.stop()


@pytest.fixture(scope="module")
def webhook() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1") as server:
        server.expect_request("/").respond_with_data("")
        yield server


@pytest.fixture(scope="module")
def far(
    tmp_path_factory: pytest.TempPathFactory, mailbox: tuple[Mailbox, int], webhook: HTTPServer
) -> Iterator[Estate]:
    policies = {
        "auckland": POLICY.format(name="auckland", alerts="{conn_id: ops_hook}"),
        "wellington": POLICY.format(
            name="wellington", alerts="{conn_id: ops_mail, options: {to: desk@firm.example}, late_after: 20s}"
        ),
    }
    dags = {
        "auckland": DAG.format(name="auckland") + ONE_TRY,
        "wellington": DAG.format(name="wellington") + ONE_TRY,
    }
    with estate(tmp_path_factory.mktemp("estate"), policies=policies, dags=dags) as made:
        made.api.add_connection(made.cloud9_connection("emea", password="canary-of-a-wrong-secret"))
        made.api.add_connection(
            {
                "connection_id": "ops_hook",
                "conn_type": "http",
                "schema": "http",
                "host": "127.0.0.1",
                "port": webhook.port,
            }
        )
        mail = {"disable_tls": True, "disable_ssl": True, "from_email": "archive@firm.example"}
        made.api.add_connection(
            {
                "connection_id": "ops_mail",
                "conn_type": "smtp",
                "host": "127.0.0.1",
                "port": mailbox[1],
                "extra": json.dumps(mail),
            }
        )
        yield made


def outcome(far: Estate, *arguments: str, code: int = 0) -> dict[str, Any]:
    ended = far.command("backfill", "auckland", *arguments, "--json")
    assert ended.returncode == code, f"{ended.stdout}\n{ended.stderr}"
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def begins(found: dict[str, Any]) -> list[str]:
    return [datetime.fromisoformat(each).strftime("%d %H:%M") for each in found["intervals"]]


def told(webhook: HTTPServer) -> list[dict[str, Any]]:
    return [json.loads(request.get_data()) for request, _ in webhook.log]


def test_all_days_are_there_and_a_paused_dag_is_not_waited_for(far: Estate) -> None:
    shown = outcome(far, *WEEK, "--dry-run")
    assert begins(shown) == ["23 16:00", "24 16:00", "25 16:00", "26 15:00", "27 15:00", "28 15:00", "29 15:00"]
    assert (shown["paused"], shown["begun"]) == (True, False)
    refused = far.command("backfill", "auckland", *WEEK, "--yes")
    assert refused.returncode == 2
    assert "--unpause" in refused.stderr
    assert "2026-09-27 04:00 NZDT   2026-09-26T15:00:00Z" in refused.stdout
    assert far.api.runs("auckland") == []


def test_failed_days_are_told_of_and_only_they_are_run_again(far: Estate, webhook: HTTPServer) -> None:
    failed = outcome(far, "--from", "2026-09-24", "--to", "2026-09-25", "--unpause", code=1)
    assert list(failed["runs"].values()) == ["failed", "failed"]
    far.wait_until(lambda: told(webhook), "the webhook")
    assert {(each["kind"], each["policy"]) for each in told(webhook)} == {("RUN_FAILED", "auckland")}

    far.api.change_connection(far.cloud9_connection("emea"))
    standing = outcome(far, "--from", "2026-09-24", "--to", "2026-09-25", code=1)
    assert (standing["intervals"], standing["begun"]) == ([], False)
    again = outcome(far, *WEEK, "--again", "failed", "--at-once", "2")
    assert len(again["intervals"]) == 7
    assert list(again["runs"].values()) == ["success"] * 7


def test_the_week_is_there_once_and_running_it_again_writes_nothing(far: Estate) -> None:
    reports = {report["run_id"]: report for report in far.reports("auckland")}
    rows = [(row["source"], row["call_id"]) for report in reports.values() for row in report["rows"]]
    first, last = min(r["window_start"] for r in reports.values()), max(r["window_end"] for r in reports.values())
    truth = far.admin.truth("emea", begin=datetime.fromisoformat(first), end=datetime.fromisoformat(last))
    assert {call_id for _, call_id in rows} >= {call.call_id for call in truth.calls}
    before = far.archived_files()
    documents = [path for path in before if "/data/calls/" in path]
    assert len({path.rsplit("/", 1)[1] for path in documents}) == len(documents) > 0

    again = outcome(far, *WEEK, "--again", "completed", "--newest-first")
    assert list(again["runs"].values()) == ["success"] * 7
    far.api.clear_run("auckland", next(iter(again["runs"])))
    far.wait_until(lambda: {run["state"] for run in far.api.runs("auckland")} == {"success"}, "the cleared run")
    assert far.archived_files() == before


def test_a_killed_task_and_a_late_run_are_told_of_by_mail(far: Estate, mailbox: tuple[Mailbox, int]) -> None:
    far.admin.fault("stall", "calls", seconds=300)
    far.api.set_paused("wellington", paused=False)
    run_id = far.api.trigger("wellington", logical_date="2026-09-20T16:00:00+00:00")
    far.wait_until(lambda: any("a run is late" in mail["subject"] for mail in mailbox[0].received), "the late mail")
    killed = [process for process in psutil.Process(far.server.pid).children(recursive=True) if _is_task(process)]
    assert killed
    for process in killed:
        process.kill()
    far.wait_until(lambda: far.api.run("wellington", run_id)["state"] == "failed", "the end of the killed run")
    far.wait_until(lambda: any("a run failed" in mail["subject"] for mail in mailbox[0].received), "the mail")
    text = "".join(mail.as_string() for mail in mailbox[0].received)
    assert all(key.api_secret not in text for key in far.ready.keys.values())


def _is_task(process: psutil.Process) -> bool:
    return any("task runner" in part for part in process.cmdline())
