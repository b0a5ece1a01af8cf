"""How far one file has been decoded, and what was wrong with it on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from cloud9_archive.errors import DamagedMediaError, MediaLimitError, UnsupportedMediaError
from cloud9_archive.media.profiles import MAX_CHANNELS
from cloud9_archive.media.riff import BLOCK_CODECS
from cloud9_archive.media.verdicts import Examination
from cloud9_archive.media.verify import length_complaint, tolerance

_LONGEST_OPUS_FRAME: Final = 0.02
# An encoder that announces no band replication may leave an empty element of it in its frames.
_NO_COMPLAINT: Final = "SBR signaled to be not-present"
# Of a frame whose shape is none that a recording may have: the next one is asked as well.
_ASKED_AGAIN: Final = (0, "", "")


@dataclass(slots=True)
class Decoding:
    """
    How far one file has been decoded.

    :param examination: its intact verdict
    :param max_seconds: audio that may come out, seconds
    :param decode: of its decoder
    """

    examination: Examination
    max_seconds: float
    decode: Callable[[av.Packet[AudioStream]], list[AudioFrame]]
    samples: int = 0
    rate: int = 0
    largest: int = 0
    shape: tuple[int, str, str] | None = None
    broken: int = 0
    first: tuple[str, str, float] | None = None
    _now: tuple[int, str, str] = _ASKED_AGAIN
    _most: float = 0.0

    def take(self, packet: av.Packet[AudioStream]) -> list[AudioFrame]:
        """The frames in a packet; of one that does not decode, none, and that is remembered."""
        errors, _ = av.logging.get_last_error()
        try:
            frames = self.decode(packet)
        except av.FFmpegError as fault:
            raise_unless_damage(fault)
            self.break_off("DECODE_FAILED", f"the audio does not decode after {self.samples} samples: {fault.strerror}")
            return []
        words = self.complaint(errors)
        if words:
            self.break_off(
                "DECODE_CORRUPT", f"the decoder complains of the audio after {self.samples} samples: {words}"
            )
        # Fifty times a second of audio: what is asked of each frame is asked once, and without a detour.
        corrupt = packet.is_corrupt
        for frame in frames:
            corrupt = corrupt or frame.is_corrupt
        if corrupt:
            self.break_off("DECODE_CORRUPT", f"the decoder calls the audio after {self.samples} samples corrupt")
        rate, layout, kind = self._now
        for frame in frames:
            if frame.sample_rate != rate or frame.layout.name != layout or frame.format.name != kind:
                rate, layout, kind = self._now = self._seen(frame)
            samples = frame.samples
            self.samples += samples
            self.largest = max(self.largest, samples)
            if self.samples > self._most:
                raise MediaLimitError(
                    f"more than the limit of {self.max_seconds:.0f} s of audio came out of"
                    f" {self.examination.size} bytes",
                    hint="raise the limit of decoded seconds if recordings of this length are real",
                )
        return frames

    def complaint(self, before: int) -> str | None:
        """
        What the decoder of AAC has logged as an error, though it gave a frame: bytes behind that are no audio.

        :param before: errors that had been logged before
        """
        now, last = av.logging.get_last_error()
        if now == before or last is None or self.examination.codec != "aac" or last[1] != "aac":
            return None
        return None if last[2].startswith(_NO_COMPLAINT) else last[2].strip()

    def _seen(self, frame: AudioFrame) -> tuple[int, str, str]:
        """The shape that frames should have; that this one has another is damage, each time."""
        now = (frame.sample_rate, frame.layout.name, frame.format.name)
        self.shape = self.shape or now
        if frame.layout.nb_channels > MAX_CHANNELS:
            words = f"the decoder gives {frame.layout.nb_channels} channels, a recording has 1 or {MAX_CHANNELS}"
            self.break_off("DECODE_CHANGE", words)
        elif now != self.shape:
            words = f"the audio changes from {self.shape} to {now} after {self.samples} samples"
            self.break_off("DECODE_CHANGE", words)
        self.rate = self.rate or frame.sample_rate
        self._most = self.max_seconds * frame.sample_rate
        return _ASKED_AGAIN if frame.layout.nb_channels > MAX_CHANNELS else self.shape

    def break_off(self, code: str, words: str) -> None:
        """One more packet is damaged."""
        self.broken += 1
        self.first = self.first or (code, words, self.samples / self.rate if self.rate else 0.0)

    def check(self) -> None:
        """
        The end has been reached without complaint.

        :raises DamagedMediaError: if not
        """
        expected = self.examination.duration or 0.0
        if self.first is not None:
            frame = self.largest / self.rate if self.rate else 0.0
            missing = expected - self.samples / self.rate if self.rate else expected
            lost = max(self.broken * frame, missing if missing > frame else 0.0)
            code, words, at = self.first
            raise DamagedMediaError(words, kind=code, at_seconds=at, lost_seconds=lost, count=self.broken)
        if self.shape is None:
            raise DamagedMediaError("no audio came out of the decoder", kind="DECODE_NO_AUDIO", lost_seconds=expected)
        frame, found = self.largest / self.rate, self.samples / self.rate
        coarse = self.examination.container in {"m4a", "mp3"} or self.examination.codec in BLOCK_CODECS
        complaint = length_complaint(
            expected,
            found,
            within=tolerance(
                self.examination.container, frame_seconds=frame if coarse else min(frame, _LONGEST_OPUS_FRAME)
            ),
            what="the decoded audio",
        )
        if complaint:
            lost = max(0.0, expected - found)
            raise DamagedMediaError(complaint, kind="DECODE_LENGTH", lost_seconds=lost)


def raise_unless_damage(fault: Exception) -> None:
    """
    Lack of memory passes through as it is.

    Readers use the codes of the operating system for cut files, too; the disk itself answered when the structure was read.
    """
    if isinstance(fault, MemoryError):
        raise fault
    if isinstance(fault, NotImplementedError):
        raise UnsupportedMediaError(f"the decoder does not know this kind of audio: {fault}") from fault
