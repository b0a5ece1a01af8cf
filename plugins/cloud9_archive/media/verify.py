"""Comparing what came out of a decoder or an encoder with what went in: lengths, and a derivative as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
from av.audio.frame import AudioFrame
from av.codec.context import ThreadType

from cloud9_archive.errors import DerivativeMismatchError
from cloud9_archive.media.blocks import as_array, as_samples, in_blocks
from cloud9_archive.media.codings import Coding
from cloud9_archive.media.compare import compare
from cloud9_archive.media.envelope import Envelope, EnvelopeMeter
from cloud9_archive.media.verdicts import Checks

M4A_TOLERANCE_SECONDS: Final = 0.064
_HINT: Final = "the original is archived; keep the log of this run and report which profile and encoder did it"
# A resampler may round both ends.
_ROUNDED_SAMPLES: Final = 2


def tolerance(container: str | None, *, frame_seconds: float) -> float:
    """
    Seconds by which two lengths of the same audio may differ.

    Ogg and WAVE count their samples exactly; M4A players keep the last AAC frame whole.

    :param container: of the original: ``ogg``, ``m4a`` or ``wav``
    :param frame_seconds: one frame of the coding concerned, seconds
    """
    return max(M4A_TOLERANCE_SECONDS, frame_seconds) if container == "m4a" else frame_seconds


def length_complaint(expected: float, found: float, *, within: float, what: str) -> str | None:
    """
    A sentence when two lengths differ by more than allowed, else None.

    :param expected: seconds
    :param found: seconds
    :param within: seconds
    :param what: the subject of the sentence, e.g. "the decoded audio"
    """
    difference = found - expected
    # A millionth of a second is rounding, at any sample rate.
    if abs(difference) <= within + 1e-6:
        return None
    word = "longer" if difference > 0 else "shorter"
    return f"{what} has {found:.3f} s, {abs(difference):.3f} s {word} than the original's {expected:.3f} s"


def verify(
    path: Path,
    coding: Coding,
    rate: int,
    source: Envelope,
    source_rate: int,
    held: Sequence[int],
    reported: float | None = None,
) -> Checks:
    """
    The derivative has been read back, decoded to its end and found to hold what the original does.

    :param path: the derivative
    :param coding: by which it was written
    :param rate: that it should have, Hz
    :param source: what was measured while the original was decoded
    :param source_rate: of the original, Hz
    :param held: the original's channels that should be in it, by index
    :param reported: seconds that the source of the recording reports; a figure, no reason to refuse
    :raises DerivativeMismatchError: saying all that differs, with figures
    """
    expected = round(source.samples * rate / source_rate)
    found = _measure(path, coding, expected)
    seconds = source.samples / source_rate
    complaints = list(_unlike_shape(found, expected, rate, len(held), coding))
    if complaints:
        raise DerivativeMismatchError("; ".join(complaints), hint=_HINT)
    result = compare(source, found.envelope, held, coding.likeness)
    if result.complaints:
        raise DerivativeMismatchError("; ".join(result.complaints), hint=_HINT)
    return Checks(
        matches=True,
        samples_expected=expected,
        samples_found=found.samples,
        channels_expected=len(held),
        channels_found=found.envelope.channels,
        correlation=result.correlation,
        correlation_swapped=result.swapped,
        level_difference=result.level,
        silent_channels=tuple(index + 1 for index in result.silent),
        channels_distinct=result.distinct,
        duration_difference=round(found.samples / rate - seconds, 6),
        reported_difference=None if reported is None else round(seconds - reported, 6),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """
    What a derivative turned out to be.

    :param envelope: of the audio that stands for the original's, without what its coding put before and after
    :param samples: per channel, all that a player plays
    :param rate: Hz
    """

    envelope: Envelope
    samples: int
    rate: int


def _measure(path: Path, coding: Coding, expected: int) -> _Found:
    meter: EnvelopeMeter | None = None
    samples, left, rate = coding.delay, expected, 0
    for block in in_blocks(_frames(path, coding), skip=coding.delay):
        rate = block.sample_rate
        meter = meter or EnvelopeMeter(rate, len(block.layout.channels))
        samples += block.samples
        if left > 0:
            meter.take(as_samples(as_array(block)[:, :left], block.format.name))
            left -= block.samples
    if meter is None:
        raise DerivativeMismatchError("no audio comes out of the derivative", hint=_HINT)
    return _Found(meter.envelope(), samples, rate)


def _frames(path: Path, coding: Coding) -> Iterator[AudioFrame]:
    try:
        with av.open(str(path.absolute()), format=coding.reader, options={"protocol_whitelist": "file"}) as container:
            stream = container.streams.audio[0]
            stream.codec_context.thread_type = ThreadType.NONE
            for packet in container.demux(stream):
                yield from packet.decode()
    except MemoryError:
        raise
    except (av.FFmpegError, IndexError, ValueError) as fault:
        raise DerivativeMismatchError(f"the derivative cannot be read back: {fault}", hint=_HINT) from fault


def _unlike_shape(found: _Found, expected: int, rate: int, channels: int, coding: Coding) -> Iterator[str]:
    if found.rate != rate:
        yield f"the derivative has {found.rate} samples per second instead of {rate}"
    if found.envelope.channels != channels:
        yield f"the derivative has {found.envelope.channels} channels instead of {channels}"
    extra = found.samples - expected
    if not -_ROUNDED_SAMPLES <= extra <= coding.padding + _ROUNDED_SAMPLES:
        word = "more" if extra > 0 else "fewer"
        yield f"the derivative has {found.samples} samples, {abs(extra)} {word} than the original's {expected}"
