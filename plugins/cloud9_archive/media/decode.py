"""Decoding one recording to its last sample, or finding out why that is not possible."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec.context import ThreadType

from cloud9_archive.errors import DamagedMediaError, MediaLimitError, UnsupportedMediaError
from cloud9_archive.media.verdicts import Examination
from cloud9_archive.media.verify import length_complaint, tolerance

# The reader is named, never guessed from the content: a guess could end at a playlist that opens files or addresses.
_READERS: Final = {"ogg": "ogg", "m4a": "mov", "wav": "wav"}
_LONGEST_OPUS_FRAME: Final = 0.02
LONGEST_SECONDS: Final = 24 * 3600.0


def decoded_frames(source: Path, examination: Examination, *, max_seconds: float) -> Iterator[AudioFrame]:
    """
    Every decoded frame in order; exhausting it proves that all promised audio is there.

    :param source: the file that was examined
    :param examination: its intact verdict
    :param max_seconds: audio that may come out, seconds
    :raises DamagedMediaError: if something does not decode, or less or more comes out than the structure promises
    :raises MediaLimitError: if more than ``max_seconds`` comes out
    """
    samples, largest, shape = 0, 0, None
    with _opened(source, examination) as (container, stream):
        for packet in _packets(container, stream):
            for frame in _decode(packet, samples):
                now = (frame.sample_rate, frame.layout.name, frame.format.name)
                shape = shape or now
                if now != shape:
                    raise DamagedMediaError(f"the audio changes from {shape} to {now} after {samples} samples")
                samples += frame.samples
                largest = max(largest, frame.samples)
                if samples > max_seconds * frame.sample_rate:
                    raise MediaLimitError(
                        f"more than the limit of {max_seconds:.0f} s of audio came out of {examination.size} bytes",
                        hint="raise the limit of decoded seconds if recordings of this length are real",
                    )
                yield frame
    if shape is None:
        raise DamagedMediaError("no audio came out of the decoder")
    _check_promise(examination, samples / shape[0], largest / shape[0])


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
        raise DamagedMediaError(f"the {reader} reader refuses the file: {fault}") from fault
    with container:
        if not container.streams.audio:
            raise DamagedMediaError(f"the {reader} reader finds no audio in the file")
        stream = container.streams.audio[0]
        stream.codec_context.thread_type = ThreadType.NONE
        yield container, stream


def _packets(container: av.container.InputContainer, stream: AudioStream) -> Iterator[av.Packet[AudioStream]]:
    try:
        yield from container.demux(stream)
    except av.FFmpegError as fault:
        # As an OSError, which some are, it would be taken for a failure of this host, and stop the whole batch.
        _raise_unless_damage(fault)
        raise DamagedMediaError(f"the file cannot be read to its end: {fault}") from fault


def _decode(packet: av.Packet[AudioStream], samples: int) -> list[AudioFrame]:
    try:
        frames = packet.decode()
    except av.FFmpegError as fault:
        _raise_unless_damage(fault)
        raise DamagedMediaError(f"the audio does not decode after {samples} samples: {fault}") from fault
    if packet.is_corrupt or any(frame.is_corrupt for frame in frames):
        raise DamagedMediaError(f"the decoder calls the audio after {samples} samples corrupt")
    return frames


def _raise_unless_damage(fault: Exception) -> None:
    """
    Lack of memory passes through as it is.

    Readers use the codes of the operating system for cut files, too; the disk itself answered when the structure was read.
    """
    if isinstance(fault, MemoryError):
        raise fault
    if isinstance(fault, NotImplementedError):
        raise UnsupportedMediaError(f"the decoder does not know this kind of audio: {fault}") from fault


def _check_promise(examination: Examination, seconds: float, frame_seconds: float) -> None:
    frame = frame_seconds if examination.container == "m4a" else min(frame_seconds, _LONGEST_OPUS_FRAME)
    complaint = length_complaint(
        examination.duration or 0.0,
        seconds,
        within=tolerance(examination.container, frame_seconds=frame),
        what="the decoded audio",
    )
    if complaint:
        raise DamagedMediaError(complaint)
