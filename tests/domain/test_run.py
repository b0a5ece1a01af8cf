from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.domain.run import FIRST_CHECK, LAST_CHECK, check_delay


def test_waiting_doubles_from_a_quarter_of_an_hour() -> None:
    minutes = [check_delay(attempts) / timedelta(minutes=1) for attempts in range(1, 9)]
    assert minutes == [15, 30, 60, 120, 240, 480, 720, 720]


@given(st.integers(-3, 10**9))
def test_waiting_is_bounded_whatever_the_attempts(attempts: int) -> None:
    assert FIRST_CHECK <= check_delay(attempts) <= LAST_CHECK
    assert check_delay(attempts) <= check_delay(attempts + 1)
