from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from cloud9_archive.domain.policy import NOT_OFFERED_YET, Policy


def document(**changes: Any) -> dict[str, Any]:
    return {
        "policy": "emea_rates",
        "sources": ["cloud9_emea"],
        "schedule": {"cron": "0 2 * * *", "timezone": "Europe/London"},
        "recording_rules": {"enabled": False},
        "archive": {"target": "archive"},
        **changes,
    }


def test_defaults_are_the_documented_ones() -> None:
    policy = Policy.model_validate(document())
    assert policy.schedule.start == date(2024, 1, 1)
    assert (policy.schedule.catchup, policy.schedule.max_active_runs) == (False, 2)
    assert policy.schedule.lookback == timedelta(hours=2)
    assert (policy.media.profile, policy.media.keep_original, policy.media.deadline) == (
        "none",
        True,
        timedelta(hours=72),
    )
    assert policy.batch.max_recordings == 100
    assert (policy.run_on.queue, policy.run_on.pool, policy.run_on.all_tasks) == (None, None, False)


def test_the_document_reads_back_as_the_same_policy() -> None:
    policy = Policy.model_validate(document(media={"deadline": "36h", "profile": "opus_24k"}))
    again = Policy.model_validate(policy.document())
    assert again == policy
    assert again.version == policy.version


def test_the_version_changes_with_the_meaning_only() -> None:
    policy = Policy.model_validate(document())
    spelled_otherwise = Policy.model_validate(document(media={"deadline": "3d"}, batch={"max_recordings": 100}))
    other = Policy.model_validate(document(media={"deadline": "73h"}))
    assert len(policy.version) == 64
    assert spelled_otherwise.version == policy.version
    assert other.version != policy.version


def test_a_policy_cannot_be_changed() -> None:
    policy = Policy.model_validate(document())
    with pytest.raises(ValidationError):
        policy.policy = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    "changes",
    [
        {"policy": "Emea"},
        {"policy": "e" * 64},
        {"policy": "emea\n"},
        {"sources": []},
        {"sources": ["a", "a"]},
        {"sources": ["a b"]},
        {"sources": "a"},
        {"schedule": {"cron": "0 2 * * *", "timezone": "Europe/London", "start": "2024-02-30"}},
        {"schedule": {"cron": "0 2 * * *", "timezone": "Europe/London", "start": 20240101}},
        {"schedule": {"cron": "0 2 * * *", "timezone": "Europe/London", "lookback": "32d"}},
        {"schedule": {"cron": "0 2 * * *", "timezone": "Europe/London", "max_active_runs": 0}},
        {"schedule": {"cron": "0 2 * * *", "timezone": "Europe/London", "catchup": "yes"}},
        {"recording_rules": {"enabled": 1}},
        {"recording_rules": {}},
        {"recording_rules": {"enabled": True}},
        {"recording_rules": {"enabled": False, "roster": "rosters/emea.csv"}},
        {"recording_rules": {"enabled": True, "roster": "/etc/emea.csv"}},
        {"recording_rules": {"enabled": True, "roster": "../emea.csv"}},
        {"recording_rules": {"enabled": True, "roster": "rosters/../../emea.csv"}},
        {"recording_rules": {"enabled": True, "roster": "rosters/emea.xlsx"}},
        {"media": {"keep_original": False}},
        {"media": {"profile": "mp3"}},
        {"media": {"deadline": "0s"}},
        {"media": {"deadline": "366d"}},
        {"archive": {"target": "s3://Bucket/x"}},
        {"archive": {"target": "gs://bucket/x"}},
        {"archive": {"target": "archive", "conn_id": "aws_archive"}},
        {"archive": {"target": "archive", "retention": "7y", "lock": "compliance"}},
        {"archive": {"target": "s3://bucket/x", "lock": "compliance"}},
        {"archive": {"target": "s3://bucket/x", "retention": "7y", "lock": "worm"}},
        {"archive": {"target": "s3://bucket/x", "retention": "7"}},
        {"archive": {"target": "s3://bucket/x", "retention": "7y", "legal_hold": True}},
        {"archive": {"target": "a/../b"}},
        {"archive": {"target": " "}},
        {"archive": {"target": "a\nb"}},
        {"batch": {"max_recordings": 1001}},
        {"batch": {"max_recordings": True}},
        {"run_on": {"all_tasks": True}},
        {"run_on": {"queue": ""}},
    ],
)
def test_what_cannot_be_honoured_is_refused(changes: dict[str, Any]) -> None:
    Policy.model_validate(document())
    with pytest.raises(ValidationError):
        Policy.model_validate(document(**changes))


def test_a_bucket_that_locks_is_a_policy_with_an_end() -> None:
    said = {"target": "s3://voice-archive/emea", "conn_id": "aws_archive", "retention": "7y", "lock": "compliance"}
    policy = Policy.model_validate(document(archive=said))
    assert Policy.model_validate(policy.document()) == policy
    assert policy.document()["archive"] == {**said, "encrypt": None}
    with pytest.raises(ValidationError, match=r"together with archive\.retention"):
        Policy.model_validate(document(archive={**said, "retention": None}))


@pytest.mark.parametrize("key", NOT_OFFERED_YET)
def test_planned_keys_are_refused_until_they_do_something(key: str) -> None:
    group, _, name = key.rpartition(".")
    base = document()
    change = {group: {**base.get(group, {}), name: "x"}} if group else {name: "x"}
    place = key
    if group.endswith("[]"):
        section = {"name": "s", "then": "record", name: "x"}
        change = {"recording_rules": {"enabled": True, "roster": "rosters/x.csv", "sections": [section]}}
        place = key.replace("[]", ".0")
    with pytest.raises(ValidationError) as caught:
        Policy.model_validate({**base, **change})
    assert [".".join(map(str, fault["loc"])) for fault in caught.value.errors()] == [place]
