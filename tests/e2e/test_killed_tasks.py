"""Workers that are killed in every task of a run: what a real Airflow makes of it, who is told, and what is archived."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from estates import Estate, estate
from receivers import Mailbox, Webhook

pytestmark = [pytest.mark.estate, pytest.mark.timeout(1500)]

# On the 29th of February: no run is scheduled meanwhile, and each test begins its own.
POLICY = """\
policy: {name}
sources: [cloud9_emea]
schedule: {{cron: "0 2 29 2 *", timezone: Europe/London, start: 2024-01-01}}
recording_rules: {{enabled: false}}
media: {{profile: alaw_8k, deadline: 7d}}
batch: {{max_recordings: 15}}
archive: {{target: archive}}
"""
ALERTS = {
    "cleared": "alerts: {conn_id: ops_hook}\n",
    "late": "alerts: {conn_id: ops_mail, options: {to: desk@firm.example}, late_after: 20s}\n",
}
DAG = """\
# An Airflow DAG: Airflow reads no file in which these words are missing.
from cloud9_archive.dag import build_dag

dag = build_dag({name!r})
"""
DEATHS = {
    "fetch_calls": (2, 3),
    "apply_recording_rules": (4, 9),
    "batch.fetch_recordings": (6, 12),
    "batch.transcode": (5, 9),
    "batch.archive": (2, 4),
    "reconcile": (7, 20),
}
"""Before which commits of the catalog each task's process is killed: at its first death, and at its second."""
MORTAL = """
import os, signal
from datetime import timedelta
from pathlib import Path
from sqlalchemy import event
from sqlalchemy.engine import Engine

def mortal(context):
    task_id = context["ti"].task_id
    died = [path for path in Path({marks!r}).glob(f"{name}.{{task_id}}.*")]
    if len(died) >= {deaths}:
        return
    left = [{at!r}[task_id][len(died)]]

    def commits(connection):
        left[0] -= 1
        if left[0] == 0:
            Path({marks!r}, f"{name}.{{task_id}}.{{os.getpid()}}").touch()
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "commit", commits)

for task in dag.tasks:
    if hasattr(task, "partial_kwargs"):
        task.partial_kwargs["pre_execute"] = mortal
    else:
        task._pre_execute_hook = mortal
    task.retries = {retries}
    task.retry_delay = timedelta(seconds=1)
    task.retry_exponential_backoff = False
"""
DAY = {"window_start": "2026-09-15T01:00:00+00:00", "window_end": "2026-09-16T01:00:00+00:00"}


@pytest.fixture(scope="module")
def marks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("marks")


@pytest.fixture(scope="module")
def mortals(
    tmp_path_factory: pytest.TempPathFactory, marks: Path, mailbox: Mailbox, webhook: Webhook
) -> Iterator[Estate]:
    def dag(name: str, *, deaths: int, retries: int) -> str:
        made = MORTAL.format(name=name, marks=str(marks), at=DEATHS, deaths=deaths, retries=retries)
        return DAG.format(name=name) + made

    dags = {
        "steady": DAG.format(name="steady"),
        "retried": dag("retried", deaths=2, retries=4),
        "cleared": dag("cleared", deaths=1, retries=0),
        "late": DAG.format(name="late") + "for task in dag.tasks:\n    task.retries = 0\n",
    }
    policies = {name: POLICY.format(name=name) + ALERTS.get(name, "") for name in dags}
    world = ("--calls-per-day", "40", "--line-seconds", "20")
    with estate(tmp_path_factory.mktemp("estate"), policies=policies, dags=dags, world=world) as made:
        made.api.add_connection(made.cloud9_connection("emea"))
        made.web_connection("ops_hook", webhook.port)
        made.mail_connection("ops_mail", mailbox.port)
        for name in dags:
            made.api.set_paused(name, paused=False)
        yield made


@pytest.fixture(scope="module")
def undisturbed(mortals: Estate) -> dict[str, Any]:
    run_id = mortals.api.trigger("steady", logical_date=DAY["window_end"], conf=DAY)
    assert mortals.ended("steady", run_id) == "success"
    return archived(mortals, "steady", run_id)


def archived(estate: Estate, policy: str, run_id: str) -> dict[str, Any]:
    """What the archive holds of a run's day, but for names and times of the run; every record is there once."""
    found: dict[str, Any] = {}
    (report,) = estate.reports(policy)
    assert report["run_id"] == run_id
    bags = [path.parent for path in estate.place.archive.glob(f"{policy}/bags/*/*/*/*/tagmanifest-sha256.txt")]
    for bag in bags:
        for path in (*bag.glob("data/calls/*.json"), *bag.glob("data/recordings/*/record.json")):
            document = json.loads(path.read_bytes())
            name = f"{path.parent.name}/{path.name}"
            assert name not in found, "archived twice"
            found[name] = timeless(document)
    rows = [{name: row[name] for name in ("call_id", "state", "rule", "held_by")} for row in report["rows"]]
    return {"documents": found, "rows": rows, "calls": report["calls"], "recordings": report["recordings"]}


def timeless(document: Any) -> Any:
    """The document without what differs from run to run."""
    if isinstance(document, list):
        return [timeless(each) for each in document]
    if isinstance(document, dict):
        return {
            name: timeless(value)
            for name, value in document.items()
            if name
            not in {"policy", "run_id", "batch_id", "bag_id", "decided_at", "policy_version", "fetched_at", "at"}
        }
    return document


def test_a_run_whose_tasks_are_killed_twice_each_is_retried_to_the_same_archive(
    mortals: Estate, undisturbed: dict[str, Any], marks: Path
) -> None:
    run_id = mortals.api.trigger("retried", logical_date=DAY["window_end"], conf=DAY)
    assert mortals.ended("retried", run_id) == "success"
    assert all(count >= 2 for count in deaths(marks, "retried").values()), "of a batch that is mapped, several die"
    assert archived(mortals, "retried", run_id) == undisturbed
    assert mortals.command("verify", str(mortals.place.archive), "--policy", "retried").returncode == 0


def test_a_run_whose_tasks_are_killed_is_cleared_to_the_same_archive_and_each_failure_is_told(
    mortals: Estate, undisturbed: dict[str, Any], marks: Path, webhook: Webhook
) -> None:
    run_id = mortals.api.trigger("cleared", logical_date=DAY["window_end"], conf=DAY)
    ends = [mortals.ended("cleared", run_id)]
    while ends[-1] == "failed" and len(ends) <= len(DEATHS):
        mortals.api.clear_run("cleared", run_id, only_failed=True)
        ends.append(mortals.ended("cleared", run_id))
    assert ends == ["failed"] * (len(ends) - 1) + ["success"]
    assert all(deaths(marks, "cleared").values())
    assert archived(mortals, "cleared", run_id) == undisturbed
    assert mortals.command("verify", str(mortals.place.archive), "--policy", "cleared").returncode == 0
    assert not list((mortals.place.data_root / "staging" / "media").rglob("*.ogg"))

    def failures() -> list[dict[str, Any]]:
        return [message for message in webhook.messages() if message["kind"] == "RUN_FAILED"]

    mortals.wait_until(failures, "the webhook")
    told = [sorted(message["codes"].items()) for message in failures()]
    assert {message["run_id"] for message in failures()} >= {run_id}
    assert len({tuple(code for code, _ in codes) for codes in told}) == len(told), "the same is told once"


def deaths(marks: Path, policy: str) -> dict[str, int]:
    """How often each task was killed."""
    found = dict.fromkeys(DEATHS, 0)
    for path in marks.glob(f"{policy}.*"):
        found[path.name.removeprefix(f"{policy}.").rpartition(".")[0]] += 1
    return found


def test_a_late_run_and_a_task_that_somebody_kills_are_told_of_by_mail(mortals: Estate, mailbox: Mailbox) -> None:
    mortals.admin.fault("stall", "metadata", seconds=300, count=3)
    run_id = mortals.api.trigger("late", logical_date=DAY["window_end"], conf=DAY)
    mortals.wait_until(lambda: mailbox.tells("late: a run is late", run_id), "the mail about lateness")
    (task,) = [each for each in mortals.api.tasks("late", run_id) if each["state"] == "running"]
    processes = [each for each in children(mortals) if f"worker -- {task['id']}" in " ".join(each.cmdline())]
    assert processes
    for process in processes:
        process.kill()
    assert mortals.ended("late", run_id) == "failed"
    mortals.wait_until(lambda: mailbox.tells("late: a run failed", run_id), "the mail about the failure")
    text = mailbox.text()
    assert f"{mortals.api.base_url}/dags/late/runs/" in text
    assert "2026-09-15T01:00:00Z to 2026-09-16T01:00:00Z" in text
    assert "What to do:" in text
    assert all(key.api_secret not in text for key in mortals.ready.keys.values())
    begin, end = (datetime.fromisoformat(each) for each in DAY.values())
    truth = mortals.admin.truth("emea", begin=begin, end=end)
    assert not any(login in text for call in truth.calls for login in (*call.near_logins, *call.far_logins))


def children(estate: Estate) -> list[psutil.Process]:
    found = psutil.Process(estate.server.pid).children(recursive=True)
    return [each for each in found if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
