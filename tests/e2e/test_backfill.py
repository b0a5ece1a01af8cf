"""Days far from UTC, run through the REST API of a real Airflow: failed, run again, run once more, cleared, told of."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from estates import Estate, estate
from receivers import Webhook

import cloud9_archive.api

pytestmark = [pytest.mark.estate, pytest.mark.timeout(1500)]

POLICY = """\
policy: {name}
description: Far from UTC
sources: [{source}]
schedule: {{cron: "{cron}", timezone: {zone}, start: 2024-01-01, max_active_runs: 1}}
recording_rules: {{enabled: false}}
media: {{profile: none, deadline: 7d}}
archive: {{target: archive}}
"""
ALERTS = "alerts: {conn_id: ops_hook}\n"
DAG = """\
# An Airflow DAG: Airflow reads no file in which these words are missing.
from cloud9_archive.dag import build_dag

dag = build_dag({name!r})
"""
ONE_TRY = "for task in dag.tasks:\n    task.retries = 0\n"
WEEK = ("--from", "2026-09-24", "--to", "2026-09-30")
"""In the night to the 27th clocks go forward there."""
FIRST, END = datetime(2026, 9, 23, 16, tzinfo=UTC), datetime(2026, 9, 30, 15, tzinfo=UTC)
PER_MINUTE = 60
"""Recordings of the key whose rate is counted; half of them may be a backfill's."""
SPAN = timedelta(seconds=60)


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory, webhook: Webhook) -> Iterator[Estate]:
    root = tmp_path_factory.mktemp("estate")
    far_away = {"source": "cloud9_emea", "cron": "0 4 * * *", "zone": "Pacific/Auckland"}
    counted = {"source": "cloud9_counted", "zone": "Europe/London"}
    policies = {
        "auckland": POLICY.format(name="auckland", **far_away) + ALERTS,
        "older": POLICY.format(name="older", cron="0 22 * * *", **counted),
        # The newest interval that is over holds a day of trading, whenever this runs.
        "prompt": POLICY.format(name="prompt", cron="0 22 * * 1-5", **counted),
    }
    dags = {name: DAG.format(name=name) + ONE_TRY for name in policies}
    with estate(root, policies=policies, dags=dags) as made:
        made.api.add_connection(made.cloud9_connection("emea", password="canary-of-a-wrong-secret"))
        made.web_connection("ops_hook", webhook.port)
        key = made.cloud9_connection("americas")
        extra = json.loads(key["extra"]) | {"wire_format": str(slower_format(root))}
        made.api.add_connection({**key, "connection_id": "cloud9_counted", "extra": json.dumps(extra)})
        yield made


def slower_format(root: Path) -> Path:
    """The shipped wire format, with fewer recordings a minute."""
    shipped = Path(cloud9_archive.api.__file__).with_name("formats") / "call_data_v1_1.yaml"
    written = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    written["recording"]["per_minute"] = PER_MINUTE
    path = root / "slower.yaml"
    path.write_text(yaml.safe_dump(written), encoding="utf-8")
    return path


def outcome(far: Estate, *arguments: str, policy: str = "auckland", code: int = 0) -> dict[str, Any]:
    ended = far.command("backfill", policy, *arguments, "--json")
    assert ended.returncode == code, f"{ended.stdout}\n{ended.stderr}"
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def begins(found: dict[str, Any]) -> list[str]:
    return [datetime.fromisoformat(each).strftime("%d %H:%M") for each in found["intervals"]]


def of_the_week(far: Estate) -> list[dict[str, Any]]:
    return [run for run in far.api.runs("auckland") if run["run_type"] == "backfill"]


def spans(runs: list[dict[str, Any]]) -> list[tuple[datetime, datetime]]:
    """When the runs began and ended, by their beginning."""
    return sorted((datetime.fromisoformat(run["start_date"]), datetime.fromisoformat(run["end_date"])) for run in runs)


def test_all_days_are_there_and_a_paused_dag_is_not_waited_for(far: Estate) -> None:
    shown = outcome(far, *WEEK, "--dry-run")
    assert begins(shown) == ["23 16:00", "24 16:00", "25 16:00", "26 15:00", "27 15:00", "28 15:00", "29 15:00"]
    assert (shown["paused"], shown["begun"]) == (True, False)
    refused = far.command("backfill", "auckland", *WEEK, "--yes")
    assert refused.returncode == 2
    assert "--unpause" in refused.stderr
    assert "2026-09-27 04:00 NZDT   2026-09-26T15:00:00Z" in refused.stdout
    assert far.api.runs("auckland") == []


def test_failed_days_are_told_of_once_and_only_they_are_run_again(far: Estate, webhook: Webhook) -> None:
    failed = outcome(far, "--from", "2026-09-24", "--to", "2026-09-25", "--unpause", code=1)
    assert list(failed["runs"].values()) == ["failed", "failed"]
    far.wait_until(webhook.messages, "the webhook")
    standing = outcome(far, "--from", "2026-09-24", "--to", "2026-09-25", code=1)
    assert (standing["intervals"], standing["begun"]) == ([], False)

    far.api.change_connection(far.cloud9_connection("emea"))
    again = outcome(far, *WEEK, "--again", "failed", "--at-once", "2")
    assert len(again["intervals"]) == 7
    assert list(again["runs"].values()) == ["success"] * 7
    in_time = spans(of_the_week(far))
    assert any(after[0] < before[1] for before, after in pairwise(in_time)), "no two interleaved"

    kinds = Counter(message["kind"] for message in webhook.messages())
    assert kinds["RUN_FAILED"] == 1, "the scheduled run and two days failed for one reason"
    assert 1 <= kinds["FINDINGS"] <= 2, "seven days with findings: a digest, or two where runs end at once"
    canaries = [key.api_secret for key in far.ready.keys.values()] + ["canary-of-a-wrong-secret"]
    for message in webhook.messages():
        assert message["policy"] == "auckland"
        assert message["window_start"] < message["window_end"]
        assert message["codes"]
        assert message["next_actions"]
        assert message["link"].startswith(f"{far.api.base_url}/dags/auckland/runs/")
        assert not any(canary in json.dumps(message) for canary in canaries)


def test_the_week_is_there_once_and_running_it_again_writes_nothing(far: Estate) -> None:
    listed = {row["call_id"] for report in far.reports("auckland") for row in report["rows"]}
    assert listed >= {call.call_id for call in far.admin.truth("emea", begin=FIRST, end=END).calls}
    before = far.archived_files()
    documents = [path.rsplit("/", 1)[1] for path in before if "/data/calls/" in path]
    assert len(set(documents)) == len(documents) > 0
    for number in range(2):
        again = outcome(far, *WEEK, "--again", "completed", "--newest-first")
        assert list(again["runs"].values()) == ["success"] * 7
        after = far.archived_files()
        # Of interleaved runs, one may have reported a call as held by the other: its report is completed once.
        assert {path for path in after if "/bags/" in path} == {path for path in before if "/bags/" in path}
        assert before.items() <= after.items()
        assert number == 0 or after == before
        before = after


@pytest.mark.parametrize("downstream", [False, True], ids=["alone", "with what follows"])
def test_clearing_any_task_of_the_grid_writes_nothing(far: Estate, *, downstream: bool) -> None:
    before = far.archived_files()
    runs = [run["dag_run_id"] for run in of_the_week(far)]
    tasks = sorted({task["task_id"] for task in far.api.tasks("auckland", runs[0])})
    assert len(tasks) == 6
    for run_id, task_id in zip(runs, tasks, strict=False):
        far.api.clear_task("auckland", run_id, task_id, downstream=downstream)
    far.api.clear_run("auckland", runs[6])
    assert [far.ended("auckland", run_id) for run_id in runs] == ["success"] * 7
    assert far.archived_files() == before


def test_single_calls_are_taken_by_their_ids_alone(far: Estate) -> None:
    before = {path: content for path, content in far.archived_files().items() if "/bags/" in path}
    calls = [call.call_id for call in far.admin.truth("emea", begin=FIRST, end=FIRST + timedelta(days=2)).calls][:2]
    run_id = far.api.trigger("auckland", logical_date=None, conf={"call_ids": "\n".join(calls)})
    assert far.ended("auckland", run_id) == "success"
    (report,) = [each for each in far.reports("auckland") if each["run_id"] == run_id]
    assert sorted(row["call_id"] for row in report["rows"]) == sorted(calls)
    assert {path: content for path, content in far.archived_files().items() if "/bags/" in path} == before


def test_a_scheduled_run_keeps_its_share_of_the_rate_beside_a_backfill(far: Estate) -> None:
    far.admin.set_limits(recordings_per_minute=PER_MINUTE)
    begun = outcome(far, "--from", "2026-09-22", "--to", "2026-09-23", "--unpause", "--no-follow", policy="older")
    assert begun["begun"]
    share = PER_MINUTE // 2
    far.wait_until(lambda: len(asked(far, of="older")) >= share, "the backfill's share")
    far.api.set_paused("prompt", paused=False)
    far.wait_until(lambda: far.api.runs("prompt"), "the scheduled run")
    run = far.api.runs("prompt")[0]
    assert far.ended("prompt", run["dag_run_id"]) == "success"
    mine, others = asked(far, of="prompt"), asked(far, of="older")
    assert len(mine) > share, "too few to tell"
    waits = [after - before for before, after in pairwise(mine[:share])]
    assert max(waits) < SPAN / 3, "its own half waits for nothing that the backfill took"
    assert most_within(others, SPAN) <= share
    assert all(seen.status != 429 for seen in far.admin.requests().requests)


def asked(far: Estate, *, of: str) -> list[datetime]:
    """When recordings of a policy were asked for; the days of the two differ."""
    days = ("20260922", "20260923", "20260924")
    seen = [one for one in far.admin.requests().requests if one.path.endswith("/recordings") and one.desk == "americas"]
    return sorted(one.at for one in seen if ((one.subject or "")[2:10] in days) == (of == "older"))


def most_within(moments: list[datetime], span: timedelta) -> int:
    """How many of the sorted moments lie in one span, at most."""
    return max(sum(first <= each < first + span for each in moments) for first in moments)
