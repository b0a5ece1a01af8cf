"""How many calls a second the recording rules decide on, on one core.

Measured is what a run uses: a :class:`Ruler` made for it, which has seen no call before, and for each call its whole
decision, sentences and entries for recorded users included. The calls are those of one day, as a nightly run lists them.
The catalog's share of the step is not in it.
"""

from __future__ import annotations

import random
import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import process_time
from typing import Any

from cloud9_archive.domain.call import Call, CallType, Direction, Party, Side
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.roster import Extension, RecordingMode, Roster
from cloud9_archive.domain.rules import Ruler

GOAL = 50_000
"""Calls a second."""

FLAT = 0.8
"""What the largest roster should leave of the smallest one's speed."""

SIZES = (100, 10_000, 100_000)
SECTIONS = 50
CALLS = 10_000
ROUNDS = 11
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


def measured(*, extensions: int, sections: int = SECTIONS, calls: int = CALLS, rounds: int = ROUNDS) -> RulesSpeed:
    """The figures for a roster of so many extensions and a policy of so many sections."""
    chance = random.Random(9)  # noqa: S311 - the same calls every time
    rows = tuple(
        Extension(f"trader{n:06d}@firm.example", f"trader{n:06d}", chance.choice(_MODES), f"Trader {n}")
        for n in range(extensions)
    )
    listed = [_call(chance, number, extensions) for number in range(calls)]
    policy = _policy(sections)
    begun = process_time()
    roster = Roster(rows)
    preparations, rates = [], []
    roster_seconds = process_time() - begun
    rules: Counter[str] = Counter()
    for _ in range(rounds):
        begun = process_time()
        ruler = Ruler(policy, roster)
        ready = process_time()
        for call in listed:
            ruler.decide(call)
        rates.append(calls / (process_time() - ready))
        preparations.append(ready - begun)
        rules = Counter(ruler.decide(call).rule.value for call in listed)
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
    for each in figures:
        notes = {"fastest round": each.fastest, "preparation s": each.preparation_seconds}
        what = f"{each.extensions} extensions, {each.sections} sections"
        yield Figure(what, each.calls_per_second, GOAL, "calls/s", goal=1.0, notes=notes)
    first, last = figures[0], figures[-1]
    what = f"{last.extensions} extensions beside {first.extensions}"
    yield Figure(what, last.calls_per_second, first.calls_per_second, "calls/s", goal=FLAT)


def _call(chance: random.Random, number: int, extensions: int) -> Call:
    """A call between two ends, each with one to three participants; most are on the roster."""
    parties = [
        Party(
            side,
            login=f"trader{chance.randrange(extensions):06d}@firm.example"
            if chance.random() < share
            else f"x{chance.randrange(10**6)}@other.example",
            display_name="Somebody",
            number=f"+4420{chance.randrange(10**8):08d}",
            firm=f"Firm {chance.randrange(300)}",
            group=f"desk {chance.randrange(60)}",
        )
        for side, share in ((Side.NEAR, 0.8), (Side.FAR, 0.2))
        for _ in range(chance.choice((1, 1, 1, 2, 3)))
    ]
    started = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(seconds=chance.randrange(86_400))
    return Call(
        "cloud9",
        f"call-{number}",
        started,
        duration=float(chance.randrange(3600)),
        call_type=chance.choice(list(CallType)),
        direction=chance.choice(list(Direction)),
        parties=tuple(parties),
        button_label=f"LINE {chance.randrange(500)}",
        connection=str(chance.randrange(10_000)),
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
        {"button_label": [f"HOOT {n} *", "SPEAKER ?"]},
        {"any": {"group": [f"desk {90 + n}"], "firm": ["Firm 1"]}, "call_type": ["shoutdown", "ringdown"]},
        {"recorded_both_sides": True, "duration": {"min": f"{3595 + n}s"}},
        {"connection": [str(10_001 + n), str(10_101 + n)]},
        {"near": {"user": [f"nobody{n}"]}, "direction": ["incoming", "unknown"]},
        {"hours": {"timezone": zones[n % 3], "start": f"18:0{n}", "end": f"18:0{n + 1}"}, "call_type": ["ringdown"]},
    ]
    return kinds[kind]
