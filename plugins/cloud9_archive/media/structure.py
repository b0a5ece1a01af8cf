"""What a container reader hands to the prober: the promise of the structure, and everything that breaks it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from cloud9_archive.media.codes import KINDS
from cloud9_archive.media.verdicts import Fault, Verdict

MAX_FAULTS: Final = 20


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


@dataclass(slots=True)
class Reading:
    """
    What was read of a file so far; memory stays bounded however much is wrong.

    :param structure: None until the coding is known
    :param faults: the first 20 in the order in which they were found
    :param count: of all faults
    :param lost_seconds: audio that is known to be missing; None if nothing is known
    :param estimated: whether that is an estimate
    :param verdict: the weightiest of the faults: damage before all others
    """

    structure: Structure | None = None
    faults: list[Fault] = field(default_factory=list)
    count: int = 0
    lost_seconds: float | None = None
    estimated: bool = False
    worst: Fault | None = None

    def note(self, code: str, words: str, *, offset: int | None = None, at_seconds: float | None = None) -> None:
        """
        One more thing that is wrong.

        :param code: a key of :data:`cloud9_archive.media.codes.KINDS`
        :param words: a sentence
        :param offset: bytes from the start of the file
        :param at_seconds: playing time before it
        """
        verdict, _ = KINDS[code]
        fault = Fault(code, words, offset, at_seconds)
        if self.worst is None or (verdict is Verdict.DAMAGED and KINDS[self.worst.code][0] is not Verdict.DAMAGED):
            self.worst = fault
        self.count += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)

    def lose(self, seconds: float, *, estimated: bool) -> None:
        """
        More audio is missing than was known.

        :param seconds: of it
        """
        self.lost_seconds = (self.lost_seconds or 0.0) + seconds
        self.estimated = self.estimated or estimated


class StructureFault(Exception):  # noqa: N818 - it is a finding that ends one read, not an error that anyone reports
    """
    The structure cannot be read on.

    :param code: a key of :data:`cloud9_archive.media.codes.KINDS`
    :param words: a sentence
    :param offset: bytes from the start of the file
    """

    def __init__(self, code: str, words: str, offset: int | None = None) -> None:
        self.code = code
        self.words = words
        self.offset = offset
        super().__init__(code, words, offset)
