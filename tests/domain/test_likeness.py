from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.domain.call import Call, Party, Side
from cloud9_archive.domain.likeness import Outline, near_duplicates, outline
from cloud9_archive.domain.run import CallRef

START = datetime(2026, 3, 3, 9, tzinfo=UTC)
ANNA, BEN = Party(Side.NEAR, login="anna"), Party(Side.FAR, login="ben")
FIRST = Call("a", "1", START, duration=60, parties=(ANNA, BEN))


def alike(*calls: Call) -> list[tuple[str, str]]:
    found = near_duplicates(each for call in calls if (each := outline(call)))
    return [(like.later.ref.call_id, like.earlier.ref.call_id) for like in found]


def second(**changes: object) -> Call:
    return replace(FIRST, **{"call_id": "2", **changes})  # type: ignore[arg-type]  # fields of Call


@pytest.mark.parametrize(
    ("changes", "is_alike"),
    [
        ({}, True),
        ({"started_at": START + timedelta(seconds=5), "duration": 63.0}, True),
        ({"started_at": START + timedelta(seconds=5.1)}, False),
        ({"duration": 63.1}, False),
        ({"source": "b"}, False),
        ({"parties": (replace(BEN, side=Side.NEAR), replace(ANNA, side=Side.FAR))}, False),
        ({"parties": (ANNA, Party(Side.FAR, login="carl"))}, False),
        ({"parties": (ANNA, Party(Side.FAR, login="ben", display_name="Ben B."))}, True),
        ({"duration": None, "ended_at": START + timedelta(seconds=61)}, True),
        ({"duration": None}, False),
        ({"parties": ()}, False),
    ],
    ids=str,
)
def test_alike_are_calls_of_one_source_between_the_same_ends_at_the_same_time(
    changes: dict[str, object],
    is_alike: bool,  # noqa: FBT001 - a table
) -> None:
    assert alike(FIRST, second(**changes)) == ([("2", "1")] if is_alike else [])


def test_ends_of_which_only_a_group_is_known_are_compared_by_it() -> None:
    desk = (Party(Side.NEAR, group_id="rates"), BEN)
    assert alike(replace(FIRST, parties=desk), second(parties=desk)) == [("2", "1")]


def test_its_words_name_the_other_call() -> None:
    (like,) = near_duplicates(
        each for call in (FIRST, second(started_at=START + timedelta(seconds=2))) if (each := outline(call))
    )
    assert like.words() == "it has the ends of call 1, begins 2.0 s after it, and its length differs by 0.0 s"


OUTLINES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12), st.sampled_from("xy")), max_size=30).map(
    lambda rows: [
        Outline(CallRef("a", f"{number:02}"), START + timedelta(seconds=start), float(length), ((end,), ()))
        for number, (start, length, end) in enumerate(rows)
    ]
)


@given(OUTLINES)
def test_a_call_is_told_of_exactly_when_an_earlier_one_is_alike(outlines: list[Outline]) -> None:
    def place(each: Outline) -> tuple[datetime, CallRef]:
        return each.started_at, each.ref

    plainly = {
        each.ref
        for each in outlines
        for other in outlines
        if place(other) < place(each)
        and each.ends == other.ends
        and (each.started_at - other.started_at).total_seconds() <= 5
        and abs(each.length - other.length) <= 3
    }
    found = [like.later.ref for like in near_duplicates(outlines)]
    assert len(found) == len(set(found))
    assert set(found) == plainly
