"""Profiles in a policy: which names are known, what a section may ask for, and what its decision carries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from cloud9_archive.domain.call import Call, Party, Side
from cloud9_archive.domain.explanation import explained
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.profile_names import MOST_OWN_PROFILES, SHIPPED_PROFILES
from cloud9_archive.domain.roster import Extension, RecordingMode, Roster
from cloud9_archive.domain.rules import Ruler
from cloud9_archive.media.profiles import PROFILES

OPUS = {"codec": "opus"}


def policy(*sections: dict[str, Any], **media: Any) -> Policy:
    return Policy.model_validate(
        {
            "policy": "emea",
            "sources": ["c"],
            "schedule": {"cron": "0 2 * * *", "timezone": "UTC"},
            "recording_rules": {"enabled": True, "roster": "rosters/x.csv", "sections": list(sections)},
            "media": media,
            "archive": {"target": "archive"},
        }
    )


def section(name: str, **values: Any) -> dict[str, Any]:
    return {"name": name, "then": "record", **values}


def faults(*sections: dict[str, Any], **media: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        policy(*sections, **media)
    return [".".join(map(str, fault["loc"])) for fault in caught.value.errors()]


def ruler(*sections: dict[str, Any]) -> Ruler:
    jane = Extension("jane", "jane", RecordingMode.FULL)
    return Ruler(policy(*sections, profile="flac"), Roster((jane,)))


CALL = Call("c", "1", datetime(2026, 3, 3, tzinfo=UTC), parties=(Party(Side.NEAR, "jane"),))


def test_the_shipped_names_are_those_of_the_table() -> None:
    assert tuple(PROFILES) == SHIPPED_PROFILES


def test_shipped_and_own_profiles_may_be_asked_for() -> None:
    made = policy(section("a", profile="desk"), section("b", profile="none"), profile="desk", profiles={"desk": OPUS})
    assert [each.profile for each in made.recording_rules.sections] == ["desk", "none"]
    assert Policy.model_validate(made.document()) == made


def test_unknown_names_are_told_where_they_stand() -> None:
    places = [f"recording_rules.sections.{place}.profile" for place in (0, 2)]
    assert faults(section("a", profile="x"), section("b", profile="flac"), section("c", profile="y")) == places
    assert faults(profile="desk", profiles={"dsk": OPUS}) == ["media.profile"]
    assert faults({"name": "a", "then": "exclude", "profile": "flac"}) == ["recording_rules.sections.0.profile"]


@pytest.mark.parametrize(
    "name", ["flac", "none", "original", "record", "nul", "Desk", "a.b", "a/b", "a" * 41, "", "1a"]
)
def test_names_that_an_own_profile_cannot_have(name: str) -> None:
    assert len(faults(profiles={name: OPUS})) == 1


@pytest.mark.parametrize(
    "wrong", [{}, {"codec": "opus", "rat": 1}, {"codec": "opus", "channels": "mono"}, {"codec": 1}]
)
def test_an_own_profile_has_known_keys_only(wrong: dict[str, Any]) -> None:
    assert len(faults(profiles={"desk": wrong})) == 1


def test_own_profiles_are_bounded_in_number_and_part_of_the_version() -> None:
    assert faults(profiles={f"p{number}": OPUS for number in range(MOST_OWN_PROFILES + 1)}) == ["media.profiles"]
    versions = {policy(profiles={"desk": own}).version for own in (OPUS, OPUS | {"bit_rate": 32_000})}
    assert len(versions) == 2


def test_the_decision_carries_what_the_section_asks_for() -> None:
    assert ruler(section("a", profile="alaw_8k")).decide(CALL).profile == "alaw_8k"
    assert ruler(section("a")).decide(CALL).profile is None
    assert ruler().decide(CALL).profile is None
    assert ruler(section("a", profile="none")).decide(CALL).document()["profile"] == "none"


def test_it_is_told_in_words_whose_profile_it_is() -> None:
    asked = "\n".join(explained(CALL, ruler(section("a", profile="alaw_8k"))).lines())
    assert "├─ the section asks for the profile alaw_8k" in asked
    assert "├─ the profile is the policy's, flac" in "\n".join(explained(CALL, ruler(section("a"))).lines())
    excluded = explained(CALL, ruler({"name": "a", "then": "exclude"}))
    assert "profile" not in "\n".join(excluded.lines())
    assert excluded.document()["profile"] is None
