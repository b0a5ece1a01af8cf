from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.domain.batching import Grouped, batches_of
from cloud9_archive.domain.retention import parse_retention
from cloud9_archive.domain.run import CallRef, RecordingRef

LINKS = st.lists(st.lists(st.integers(0, 12), max_size=4, unique=True), max_size=25)


def work(links: list[list[int]]) -> list[tuple[CallRef, list[RecordingRef]]]:
    return [
        (CallRef("cloud9", f"C{number}"), [RecordingRef("cloud9", f"R{link}") for link in each])
        for number, each in enumerate(links)
    ]


@given(LINKS, st.integers(1, 8))
def test_every_call_and_recording_is_in_exactly_one_batch(links: list[list[int]], most: int) -> None:
    calls = work(links)
    batches = list(batches_of(calls, max_recordings=most))
    assert sorted(call for batch in batches for call in batch.calls) == sorted(call for call, _ in calls)
    recordings = [recording for batch in batches for recording in batch.recordings]
    assert sorted(recordings) == sorted({recording for _, each in calls for recording in each})


@given(LINKS, st.integers(1, 8))
def test_calls_that_share_a_recording_travel_together(links: list[list[int]], most: int) -> None:
    calls = dict(work(links))
    for batch in batches_of(calls.items(), max_recordings=most):
        for call in batch.calls:
            assert set(calls[call]) <= set(batch.recordings)


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(3, 8))
def test_batches_of_unconnected_calls_are_bounded(sizes: list[int], most: int) -> None:
    numbers = iter(range(1000))
    calls = work([[next(numbers) for _ in range(size)] for size in sizes])
    for batch in batches_of(calls, max_recordings=most):
        assert max(len(batch.recordings), 1) <= most
        assert len(batch.calls) <= most


def test_nothing_makes_no_batch() -> None:
    assert list(batches_of([], max_recordings=1)) == []


def test_a_late_link_joins_what_was_apart() -> None:
    (only,) = batches_of(work([[1], [2], [1, 2]]), max_recordings=1)
    assert len(only.calls) == 3
    assert len(only.recordings) == 2


@given(LINKS, st.integers(1, 8), st.lists(st.sampled_from([None, "3y", "7y"]), min_size=25, max_size=25))
def test_a_bag_expires_as_a_whole(links: list[list[int]], most: int, kept: list[str | None]) -> None:
    calls = work(links)
    retentions = {call: parse_retention(text) if text else None for (call, _), text in zip(calls, kept, strict=False)}
    batches = list(batches_of(calls, max_recordings=most, retentions=retentions))
    linked = dict(calls)
    assert sorted(call for batch in batches for call in batch.calls) == sorted(call for call, _ in calls)
    ends = [
        {
            str(max(filter(None, map(retentions.get, group.calls)), key=str, default=None))
            for group in groups_of(batch, linked)
        }
        for batch in batches
    ]
    assert all(len(each) == 1 for each in ends)


def groups_of(batch: Grouped, linked: dict[CallRef, list[RecordingRef]]) -> list[Grouped]:
    """The calls of a batch that share recordings, apart from those that share none with them."""
    return list(batches_of([(call, linked[call]) for call in batch.calls], max_recordings=1))
