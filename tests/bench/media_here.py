"""Media work without the workers that do it: their isolation is tested where they live."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict

from cloud9_archive.media import worker_main
from cloud9_archive.media.jobs import DEFAULT_LIMITS, Answer, MediaJob, MediaLimits, MediaResult


def in_this_process(
    jobs: Iterable[MediaJob], *, workers: int = 1, limits: MediaLimits = DEFAULT_LIMITS
) -> Iterator[MediaResult]:
    """What the media workers answer, without starting any."""
    for job in jobs:
        answer = Answer()
        size = 0
        with suppress(OSError):  # a lost original is the attempt's to tell
            size = job.source.stat().st_size
        job_limits = limits.scaled(size, job.profile)
        request = {"source": str(job.source), "target": job.target and str(job.target), "profile": asdict(job.profile)}
        request["reported_duration"] = job.reported_duration
        worker_main._attempt(request, job_limits, answer)
        yield MediaResult(
            job.recording_key, answer.examination, answer.derivatives, answer.failure, waveform=answer.waveform
        )
