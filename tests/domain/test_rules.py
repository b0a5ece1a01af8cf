from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.domain.call import Call, Party, Side
from cloud9_archive.domain.decision import Decision, Outcome, Rule
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.roster import Extension, RecordingMode, Roster
from cloud9_archive.domain.rules import decide
from cloud9_archive.errors import RosterError

STARTED = datetime(2026, 3, 2, 9, tzinfo=UTC)
FULL, ABSTAINS, NEVER = RecordingMode.FULL, RecordingMode.DO_NOT_RECORD, RecordingMode.NEVER_RECORD
LOGINS = st.sampled_from(["a", "b", "c", "d", "e", "A"])
MODES = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(RecordingMode), min_size=1)
PARTIES = st.lists(st.builds(Party, side=st.sampled_from(Side), login=st.none() | LOGINS | st.just("")), max_size=6)


def policy(*, enabled: bool = True) -> Policy:
    rules = {"enabled": True, "roster": "rosters/emea.csv"} if enabled else {"enabled": False}
    document: dict[str, Any] = {
        "policy": "emea",
        "sources": ["cloud9_emea"],
        "schedule": {"cron": "0 2 * * *", "timezone": "UTC"},
        "recording_rules": rules,
        "archive": {"target": "archive"},
    }
    return Policy.model_validate(document)


ON, OFF = policy(), policy(enabled=False)


def call_of(*parties: Party | str, started_at: datetime = STARTED) -> Call:
    made = tuple(party if isinstance(party, Party) else Party(Side.FAR, login=party) for party in parties)
    return Call("cloud9_emea", "c1", started_at, parties=made)


def roster_of(modes: dict[str, RecordingMode]) -> Roster:
    return Roster(tuple(Extension(login, f"user-{login}", mode) for login, mode in modes.items()))


def decided(modes: dict[str, RecordingMode], *parties: Party | str) -> Decision:
    return decide(call_of(*parties), policy=ON, roster=roster_of(modes))


@given(PARTIES, MODES)
def test_every_call_gets_one_decision_which_follows_the_documented_order(
    parties: list[Party], modes: dict[str, RecordingMode]
) -> None:
    decision = decided(modes, *parties)
    logins = {party.login for party in parties if party.login}
    said = {modes[login] for login in logins if login in modes}
    if NEVER in said:
        expected = (Outcome.EXCLUDE, Rule.NEVER_RECORD)
    elif FULL in said:
        expected = (Outcome.RECORD, Rule.RECORDED_PARTY)
    elif ABSTAINS in said:
        expected = (Outcome.EXCLUDE, Rule.DO_NOT_RECORD)
    elif logins:
        expected = (Outcome.EXCLUDE, Rule.NO_RECORDED_PARTY)
    else:
        expected = (Outcome.RECORD, Rule.PARTY_UNKNOWN)
    assert (decision.outcome, decision.rule) == expected
    full = {f"user-{login}" for login in logins if modes.get(login) is FULL}
    assert decision.users == (tuple(sorted(full)) if decision.rule is Rule.RECORDED_PARTY else ())
    assert decision.reason.endswith(".")


@given(PARTIES, MODES, st.randoms())
def test_neither_the_order_of_rows_nor_of_participants_changes_the_outcome(
    parties: list[Party], modes: dict[str, RecordingMode], random: Any
) -> None:
    rows, others = list(modes.items()), list(parties)
    random.shuffle(rows)
    assert decided(dict(rows), *parties) == decided(modes, *parties)
    random.shuffle(others)
    again, first = decided(dict(rows), *others), decided(modes, *parties)
    assert (again.outcome, again.rule, again.users) == (first.outcome, first.rule, first.users)


@given(PARTIES, MODES)
def test_never_record_dominates(parties: list[Party], modes: dict[str, RecordingMode]) -> None:
    decision = decided({**modes, "veto": NEVER}, *parties, "veto")
    assert (decision.outcome, decision.rule) == (Outcome.EXCLUDE, Rule.NEVER_RECORD)


@given(PARTIES, MODES)
def test_one_more_full_row_never_takes_a_recorded_call_away(
    parties: list[Party], modes: dict[str, RecordingMode]
) -> None:
    before = decided(modes, *parties)
    after = decided({**modes, "e": FULL}, *parties)
    assert not (before.outcome is Outcome.RECORD and after.outcome is Outcome.EXCLUDE)
    assert set(before.users) <= set(after.users)


@given(PARTIES)
def test_rules_off_record_everything_without_a_roster(parties: list[Party]) -> None:
    decision = decide(call_of(*parties), policy=OFF, roster=None)
    assert (decision.outcome, decision.rule, decision.users) == (Outcome.RECORD, Rule.RULES_OFF, ())
    assert decision.roster_version is None
    assert decision.policy_version == OFF.version


def test_rules_on_without_a_roster_are_refused_rather_than_guessed() -> None:
    with pytest.raises(RosterError, match="no roster was given"):
        decide(call_of("a"), policy=ON, roster=None)


def test_versions_stand_in_the_decision() -> None:
    roster = roster_of({"a": FULL})
    decision = decide(call_of("a"), policy=ON, roster=roster)
    assert (decision.roster_version, decision.policy_version) == (roster.version, ON.version)


def test_validity_counts_at_the_start_of_the_call() -> None:
    roster = Roster((Extension("a", "anna", FULL, "Anna", valid_from=date(2025, 1, 1), valid_to=date(2026, 3, 2)),))
    late = decide(call_of("a"), policy=ON, roster=roster)
    early = decide(call_of("a", started_at=datetime(2026, 3, 1, 23, 59, tzinfo=UTC)), policy=ON, roster=roster)
    assert (late.outcome, early.outcome) == (Outcome.EXCLUDE, Outcome.RECORD)
    assert "belongs to user anna, but valid only from 2025-01-01 until 2026-03-02 (exclusive)" in late.reason
    assert early.reason == (
        "Recorded: login a belongs to user anna (Anna), mode full, valid from 2025-01-01 until 2026-03-02 (exclusive)."
    )


def test_a_login_that_differs_in_case_is_pointed_out() -> None:
    assert "it has a, and logins must be equal to the letter" in decided({"a": FULL}, "A").reason


@given(st.lists(st.text(alphabet=st.characters(), max_size=200), min_size=1, max_size=20))
def test_hostile_logins_leave_a_reason_on_one_line_of_bounded_length(logins: list[str]) -> None:
    reason = decided({"a": FULL}, *logins).reason
    assert reason.isprintable()
    assert len(reason) < 8_000
    assert reason.encode()


def test_a_very_long_login_is_cut_in_the_reason() -> None:
    assert len(decided({"a": FULL}, "x" * 1_000_000).reason) < 500


def test_the_document_is_plain() -> None:
    document = decided({"a": FULL}, "a").document()
    assert (document["outcome"], document["rule"], document["users"]) == ("record", "recorded_party", ["user-a"])
    assert type(document["outcome"]) is str
