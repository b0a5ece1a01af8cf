"""Peaks for a player: the lowest and highest sample of each twentieth of a second, in audiowaveform's JSON form."""

from __future__ import annotations

import json
from array import array
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cloud9_archive.media.blocks import Samples

PEAKS_PER_SECOND: Final = 20
# A quarter of an hour at full resolution; longer recordings are drawn as wide and less fine.
MOST_PEAKS: Final = 16_384
_FULL: Final = 127


@dataclass(frozen=True, slots=True)
class Peaks:
    """
    Pairs of a lowest and a highest sample, full scale being 127.

    :param pairs: by pair, channel, and lowest before highest
    :param rate: of the original, Hz
    :param span: samples of the original in a pair
    """

    pairs: NDArray[np.int8]
    rate: int
    span: int

    @property
    def per_second(self) -> float:
        """Pairs in a second."""
        return self.rate / self.span

    def document(self) -> bytes:
        """The file: version 2 of audiowaveform's JSON."""
        told = {
            "version": 2,
            "channels": self.pairs.shape[1],
            "sample_rate": self.rate,
            "samples_per_pixel": self.span,
            "bits": 8,
            "length": len(self.pairs),
            "data": self.pairs.reshape(-1).tolist(),
        }
        return json.dumps(told, separators=(",", ":")).encode() + b"\n"


class PeakMeter:
    """
    Takes audio block by block; 80 bytes for a second of stereo are kept.

    :param rate: Hz
    """

    def __init__(self, rate: int, channels: int) -> None:
        self._rate = rate
        self._channels = channels
        self._span = max(1, rate // PEAKS_PER_SECOND)
        self._left = np.zeros((channels, 0), np.float32)
        self._pairs = array("b")

    def take(self, block: Samples) -> None:
        """
        The peaks of a block were noted.

        :param block: of each channel, of any length
        """
        if self._left.shape[1]:
            block = np.concatenate((self._left, block), axis=1)
        whole = block.shape[1] // self._span
        if whole:
            self._note(block[:, : whole * self._span].reshape(self._channels, whole, self._span))
        self._left = block[:, whole * self._span :].copy()

    def peaks(self) -> Peaks:
        """What was noted, thinned until it is bounded."""
        if self._left.shape[1]:
            self._note(self._left[:, None, :])
            self._left = self._left[:, :0]
        pairs = np.frombuffer(self._pairs, np.int8).reshape(-1, self._channels, 2)
        step = 1
        while len(pairs) > MOST_PEAKS:
            if len(pairs) % 2:
                pairs = np.concatenate((pairs, pairs[-1:]))
            twins = pairs.reshape(-1, 2, self._channels, 2)
            pairs = np.stack((twins[..., 0].min(axis=1), twins[..., 1].max(axis=1)), axis=2)
            step *= 2
        return Peaks(pairs, self._rate, self._span * step)

    def _note(self, spans: Samples) -> None:
        pairs = np.stack((spans.min(axis=2), spans.max(axis=2)), axis=2)
        # Channel, span, pair become span, channel, pair, which is the order in the file.
        self._pairs.frombytes(np.rint(pairs * _FULL).astype(np.int8).transpose(1, 0, 2).tobytes())
