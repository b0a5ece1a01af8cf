"""Comparing lengths: what came out of the decoder or encoder against what went in."""

from __future__ import annotations

from typing import Final

M4A_TOLERANCE_SECONDS: Final = 0.064


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
