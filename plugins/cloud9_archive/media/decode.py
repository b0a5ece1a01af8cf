"""Decoding one recording to its last sample, or finding out why that is not possible."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Final

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec.context import ThreadType

from cloud9_archive.errors import DamagedMediaError, RecordError, UnsupportedMediaError
from cloud9_archive.media.decoding import Decoding, raise_unless_damage
from cloud9_archive.media.verdicts import Examination, Fault, Verdict

# The reader is named, never guessed from the content: a guess could end at a playlist that opens files or addresses.
_READERS: Final = {"ogg": "ogg", "m4a": "mov", "wav": "wav", "mp3": "mp3"}
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
    # Joined without a step of Python's for each frame: a second of audio has fifty.
    return chain.from_iterable(_decoded(source, examination, max_seconds))


def _decoded(source: Path, examination: Examination, max_seconds: float) -> Iterator[list[AudioFrame]]:
    """The frames of each packet; a reader that gives up on the way is damage."""
    with _opened(source, examination) as (container, stream):
        decoding = Decoding(examination, max_seconds, stream.codec_context.decode)
        try:
            for packet in container.demux(stream):
                frames = decoding.take(packet)
                if decoding.first is None:
                    yield frames
        except av.FFmpegError as fault:
            raise_unless_damage(fault)
            decoding.break_off("DECODE_FAILED", f"the file cannot be read on after {decoding.samples} samples")
    decoding.check()


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
def _errors_counted() -> Iterator[None]:
    """
    FFmpeg's errors are counted while this lasts, and not shown.

    PyAV swallows the error of a packet that has given a frame already, so the count is all there is to know of it.
    """
    before = av.logging.get_level()
    av.logging.set_level(av.logging.FATAL)
    try:
        yield
    finally:
        av.logging.set_level(before)


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
        raise_unless_damage(fault)
        words = f"the {reader} reader refuses the file: {fault}"
        raise DamagedMediaError(words, kind="DECODE_OPEN", lost_seconds=examination.duration) from fault
    with container, _errors_counted():
        if not container.streams.audio:
            words = f"the {reader} reader finds no audio in the file"
            raise DamagedMediaError(words, kind="DECODE_NO_AUDIO", lost_seconds=examination.duration)
        stream = container.streams.audio[0]
        # The types do not say so, but a coding that FFmpeg has no decoder for has no context either.
        if getattr(stream, "codec_context", None) is None:
            raise UnsupportedMediaError(f"no decoder for what the {reader} reader finds in the file")
        stream.codec_context.thread_type = ThreadType.NONE
        yield container, stream
