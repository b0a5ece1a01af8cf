from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.domain.coverage import Piece, length_difference


@pytest.mark.parametrize(
    ("pieces", "differs"),
    [
        ([Piece(60)], 0),
        ([Piece(50)], -10),
        ([Piece(75)], 15),
        ([Piece(75, shared=True)], 0),
        ([Piece(3600, 900, shared=True)], 0),
        ([Piece(3600, 900)], 0),
        ([Piece(930, 900)], -30),
        ([Piece(60, 70)], -60),
        ([Piece(30), Piece(30)], 0),
        ([Piece(30), Piece(20)], -10),
        ([Piece(60), Piece(60)], 0),
        ([Piece(90), Piece(60)], 30),
        ([Piece(30), Piece(30, -30)], 0),
        ([Piece(40, 10), Piece(40, 20)], -30),
        ([Piece(30, -40)], -40),
        ([Piece(0)], -60),
    ],
    ids=str,
)
def test_a_call_of_a_minute(pieces: list[Piece], differs: float) -> None:
    assert length_difference(60, pieces) == differs


PIECES = st.lists(
    st.builds(
        Piece,
        st.integers(0, 200).map(float),
        st.one_of(st.none(), st.integers(-100, 100).map(float)),
        shared=st.booleans(),
    ),
    min_size=1,
    max_size=5,
)


@given(st.integers(0, 200).map(float), PIECES)
def test_what_is_missing_is_never_more_than_the_call_nor_what_is_too_long_more_than_the_audio(
    duration: float, pieces: list[Piece]
) -> None:
    differs = length_difference(duration, pieces)
    assert -duration <= differs
    assert differs <= max(each.length - min(each.offset or 0, 0) for each in pieces)


@given(st.integers(0, 200).map(float), PIECES)
def test_covered_seconds_are_those_that_some_placed_piece_holds(duration: float, pieces: list[Piece]) -> None:
    placed = [each for each in pieces if each.offset]
    if len(placed) < len(pieces):
        return
    held = sum(any(-each.offset <= s < each.length - each.offset for each in placed) for s in range(int(duration)))  # type: ignore[operator]  # placed ones have an offset
    assert min(length_difference(duration, pieces), 0) == held - duration


@given(st.integers(0, 200).map(float), PIECES, PIECES)
def test_more_recordings_never_leave_more_uncovered(duration: float, pieces: list[Piece], more: list[Piece]) -> None:
    assert min(length_difference(duration, pieces), 0) <= min(length_difference(duration, [*pieces, *more]), 0)
