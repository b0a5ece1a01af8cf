"""Faults in a file that a person wrote: each with its line, field, what was found and what is wanted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cloud9_archive.domain.words import shortened

_MOST_SHOWN = 50
_LONGEST_VALUE = 60
_LONGEST_READ = 4096
_CREDENTIALS = re.compile(r"//\S*@")


@dataclass(frozen=True, slots=True)
class Problem:
    """
    One fault.

    :param line: counted from 1
    :param field: dotted name of the key, or of the column; empty for the file as a whole
    :param found: what stands there, as :func:`shown` gives it
    :param wanted: what should stand there, as a sentence
    """

    line: int
    field: str
    found: str
    wanted: str

    def at(self, path: Path | str, *, unit: str = ":") -> str:
        """
        The fault on one line, with the place in front as editors and terminals read it.

        :param unit: what stands between path and number
        """
        field = f"{self.field}: " if self.field else ""
        return f"{path}{unit}{self.line}: {field}found {self.found}: {self.wanted}"


def listed(problems: Iterable[Problem], *, path: Path | str, unit: str = ":") -> str:
    """Every fault on a line of its own, in the order of the file; beyond 50 only their number."""
    lines = [problem.at(path, unit=unit) for problem in sorted(problems, key=lambda each: (each.line, each.field))]
    more = len(lines) - _MOST_SHOWN
    return "\n".join([*lines[:_MOST_SHOWN], *([f"{path}: and {more} more"] if more > 0 else [])])


def shown(value: object) -> str:
    """The value as it can be printed: bounded, on one line, without credentials of a URL."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case dict():
            return "a group of keys"
        case list() | tuple():
            return f"a list of {len(value)}"
        case str():
            text = _CREDENTIALS.sub("//…@", value[:_LONGEST_READ])
            return repr(shortened(text, longest=_LONGEST_VALUE))
        case _:
            return repr(value)[:_LONGEST_VALUE]
