"""Which calls and recordings travel together: calls that share a recording are never split."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cloud9_archive.domain.run import CallRef, RecordingRef


@dataclass(frozen=True, slots=True)
class Grouped:
    """Calls in the order they came, and the recordings still to be worked on that belong to them."""

    calls: tuple[CallRef, ...]
    recordings: tuple[RecordingRef, ...]


def batches_of(calls: Iterable[tuple[CallRef, Sequence[RecordingRef]]], *, max_recordings: int) -> Iterator[Grouped]:
    """
    Batches of at most ``max_recordings``, except where calls that share recordings need more.

    A call without recordings counts as one, so that a batch of documents alone stays bounded too.
    """
    waiting_calls: list[CallRef] = []
    waiting_recordings: list[RecordingRef] = []
    weight = 0
    for group in _connected(calls):
        size = max(len(group.recordings), 1)
        if waiting_calls and weight + size > max_recordings:
            yield Grouped(tuple(waiting_calls), tuple(waiting_recordings))
            waiting_calls, waiting_recordings, weight = [], [], 0
        waiting_calls.extend(group.calls)
        waiting_recordings.extend(group.recordings)
        weight += size
    if waiting_calls:
        yield Grouped(tuple(waiting_calls), tuple(waiting_recordings))


def _connected(calls: Iterable[tuple[CallRef, Sequence[RecordingRef]]]) -> Iterator[Grouped]:
    """Groups of calls that are linked through recordings, in the order of their first call."""
    members: list[list[CallRef]] = []
    recordings: list[dict[RecordingRef, None]] = []
    group_of: dict[RecordingRef, int] = {}
    for call, links in calls:
        joined = sorted({group_of[link] for link in links if link in group_of})
        if joined:
            home = joined[0]
            for other in joined[1:]:
                members[home] += members[other]
                recordings[home] |= recordings[other]
                group_of.update(dict.fromkeys(recordings[other], home))
                members[other], recordings[other] = [], {}
        else:
            home = len(members)
            members.append([])
            recordings.append({})
        members[home].append(call)
        recordings[home].update(dict.fromkeys(links))
        group_of.update(dict.fromkeys(links, home))
    for group, links_of_group in zip(members, recordings, strict=True):
        if group:
            yield Grouped(tuple(group), tuple(links_of_group))
