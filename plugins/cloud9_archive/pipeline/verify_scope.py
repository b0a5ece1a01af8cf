"""How much of an archive one verification reads: all of it, what is new, a sample, or what a span of time allows."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from cloud9_archive.errors import ConfigurationError

_SAMPLE = re.compile(r"([0-9]{1,9})|([0-9]{1,3}(?:\.[0-9]{1,3})?)%", re.ASCII)
_DAY = slice(2, 5)


@dataclass(frozen=True, slots=True)
class Sample:
    """
    A part of the bags; of the report files as large a part.

    :param bags: how many; None if a share is given
    :param share: above 0 and at most 1
    """

    bags: int | None = None
    share: float | None = None

    def of(self, total_bags: int) -> float:
        """The share that it is of so many bags, at most 1."""
        if self.share is not None:
            return self.share
        return min(1.0, (self.bags or 0) / total_bags) if total_bags else 1.0


@dataclass(frozen=True, slots=True)
class Scope:
    """
    What is read; chains are always checked whole, and that everything that they vouch for is there.

    :param since: bags and reports filed under earlier days are not read
    :param sample: only so many of the rest; each turn takes the next ones, so that in time all have their turn
    :param max_duration: no further bag or report is begun after it; one is read at least
    :param turn: number of the turn; what is chosen depends on it alone and on what is there
    """

    since: date | None = None
    sample: Sample | None = None
    max_duration: timedelta | None = None
    turn: int = 0

    @property
    def whole(self) -> bool:
        """Whether everything is read."""
        return self.since is None and self.sample is None and self.max_duration is None

    def chosen(self, bags: Collection[str], reports: Collection[str]) -> list[str]:
        """
        What is read, in this order.

        :param bags: keys of the folders of bags
        :param reports: keys of report files
        """
        bags, reports = ([key for key in keys if self._is_recent(key)] for keys in (bags, reports))
        share = self.sample.of(len(bags)) if self.sample else 1.0
        picked = [*self._slice(bags, share), *self._slice(reports, share)]
        if self.max_duration is None:
            return sorted(picked)
        return sorted(picked, key=lambda key: _mark(f"{self.turn} {key}"))

    def _is_recent(self, key: str) -> bool:
        return self.since is None or tuple(map(int, key.split("/")[_DAY])) >= self.since.timetuple()[:3]

    def _slice(self, keys: Collection[str], share: float) -> list[str]:
        """The turn's part of a ring: turns that follow one another begin where the last one ended."""
        ring = sorted(keys, key=_mark)
        count = math.ceil(len(ring) * share)
        start = self.turn * count % len(ring) if ring else 0
        return [*ring[start:], *ring[:start]][:count]


def parse_sample(text: str) -> Sample:
    """
    The sample that ``20`` (bags) or ``5%`` asks for.

    :raises ConfigurationError: if it is neither, or nothing
    """
    match = _SAMPLE.fullmatch(text.strip())
    if match and match[1] and int(match[1]):
        return Sample(bags=int(match[1]))
    if match and match[2] and 0 < float(match[2]) <= 100:  # noqa: PLR2004 - per cent
        return Sample(share=float(match[2]) / 100)
    raise ConfigurationError(
        f"sample is {text!r}", subject="sample", hint="give a number of bags, such as 20, or a share, such as 5%"
    )


def _mark(text: str) -> bytes:
    """An order that neither names nor dates have a part in."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
