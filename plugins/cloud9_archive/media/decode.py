"""Decoding one recording to its last sample, or finding out why that is not possible."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec.context import ThreadType

from cloud9_archive.errors import DamagedMediaError, MediaLimitError, RecordError, UnsupportedMediaError
from cloud9_archive.media.verdicts import Examination, Fault, Verdict
from cloud9_archive.media.verify import length_complaint, tolerance

# The reader is named, never guessed from the content: a guess could end at a playlist that opens files or addresses.
_READERS: Final = {"ogg": "ogg", "m4a": "mov", "wav": "wav", "mp3": "mp3"}
_LONGEST_OPUS_FRAME: Final = 0.02
LONGEST_SECONDS: Final = 24 * 3600.0


def after_decoding(examination: Examination, refusal: RecordError) -> Examination:
    """
    The examination with what only the decoder could find; as it was if that is not to blame.

    :param examination: of the structure
    :param refusal: how decoding ended
    """
    if examination.verdict is not Verdict.INTACT:
        return examination
    if isinstance(refusal, DamagedMediaError) and refusal.kind:
        return replace(
            examination,
            verdict=Verdict.DAMAGED,
            code=refusal.kind,
            words=refusal.message,
            lost_seconds=refusal.lost_seconds,
            lost_is_estimate=True,
            faults=(Fault(refusal.kind, refusal.message, None, refusal.at_seconds),),
            fault_count=refusal.count,
        )
    if isinstance(refusal, UnsupportedMediaError):
        return replace(
            examination,
            verdict=Verdict.UNSUPPORTED,
            code="DECODE_UNSUPPORTED",
            words=refusal.message,
            lost_seconds=None,
            faults=(Fault("DECODE_UNSUPPORTED", refusal.message),),
            fault_count=1,
        )
    return examination


@dataclass(slots=True)
class _Decoding:
    """How far one file has been decoded."""

    examination: Examination
    max_seconds: float
    samples: int = 0
    rate: int = 0
    largest: int = 0
    shape: tuple[int, str, str] | None = None
    broken: int = 0
    first: tuple[str, str, float] | None = None
    _now: tuple[int, str, str] = (0, "", "")
    _most: float = 0.0

    def take(self, packet: av.Packet[AudioStream]) -> list[AudioFrame]:
        """The frames in a packet; of one that does not decode, none, and that is remembered."""
        try:
            frames = packet.decode()
        except av.FFmpegError as fault:
            _raise_unless_damage(fault)
            self.break_off("DECODE_FAILED", f"the audio does not decode after {self.samples} samples: {fault.strerror}")
            return []
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

    def _seen(self, frame: AudioFrame) -> tuple[int, str, str]:
        """The shape that frames should have; that this one has another is damage, each time."""
        now = (frame.sample_rate, frame.layout.name, frame.format.name)
        self.shape = self.shape or now
        if now != self.shape:
            words = f"the audio changes from {self.shape} to {now} after {self.samples} samples"
            self.break_off("DECODE_CHANGE", words)
        self.rate = self.rate or frame.sample_rate
        self._most = self.max_seconds * frame.sample_rate
        return self.shape

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
        coarse = self.examination.container in {"m4a", "mp3"}
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


def decoded_frames(source: Path, examination: Examination, *, max_seconds: float) -> Iterator[AudioFrame]:
    """
    Every decoded frame in order; exhausting it proves that all promised audio is there.

    After the first damage the rest is decoded only to say how much more there is, and no further frame is given.

    :param source: the file that was examined
    :param examination: its intact verdict
    :param max_seconds: audio that may come out, seconds
    :raises DamagedMediaError: if something does not decode, or less or more comes out than the structure promises
    :raises MediaLimitError: if more than ``max_seconds`` comes out
    """
    decoding = _Decoding(examination, max_seconds)
    with _opened(source, examination) as (container, stream):
        for packet in _packets(container, stream, decoding):
            frames = decoding.take(packet)
            if decoding.first is None:
                yield from frames
    decoding.check()


def _packets(
    container: av.container.InputContainer, stream: AudioStream, decoding: _Decoding
) -> Iterator[av.Packet[AudioStream]]:
    """Every packet; a reader that gives up on the way is damage."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except av.FFmpegError as fault:
            _raise_unless_damage(fault)
            decoding.break_off("DECODE_FAILED", f"the file cannot be read on after {decoding.samples} samples")
            return
        yield packet


def count_samples(source: Path, examination: Examination, *, max_seconds: float = LONGEST_SECONDS) -> int:
    """
    Samples per channel after the whole file has been decoded without complaint.

    :param source: the file that was examined
    :param examination: its intact verdict
    :param max_seconds: audio that may come out, seconds
    :raises RecordError: as :func:`decoded_frames` does
    """
    return sum(frame.samples for frame in decoded_frames(source, examination, max_seconds=max_seconds))


@contextmanager
def _opened(source: Path, examination: Examination) -> Iterator[tuple[av.container.InputContainer, AudioStream]]:
    reader = _READERS[examination.container or ""]
    try:
        container = av.open(
            str(source.absolute()),
            format=reader,
            options={"protocol_whitelist": "file", "err_detect": "explode"},
            metadata_errors="replace",
        )
    except (av.FFmpegError, IndexError, ValueError) as fault:
        _raise_unless_damage(fault)
        words = f"the {reader} reader refuses the file: {fault}"
        raise DamagedMediaError(words, kind="DECODE_OPEN", lost_seconds=examination.duration) from fault
    with container:
        if not container.streams.audio:
            words = f"the {reader} reader finds no audio in the file"
            raise DamagedMediaError(words, kind="DECODE_NO_AUDIO", lost_seconds=examination.duration)
        stream = container.streams.audio[0]
        stream.codec_context.thread_type = ThreadType.NONE
        yield container, stream


def _raise_unless_damage(fault: Exception) -> None:
    """
    Lack of memory passes through as it is.

    Readers use the codes of the operating system for cut files, too; the disk itself answered when the structure was read.
    """
    if isinstance(fault, MemoryError):
        raise fault
    if isinstance(fault, NotImplementedError):
        raise UnsupportedMediaError(f"the decoder does not know this kind of audio: {fault}") from fault
