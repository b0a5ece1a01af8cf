"""What a policy says about time: durations with a unit, five-field cron expressions, IANA time zones."""

from __future__ import annotations

import re
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DURATION = re.compile(r"(\d{1,6})([smhd])", re.ASCII)
_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...], int], ...] = (
    ("minute", 0, 59, (), 0),
    ("hour", 0, 23, (), 0),
    ("day of month", 1, 31, (), 0),
    ("month", 1, 12, _MONTHS, 1),
    ("day of week", 0, 7, _WEEKDAYS, 0),
)
_LONGEST_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_PART = re.compile(r"(?:\*|([0-9a-z]{1,3})(?:-([0-9a-z]{1,3}))?)(?:/([0-9]{1,2}))?", re.ASCII)
_LONGEST_CRON = 200
_HOST_DEPENDENT = ("localtime", "posixrules", "Factory", "posix/", "right/")


def parse_duration(text: object) -> timedelta:
    """
    The length of time that ``90s``, ``15m``, ``2h`` or ``3d`` means.

    :param text: a whole number and one of the units s, m, h, d; a timedelta passes through
    :raises ValueError: if it is anything else, a number without a unit included
    """
    if isinstance(text, timedelta):
        return text
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("a whole number with its unit is wanted: 90s, 15m, 2h or 3d")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def duration_text(duration: timedelta) -> str:
    """The shortest text that :func:`parse_duration` reads as this duration of whole seconds."""
    seconds = int(duration.total_seconds())
    unit, size = next(((unit, size) for unit, size in _UNITS.items() if seconds % size == 0), ("s", 1))
    return f"{seconds // size}{unit}" if seconds else "0s"


def check_cron(expression: str) -> str:
    """
    The expression with single blanks between its fields, once every field is known to be in range.

    Five fields of ``*``, numbers, English three-letter names, ranges, lists and steps: the part of cron on which
    all readers agree. Shortcuts such as ``@daily`` and the extensions ``L``, ``W``, ``#`` and ``?`` are refused.

    :raises ValueError: naming the field that is wrong
    """
    fields = expression.split()
    if len(expression) > _LONGEST_CRON or len(fields) != len(_FIELDS):
        raise ValueError('five fields are wanted, minute hour day month weekday, such as "0 2 * * *"')
    values = [
        _cron_field(text, name=name, low=low, high=high, words=words, first_word=first)
        for text, (name, low, high, words, first) in zip(fields, _FIELDS, strict=True)
    ]
    days, months = values[2], values[3]
    if fields[4] == "*" and min(days) > max(_LONGEST_MONTH[month - 1] for month in months):
        raise ValueError(f"a date that exists is wanted: no month it names has a day {min(days)}")
    return " ".join(fields)


def _cron_field(text: str, *, name: str, low: int, high: int, words: tuple[str, ...], first_word: int) -> set[int]:
    """The values that one field selects."""

    def number(value: str) -> int:
        if value.isdigit() and low <= int(value) <= high:
            return int(value)
        if value in words:
            return words.index(value) + first_word
        also = f" or {words[0]}-{words[-1]}" if words else ""
        raise ValueError(f"a {name} from {low} to {high}{also} is wanted, not {value!r}")

    selected: set[int] = set()
    for part in text.lower().split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise ValueError(f"a {name} is wanted as *, a number, a range a-b or a step such as */5, not {part!r}")
        first, last, step = match.groups()
        if step is not None and (not 1 <= int(step) <= high or (first is not None and last is None)):
            raise ValueError(f"a step of the {name} is wanted as */n or a-b/n with n from 1 to {high}, not {part!r}")
        begin = low if first is None else number(first)
        end = high if first is None else number(last) if last else begin
        if begin > end:
            raise ValueError(f"a {name} range from low to high is wanted, not {part!r}")
        selected.update(range(begin, end + 1, int(step or 1)))
    return selected


def check_timezone(name: str) -> str:
    """
    The name, once it is known to be an IANA time zone that means the same on every host.

    :raises ValueError: if there is no such zone
    """
    wanted = "an IANA time zone is wanted, such as Europe/London or UTC"
    if name.startswith(_HOST_DEPENDENT):
        raise ValueError(wanted)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(wanted) from None
    return name
