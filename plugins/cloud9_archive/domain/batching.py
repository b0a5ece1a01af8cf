"""Which calls and recordings travel together: calls that share a recording are never split."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

from cloud9_archive.domain.retention import Retention, longest
from cloud9_archive.domain.run import CallRef, RecordingRef

_SOME_DAY = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Grouped:
    """Calls in the order they came, and the recordings still to be worked on that belong to them."""

    calls: tuple[CallRef, ...]
    recordings: tuple[RecordingRef, ...]


@dataclass(slots=True)
class _Waiting:
    """Groups of one retention that will be a batch."""

    calls: list[CallRef] = field(default_factory=list)
    recordings: list[RecordingRef] = field(default_factory=list)
    weight: int = 0

    def batch(self) -> Grouped:
        return Grouped(tuple(self.calls), tuple(self.recordings))


def batches_of(
    calls: Iterable[tuple[CallRef, Sequence[RecordingRef]]],
    *,
    max_recordings: int,
    retentions: Mapping[CallRef, Retention | None] = MappingProxyType({}),
) -> Iterator[Grouped]:
    """
    Batches of at most ``max_recordings``, except where calls that share recordings need more.

    A call without recordings counts as one, so that a batch of documents alone stays bounded too. Calls of different
    retention are in different batches, so that a bag expires as a whole; calls that share recordings share the longest.

    :param retentions: what the decision on a call asks for; calls that are not here ask for nothing
    """
    waiting: dict[Retention | None, _Waiting] = {}
    for group in _connected(calls):
        size = max(len(group.recordings), 1)
        kept = longest([retentions.get(call) for call in group.calls], since=_SOME_DAY)
        batch = waiting.setdefault(kept, _Waiting())
        if batch.calls and batch.weight + size > max_recordings:
            yield batch.batch()
            batch = waiting[kept] = _Waiting()
        batch.calls.extend(group.calls)
        batch.recordings.extend(group.recordings)
        batch.weight += size
    for batch in waiting.values():
        yield batch.batch()


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
