"""How loud each channel is, 50 times a second, in the band that every profile carries."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cloud9_archive.media.blocks import Samples

FRAMES_PER_SECOND: Final = 50
# Narrow-band codings end at 3.4 kHz and take away hum: what lies outside says nothing about whether they are right.
_LOWEST: Final = 200
_HIGHEST: Final = 3_400
# Enough for that band: what a mean of neighbours folds into it comes from above 12.6 kHz, and 11 dB softer at least.
_ENOUGH: Final = 16_000

Energies = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Envelope:
    """
    Mean squares of one recording, full scale being 1.

    :param band: per channel and 20 ms, 200 to 3400 Hz
    :param loudest: per second, of the loudest channel, at all frequencies
    :param samples: that were measured, per channel
    """

    band: Energies
    loudest: Energies
    samples: int

    @property
    def channels(self) -> int:
        """How many were measured."""
        return len(self.band)


class EnvelopeMeter:
    """
    Takes audio block by block; needs 200 bytes for a second of stereo and keeps nothing else.

    :param rate: Hz
    """

    def __init__(self, rate: int, channels: int) -> None:
        self._rate = rate
        self._scale = _scale_for(rate)
        self._energies = [array("f") for _ in range(channels)]
        self._loudest = array("f")
        self._samples = 0

    def take(self, block: Samples) -> None:
        """
        A block was measured.

        :param block: whole seconds of each channel; only the last may be other
        """
        count, rate = block.shape[1], self._rate
        self._samples += count
        seconds = -(-count // rate)
        if count < seconds * rate:
            block = np.pad(block, ((0, 0), (0, seconds * rate - count)))
        wanted = -(-count * FRAMES_PER_SECOND // rate)
        for energies, samples in zip(self._energies, block, strict=True):
            energies.frombytes(self._scale.measured(samples)[:wanted].tobytes())
        by_second = block.reshape(len(block), seconds, rate)
        loudest = np.einsum("csi,csi->cs", by_second, by_second).max(axis=0) / np.float32(rate)
        loudest[-1] *= rate / (count - (seconds - 1) * rate)
        self._loudest.frombytes(loudest.tobytes())

    def envelope(self) -> Envelope:
        """All that was measured."""
        rows = [np.frombuffer(energies, np.float32) if energies else _NOTHING for energies in self._energies]
        band = np.stack(rows) if len(rows) > 1 else rows[0][None, :]
        return Envelope(band, np.array(self._loudest, np.float32), self._samples)


class _Scale:
    """What a second at this rate is weighed with; recordings of a batch mostly share it."""

    def __init__(self, rate: int) -> None:
        self._step = step = next((step for step in range(rate // _ENOUGH, 1, -1) if rate % step == 0), 1)
        self._per_second = rate // step
        self._length = length = max(1, self._per_second // FRAMES_PER_SECOND)
        self._starts = np.arange(FRAMES_PER_SECOND) * self._per_second // FRAMES_PER_SECOND
        self._window = window = np.hanning(length + 2)[1:-1].astype(np.float32)
        width = rate / step / length
        lowest, highest = round(_LOWEST / width), round(_HIGHEST / width)
        self._band = slice(2 * lowest, 2 * (highest + 1))
        # The mean of neighbours is softer towards its end of the band, by a known share.
        angles = np.pi * width * np.arange(lowest, highest + 1) / rate
        share = np.sin(step * angles) / np.sin(angles)
        scale = 2 * length / np.sum(window**2, dtype=np.float64) / share**2
        self._weights = np.repeat(scale, 2).astype(np.float32)

    def measured(self, samples: Samples) -> Energies:
        """
        The energy in the band of each 20 ms.

        :param samples: whole seconds of one channel
        """
        if self._step > 1:
            # Of as many neighbours the mean is taken as leave enough samples.
            samples = sum((samples[at :: self._step] for at in range(1, self._step)), samples[:: self._step])
        if self._per_second % FRAMES_PER_SECOND == 0:
            frames = samples.reshape(-1, self._length)
        else:
            places = self._starts[:, None] + np.arange(self._length)
            frames = samples.reshape(-1, self._per_second)[:, places].reshape(-1, self._length)
        # A norm that is not 1 keeps NumPy from reckoning in double precision, which takes half as long again.
        parts = np.fft.rfft(frames * self._window, norm="forward").view(np.float32)[:, self._band]
        # Real and imaginary parts in turn: squared where they stand, and summed with their weights in one product.
        energies: Energies = np.square(parts, out=parts) @ self._weights
        return energies


_scale_for: Final = lru_cache(maxsize=8)(_Scale)
_NOTHING: Final = np.zeros(0, np.float32)
