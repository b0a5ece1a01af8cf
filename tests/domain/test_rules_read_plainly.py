"""The engine, which looks things up and remembers, comes to the verdict of a reading that does neither."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from plain_rules import plain_verdict

from cloud9_archive.domain.call import Call, CallType, Direction, Party, Side
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.roster import DIRECTIONS, Extension, ExtensionType, RecordingMode, Roster
from cloud9_archive.domain.rules import Ruler

CALLS = 60
SURE = Extension("sure", "sure", RecordingMode.FULL)
"""Half of the calls are recorded for this user, since sections are asked of recorded calls alone."""
TEXTS = [None, "", "a", "ab", "abb", "b", "a*", "c"]
PATTERNS = st.lists(
    st.sampled_from(["a", "ab", "b", "c", "a*", "ab*", "abb?", "?b", "*", "*b", "a\\*"]),
    min_size=1,
    max_size=2,
    unique=True,
)
PARTY_KEYS = ["login", "user", "display_name", "group", "firm", "number"]
PARTIES = st.dictionaries(st.sampled_from(PARTY_KEYS), PATTERNS, min_size=1, max_size=2)
HOURS = st.builds(
    lambda zone, days, span: {"timezone": zone, "weekdays": days, "start": span[0], "end": span[1]},
    st.sampled_from(["UTC", "Europe/London", "Asia/Kolkata"]),
    st.sampled_from([None, ["mon"], ["sun"], ["mon", "sat"]]),
    st.sampled_from([("22:00", "06:00"), ("09:00", "10:00"), ("00:30", None), (None, "08:00"), ("09:01", "09:02")]),
)
FILTERS: dict[str, st.SearchStrategy[Any]] = {
    "near": PARTIES,
    "far": PARTIES,
    "any": PARTIES,
    "call_type": st.lists(st.sampled_from(CallType).map(str), min_size=1, max_size=2, unique=True),
    "direction": st.lists(st.sampled_from(Direction).map(str), min_size=1, max_size=2, unique=True),
    "connection": PATTERNS,
    "button_label": PATTERNS,
    "hours": HOURS,
    "duration": st.sampled_from([{"max": "5s"}, {"min": "5s"}, {"min": "1s", "max": "9s"}]),
    "recorded_both_sides": st.booleans(),
}
WHENS = st.lists(st.sampled_from(list(FILTERS)), min_size=1, max_size=2, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: FILTERS[name] for name in names})
)
SECTIONS = st.lists(st.tuples(WHENS, st.sampled_from(["record", "exclude"])), max_size=5)
ROWS = st.lists(
    st.builds(
        Extension,
        value=st.sampled_from(["a", "b", "ab", "A", "a*", "*b", "?"]),
        user=st.sampled_from(["a", "ab", "v"]),
        mode=st.sampled_from([RecordingMode.FULL] * 4 + [RecordingMode.DO_NOT_RECORD, RecordingMode.NEVER_RECORD]),
        type=st.sampled_from(ExtensionType),
        valid_from=st.sampled_from([None, None, date(2026, 3, 1)]),
        valid_to=st.sampled_from([None, None, date(2026, 3, 2)]),
        directions=st.sampled_from([frozenset(), frozenset(), *(frozenset((each,)) for each in DIRECTIONS)]),
        groups=st.frozensets(st.sampled_from(["a", "ab"])),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda each: (each.type, each.value.casefold()),
)
OPTIONS = st.fixed_dictionaries({"fold_case": st.booleans(), "wildcards": st.booleans()})
MINUTES = (0, 30, 180, 330, 479, 480, 539, 540, 541, 542, 600, 1319, 1320, 1439)
"""Of a day, before and after every end of a span, in each of the zones."""


@settings(max_examples=150)
@given(ROWS, OPTIONS, SECTIONS, st.sampled_from(["call", "side"]), st.integers(0, 2**32))
def test_a_plain_reading_of_the_documentation_comes_to_the_same_verdict(
    rows: list[Extension],
    options: dict[str, bool],
    sections: list[tuple[dict[str, Any], str]],
    veto: str,
    seed: int,
) -> None:
    policy, roster = _policy(sections, veto), Roster((*rows, SURE), **options)
    ruler, chance = Ruler(policy, roster), random.Random(seed)  # noqa: S311 - calls that can be had again
    for call in [_call(chance) for _ in range(CALLS)]:
        made = ruler.decide(call)
        assert (made.rule, made.section, made.users) == plain_verdict(call, policy, roster), call


def test_zones_that_were_off_by_seconds_are_asked_for_every_second() -> None:
    """Calcutta was 5:53:20 ahead of Greenwich then, so that nine o'clock fell within a minute of UTC."""
    hours = {"timezone": "Asia/Kolkata", "start": "09:00", "end": "10:00"}
    policy = _policy([({"hours": hours}, "exclude")], "call")
    roster = Roster((Extension("a", "a", RecordingMode.FULL),))
    ruler, nine = Ruler(policy, roster), datetime(1860, 1, 5, 3, 6, 40, tzinfo=UTC)
    for seconds, section in ((-1, None), (0, "s0"), (-1, None), (1, "s0")):
        call = Call("cloud9", "c1", nine + timedelta(seconds=seconds), parties=(Party(Side.NEAR, login="a"),))
        assert ruler.decide(call).section == plain_verdict(call, policy, roster)[1] == section


def _call(chance: random.Random) -> Call:
    """A call of few texts, so that it often fits something; it begins about a minute at which some span does."""
    parties = [
        Party(
            side,
            login=chance.choice(TEXTS),
            number=chance.choice(TEXTS),
            display_name=chance.choice(TEXTS),
            firm=chance.choice(TEXTS),
            firm_id=chance.choice(TEXTS),
            group=chance.choice(TEXTS),
            group_id=chance.choice(TEXTS),
        )
        for side in Side
        for _ in range(chance.choice((0, 1, 1, 2)))
    ]
    if chance.random() < 0.5:
        parties.append(Party(chance.choice(list(Side)), login="sure"))
    day = chance.choice(
        (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC), datetime(1890, 1, 5, tzinfo=UTC))
    )
    minutes = chance.choice(MINUTES) - chance.choice((0, 0, 60, 330))
    return Call(
        "cloud9",
        "c1",
        day
        + timedelta(days=chance.randrange(3), minutes=minutes, seconds=chance.choice((0, 59, chance.randrange(120)))),
        duration=chance.choice((None, 0.0, 1.0, 4.9, 5.0, 9.0, 9.1)),
        call_type=chance.choice(list(CallType)),
        direction=chance.choice(list(Direction)),
        parties=tuple(parties),
        connection=chance.choice(TEXTS),
        button_label=chance.choice(TEXTS),
    )


def _policy(sections: list[tuple[dict[str, Any], str]], veto: str) -> Policy:
    named = [{"name": f"s{number}", "when": when, "then": then} for number, (when, then) in enumerate(sections)]
    return Policy.model_validate(
        {
            "policy": "plain",
            "sources": ["cloud9"],
            "schedule": {"cron": "0 2 * * *", "timezone": "UTC"},
            "recording_rules": {"enabled": True, "roster": "rosters/x.csv", "never_record": veto, "sections": named},
            "archive": {"target": "archive"},
        }
    )
