"""The whole emulated world: any desk's calls of any date, made when asked for, the same for the same seed."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from cloud9_archive.emulator.calls import EmulatedCall, Recording
from cloud9_archive.emulator.cases import add_cases
from cloud9_archive.emulator.day import Day
from cloud9_archive.emulator.firm import DESKS, Desk

DAYS_KEPT = 512
HOUR_LONG = 3_720_000
_WEEKEND_SHARE = 12
_LETTERS = {desk.letter: desk for desk in DESKS.values()}
_DATED_ID = re.compile(rf"([{''.join(_LETTERS)}])([CR])(\d{{4}})(\d{{2}})(\d{{2}})-")
_DATED_FILE = re.compile(rf"({'|'.join(DESKS)})_(\d{{4}})(\d{{2}})(\d{{2}})T")


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """
    What a world follows from.

    :param calls_per_day: calls of one desk on a trading day; the special cases are among them and always there
    :param line_milliseconds: length of the recording of each day's shared line
    """

    seed: int = 1
    calls_per_day: int = 60
    line_milliseconds: int = HOUR_LONG


@dataclass(frozen=True, slots=True)
class MadeDay:
    """A desk's local day: its calls in listing order, and its recordings by id."""

    calls: tuple[EmulatedCall, ...]
    starts: tuple[datetime, ...]
    recordings: Mapping[str, Recording]


@dataclass(slots=True)
class World:
    """Every call there ever was or will be; days are made on demand, and the latest used are kept."""

    settings: WorldSettings = field(default_factory=WorldSettings)
    _days: OrderedDict[tuple[str, date], MadeDay] = field(default_factory=OrderedDict)

    def day(self, desk: Desk, on: date) -> MadeDay:
        """
        The desk's calls that start on that local date.

        :param on: date in the desk's own zone
        """
        key = (desk.name, on)
        made = self._days.get(key)
        if made is None:
            made = _make_day(desk, on, settings=self.settings)
            self._days[key] = made
            if len(self._days) > DAYS_KEPT:
                self._days.popitem(last=False)
        self._days.move_to_end(key)
        return made

    def calls(self, desk: Desk, *, begin: datetime, end: datetime) -> Iterator[EmulatedCall]:
        """
        The desk's calls that start from ``begin`` up to but not including ``end``, in listing order, seen or not yet.

        :param begin: aware datetime
        :param end: aware datetime
        """
        if begin >= end:
            return
        zone = ZoneInfo(desk.zone)
        on, last = begin.astimezone(zone).date(), end.astimezone(zone).date()
        while on <= last:
            made = self.day(desk, on)
            yield from made.calls[bisect_left(made.starts, begin) : bisect_left(made.starts, end)]
            on += timedelta(days=1)

    def recording(self, recording_id: str) -> tuple[Desk, Recording] | None:
        """The recording of that id and its desk, or None if the id names nothing in this world."""
        found = self._day_of(recording_id, letter="R")
        if found is None or recording_id not in found[1].recordings:
            return None
        return found[0], found[1].recordings[recording_id]

    def recording_named(self, file_name: str) -> tuple[Desk, Recording] | None:
        """The recording whose file has that name and its desk, or None if there is none."""
        dated = _DATED_FILE.match(file_name)
        on = None if dated is None else _date(*dated.groups()[1:])
        if dated is None or on is None:
            return None
        desk = DESKS[dated[1]]
        # The name holds the end in UTC, days are those of the start in the desk's zone.
        for days in (0, -1, 1):
            for recording in self.day(desk, on + timedelta(days=days)).recordings.values():
                if recording.file_name == file_name:
                    return desk, recording
        return None

    def call(self, call_id: str) -> tuple[Desk, EmulatedCall] | None:
        """The call of that id and its desk, or None if the id names nothing in this world."""
        found = self._day_of(call_id, letter="C")
        call = next((call for call in found[1].calls if call.call_id == call_id), None) if found else None
        return None if found is None or call is None else (found[0], call)

    def neighbours(self, recording: Recording) -> tuple[Recording, ...]:
        """All other recordings of the recording's day."""
        found = self._day_of(recording.recording_id, letter="R")
        return () if found is None else tuple(other for other in found[1].recordings.values() if other != recording)

    def _day_of(self, identifier: str, *, letter: str) -> tuple[Desk, MadeDay] | None:
        dated = _DATED_ID.match(identifier)
        on = None if dated is None or dated[2] != letter else _date(*dated.groups()[2:])
        if dated is None or on is None:
            return None
        desk = _LETTERS[dated[1]]
        return desk, self.day(desk, on)


def _date(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _make_day(desk: Desk, on: date, *, settings: WorldSettings) -> MadeDay:
    day = Day(desk=desk, on=on, seed=settings.seed)
    if day.is_weekday:
        add_cases(day, line_milliseconds=settings.line_milliseconds)
        for first_hour, last_hour in ((0, 6), (20, 24)):
            day.add_plain(started_at=day.moment(first_hour, last_hour), near=day.chance.choice(desk.people))
        wanted = settings.calls_per_day
    else:
        wanted = max(3, settings.calls_per_day // _WEEKEND_SHARE)
    while len(day.calls) < wanted:
        day.add_plain(started_at=day.busy_moment(), near=day.chance.choice(desk.people))
    calls = tuple(sorted(day.calls, key=lambda call: call.position))
    recordings = {link.recording.recording_id: link.recording for call in calls for link in call.links}
    return MadeDay(calls=calls, starts=tuple(call.started_at for call in calls), recordings=recordings)


def utc_day(on: date) -> tuple[datetime, datetime]:
    """Midnight to midnight of a date in UTC."""
    begin = datetime(on.year, on.month, on.day, tzinfo=UTC)
    return begin, begin + timedelta(days=1)
