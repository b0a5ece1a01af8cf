"""What a container reader hands to the prober: the promise of the structure, or the first thing that breaks it."""

from __future__ import annotations

from dataclasses import dataclass

from cloud9_archive.media.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Structure:
    """
    The audio that a container promises.

    :param sample_rate: Hz
    :param duration: seconds
    """

    codec: str
    channels: int
    sample_rate: int
    duration: float


class StructureFault(Exception):  # noqa: N818 - it is a finding that ends one read, not an error that anyone reports
    """
    The structure does not hold.

    :param code: stable word
    :param words: a sentence
    """

    def __init__(self, verdict: Verdict, code: str, words: str) -> None:
        self.verdict = verdict
        self.code = code
        self.words = words
        super().__init__(verdict, code, words)


def damaged(code: str, words: str) -> StructureFault:
    """The fault of a file that was whole once."""
    return StructureFault(Verdict.DAMAGED, code, words)


def unsupported(code: str, words: str) -> StructureFault:
    """The fault of a file that may be whole but is of no kind known here."""
    return StructureFault(Verdict.UNSUPPORTED, code, words)
