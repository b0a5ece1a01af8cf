from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.domain.call import Call, CallType, Direction, Party, Side
from cloud9_archive.domain.decision import Decision, Outcome, Rule
from cloud9_archive.domain.explanation import explained
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.policy_warnings import policy_warnings
from cloud9_archive.domain.retention import parse_retention
from cloud9_archive.domain.roster import DIRECTIONS, Extension, ExtensionType, RecordingMode, Roster
from cloud9_archive.domain.rules import Ruler, decide
from cloud9_archive.errors import RosterError

STARTED = datetime(2026, 3, 2, 9, tzinfo=UTC)
FULL, ABSTAINS, NEVER = RecordingMode.FULL, RecordingMode.DO_NOT_RECORD, RecordingMode.NEVER_RECORD
LOGINS = st.sampled_from(["a", "b", "c", "d", "e", "A"])
MODES = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(RecordingMode), min_size=1)
PARTIES = st.lists(st.builds(Party, side=st.sampled_from(Side), login=st.none() | LOGINS | st.just("")), max_size=6)


def policy(*, enabled: bool = True, **changes: Any) -> Policy:
    rules = {"enabled": True, "roster": "rosters/emea.csv", **changes} if enabled else {"enabled": False}
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
    assert document["recorded_for"] == [
        {"user": "user-a", "extension_type": "user_agent_id", "extension": "a", "side": "far", "retention": None}
    ]
    assert type(document["outcome"]) is str


TEXTS = st.sampled_from(["a", "b", "c", "ab", "a*", "?b", "*", "a\\*", "*b", "x"])
SPANS = st.sampled_from([("22:00", "06:00"), ("09:00", "10:00"), ("00:30", None), (None, "08:00")])
HOURS = st.builds(
    lambda zone, days, span: {"timezone": zone, "weekdays": days, "start": span[0], "end": span[1]},
    st.sampled_from(["UTC", "Europe/London", "America/New_York"]),
    st.none() | st.lists(st.sampled_from(["mon", "fri", "sat", "sun"]), min_size=1, unique=True),
    SPANS,
)
PARTY_FILTERS = st.dictionaries(
    st.sampled_from(["login", "user", "display_name", "group", "firm", "number"]),
    st.lists(TEXTS, min_size=1, max_size=3, unique=True),
    min_size=1,
    max_size=3,
)
FILTERS: dict[str, st.SearchStrategy[Any]] = {
    "near": PARTY_FILTERS,
    "far": PARTY_FILTERS,
    "any": PARTY_FILTERS,
    "call_type": st.lists(st.sampled_from(CallType).map(str), min_size=1, unique=True),
    "direction": st.lists(st.sampled_from(Direction).map(str), min_size=1, unique=True),
    "connection": st.lists(TEXTS, min_size=1, unique=True),
    "button_label": st.lists(TEXTS, min_size=1, unique=True),
    "hours": HOURS,
    "duration": st.sampled_from([{"max": "5s"}, {"min": "5s"}, {"min": "1s", "max": "9s"}]),
    "recorded_both_sides": st.booleans(),
}
# A few filters each: what asks for much fits hardly any call.
WHENS = st.lists(st.sampled_from(list(FILTERS)), max_size=3, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: FILTERS[name] for name in names})
)
SECTIONS = st.lists(
    st.builds(
        lambda when, then, years: {
            "when": when,
            "then": then,
            **({"retention": f"{years}y"} if then == "record" else {}),
        },
        WHENS,
        st.sampled_from(["record", "exclude"]),
        st.integers(1, 9),
    ),
    max_size=6,
)
SOME = st.sampled_from([None, None, "", "a", "b", "ab", "abb", "a*"])
RICH_PARTIES = st.lists(
    st.builds(
        Party,
        side=st.sampled_from(Side),
        login=SOME,
        display_name=SOME,
        number=SOME,
        firm=SOME,
        firm_id=SOME,
        group=SOME,
        group_id=SOME,
    ),
    max_size=4,
)
RICH_CALLS = st.builds(
    Call,
    source=st.just("cloud9"),
    call_id=st.just("c1"),
    started_at=st.datetimes(datetime(1890, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
    | st.datetimes(datetime(2026, 2, 27), datetime(2026, 3, 4), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds
    duration=st.none() | st.sampled_from([0.0, 1.0, 5.0, 5.5, 9.0, 1e9]),
    call_type=st.sampled_from(CallType),
    direction=st.sampled_from(Direction),
    parties=RICH_PARTIES.map(tuple),
    connection=SOME,
    button_label=SOME,
)
EXTENSIONS = st.lists(
    st.builds(
        Extension,
        value=st.sampled_from(["a", "b", "ab", "A", "a*", "*b", "?"]),
        user=st.sampled_from(["u", "v", "a"]),
        mode=st.sampled_from(RecordingMode),
        type=st.sampled_from(ExtensionType),
        valid_from=st.none() | st.sampled_from([date(1999, 1, 1), date(2026, 3, 2)]),
        valid_to=st.none() | st.sampled_from([date(2026, 3, 3), date(2030, 1, 1)]),
        directions=st.frozensets(st.sampled_from(DIRECTIONS)),
        groups=st.frozensets(st.sampled_from(["a", "b"])),
        retention=st.none() | st.sampled_from(["1y", "366d", "2y"]).map(parse_retention),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda each: (each.type, each.value.casefold()),
).map(tuple)
OPTIONS = st.fixed_dictionaries({"fold_case": st.booleans(), "wildcards": st.booleans()})


SURE = Extension("sure", "s", FULL)
RECORDED_CALLS = st.builds(
    lambda call, side: replace(call, parties=(*call.parties, Party(side, login="sure"))),
    RICH_CALLS,
    st.sampled_from(Side),
)
"""Sections are asked of calls alone that the roster records."""

LAST = Extension("last", "a-first", FULL)
CROWDED_CALLS = st.builds(
    lambda call, sides: replace(call, parties=(Party(sides[0], login="sure"), Party(sides[1], login="last"))),
    RICH_CALLS,
    st.tuples(st.sampled_from(Side), st.sampled_from(Side)),
)
"""Two users are recorded, who take part in another order than that of their names."""


def with_sections(sections: list[dict[str, Any]], *, veto: str = "call", **changes: Any) -> Policy:
    named = [{"name": f"s{number}", **section} for number, section in enumerate(sections)]
    return policy(sections=named, never_record=veto, **changes)


@given(RICH_CALLS | CROWDED_CALLS, EXTENSIONS, OPTIONS, SECTIONS, st.sampled_from(["call", "side"]))
def test_every_call_gets_exactly_one_decision_and_its_tree_agrees(
    call: Call, rows: tuple[Extension, ...], options: dict[str, bool], sections: list[dict[str, Any]], veto: str
) -> None:
    rows = (*rows, SURE, LAST)
    ruler = Ruler(with_sections(sections, veto=veto), Roster(rows, **options))
    decision = ruler.decide(call)
    assert (
        decision
        == ruler.decide(call)
        == Ruler(with_sections(sections, veto=veto), Roster(rows, **options)).decide(call)
    )
    assert decision.outcome is decision.rule.outcome
    assert bool(decision.section) is (decision.rule in (Rule.SECTION_EXCLUDES, Rule.SECTION_RECORDS))
    assert decision.reason.startswith("Recorded" if decision.outcome is Outcome.RECORD else "Excluded")
    assert list(decision.users) == sorted(set(decision.users))
    assert bool(decision.users) is (decision.outcome is Outcome.RECORD and decision.rule is not Rule.PARTY_UNKNOWN)
    told = explained(call, ruler)
    assert told.decision == decision
    assert [each.name for each in told.sections if each.verdict == "decides"] == [decision.section] * bool(
        decision.section
    )
    assert "\n" not in "".join(told.lines())
    assert json.dumps(told.document())


@given(RECORDED_CALLS, EXTENSIONS, SECTIONS)
def test_sections_found_by_tables_are_those_found_by_asking_each(
    call: Call, rows: tuple[Extension, ...], sections: list[dict[str, Any]]
) -> None:
    ruler = Ruler(with_sections(sections), Roster((*rows, SURE), wildcards=True))
    facts = ruler.hear(call).facts(call)
    plainly = next((each for each in ruler.sections if each.fits(facts)), None)
    for _ in range(2):  # the second time from what the tables remember
        found = ruler._index.first_fitting(facts)
        assert (found and found.number) == (plainly and plainly.number)


def test_a_section_that_fits_in_part_leaves_the_next_its_turn() -> None:
    part = {"near": {"login": ["a"], "firm": ["x"]}}
    rules = with_sections(
        [
            {"when": part, "then": "exclude"},
            {"when": {"near": {"login": ["a"]}, "far": {"firm": ["y"], "group": ["z"]}}, "then": "exclude"},
            {"when": {"near": {"login": ["a"], "group": ["x"]}}, "then": "record"},
        ]
    )
    near, far = Party(Side.NEAR, login="a", firm="w", group="x"), Party(Side.FAR, firm="y", group="w")
    roster = roster_of({"a": FULL})
    assert decide(call_of(near, far), policy=rules, roster=roster).section == "s2"
    # What is asked of one participant at one end must not be put together from two, nor found at the other.
    for other in (Party(Side.NEAR, firm="x"), Party(Side.FAR, login="a", firm="x")):
        assert decide(call_of(near, far, other), policy=rules, roster=roster).section == "s2"


@given(RICH_CALLS, EXTENSIONS, OPTIONS, SECTIONS, st.randoms())
def test_the_order_of_roster_lines_means_nothing(
    call: Call, rows: tuple[Extension, ...], options: dict[str, bool], sections: list[dict[str, Any]], random: Any
) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    rules = with_sections(sections)
    one, other = Ruler(rules, Roster(rows, **options)), Ruler(rules, Roster(tuple(shuffled), **options))
    assert one.decide(call) == other.decide(call)


@given(RICH_CALLS | CROWDED_CALLS, EXTENSIONS, OPTIONS, SECTIONS, st.sampled_from(Side))
def test_a_veto_dominates_whatever_sections_and_others_say(
    call: Call, rows: tuple[Extension, ...], options: dict[str, bool], sections: list[dict[str, Any]], side: Side
) -> None:
    vetoed = replace(call, parties=(*call.parties, Party(side, login="veto")))
    roster = Roster((*rows, SURE, LAST, Extension("veto", "w", NEVER)), **options)
    assert decide(vetoed, policy=with_sections(sections), roster=roster).rule is Rule.NEVER_RECORD
    other_side = {Side.NEAR: Side.FAR, Side.FAR: Side.NEAR}[side]
    decision = decide(vetoed, policy=with_sections(sections, veto="side"), roster=roster)
    if decision.rule is not Rule.NEVER_RECORD:
        assert decision.outcome is Outcome.EXCLUDE or all(each.side == other_side for each in decision.recorded_for)


@given(RICH_CALLS, EXTENSIONS, OPTIONS, st.sampled_from(["call", "side"]), st.sampled_from(Side))
def test_one_more_full_extension_never_unrecords_a_call_without_sections(
    call: Call, rows: tuple[Extension, ...], options: dict[str, bool], veto: str, side: Side
) -> None:
    call = replace(call, parties=(*call.parties, Party(side, login="more")))
    rules = with_sections([], veto=veto)
    before = decide(call, policy=rules, roster=Roster(rows, **options))
    after = decide(call, policy=rules, roster=Roster((*rows, Extension("more", "w", FULL)), **options))
    assert not (before.outcome is Outcome.RECORD and after.outcome is Outcome.EXCLUDE)
    assert set(before.users) <= set(after.users)


@given(RECORDED_CALLS, EXTENSIONS, OPTIONS, SECTIONS, st.sampled_from(["call", "side"]), st.sampled_from(Side))
def test_one_more_full_extension_never_unrecords_a_call_whatever_sections_ask_of_it(
    call: Call,
    rows: tuple[Extension, ...],
    options: dict[str, bool],
    sections: list[dict[str, Any]],
    veto: str,
    side: Side,
) -> None:
    """Sections that ask what the roster says of participants are left out: the row changes what they look at."""
    rules = with_sections([each for each in sections if not _asks_the_roster(each["when"])], veto=veto)
    call = replace(call, parties=(*call.parties, Party(side, login="more")))
    before = decide(call, policy=rules, roster=Roster((*rows, SURE), **options))
    after = decide(call, policy=rules, roster=Roster((*rows, SURE, Extension("more", "w", FULL)), **options))
    assert not (before.outcome is Outcome.RECORD and after.outcome is Outcome.EXCLUDE)
    assert set(before.users) <= set(after.users)


def _asks_the_roster(when: dict[str, Any]) -> bool:
    asked = {key for name in ("near", "far", "any") for key in when.get(name, ())}
    return "recorded_both_sides" in when or bool(asked & {"user", "group"})


@given(RICH_CALLS, EXTENSIONS, SECTIONS, SECTIONS)
def test_an_empty_section_shadows_all_after_it(
    call: Call, rows: tuple[Extension, ...], before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> None:
    everything = {"when": {}, "then": "exclude"}
    shadowing = with_sections([*before, everything, *after])
    roster = Roster(rows)
    decision = decide(call, policy=shadowing, roster=roster)
    alone = decide(call, policy=with_sections([*before, everything]), roster=roster)
    assert replace(decision, policy_version="") == replace(alone, policy_version="")
    warned = [each.section for each in policy_warnings(shadowing, None)]
    empty = next(n for n, section in enumerate((*before, everything)) if not section["when"])
    assert not after or empty in warned


@given(RICH_CALLS, EXTENSIONS, SECTIONS)
def test_a_section_that_lint_calls_covered_never_decides(
    call: Call, rows: tuple[Extension, ...], sections: list[dict[str, Any]]
) -> None:
    rules = with_sections(sections)
    idle = {f"s{each.section}" for each in policy_warnings(rules, None) if "never decides" in each.words}
    assert decide(call, policy=rules, roster=Roster(rows)).section not in idle


def test_each_recorded_user_has_an_entry_and_the_longest_retention_governs() -> None:
    rows = (
        Extension("a", "anna", FULL, retention=parse_retention("7y")),
        Extension("a2", "anna", FULL, retention=parse_retention("9y")),
        Extension("b", "bob", FULL),
        Extension("+44", "carl", FULL, type=ExtensionType.NUMBER_ADDRESS, retention=parse_retention("2555d")),
    )
    parties = (Party(Side.NEAR, login="a"), Party(Side.FAR, login="a2"), Party(Side.FAR, login="b", number="+44"))
    call = call_of(*parties)
    decision = decide(call, policy=ON, roster=Roster(rows))
    assert [(each.user, each.extension, each.side, str(each.retention or "")) for each in decision.recorded_for] == [
        ("anna", "a", "both", "9y"),
        ("bob", "b", "far", ""),
        ("carl", "+44", "far", "2555d"),
    ]
    assert str(decision.retention) == "9y"
    lengthened = with_sections([{"then": "record", "retention": "8y"}])
    again = decide(call, policy=lengthened, roster=Roster(rows))
    assert [str(each.retention) for each in again.recorded_for] == ["9y", "8y", "8y"]


def test_what_is_not_known_is_said_in_the_reason() -> None:
    roster = Roster((Extension("a", "anna", FULL, directions=frozenset({Direction.INCOMING})),))
    short = with_sections([{"when": {"duration": {"max": "5s"}}, "then": "exclude"}])
    reason = decide(call_of("a"), policy=short, roster=roster).reason
    assert "The call's direction is not known, which counts as every direction." in reason
    assert "The call's duration is not known, so sections that ask for one do not fit: s0." in reason
    known = replace(call_of("a"), direction=Direction.OUTGOING, duration=9.0)
    told = decide(known, policy=short, roster=roster)
    assert told.reason == (
        "Recorded: login a belongs to user anna, mode full, incoming calls only, valid without limit of time. "
        "No section of the policy fits, and what no section decides is recorded."
    )
    near = replace(known, parties=(Party(Side.NEAR, login="a"),))
    assert (
        "but counts only for incoming calls; it sits at the near end" in decide(near, policy=ON, roster=roster).reason
    )


def test_a_voice_that_is_kept_in_spite_of_a_veto_of_its_side_is_told() -> None:
    roster = roster_of({"a": FULL, "b": NEVER})
    call = call_of(Party(Side.NEAR, login="a"), Party(Side.FAR, login="b"))
    reason = decide(call, policy=policy(never_record="side"), roster=roster).reason
    assert "silences only that end; the audio holds both ends, this one too" in reason


def test_a_call_with_a_thousand_parties_is_decided_in_a_bounded_reason() -> None:
    parties = [Party(Side.FAR, login=f"x{number}", number=str(number), firm="f" * 10_000) for number in range(1000)]
    sections = with_sections([{"when": {"far": {"firm": ["*a*b*c"]}}, "then": "exclude"}] * 1)
    for login, rule in (("a", Rule.NO_SECTION_FITS), ("z", Rule.NO_RECORDED_PARTY)):
        call = call_of(*parties, login)
        decision = decide(call, policy=sections, roster=roster_of({"a": FULL}))
        assert decision.rule is rule
        assert len(decision.reason) < 2_000
        tree = list(explained(call, Ruler(sections, roster_of({"a": FULL}))).lines())
        assert len(tree) < 200


@given(
    st.text(st.characters(codec=None, exclude_categories=()), max_size=300),
    st.text(st.characters(codec=None, exclude_categories=()), max_size=300),
)
def test_hostile_names_leave_every_sentence_on_one_printable_line(login: str, name: str) -> None:
    call = replace(
        call_of(Party(Side.NEAR, login=login or "x", display_name=name, number=name, firm=name, group=login)),
        call_id=name,
        button_label=name,
        connection=login,
    )
    asked = [{"when": {"near": {"firm": ["?"], "login": ["*"]}, "button_label": ["*z"]}, "then": "exclude"}]
    ruler = Ruler(with_sections(asked), Roster((Extension("*", "all", FULL),), wildcards=True))
    for line in explained(call, ruler).lines():
        assert line.isprintable()
        line.encode()
