"""What is found out about one recording's audio: plain values that cross the border between processes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cloud9_archive.errors import (
    DamagedMediaError,
    EmptyMediaError,
    RecordError,
    StagingLostError,
    TransientError,
    UnsupportedMediaError,
)


class Verdict(StrEnum):
    """Whether the bytes can be used as audio."""

    INTACT = "intact"
    DAMAGED = "damaged"
    EMPTY = "empty"
    UNSUPPORTED = "unsupported"


_ERROR_OF: Final[dict[Verdict, type[RecordError]]] = {
    Verdict.DAMAGED: DamagedMediaError,
    Verdict.EMPTY: EmptyMediaError,
    Verdict.UNSUPPORTED: UnsupportedMediaError,
}


@dataclass(frozen=True, slots=True)
class Examination:
    """
    What the bytes of a file are, by their structure and not by their name.

    :param verdict: only ``intact`` audio is transcoded and archived without a finding
    :param code: stable word for what was found, ``INTACT`` if nothing was
    :param words: the same as a sentence
    :param size: bytes
    :param container: ``ogg``, ``m4a``, ``wav``, ``mp3``, or None
    :param codec: ``opus``, ``aac``, …, or None
    :param sample_rate: Hz, as the decoder will deliver
    :param duration: seconds of audio that the structure promises
    """

    verdict: Verdict
    code: str
    words: str
    size: int
    container: str | None = None
    codec: str | None = None
    channels: int | None = None
    sample_rate: int | None = None
    duration: float | None = None

    def refusal(self) -> RecordError | None:
        """The error that says why the audio cannot be used, or None if it can."""
        kind = _ERROR_OF.get(self.verdict)
        return kind(self.words, hint=_HINTS[self.verdict]) if kind else None


_HINTS: Final[dict[Verdict, str]] = {
    Verdict.DAMAGED: "compare the size with the source and fetch the recording again",
    Verdict.EMPTY: "the source has no audio for this recording (yet); fetch it again later",
    Verdict.UNSUPPORTED: "look at the first bytes: an error page or another format may have come instead of audio",
}


@dataclass(frozen=True, slots=True)
class Checks:
    """
    What the comparison of a derivative with its original found; figures for a report, and its verdict.

    Lists have one entry for each channel of the original that this file holds. An entry is None where nothing can be
    said: a silent channel has no envelope, and an even one (a tone, a hum) correlates with nothing.

    :param matches: whether the derivative holds what the original does; one that does not is never kept
    :param samples_expected: per channel, from what the decoder gave of the original, at the derivative's rate
    :param samples_found: per channel, from decoding the derivative
    :param channels_expected: of the derivative
    :param channels_found: of the derivative
    :param correlation: of the 20 ms envelopes of a channel and its original, -1 to 1
    :param correlation_swapped: of the channel and the original's other one
    :param level_difference: of the derivative against the original, dB
    :param silent_channels: channels of the original in which nothing is heard, counted from 1
    :param channels_distinct: whether the original's channels differ enough to notice if they were swapped
    :param duration_difference: of the derivative against the original, seconds
    :param reported_difference: of the original against the duration that the source reports, seconds; no verdict
    """

    matches: bool
    samples_expected: int
    samples_found: int
    channels_expected: int
    channels_found: int
    correlation: tuple[float | None, ...]
    correlation_swapped: tuple[float | None, ...]
    level_difference: tuple[float | None, ...]
    silent_channels: tuple[int, ...]
    channels_distinct: bool
    duration_difference: float
    reported_difference: float | None


@dataclass(frozen=True, slots=True)
class Waveform:
    """
    A file of peaks for a player, beside a derivative.

    :param sha256: of the file, lower-case hex
    :param size: bytes
    :param channels: of the original
    :param peaks_per_second: pairs of a lowest and a highest sample, per channel
    :param peaks: pairs per channel
    """

    sha256: str
    size: int
    channels: int
    peaks_per_second: float
    peaks: int


@dataclass(frozen=True, slots=True)
class Transcoded:
    """
    A derivative that stands complete under its final name.

    :param sha256: of the file, lower-case hex
    :param size: bytes
    :param duration: seconds, ``samples / rate``
    :param samples: per channel
    :param rate: Hz
    :param codec: encoder name in FFmpeg
    :param encoder: the software that made it, with versions
    :param part: empty for the whole, else ``channel-1`` or ``channel-2`` of the original
    :param checks: of its comparison with the original; None before that
    """

    sha256: str
    size: int
    duration: float
    samples: int
    channels: int
    rate: int
    codec: str
    encoder: str
    part: str = ""
    checks: Checks | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """
    Why there is no usable result for a recording.

    :param code: a code of :mod:`cloud9_archive.errors`
    :param reason: one sentence
    """

    code: str
    reason: str

    @property
    def transient(self) -> bool:
        """Whether this host is to blame (no room, lost bytes) and not the recording: try again, do not quarantine."""
        return self.code in {TransientError.code, StagingLostError.code}
