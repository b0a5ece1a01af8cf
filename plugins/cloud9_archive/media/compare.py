"""Whether a derivative sounds like its original: loudness over time, channel by channel."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud9_archive.media.codings import Likeness
from cloud9_archive.media.envelope import FRAMES_PER_SECOND, Energies, Envelope

_FAINT: Final = 10**-5.0
# What one party's coding may leave of the other's in a moment of silence, and what a moment may lose.
_LEAK: Final = 10**-1.5
_MASKED: Final = 10**-2.0
# A clipped wave overshoots when its rate changes or a coder rounds it, and is clipped again. Speech that is not clipped
# has a mean below -12 dB.
_OVERDRIVEN: Final = 10**-1.0
_CLIPPED_AGAIN: Final = 2.0
_MOST_GAIN: Final = 6.0
_SHORTEST_CORRELATED: Final = 10
# Deviation of the envelope by its mean: noise has 0.1, speech more than 1.
_EVEN: Final = 0.25
_ALIKE: Final = 0.9
_CLEARLY_LOUDER: Final = 3.0
_CHUNK: Final = 65_536


@dataclass(frozen=True, slots=True)
class Comparison:
    """
    Figures for each channel that was compared, and what is wrong.

    :param correlation: straight; None where nothing can be said
    :param swapped: with the original's other channel
    :param level: dB of the derivative against the original
    :param silent: indices, from 0
    :param distinct: whether swapped channels would be noticed
    :param complaints: sentences; none if it sounds alike
    """

    correlation: tuple[float | None, ...]
    swapped: tuple[float | None, ...]
    level: tuple[float | None, ...]
    silent: tuple[int, ...]
    distinct: bool
    complaints: tuple[str, ...]


def compare(source: Envelope, found: Envelope, held: Sequence[int], likeness: Likeness) -> Comparison:
    """
    The derivative was compared with its original.

    :param held: which channels of the original the derivative has, by index
    :param likeness: how close it must be
    """
    frames = min(source.band.shape[1], found.band.shape[1])
    quiet = max(likeness.silent, _loudest(source) + likeness.masked)
    originals = [_Channel(row[:frames], quiet) for row in source.band]
    copies = [_Channel(row[:frames], quiet) for row in found.band]
    alike = originals[0].correlation(originals[1]) if len(originals) > 1 and not originals[1].is_silent else None
    # Of channels that rise and fall together, rounding decides which one a copy follows more.
    tells = alike is not None and alike < _ALIKE
    correlation, swapped, level, complaints = [], [], [], []
    for copy, index in zip(copies, held, strict=True):
        original = originals[index]
        other = originals[1 - index] if len(originals) > 1 else None
        straight = original.correlation(copy)
        crossed = other.correlation(copy) if other and straight is not None else None
        difference = None if original.is_silent else _decibels(copy.mean, original.mean)
        correlation.append(_rounded(straight))
        swapped.append(_rounded(crossed))
        level.append(_rounded(difference))
        words = [
            *_unlike(original, straight, crossed if tells else None, difference, likeness),
            *_moments(original, copy, source.loudest, likeness),
        ]
        complaints += [f"channel {index + 1}: {each}" for each in words]
    return Comparison(
        tuple(correlation),
        tuple(swapped),
        tuple(level),
        tuple(index for index in held if originals[index].is_silent),
        tells or _distinct(originals),
        tuple(complaints),
    )


class _Channel:
    """Sums over the envelope of one channel, taken in pieces so that ten hours need no room."""

    def __init__(self, energies: Energies, silent: float) -> None:
        self.energies = energies
        self.frames = len(energies)
        self.mean = float(energies.mean(dtype=np.float64)) if self.frames else 0.0
        self.is_silent = _decibels(self.mean, 1.0) < silent
        self.is_flat = _deviation(_pieces(energies)) < _EVEN
        loud = np.float32(self.mean / 10)
        self.is_even = _deviation(piece[piece > loud] for piece in _pieces(energies)) < _EVEN
        self.is_brief = np.count_nonzero(energies > loud) < FRAMES_PER_SECOND

    def correlation(self, other: _Channel) -> float | None:
        """Of the two envelopes; None where this one is too short, silent or flat to tell."""
        if self.frames < _SHORTEST_CORRELATED or self.is_silent or self.is_flat:
            return None
        sums = np.zeros(5)
        for mine, theirs in zip(_pieces(self.energies), _pieces(other.energies), strict=True):
            a, b = np.sqrt(mine, dtype=np.float64), np.sqrt(theirs, dtype=np.float64)
            sums += (a.sum(), b.sum(), a @ a, b @ b, a @ b)
        of_a, of_b, squares_a, squares_b, products = sums / self.frames
        spread = (squares_a - of_a**2) * (squares_b - of_b**2)
        return float((products - of_a * of_b) / math.sqrt(spread)) if spread > 0 else 0.0


def _pieces(energies: Energies) -> Iterator[Energies]:
    for start in range(0, len(energies), _CHUNK):
        yield energies[start : start + _CHUNK]


def _deviation(pieces: Iterator[Energies]) -> float:
    """Standard deviation of an envelope in units of its mean."""
    count, total, squares = 0, 0.0, 0.0
    for piece in pieces:
        count += len(piece)
        total += float(np.sqrt(piece, dtype=np.float64).sum())
        squares += float(piece.sum(dtype=np.float64))
    if not count or not total:
        return 0.0
    mean = total / count
    return math.sqrt(max(0.0, squares / count - mean**2)) / mean


def _unlike(
    original: _Channel, straight: float | None, crossed: float | None, level: float | None, likeness: Likeness
) -> Iterator[str]:
    least = likeness.correlation
    if straight is not None and straight <= least and not original.is_brief:
        yield f"its loudness follows the original's by {straight:.3f}, less than {least}"
    # In less than a second, two parties may sound alike.
    if straight is not None and crossed is not None and crossed > straight + (0.2 if original.is_brief else 0.0):
        yield f"it follows the original's other channel more ({crossed:.3f} against {straight:.3f})"
    if level is None:
        return
    softer, louder = likeness.even if original.is_even else likeness.level
    if original.mean > _OVERDRIVEN:
        softer += _CLIPPED_AGAIN
    if original.is_brief:
        softer, louder = max(softer, likeness.brief[0]), max(louder, likeness.brief[1])
    if not -softer <= level <= louder:
        yield f"it is {abs(level):.1f} dB {'louder' if level > 0 else 'softer'} than the original"


def _moments(original: _Channel, copy: _Channel, loudest: Energies, likeness: Likeness) -> Iterator[str]:
    """Gaps and what was never said: a figure for the whole does not show a second in an hour."""
    fifth, tenth = FRAMES_PER_SECOND // 5, FRAMES_PER_SECOND // 10
    most_lost = max(
        likeness.moment,
        likeness.even[0] if original.is_even else 0.0,
        likeness.brief[0] if original.is_brief else 0.0,
    )
    for offset in (0, tenth):
        mine, theirs = (_means(each.energies[offset:], fifth) for each in (original, copy))
        floor = _floor(loudest, len(mine), fifth, offset, _MASKED)
        lost = 10 * np.log10((mine + floor) / (theirs + floor))
        if len(lost) and lost.max() > most_lost:
            at = (int(lost.argmax()) * fifth + offset) / FRAMES_PER_SECOND
            yield f"at {at:.1f} s it is {float(lost.max()):.0f} dB softer than the original: something is missing"
            break
    mine, theirs = (_means(each.energies, FRAMES_PER_SECOND) for each in (original, copy))
    floor = _floor(loudest, len(mine), FRAMES_PER_SECOND, 0, _LEAK)
    gained = 10 * np.log10((theirs + floor) / (mine + floor))
    if len(gained) and gained.max() > _MOST_GAIN:
        yield f"at {int(gained.argmax())} s it is {float(gained.max()):.0f} dB louder than the original"


def _means(energies: Energies, size: int) -> Energies:
    """Of each run of ``size`` frames; a shorter rest is measured against a whole one."""
    rest = -len(energies) % size
    padded = np.pad(energies, (0, rest)) if rest else energies
    means: Energies = padded.reshape(-1, size).mean(axis=1)
    return means


def _floor(loudest: Energies, count: int, size: int, offset: int, share: float) -> Energies:
    """Below this, a difference in a moment is nothing that anyone hears beside what is loud in that second."""
    seconds = (np.arange(count) * size + offset) // FRAMES_PER_SECOND
    floor: Energies = np.maximum(np.float32(_FAINT), loudest[np.minimum(seconds, len(loudest) - 1)] * np.float32(share))
    return floor


def _distinct(channels: Sequence[_Channel]) -> bool:
    """Whether two channels differ though they rise and fall together, or not at all."""
    if len(channels) == 1:
        return False
    first, second = channels
    if first.is_silent or second.is_silent:
        return first.is_silent != second.is_silent
    return first.is_flat != second.is_flat or abs(_decibels(second.mean, first.mean)) > _CLEARLY_LOUDER


def _loudest(source: Envelope) -> float:
    """Of all channels, dB of full scale."""
    return max(_decibels(float(row.mean(dtype=np.float64)), 1.0) if len(row) else -90.0 for row in source.band)


def _decibels(energy: float, reference: float) -> float:
    return 10 * math.log10(max(energy, 1e-12) / max(reference, 1e-12))


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 3)
