"""The cases that every weekday of every desk holds: what a collector must survive."""

from __future__ import annotations

from datetime import datetime, timedelta

from cloud9_archive.emulator.calls import Condition, Damage, EmulatedCall, Kind, Link
from cloud9_archive.emulator.day import Day, Sample, samples
from cloud9_archive.emulator.firm import COUNTERPARTIES, Person

LATE_BY = timedelta(days=10)
LONG_ID_CHARACTERS = 1_000
_HOSTILE = "../../etc/passwd\"';DROP TABLE calls;--\n\r\t%00\\0\\u0000 \N{RIGHT-TO-LEFT OVERRIDE}é😀/C:\\con|<b>$(id)"
_FIRST_HOUR, _LAST_HOUR = 8, 17


def add_cases(day: Day, *, line_milliseconds: int) -> None:
    """
    The weekday holds every special case afterwards, each with known traders unless the case says otherwise.

    :param line_milliseconds: length of the shared line's recording
    """
    _add_media_cases(day)
    _add_id_cases(day)
    _add_shared_line(day, milliseconds=line_milliseconds)
    _add_two_recordings(day)
    _add_both_sides(day)
    _add_links_late(day)
    stranger = day.chance.choice(day.desk.strangers)
    _add_with_media(day, kind=Kind.STRANGERS_ONLY, near=stranger, uploaded=(1, 8))
    _add_same_second(day)


def _trading_moment(day: Day) -> datetime:
    return day.moment(_FIRST_HOUR, _LAST_HOUR)


def _trader(day: Day) -> Person:
    return day.chance.choice(day.desk.traders)


def _ogg(day: Day) -> Sample:
    return day.pick_sample(container="ogg")


def _add_with_media(
    day: Day,
    *,
    kind: Kind,
    near: Person | None = None,
    uploaded: tuple[float, float] | None,
    condition: Condition = Condition.INTACT,
    damage: Damage | None = None,
    suffix: str = "",
    links_late: bool = False,
) -> EmulatedCall:
    sample = day.pick_sample(container="m4a") if damage is Damage.CUT_M4A else _ogg(day)
    # Long enough that each kind of damage has pages to strike.
    length = sample.milliseconds if sample.container == "m4a" else max(8_000, day.pick_length())
    started_at = _trading_moment(day)
    ended_at = started_at + timedelta(milliseconds=length)
    recording = day.recording(
        ended_at=ended_at,
        sample=sample,
        milliseconds=length,
        uploaded_at=None if uploaded is None else day.soon_after(ended_at, *uploaded),
        condition=condition,
        damage=damage,
        recording_id=day.new_id(recording=True) + suffix,
    )
    return day.add(
        kind=kind,
        near=[near or _trader(day)],
        far=day.chance.choice(COUNTERPARTIES),
        started_at=started_at,
        milliseconds=length,
        links=[Link(recording)],
        call_id=day.new_id(recording=False) + suffix,
        links_late=links_late,
    )


def _add_media_cases(day: Day) -> None:
    late = LATE_BY.total_seconds() / 60
    _add_with_media(day, kind=Kind.LATE_MEDIA, uploaded=(late, late + 5))
    _add_with_media(day, kind=Kind.MEDIA_NEVER, uploaded=None)
    damage = list(Damage)[day.on.toordinal() % len(Damage)]
    _add_with_media(day, kind=Kind.DAMAGED, uploaded=(1, 8), condition=Condition.DAMAGED, damage=damage)
    _add_with_media(day, kind=Kind.EMPTY, uploaded=(1, 8), condition=Condition.EMPTY)


def _add_id_cases(day: Day) -> None:
    _add_with_media(day, kind=Kind.HOSTILE_ID, uploaded=(1, 8), suffix=_HOSTILE)
    padding = f"{day.chance.getrandbits(64):016x}" * (LONG_ID_CHARACTERS // 16)
    _add_with_media(day, kind=Kind.LONG_ID, uploaded=(1, 8), suffix=f"-{padding}")


def _add_links_late(day: Day) -> None:
    _add_with_media(day, kind=Kind.LINKS_LATE, uploaded=(40, 90), links_late=True)


def _add_shared_line(day: Day, *, milliseconds: int) -> None:
    opened_at = day.moment(_FIRST_HOUR, _FIRST_HOUR + 3)
    closed_at = opened_at + timedelta(milliseconds=milliseconds)
    line = next(sample for sample in samples() if sample.name.startswith("line"))
    recording = day.recording(
        ended_at=closed_at, sample=line, milliseconds=milliseconds, uploaded_at=day.soon_after(closed_at, 1, 8)
    )
    group = day.chance.choice(COUNTERPARTIES)
    for near, share in zip(day.chance.sample(day.desk.traders, 2), (0.05, 0.6), strict=True):
        offset = int(milliseconds * share)
        day.add(
            kind=Kind.SHARED_LINE,
            near=[near],
            far=group,
            started_at=opened_at + timedelta(milliseconds=offset),
            milliseconds=milliseconds // 4,
            links=[Link(recording, offset)],
        )


def _add_two_recordings(day: Day) -> None:
    started_at = _trading_moment(day)
    lengths = (day.pick_length(), day.pick_length())
    ends = (started_at + timedelta(milliseconds=lengths[0]), started_at + timedelta(milliseconds=sum(lengths)))
    links = [
        Link(day.recording(ended_at=end, sample=_ogg(day), milliseconds=length, uploaded_at=day.soon_after(end, 1, 8)))
        for end, length in zip(ends, lengths, strict=True)
    ]
    day.add(
        kind=Kind.TWO_RECORDINGS,
        near=day.chance.sample(day.desk.traders, 2),
        far=day.chance.choice(COUNTERPARTIES),
        started_at=started_at,
        milliseconds=sum(lengths),
        links=links,
    )


def _add_both_sides(day: Day) -> None:
    caller, called = day.chance.sample(day.desk.traders, 2)
    started_at, length = _trading_moment(day), day.pick_length()
    ended_at = started_at + timedelta(milliseconds=length)
    for near, far, direction in ((caller, called, "Outgoing"), (called, caller, "Incoming")):
        recording = day.recording(
            ended_at=ended_at, sample=_ogg(day), milliseconds=length, uploaded_at=day.soon_after(ended_at, 1, 8)
        )
        day.add(
            kind=Kind.BOTH_SIDES,
            near=[near],
            far=far,
            started_at=started_at,
            milliseconds=length,
            links=[Link(recording)],
            call_type="Ringdown",
            direction=direction,
        )


def _add_same_second(day: Day) -> None:
    second = _trading_moment(day).replace(microsecond=0)
    for milliseconds in (0, 0, 400):
        started_at = second + timedelta(milliseconds=milliseconds)
        day.add_plain(kind=Kind.SAME_SECOND, started_at=started_at, near=_trader(day))
