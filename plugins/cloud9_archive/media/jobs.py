"""What is asked about one recording, what it may cost, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloud9_archive.media.profiles import MAX_CHANNELS, SECONDS_PER_HOUR, Profile
from cloud9_archive.media.verdicts import Examination, Failure, Transcoded, Waveform

READY: Final = b'{"ready":true}'
"""The line with which a worker says that it takes jobs."""

_MIB: Final = 1024 * 1024
# A line left open in silence needs as little as 70 kB an hour, so small files may be long.
_DECODED_BASE: Final = 600.0
_DECODED_PER_MIB: Final = 20.0 * SECONDS_PER_HOUR
# Decoding and encoding Opus takes about 0.012 CPU seconds per second of audio; four times that is patience enough.
_CPU_BASE: Final = 60.0
_CPU_PER_DECODED: Final = 0.05


@dataclass(frozen=True, slots=True)
class MediaJob:
    """
    One recording to examine, decode to its end and, unless the profile is ``none``, transcode.

    :param recording_key: comes back in the result, otherwise unused
    :param source: the original
    :param target: where the derivative shall stand; None for the profile ``none``. Parts and peaks stand beside it, see
        :mod:`cloud9_archive.media.naming`
    :param profile: a shipped one or a firm's own
    :param reported_duration: seconds that the source reports, to compare with; never a reason to refuse
    :raises ValueError: if a derivative is asked for without a target
    """

    recording_key: str
    source: Path
    target: Path | None
    profile: Profile
    reported_duration: float | None = None

    def __post_init__(self) -> None:
        """A job that could never work is refused where it is made."""
        if self.profile.alters and self.target is None:
            raise ValueError(f"recording {self.recording_key!r}: the profile {self.profile.name!r} needs a target")


@dataclass(frozen=True, slots=True)
class JobLimits:
    """
    What one job may use; what goes beyond ends the job.

    :param memory_bytes: address space of the worker
    :param wall_seconds: by the clock on the wall, enforced from outside
    :param cpu_seconds: of one core
    :param decoded_seconds: audio that may come out of the decoder
    :param output_bytes: of the derivative
    """

    memory_bytes: int
    wall_seconds: float
    cpu_seconds: float
    decoded_seconds: float
    output_bytes: int


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """
    Limits for any recording; None means in proportion to the size of the original.

    :param memory_bytes: address space of a worker, bytes
    :param wall_seconds: seconds per job
    :param cpu_seconds: seconds per job
    :param decoded_seconds: audio per job, seconds
    :param output_bytes: size of a derivative, bytes
    :param longest_seconds: audio that any job may have, seconds, whatever its size
    """

    memory_bytes: int = 1024 * _MIB
    wall_seconds: float | None = None
    cpu_seconds: float | None = None
    decoded_seconds: float | None = None
    output_bytes: int | None = None
    longest_seconds: float = 24.0 * SECONDS_PER_HOUR

    def scaled(self, size: int, profile: Profile) -> JobLimits:
        """
        The limits for one recording.

        :param size: of the original, bytes
        :param profile: of the derivative
        """
        decoded = self.decoded_seconds
        if decoded is None:
            decoded = min(self.longest_seconds, _DECODED_BASE + _DECODED_PER_MIB * size / _MIB)
        cpu = _CPU_BASE + _CPU_PER_DECODED * decoded if self.cpu_seconds is None else self.cpu_seconds
        wall = 2 * cpu + _CPU_BASE if self.wall_seconds is None else self.wall_seconds
        output = self.output_bytes
        if output is None:
            stereo = profile.bytes_per_hour(MAX_CHANNELS) / SECONDS_PER_HOUR
            output = _MIB + int(1.25 * decoded * stereo)
        return JobLimits(self.memory_bytes, wall, cpu, decoded, output)


DEFAULT_LIMITS: Final = MediaLimits()


@dataclass(frozen=True, slots=True)
class MediaResult:
    """
    What became of one job.

    :param examination: of the original's structure; None if the worker was lost before it said anything
    :param derivatives: what stands at the job's target, or its parts; none for the profile ``none`` and after a failure
    :param failure: None exactly if the recording is intact and everything asked for was made
    :param waveform: the peaks that stand beside the derivatives, if any were written
    :param duration_difference: seconds of the original's audio minus the seconds reported; a figure, no verdict
    """

    recording_key: str
    examination: Examination | None
    derivatives: tuple[Transcoded, ...]
    failure: Failure | None
    duration_difference: float | None = None
    waveform: Waveform | None = None


@dataclass(slots=True)
class Answer:
    """
    What a worker says of its job, as one line of JSON.

    :param leaving: the worker takes no further job
    """

    examination: Examination | None = None
    derivatives: tuple[Transcoded, ...] = ()
    waveform: Waveform | None = None
    failure: Failure | None = None
    leaving: bool = False
