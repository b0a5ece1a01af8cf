"""What is found out about one recording's audio: plain values that cross the border between processes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from cloud9_archive.errors import (
    DamagedMediaError,
    EmptyMediaError,
    NotAudioError,
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
    NOT_AUDIO = "not_audio"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One thing that is wrong with a file.

    :param code: a key of :data:`cloud9_archive.media.codes.KINDS`
    :param words: a sentence
    :param offset: bytes from the start of the file; None if it is not in one place
    :param at_seconds: playing time before it, seconds; None if that is not known
    """

    code: str
    words: str
    offset: int | None = None
    at_seconds: float | None = None


MOST_SECONDS: Final = 7 * 86_400.0
_REPORT_SLACK: Final = 2.0
_ERROR_OF: Final[dict[Verdict, type[RecordError]]] = {
    Verdict.DAMAGED: DamagedMediaError,
    Verdict.EMPTY: EmptyMediaError,
    Verdict.NOT_AUDIO: NotAudioError,
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
    :param lost_seconds: of audio that is missing, inside or after what is promised; 0 if it is intact, None if unknown
    :param lost_is_estimate: whether that figure is an estimate: at least this much, or by what the source reports
    :param faults: the first 20
    :param fault_count: how many there are
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
    lost_seconds: float | None = None
    lost_is_estimate: bool = False
    faults: tuple[Fault, ...] = ()
    fault_count: int = 0

    def refusal(self) -> RecordError | None:
        """The error that says why the audio cannot be used, or None if it can."""
        kind = _ERROR_OF.get(self.verdict)
        return kind(self.told(), hint=_HINTS[self.verdict]) if kind else None

    def told(self) -> str:
        """The code, where it is, how many faults there are and how much audio is lost, in one sentence."""
        first = next((fault for fault in self.faults if fault.code == self.code), None)
        places = [f"byte {first.offset}"] if first and first.offset is not None else []
        if first and first.at_seconds is not None:
            places.append(f"{first.at_seconds:.2f} s")
        place = f" at {', '.join(places)}" if places else ""
        others = self.fault_count - 1
        more = f" (and {others} more fault{'s' if others > 1 else ''})" if others > 0 else ""
        return f"{self.code}{place}: {self.words}{more}{self._loss()}"

    def beside(self, reported: float | None) -> Examination:
        """
        The same, with the loss estimated by the length that the source reports, if the file is damaged.

        :param reported: seconds; None if the source does not say
        """
        if self.verdict is not Verdict.DAMAGED or not reported or not 0 < reported <= MOST_SECONDS:
            return self
        absent = reported - (self.duration or 0.0)
        # A call is reported in whole seconds, and a recording need not begin with it.
        if absent < _REPORT_SLACK:
            return self
        return replace(self, lost_seconds=(self.lost_seconds or 0.0) + absent, lost_is_estimate=True)

    def _loss(self) -> str:
        if self.verdict is not Verdict.DAMAGED:
            return ""
        if self.lost_seconds is None:
            return "; how much audio is lost is not known"
        about = "an estimated " if self.lost_is_estimate else ""
        return f"; {about}{self.lost_seconds:.2f} s of audio are lost"


_HINTS: Final[dict[Verdict, str]] = {
    Verdict.DAMAGED: "listen to what is there, and have the source upload it again if it has a better one",
    Verdict.EMPTY: "ask the source whether it has any audio for this recording",
    Verdict.NOT_AUDIO: "look at the first bytes: an error page or another file came instead of audio",
    Verdict.UNSUPPORTED: "open the archived original by hand: it may be whole, in a format that is not read here",
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
