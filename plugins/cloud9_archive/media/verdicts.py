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
    """

    sha256: str
    size: int
    duration: float
    samples: int
    channels: int
    rate: int
    codec: str
    encoder: str


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
