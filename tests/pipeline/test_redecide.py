"""Changed rules over calls that were decided on: only when asked for, and never silently."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from cloud9_archive.errors import TransientError
from cloud9_archive.pipeline.apply_recording_rules import AppliedRules, apply_recording_rules
from cloud9_archive.pipeline.fetch_calls import fetch_calls
from cloud9_archive.pipeline.fetch_recordings import fetch_recordings
from cloud9_archive.pipeline.reconcile import Reconciled, reconcile

ON = {"enabled": True, "roster": "rosters/emea.csv"}
OFF = {"enabled": False}
HOURS = 4

Ran = Callable[..., tuple[AppliedRules, Reconciled]]


@pytest.fixture
def ran(everything: Any, run_of: Any) -> Ran:
    """The same hours again, under other rules."""
    run = run_of(start=run_of().window.start.replace(hour=9), hours=HOURS)

    def again(rules: dict[str, Any], *, redecide: bool = False) -> tuple[AppliedRules, Reconciled]:
        workspace = everything.workspace(recording_rules=rules)
        for source in workspace.policy.sources:
            fetch_calls(workspace, run, source)
        applied = apply_recording_rules(workspace, run, redecide=redecide)
        everything.work(workspace, applied.batch_ids)
        return applied, reconcile(workspace, run)

    return again


def rows(bench: Any, result: Reconciled) -> list[dict[str, Any]]:
    document: dict[str, Any] = json.loads((bench.archive / result.report).read_bytes())
    return list(document["rows"])


def test_decisions_stand_until_deciding_anew_is_asked_for(everything: Any, ran: Ran) -> None:
    _, first = ran(OFF)
    before = everything.snapshot()
    applied, second = ran(ON)
    assert (applied.redecided, applied.recorded, applied.excluded) == (0, 0, 0)
    assert second.calls == first.calls
    assert {key: value for key, value in everything.snapshot().items() if "/bags/" in key} == {
        key: value for key, value in before.items() if "/bags/" in key
    }


def test_archived_calls_that_are_excluded_now_stay_and_are_told(everything: Any, ran: Ran) -> None:
    _, first = ran(OFF)
    bags = {key: value for key, value in everything.snapshot().items() if "/bags/" in key}
    asked = len(everything.cloud9.admin.requests().requests)
    applied, second = ran(ON, redecide=True)
    assert applied.redecided == second.calls.listed
    assert applied.now_excluded == second.calls.excluded > 0
    assert second.calls.unaccounted == second.recordings.unaccounted == 0
    assert bags.items() <= everything.snapshot().items()

    told = rows(everything, second)
    kept = {f"{row['source']}/{row['call_id']}" for row in told if row["state"] == "excluded" and row["bag_id"]}
    assert kept
    assert everything.findings("ARCHIVED_NOW_EXCLUDED") == kept
    assert {f.code for f in second.findings} >= {"ARCHIVED_NOW_EXCLUDED"}
    again, third = ran(ON, redecide=True)
    assert (again.redecided, third.report) == (0, second.report)

    back, fourth = ran(OFF, redecide=True)
    assert back.now_recorded == applied.now_excluded
    assert fourth.calls == first.calls
    assert everything.findings("ARCHIVED_NOW_EXCLUDED") == set()
    assert all(len(states) == 1 for states in everything.recording_states().values()), "nothing is archived twice"
    recordings = [
        one for one in everything.cloud9.admin.requests().requests[asked:] if one.path.endswith("/recordings")
    ]
    settled = {r for r, states in everything.recording_states().items() if states == ["archived"]}
    assert not settled & {one.subject for one in recordings}, "nothing that is archived is fetched again"
    everything.verified()


def test_excluded_calls_that_are_recorded_now_are_fetched_and_archived(everything: Any, ran: Ran, run_of: Any) -> None:
    _, first = ran(ON)
    assert first.calls.excluded > 0
    before = set(everything.recording_states())
    applied, second = ran(OFF, redecide=True)
    assert applied.now_recorded == first.calls.excluded
    assert second.calls.excluded == 0
    assert set(everything.recording_states()) > before
    assert all(len(states) == 1 for states in everything.recording_states().values())
    everything.verified()


def test_calls_that_are_excluded_before_their_audio_came_are_never_asked_for(everything: Any, run_of: Any) -> None:
    run = run_of(start=run_of().window.start.replace(hour=9), hours=HOURS)
    workspace = everything.workspace(recording_rules=OFF)
    fetch_calls(workspace, run, "cloud9_emea")
    (batch_id, *_) = apply_recording_rules(workspace, run).batch_ids
    staging = workspace.staging.root / "media"
    fetch_recordings(workspace, batch_id)
    assert any(path.is_file() for path in staging.rglob("*"))

    strict = everything.workspace(recording_rules=ON)
    applied = apply_recording_rules(strict, run, redecide=True)
    assert applied.now_excluded > 0
    everything.work(strict, applied.batch_ids)
    result = reconcile(strict, run)
    wanted = {
        r["recording_id"] for row in rows(everything, result) if row["state"] != "excluded" for r in row["recordings"]
    }
    assert set(everything.recording_states()) <= wanted
    assert not any(path.is_file() for path in staging.rglob("*")), "nothing of an excluded call stays staged"
    assert result.calls.unaccounted == 0
    everything.verified()


def test_calls_that_another_run_holds_are_named_and_tried_again(everything: Any, run_of: Any) -> None:
    start = run_of().window.start.replace(hour=9)
    one, other = (run_of(start=start, hours=HOURS, run_id=name) for name in ("one", "other"))
    everything.begin(everything.workspace(recording_rules=OFF), one)
    strict = everything.workspace(recording_rules=ON)
    fetch_calls(strict, other, "cloud9_emea")
    with pytest.raises(TransientError, match="calls cannot be decided on anew while a batch holds them"):
        apply_recording_rules(strict, other, redecide=True)


def test_what_sections_say_stands_in_the_archive(everything: Any, ran: Ran) -> None:
    sections = [
        {"name": "no intercom", "when": {"call_type": ["intercom"]}, "then": "exclude"},
        {"name": "kept long", "then": "record", "retention": "9y"},
    ]
    _, result = ran({**ON, "sections": sections})
    told = rows(everything, result)
    decided = {row["call_id"]: row["section"] for row in told if row["section"]}
    assert "kept long" in decided.values()
    for row in told:
        assert (row["state"] == "excluded") is (row["section"] != "kept long" and row["rule"] != "party_unknown")
        assert (row["retention"], bool(row["users"])) == (
            ("9y", True) if row["section"] == "kept long" else (None, False)
        )
    paths = [path for bag in everything.bags() for path in bag.glob("data/calls/*.json")]
    documents = [json.loads(path.read_bytes()) for path in paths]
    assert documents
    for document in documents:
        decision, started = document["decision"], datetime.fromisoformat(document["call"]["started_at"])
        assert (decision["section"], decision["retention"]) == ("kept long", "9y")
        assert [each["user"] for each in decision["recorded_for"]] == decision["users"]
        assert all(
            each["retention"] == "9y" and each["side"] in ("near", "far", "both") for each in decision["recorded_for"]
        )
        ends = {
            record["retain_until"]
            for record in everything.records()
            if [each["call_id"] for each in record["calls"]] == [document["call"]["call_id"]]
        }
        assert ends <= {started.replace(year=started.year + 9).isoformat().replace("+00:00", "Z")}
    everything.verified()
