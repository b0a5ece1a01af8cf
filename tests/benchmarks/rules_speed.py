"""How many calls a second the recording rules decide on, on one core.

Measured is what a run uses, by processor time of this process: a :class:`Ruler` made for the round, which has seen no call
before, and for each call its whole decision, sentence and entries for recorded users included. Calls come in pages, as a
run takes them from the catalog, and each round has calls of its own, made outside of the measured time: no call is decided
on twice, no text has been looked up before, and what a round remembers is what its own calls have in common.

The mix: starts spread over thirty days to the microsecond; logins over the whole roster, and strangers; a number of its own
for each participant, a few of them on the roster; 300 firms, 60 groups, 500 button labels, 10,000 connections. About one
call in five is decided by a section, most come to the last of them. With ``alike=False`` firms, groups, labels and connections too
are new in every call, so that next to nothing can be remembered.

The catalog's share of the step is not in it.
"""

from __future__ import annotations

import random
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from time import process_time
from typing import Any

from cloud9_archive.domain.call import Call, CallType, Direction, Party, Side
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.retention import parse_retention
from cloud9_archive.domain.roster import Extension, ExtensionType, RecordingMode, Roster
from cloud9_archive.domain.rules import Ruler

GOAL = 50_000
"""Calls a second."""

FLAT = 0.8
"""What the largest roster should leave of the smallest one's speed: a thousand times the rows fit no processor's cache."""

SIZES = (100, 10_000, 100_000)
SECTIONS = 50
CALLS = 10_000
PAGE = 500
ROUNDS = 9
_DAYS = 30
_MODES = [RecordingMode.FULL] * 90 + [RecordingMode.DO_NOT_RECORD] * 8 + [RecordingMode.NEVER_RECORD] * 2


@dataclass(frozen=True, slots=True)
class RulesSpeed:
    """
    What was measured for one size of roster.

    :param calls_per_second: median of the rounds, by processor time of this process
    :param slowest: the slowest round
    :param fastest: the fastest round; on a busy machine the nearest to what a core of one's own would do
    :param preparation_seconds: from extensions to a ruler that is ready, once per run
    :param rules: how often each rule decided, so that the mix can be judged
    """

    extensions: int
    sections: int
    calls_per_second: int
    slowest: int
    fastest: int
    preparation_seconds: float
    rules: dict[str, int]


def measured(
    *, extensions: int, sections: int = SECTIONS, calls: int = CALLS, rounds: int = ROUNDS, alike: bool = True
) -> RulesSpeed:
    """The figures for a roster of so many extensions and a policy of so many sections."""
    chance = random.Random(9)  # noqa: S311 - the same calls every time
    rows = tuple(_row(chance, number) for number in range(extensions))
    policy = _policy(sections)
    begun = process_time()
    roster = Roster(rows)
    roster_seconds = process_time() - begun
    preparations, rates = [], []
    rules: Counter[str] = Counter()
    for turn in range(rounds):
        begun = process_time()
        ruler = Ruler(policy, roster)
        preparations.append(process_time() - begun)
        spent = 0.0
        for first in range(0, calls, PAGE):
            numbers = range(turn * calls + first, turn * calls + min(first + PAGE, calls))
            page = [_call(chance, number, rows, alike=alike) for number in numbers]
            begun = process_time()
            decided = [ruler.decide(call) for call in page]
            spent += process_time() - begun
            rules.update(each.rule.value for each in decided)
        rates.append(calls / spent)
    return RulesSpeed(
        extensions,
        sections,
        int(statistics.median(rates)),
        int(min(rates)),
        int(max(rates)),
        round(roster_seconds + statistics.median(preparations), 3),
        dict(rules),
    )


def measure() -> Iterator[object]:
    """Decisions a second beside the goal, and the largest roster beside the smallest."""
    from measuring import Figure  # noqa: PLC0415 - tests of the figures do without

    figures = [measured(extensions=size) for size in SIZES]
    for each, what in [
        *((each, f"{each.extensions} extensions, {each.sections} sections") for each in figures),
        (measured(extensions=10_000, alike=False), "10000 extensions, and no two calls alike"),
    ]:
        notes = {"fastest round": each.fastest, "slowest": each.slowest, "preparation s": each.preparation_seconds}
        yield Figure(what, each.calls_per_second, GOAL, "calls/s", goal=1.0, notes=notes)
    # What else runs on the machine slows some rounds and not others; the fastest of each are the most alike.
    first, last = figures[0], figures[-1]
    what = f"{last.extensions} extensions beside {first.extensions}"
    yield Figure(what, last.calls_per_second, first.calls_per_second, "calls/s", goal=FLAT)


def _row(chance: random.Random, number: int) -> Extension:
    """A row of the roster: mostly a login, at times a number; with a validity, and at times a retention."""
    kind = ExtensionType.NUMBER_ADDRESS if number % 20 == 19 else ExtensionType.USER_AGENT_ID
    by_login = kind is ExtensionType.USER_AGENT_ID
    return Extension(
        f"trader{number:06d}@firm.example" if by_login else f"+4420{number:08d}",
        f"trader{number:06d}",
        chance.choice(_MODES),
        f"Trader {number}",
        valid_from=date(2023, 1 + number % 12, 1 + number % 28),
        type=kind,
        groups=frozenset((f"desk {number % 60}",)),
        retention=parse_retention("7y") if number % 4 else None,
    )


def _call(chance: random.Random, number: int, rows: Sequence[Extension], *, alike: bool) -> Call:
    """A call between two ends, each with one to three participants; most are on the roster."""
    own = "" if alike else f" {number}"
    parties = [
        Party(
            side,
            login=f"trader{chance.randrange(len(rows)):06d}@firm.example"
            if chance.random() < share
            else f"x{chance.randrange(10**9)}@other.example",
            display_name=f"Somebody {number}",
            number=f"+4420{chance.randrange(len(rows) if chance.random() < share / 10 else 10**8):08d}",
            firm=f"Firm {chance.randrange(300)}{own}",
            group=f"desk {chance.randrange(60)}{own}",
        )
        for side, share in ((Side.NEAR, 0.8), (Side.FAR, 0.2))
        for _ in range(chance.choice((1, 1, 1, 2, 3)))
    ]
    started = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(microseconds=chance.randrange(_DAYS * 86_400 * 10**6))
    return Call(
        "cloud9",
        f"call-{number}",
        started,
        duration=chance.randrange(36_000) / 10,
        call_type=chance.choice(list(CallType)),
        direction=chance.choice(list(Direction)),
        parties=tuple(parties),
        button_label=f"{chance.choice(('LINE',) * 9 + ('HOOT',))} {chance.randrange(500)}{own}",
        connection=f"{chance.randrange(10_000)}{own}",
    )


def _policy(sections: int) -> Policy:
    """Sections of every kind in turn, no two alike; few calls fit one, so that most calls come to the last."""
    rules = [
        {"name": f"section {n}", "when": _when(n % 10, n // 10), "then": "exclude" if n % 2 else "record"}
        for n in range(sections)
    ]
    return Policy.model_validate(
        {
            "policy": "speed",
            "sources": ["cloud9"],
            "schedule": {"cron": "0 2 * * *", "timezone": "UTC"},
            "recording_rules": {"enabled": True, "roster": "rosters/x.csv", "sections": rules},
            "archive": {"target": "archive"},
        }
    )


def _when(kind: int, n: int) -> dict[str, Any]:
    zones = ("Europe/London", "America/New_York", "Asia/Tokyo")
    kinds: list[dict[str, Any]] = [
        {"call_type": ["intercom"], "duration": {"max": f"{n + 1}s"}},
        {"far": {"firm": [f"Firm {900 + n}", f"Firm {990 + n}"]}},
        {"near": {"number": [f"+4420{n}*7?"]}, "direction": ["outgoing"]},
        {"hours": {"timezone": zones[n % 3], "weekdays": ["sat"], "start": f"{20 + n % 4}:00", "end": "06:00"}},
        {"button_label": [f"HOOT {n}*", "SPEAKER ?"]},
        {"any": {"group": [f"desk {90 + n}"], "firm": ["Firm 1"]}, "call_type": ["shoutdown", "ringdown"]},
        {"recorded_both_sides": True, "duration": {"min": f"{3595 + n}s"}},
        {"connection": [str(10_001 + n), str(10_101 + n)]},
        {"near": {"user": [f"nobody{n}"]}, "direction": ["incoming", "unknown"]},
        {"hours": {"timezone": zones[n % 3], "start": f"18:0{n}", "end": f"18:0{n + 1}"}, "call_type": ["ringdown"]},
    ]
    return kinds[kind]
