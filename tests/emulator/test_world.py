from __future__ import annotations

import itertools
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud9_archive.emulator.calls import Condition, Damage, EmulatedCall, Kind
from cloud9_archive.emulator.firm import AMERICAS, DESKS, EMEA, Desk
from cloud9_archive.emulator.world import MadeDay, World, WorldSettings

FRIDAY, SATURDAY = date(2026, 11, 20), date(2026, 11, 21)
DESK_NAMES = sorted(DESKS)
ROSTERED = {person.login for desk in DESKS.values() for person in desk.traders}


def of_kind(day: MadeDay, kind: Kind) -> list[EmulatedCall]:
    return [call for call in day.calls if call.kind is kind]


def only(day: MadeDay, kind: Kind) -> EmulatedCall:
    (call,) = of_kind(day, kind)
    return call


def logins(call: EmulatedCall) -> set[str]:
    return {person.login for end in (call.near, call.far) for person in end.people}


def test_two_worlds_of_one_seed_are_the_same_and_of_two_seeds_are_not() -> None:
    first, second, other = World(), World(), World(WorldSettings(seed=2))
    assert first.day(EMEA, FRIDAY).calls == second.day(EMEA, FRIDAY).calls
    assert first.day(EMEA, FRIDAY).calls != other.day(EMEA, FRIDAY).calls
    assert first.day(EMEA, FRIDAY).calls != first.day(AMERICAS, FRIDAY).calls


def test_a_day_does_not_depend_on_the_days_made_before_it() -> None:
    travelled = World()
    for days in range(10):
        travelled.day(AMERICAS, FRIDAY - timedelta(days=days))
    assert travelled.day(EMEA, FRIDAY).calls == World().day(EMEA, FRIDAY).calls


@given(on=st.dates(date(2000, 1, 1), date(2100, 1, 1)), name=st.sampled_from(DESK_NAMES), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_every_day_is_in_order_and_found_again_by_its_recordings_ids(on: date, name: str, seed: int) -> None:
    desk, world = DESKS[name], World(WorldSettings(seed=seed))
    day = world.day(desk, on)
    assert [call.position for call in day.calls] == sorted({call.position for call in day.calls})
    assert {call.started_at.astimezone(ZoneInfo(desk.zone)).date() for call in day.calls} == {on}
    for key, recording in day.recordings.items():
        assert world.recording(key) == (desk, recording)
    assert len(day.calls) == (60 if on.weekday() < 5 else 5)
    assert all(timedelta(0) <= call.listed_at - call.ended_at < timedelta(minutes=5) for call in day.calls)


@pytest.mark.parametrize("on", [FRIDAY + timedelta(days=days) for days in range(-4, 1)])
@pytest.mark.parametrize("name", DESK_NAMES)
@pytest.mark.parametrize("calls_per_day", [1, 60])
def test_every_weekday_holds_every_special_case(on: date, name: str, calls_per_day: int) -> None:
    day = World(WorldSettings(calls_per_day=calls_per_day)).day(DESKS[name], on)
    assert set(Kind) == {call.kind for call in day.calls}
    _check_media_cases(day)
    _check_id_cases(day)
    _check_link_cases(day)
    _check_people(day, DESKS[name])


def _check_media_cases(day: MadeDay) -> None:
    late = only(day, Kind.LATE_MEDIA)
    uploaded_at = late.links[0].recording.uploaded_at
    assert uploaded_at is not None
    assert uploaded_at - late.ended_at >= timedelta(days=10)
    assert only(day, Kind.MEDIA_NEVER).links[0].recording.uploaded_at is None
    broken = only(day, Kind.DAMAGED).links[0].recording
    assert (broken.condition, broken.damage in Damage) == (Condition.DAMAGED, True)
    assert only(day, Kind.EMPTY).links[0].recording.condition is Condition.EMPTY


def _check_id_cases(day: MadeDay) -> None:
    hostile = only(day, Kind.HOSTILE_ID)
    for text in (hostile.call_id, hostile.links[0].recording.recording_id):
        assert all(part in text for part in ("../", '"', "'", "\n", "é", "%00", "\\u0000"))
        assert "\0" not in text
    assert len(only(day, Kind.LONG_ID).links[0].recording.recording_id) > 1_000


def _check_link_cases(day: MadeDay) -> None:
    one, two = of_kind(day, Kind.SHARED_LINE)
    assert one.links[0].recording is two.links[0].recording
    assert 0 < one.links[0].offset < two.links[0].offset
    assert one.links[0].recording.milliseconds > 3_600_000
    assert two.links[0].offset + two.milliseconds <= two.links[0].recording.milliseconds
    assert len(only(day, Kind.TWO_RECORDINGS).links) == 2
    near, far = of_kind(day, Kind.BOTH_SIDES)
    assert (near.near, near.far, near.started_at) == (far.far, far.near, far.started_at)
    assert near.links[0].recording.recording_id != far.links[0].recording.recording_id
    assert only(day, Kind.LINKS_LATE).links_late
    assert sum(recording.milliseconds > 3_600_000 for recording in day.recordings.values()) == 1


def _check_people(day: MadeDay, desk: Desk) -> None:
    assert logins(only(day, Kind.STRANGERS_ONLY)).isdisjoint(ROSTERED)
    for kind in set(Kind) - {Kind.REGULAR, Kind.STRANGERS_ONLY}:
        assert all(logins(call) & {person.login for person in desk.traders} for call in of_kind(day, kind))
    seconds = Counter(call.started_at.replace(microsecond=0) for call in of_kind(day, Kind.SAME_SECOND))
    assert list(seconds.values()) == [3]


def test_the_kinds_of_damage_take_turns() -> None:
    world = World()
    weekdays = [FRIDAY + timedelta(days=days) for days in range(14) if (FRIDAY + timedelta(days=days)).weekday() < 5]
    assert {only(world.day(EMEA, on), Kind.DAMAGED).links[0].recording.damage for on in weekdays} == set(Damage)


def test_most_of_a_trading_day_is_in_trading_hours_and_nights_are_not_empty() -> None:
    world = World(WorldSettings(calls_per_day=300))
    for desk in DESKS.values():
        hours = [call.started_at.astimezone(ZoneInfo(desk.zone)).hour for call in world.day(desk, FRIDAY).calls]
        assert sum(7 <= hour < 19 for hour in hours) > 0.85 * len(hours)
        assert any(hour < 6 for hour in hours)
        assert any(hour >= 20 for hour in hours)
    assert len(world.day(EMEA, SATURDAY).calls) == 25


def test_most_calls_are_short_and_their_media_comes_within_minutes() -> None:
    day = World(WorldSettings(calls_per_day=400)).day(EMEA, FRIDAY)
    regular = of_kind(day, Kind.REGULAR)
    assert sum(3_000 <= call.milliseconds <= 40_000 for call in regular) > 0.85 * len(regular)
    assert {link.recording.container for call in regular for link in call.links} == {"ogg", "m4a"}
    assert {link.recording.channels for call in regular for link in call.links} == {1, 2}
    assert {call.call_type for call in regular} == {"Shoutdown", "Ringdown", "Click to Call", "Intercom"}
    for call in regular:
        uploaded_at = call.links[0].recording.uploaded_at
        assert uploaded_at is not None
        assert timedelta(0) < uploaded_at - call.ended_at <= timedelta(minutes=8)


@given(hours=st.lists(st.integers(0, 96), min_size=2, max_size=6), name=st.sampled_from(DESK_NAMES))
@settings(max_examples=30, deadline=None)
def test_windows_that_meet_hold_every_call_once(hours: list[int], name: str) -> None:
    world, first = World(), datetime(2026, 11, 19, tzinfo=UTC)
    edges = [first + timedelta(hours=hour) for hour in sorted(hours)]
    parts = [
        call for begin, end in itertools.pairwise(edges) for call in world.calls(DESKS[name], begin=begin, end=end)
    ]
    assert parts == list(world.calls(DESKS[name], begin=edges[0], end=edges[-1]))


@pytest.mark.parametrize(
    "unknown",
    ["", "x", "ER20261120-0", "ER20261332-0000000000000000", "../ER20261120-0000000000000000", "ZR20261120-0"],
)
def test_other_ids_name_nothing(unknown: str) -> None:
    assert World().recording(unknown) is None


def test_the_firm_has_eight_known_traders_on_each_desk() -> None:
    for desk in DESKS.values():
        assert len(desk.traders) == 8
        assert desk.strangers
    everyone = [person for desk in DESKS.values() for person in desk.people]
    assert len({person.login for person in everyone}) == len({person.user_id for person in everyone}) == len(everyone)
