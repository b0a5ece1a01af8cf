"""The holidays file of a policy: one day a line, or an error that names every fault and its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from cloud9_archive.domain.expecting import Expect
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.trading_days import TradingDays
from cloud9_archive.errors import PolicyError
from cloud9_archive.pipeline.problems import Problem, listed, shown
from cloud9_archive.pipeline.text_files import read_text

LARGEST_FILE = 256 * 1024
"""Bytes; a century of holidays needs about thirty thousand."""

_SEPARATOR = re.compile(r"[\s,;]")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def trading_days_of(policy: Policy, *, include: Path) -> TradingDays | None:
    """
    The days on which the policy expects calls; None when it expects nothing.

    :raises PolicyError: if its holidays cannot be read or are not valid; the message lists every fault as
        ``file:line: found …: what is wanted``
    """
    expect = policy.expect
    if expect is None:
        return None
    return TradingDays(expect, _holidays(expect, include))


def _holidays(expect: Expect, include: Path) -> frozenset[date]:
    if expect.holidays is None:
        return frozenset()
    path = include / expect.holidays
    try:
        text = read_text(path, largest=LARGEST_FILE, utf8_wanted="UTF-8 text is wanted")
    except OSError as error:
        raise PolicyError(
            f"the holidays {path} cannot be read: {error.strerror}",
            subject=path.name,
            hint="expect.holidays is a path below include/, such as holidays/england.txt",
        ) from None
    problems = [text] if isinstance(text, Problem) else []
    days = [] if isinstance(text, Problem) else list(_days(text, problems))
    if problems:
        raise PolicyError(listed(problems, path=path), subject=path.name)
    return frozenset(days)


def _days(text: str, problems: list[Problem]) -> Iterator[date]:
    """The first word of each line; empty lines, and what follows a #, say nothing."""
    for number, line in enumerate(text.splitlines(), start=1):
        said = line.partition("#")[0].strip()
        if not said:
            continue
        word = _SEPARATOR.split(said, maxsplit=1)[0]
        try:
            if _DAY.fullmatch(word) is None:
                raise ValueError  # noqa: TRY301 - fromisoformat reads other spellings too
            yield date.fromisoformat(word)
        except ValueError:
            wanted = "a date that exists is wanted, written year-month-day, such as 2026-12-25 Christmas Day"
            problems.append(Problem(number, "", shown(word), wanted))
