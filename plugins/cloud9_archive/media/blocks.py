"""Decoded frames joined to blocks of seconds: arrays to measure, and frames that cost Python little."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, cast

import numpy as np
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

Samples = NDArray[np.float32]

# Five seconds at 48 kHz: enough that steps of Python's cost little, and not so many that the caches overflow.
_ENOUGH: Final = 240_000
_NUMBERS: Final = {"u8": "u1", "s16": "i2", "s32": "i4", "flt": "f4", "dbl": "f8"}
_FULL_SCALE: Final = {"u8": 128.0, "s16": 32_768.0, "s32": 2_147_483_648.0}


def in_blocks(frames: Iterable[AudioFrame], *, skip: int = 0) -> Iterator[AudioFrame]:
    """
    The same audio in frames of whole seconds, the last one shorter; their stamps say nothing.

    :param frames: of one format, rate and layout
    :param skip: samples to leave out at the beginning
    """
    fifo, held = AudioFifo(), 0
    for frame in frames:
        # Gaps in the source's stamps mean nothing here: what was decoded is counted.
        frame.pts = None
        fifo.write(frame)
        held += frame.samples
        if skip:
            if held < skip:
                continue
            fifo.read(skip)
            held, skip = held - skip, 0
        size = frame.sample_rate * max(1, _ENOUGH // frame.sample_rate)
        while held >= size:
            yield cast("AudioFrame", fifo.read(size))
            held -= size
    if held > skip:
        yield cast("AudioFrame", fifo.read(0, partial=True))


def as_array(block: AudioFrame) -> NDArray[Any]:
    """
    One row per channel, in the decoder's own type of numbers; perhaps the block's own memory.

    :param block: of any format
    """
    channels = block.layout.nb_channels
    numbers = _NUMBERS.get(block.format.name.removesuffix("p"))
    if channels == 1 and numbers:
        return np.frombuffer(cast("memoryview", block.planes[0]), numbers, block.samples)[None, :]
    samples = block.to_ndarray()
    if block.format.is_planar:
        return samples
    return np.ascontiguousarray(samples.reshape(-1, channels).T)


def as_samples(rows: NDArray[Any], kind: str) -> Samples:
    """
    Samples from -1 to 1; what is louder is clipped, as it is in every derivative.

    :param rows: as :func:`as_array` gives them
    :param kind: FFmpeg's name of the sample format
    """
    kind = kind.removesuffix("p")
    scale = _FULL_SCALE.get(kind)
    if scale is None:
        clipped: Samples = np.clip(rows, np.float32(-1), np.float32(1)).astype(np.float32, copy=False)
        return clipped
    samples: Samples = rows.astype(np.float32)
    if kind == "u8":
        samples -= scale
    samples *= np.float32(1 / scale)
    return samples
