"""How loud each channel is, 50 times a second, in the band that every profile carries."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cloud9_archive.media.blocks import Samples

FRAMES_PER_SECOND: Final = 50
# Narrow-band codings end at 3.4 kHz and take away hum: what lies outside says nothing about whether they are right.
_LOWEST: Final = 200
_HIGHEST: Final = 3_400

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
        self._channels = channels
        self._length = length = max(1, rate // FRAMES_PER_SECOND)
        self._starts = np.arange(FRAMES_PER_SECOND) * rate // FRAMES_PER_SECOND
        window = np.hanning(length + 2)[1:-1].astype(np.float32)
        self._window = window
        self._scale = np.float32(2 / (length * np.sum(window**2)))
        width = rate / length
        self._band = slice(round(_LOWEST / width), round(_HIGHEST / width) + 1)
        self._energies = [array("f") for _ in range(channels)]
        self._loudest = array("f")
        self._samples = 0

    def take(self, block: Samples) -> None:
        """
        A block was measured.

        :param block: a second of each channel; only the last may be shorter
        """
        count = block.shape[1]
        self._samples += count
        if count < self._rate:
            block = np.pad(block, ((0, 0), (0, self._rate - count)))
        if self._rate % FRAMES_PER_SECOND == 0:
            frames = block.reshape(self._channels, FRAMES_PER_SECOND, self._length)
        else:
            frames = block[:, self._starts[:, None] + np.arange(self._length)]
        spectrum = np.fft.rfft(frames * self._window)[:, :, self._band]
        band = (spectrum.real**2 + spectrum.imag**2).sum(axis=2) * self._scale
        wanted = -(-count * FRAMES_PER_SECOND // self._rate)
        for energies, row in zip(self._energies, band, strict=True):
            energies.frombytes(row[:wanted].astype(np.float32, copy=False).tobytes())
        self._loudest.append(float((np.einsum("ij,ij->i", block, block) / count).max()))

    def envelope(self) -> Envelope:
        """All that was measured."""
        rows = [np.frombuffer(energies, np.float32) if energies else _NOTHING for energies in self._energies]
        band = np.stack(rows) if len(rows) > 1 else rows[0][None, :]
        return Envelope(band, np.array(self._loudest, np.float32), self._samples)


_NOTHING: Final = np.zeros(0, np.float32)
