"""Long-lived child processes that do the decoding, watched from outside: a bad recording costs itself, nothing more."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from selectors import EVENT_READ, DefaultSelector
from types import TracebackType
from typing import Final, Self

from cloud9_archive.media.child import Child, Outcome
from cloud9_archive.media.jobs import DEFAULT_LIMITS, MediaJob, MediaLimits, MediaResult
from cloud9_archive.media.naming import Leftovers

# FFmpeg leaks little, but a worker may live for a backfill of days.
_JOBS_PER_CHILD: Final = 500


def run_jobs(
    jobs: Iterable[MediaJob], *, workers: int = 2, limits: MediaLimits = DEFAULT_LIMITS
) -> Iterator[MediaResult]:
    """
    Exactly one result per job, in the order in which they are done.

    Each original is examined and decoded to its last sample, for the profile ``none`` too: nothing else finds audio
    that does not decode inside an intact structure. A recording that is bad, crashes its worker, hangs or needs more
    than its limits gets a result with a failure; its worker is replaced. The children share nothing of this process's
    environment but what the interpreter needs to start. They end when the iterator is exhausted or closed.

    :param jobs: taken one by one as workers come free
    :param workers: processes at the same time, at least 1
    :param limits: per recording
    :raises ConfigurationError: if a worker does not start, whatever the recording
    :raises TransientError: if this host is too busy to start one
    """
    if workers < 1:
        raise ValueError(f"{workers} workers cannot do any work")
    waiting = iter(jobs)
    with _Crew(workers, limits) as crew:
        while True:
            crew.employ(waiting)
            if not crew.is_busy():
                return
            yield from crew.next_results()


class _Crew:
    """
    The children at work and at rest.

    :param size: most children at the same time
    :param limits: per recording
    """

    def __init__(self, size: int, limits: MediaLimits) -> None:
        self._size = size
        self._limits = limits
        self._children: list[Child] = []
        self._selector = DefaultSelector()
        self._leftovers = Leftovers()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in list(self._children):
            self._dismiss(child)
        self._selector.close()

    def is_busy(self) -> bool:
        return any(child.job is not None for child in self._children)

    def employ(self, waiting: Iterator[MediaJob]) -> None:
        """Every child that may work has a job, as far as there are jobs."""
        while True:
            idle = next((child for child in self._children if child.job is None), None)
            if idle is None and len(self._children) >= self._size:
                return
            job = next(waiting, None)
            if job is None:
                return
            self._clear_up(job)
            if idle is not None and not idle.begin(job, self._limits):
                # It died at rest, which is not this job's fault: a new one takes the job.
                self._dismiss(idle)
                idle = None
            if idle is None:
                self._hire().begin(job, self._limits)

    def next_results(self) -> Iterator[MediaResult]:
        """At least one event has been waited for; what it brought to an end is yielded."""
        due = min(child.deadline for child in self._children if child.job is not None)
        events = self._selector.select(max(0.0, due - time.monotonic()))
        for key, _ in events:
            yield from self._settle(key.data, key.data.hear())
        for child in [child for child in self._children if child.job is not None]:
            if time.monotonic() >= child.deadline:
                yield from self._settle(child, child.overrun())

    def _settle(self, child: Child, outcome: Outcome) -> Iterator[MediaResult]:
        if outcome.gone or (outcome.result is not None and child.jobs_done >= _JOBS_PER_CHILD):
            self._dismiss(child)
        if outcome.result is not None:
            yield outcome.result

    def _clear_up(self, job: MediaJob) -> None:
        """Nothing is left of what a run that was killed had not finished; nobody else is at work on what this one holds."""
        if job.target is not None:
            for path in self._leftovers.of(job.target.absolute()):
                with suppress(OSError):
                    path.unlink(missing_ok=True)

    def _hire(self) -> Child:
        child = Child()
        self._children.append(child)
        self._selector.register(child.output, EVENT_READ, child)
        return child

    def _dismiss(self, child: Child) -> None:
        self._selector.unregister(child.output)
        self._children.remove(child)
        child.end()
