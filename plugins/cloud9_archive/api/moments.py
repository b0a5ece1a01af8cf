"""Moments as the wire writes them: bounds that miss no instant, and texts that may mean two."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product

from cloud9_archive.api.wire_model import WireFormat
from cloud9_archive.api.wire_values import (
    EPOCH_MILLISECONDS,
    EPOCH_SECONDS,
    ISO_8601,
    TimeRules,
    shortest_step,
)
from cloud9_archive.domain.window import Window

SECOND = timedelta(seconds=1)
_MILLISECONDS = 1000
# Seconds that are read as milliseconds are a day of January 1970, and some write no time as that of the year 1.
_EARLIEST, _LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
# Calls are rounded to seconds here and there: so far apart, two lengths still agree.
_ROUNDING = timedelta(seconds=2)
_DIGITS = re.compile(r"\d{1,16}(\.\d{1,9})?", re.ASCII)
_MOST_SHIFTS = 8
_MOST_CUTS = 5

Readings = tuple[datetime, ...]


def listing_windows(wire: WireFormat, window: Window, *, longest: int | None = None) -> list[Window]:
    """
    The spans to list one after the other: widened to what a request can write, and then cut.

    Requests carry no fractions of a second, so bounds move outwards to whole ones, or further where the format writes
    only minutes or days. A span whose bounds could mean two instants, on the day that clocks are set back, is asked for
    with wider bounds, and cut once more if it would then be too long.

    :param window: what is wanted
    :param longest: seconds; by default the longest window that the listing of calls may be asked for
    """
    rules, most = wire.time, timedelta(seconds=longest or wire.listing.longest_window)
    start, end = (moment.replace(microsecond=0) for moment in (window.start, window.end))
    if end < window.end:
        end += SECOND
    return [span for part in Window(start, end).split(most) for span in _short_enough(rules, part, most)]


def _short_enough(rules: TimeRules, window: Window, most: timedelta, *, cuts: int = 0) -> Iterator[Window]:
    """Parts whose written bounds are no further apart than allowed, under any reading of them, where that can be."""
    half = (window.end - window.start) // (2 * SECOND) * SECOND
    if half < SECOND or cuts == _MOST_CUTS or _reach(rules, window) <= most:
        yield window
        return
    for part in (Window(window.start, window.start + half), Window(window.start + half, window.end)):
        yield from _short_enough(rules, part, most, cuts=cuts + 1)


def _reach(rules: TimeRules, window: Window) -> timedelta:
    begin, end = _bounds(rules, window)
    readings = _readings_of(rules, end), _readings_of(rules, begin)
    on_the_clock = end.replace(tzinfo=None) - begin.replace(tzinfo=None)
    return max(max(readings[0]) - min(readings[1]), on_the_clock)


def written_bounds(rules: TimeRules, window: Window) -> tuple[str | int, str | int]:
    """
    Begin and end as a request carries them: every instant of the window lies between, whatever they are taken to mean.

    :param window: a span of :func:`listing_windows`
    """
    begin, end = _bounds(rules, window)
    return _written(rules, begin), _written(rules, end)


def _bounds(rules: TimeRules, window: Window) -> tuple[datetime, datetime]:
    """The bounds on the clock of the format's zone, so far out that none of their readings lies within the window."""
    begin, end, step = window.start, window.end, _step(rules)
    for _ in range(_MOST_SHIFTS):
        first = _floor(begin.astimezone(rules.zone), step)
        if (late := max(_readings_of(rules, first)) - window.start) <= timedelta(0):
            break
        begin -= max(late, step)
    for _ in range(_MOST_SHIFTS):
        last = _floor(end.astimezone(rules.zone), step)
        if (early := window.end - min(_readings_of(rules, last))) <= timedelta(0):
            break
        end += max(early, step)
    return first, last


def _step(rules: TimeRules) -> timedelta:
    return shortest_step(rules.request)


def _floor(moment: datetime, step: timedelta) -> datetime:
    """The moment without what is shorter than the step, on its own clock."""
    minutes = step >= timedelta(hours=1)
    return moment.replace(
        microsecond=0,
        second=0 if step > SECOND else moment.second,
        minute=0 if minutes else moment.minute,
        hour=0 if step > timedelta(hours=1) else moment.hour,
    )


def _readings_of(rules: TimeRules, moment: datetime) -> Readings:
    """What a bound can be taken to mean: a text that says nothing of its offset may name two instants."""
    plain = "%" in rules.request and "%z" not in rules.request
    return _both(moment) if plain else (moment.astimezone(UTC),)


def _both(local: datetime) -> Readings:
    """The instants that a time on a clock can mean, the likelier one first: one, except where clocks are changed."""
    one, other = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return (one,) if one == other else (one, other)


def _written(rules: TimeRules, moment: datetime) -> str | int:
    match rules.request:
        case "epoch_seconds":
            return int(moment.timestamp())
        case "epoch_milliseconds":
            return int(moment.timestamp()) * _MILLISECONDS
        case "iso8601":
            return moment.isoformat().replace("+00:00", "Z")
        case pattern:
            return moment.strftime(pattern)


def readings(rules: TimeRules, found: object) -> Readings:
    """
    The instants that a value of an answer can mean, the likelier one first; none if it is no time as the format has it.

    :param found: any JSON value
    """
    for style in rules.answer:
        try:
            given = _read(rules, style, found)
            if given and _EARLIEST <= given[0] < _LATEST:
                return given
        except (ValueError, OverflowError):
            continue
    return ()


def _read(rules: TimeRules, style: str, found: object) -> Readings:
    if style in (EPOCH_SECONDS, EPOCH_MILLISECONDS):
        number = _number(found)
        if number is None:
            return ()
        moment = datetime.fromtimestamp(number / (_MILLISECONDS if style == EPOCH_MILLISECONDS else 1), tz=UTC)
        return (moment,)
    if not isinstance(found, str):
        return ()
    moment = datetime.fromisoformat(found) if style == ISO_8601 else datetime.strptime(found, style)  # noqa: DTZ007 - the zone is the format file's, next line
    return (moment.astimezone(UTC),) if moment.tzinfo else _both(moment.replace(tzinfo=rules.zone))


def _number(found: object) -> float | None:
    if isinstance(found, str) and _DIGITS.fullmatch(found):
        return float(found)
    if isinstance(found, (int, float)) and not isinstance(found, bool) and math.isfinite(found):
        return found
    return None


def agreed(
    started: Readings, ended: Readings, *, duration: float | None, asked: Window | None
) -> tuple[datetime, datetime | None]:
    """
    Begin and end of a call, of all that its texts can mean, that agree best.

    First with its duration and with each other, then with the window that was asked for, else the earlier ones.

    :param started: at least one reading
    :param duration: seconds
    """
    pairs: list[tuple[datetime, datetime | None]] = list(product(started, ended or (None,)))
    if len(pairs) == 1:
        return pairs[0]
    pairs = [pair for pair in pairs if pair[1] is None or pair[0] <= pair[1]] or pairs
    if duration is not None and ended:
        gaps = {pair: _gap(pair, duration) for pair in pairs}
        pairs = [pair for pair in pairs if gaps[pair] <= min(gaps.values()) + _ROUNDING.total_seconds()]
    if asked is not None:
        pairs = [pair for pair in pairs if pair[0] in asked] or pairs
    return pairs[0]


def _gap(pair: tuple[datetime, datetime | None], duration: float) -> float:
    start, end = pair
    return math.inf if end is None else abs((end - start).total_seconds() - duration)
