from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.domain.accounting import (
    ABSENT,
    MEDIA_MOVES,
    TO_FETCH,
    UNDER_WORK,
    CallState,
    MediaState,
    call_state,
    call_sum,
    media_sum,
)

MEDIA = st.lists(st.sampled_from(MediaState), max_size=4)
ACCOUNTED_CALLS = set(CallState) - {CallState.LISTED, CallState.SELECTED}


@given(st.lists(st.sampled_from(CallState)))
def test_what_is_unaccounted_is_what_is_neither_settled_nor_awaited(states: list[CallState]) -> None:
    total = call_sum(Counter(states))
    assert total.listed == len(states)
    assert total.unaccounted == sum(state not in ACCOUNTED_CALLS for state in states)


@given(st.lists(st.sampled_from(MediaState)))
def test_recordings_under_work_are_unaccounted(states: list[MediaState]) -> None:
    total = media_sum(Counter(states))
    assert total.wanted == len(states)
    assert total.unaccounted == sum(state in UNDER_WORK for state in states)


@given(MEDIA, st.booleans(), st.booleans())
def test_a_call_is_only_as_far_as_its_least_settled_recording(
    media: list[MediaState], documented: object, late: object
) -> None:
    state = call_state(media, documented=bool(documented), past_deadline=bool(late))
    if state in {CallState.ARCHIVED, CallState.QUARANTINED}:
        assert documented
        assert media
        assert set(media) <= {MediaState.ARCHIVED, MediaState.QUARANTINED, MediaState.DISPOSED}
    if set(media) & UNDER_WORK:
        assert state is CallState.SELECTED
    if not media:
        assert state in ABSENT
    if state is CallState.ARCHIVED:
        assert MediaState.QUARANTINED not in media


def test_a_call_without_recordings_is_missing_past_its_deadline_only() -> None:
    assert call_state([], documented=True, past_deadline=False) is CallState.AWAITING_MEDIA
    assert call_state([], documented=False, past_deadline=True) is CallState.MISSING


def test_what_is_archived_never_changes_but_for_its_end() -> None:
    assert MEDIA_MOVES[MediaState.ARCHIVED] == {MediaState.DISPOSED}
    assert not MEDIA_MOVES[MediaState.DISPOSED]
    assert set(MEDIA_MOVES) == set(MediaState)


def test_every_state_leads_to_the_archive_or_quarantine() -> None:
    for begin in set(MediaState) - {MediaState.DISPOSED}:
        reached, waiting = {begin}, [begin]
        while waiting:
            fresh = MEDIA_MOVES[waiting.pop()] - reached
            reached |= fresh
            waiting.extend(fresh)
        assert MediaState.ARCHIVED in reached, begin


def test_whatever_is_asked_for_can_become_fetched() -> None:
    assert all(MediaState.FETCHED in MEDIA_MOVES[state] for state in TO_FETCH)
