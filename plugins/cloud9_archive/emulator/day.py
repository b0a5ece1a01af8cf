"""One desk's calls of one local day: its shape over the hours, and the ordinary calls in it."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from cloud9_archive.emulator.calls import Condition, Damage, EmulatedCall, End, Kind, Link, Recording
from cloud9_archive.emulator.firm import (
    COUNTERPARTIES,
    FIRM_ID,
    FIRM_NAME,
    Counterparty,
    Desk,
    Person,
    connection_number,
)

# How busy each hour of a trading day is, midnight to midnight in the desk's own zone.
_HOURS = (1, 1, 1, 1, 1, 2, 6, 18, 30, 32, 28, 24, 18, 24, 30, 30, 26, 18, 8, 4, 2, 1, 1, 1)
_SATURDAY = 5
_TYPES = ("Shoutdown", "Ringdown", "Click to Call", "Intercom")
_TYPE_WEIGHTS = (45, 30, 15, 10)
_LATIN_LABELS = ("Gilts", "Bunds", "Curve", "Basis", "New issues", "Repo", "Spot", "Swaps")


@dataclass(frozen=True, slots=True)
class Sample:
    """A shipped sample: its file, channels and length."""

    name: str
    channels: int
    milliseconds: int

    @property
    def container(self) -> str:
        """``ogg`` or ``m4a``."""
        return self.name.rpartition(".")[2]


@cache
def samples() -> tuple[Sample, ...]:
    """Every shipped sample."""
    table = files("cloud9_archive.emulator.audio").joinpath("samples", "samples.json").read_text(encoding="ascii")
    return tuple(Sample(**row) for row in json.loads(table))


@dataclass(slots=True)
class Day:
    """
    A day while it is being made; its choices follow from (seed, desk, date) alone.

    :param on: the local date
    """

    desk: Desk
    on: date
    seed: int
    chance: random.Random = field(init=False)
    calls: list[EmulatedCall] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """The day's own source of chance, and no calls yet."""
        self.chance = random.Random(f"{self.seed}/{self.desk.name}/{self.on.isoformat()}")  # noqa: S311 - repeatable on purpose

    @property
    def is_weekday(self) -> bool:
        """Whether the desk trades."""
        return self.on.weekday() < _SATURDAY

    def moment(self, first_hour: float, last_hour: float) -> datetime:
        """
        A moment between two hours of the local day, aware UTC, whole milliseconds.

        :param first_hour: hours after local midnight
        :param last_hour: hours after local midnight, not reached
        """
        hour = self.chance.uniform(first_hour, last_hour)
        midnight = datetime(self.on.year, self.on.month, self.on.day, tzinfo=ZoneInfo(self.desk.zone))
        return (midnight + timedelta(milliseconds=int(hour * 3_600_000))).astimezone(UTC)

    def busy_moment(self) -> datetime:
        """A moment of the day, likelier in busy hours; at weekends any hour is alike."""
        if not self.is_weekday:
            return self.moment(0, 24)
        hour = self.chance.choices(range(24), _HOURS)[0]
        return self.moment(hour, hour + 1)

    def new_id(self, *, recording: bool) -> str:
        """An id that names its desk and date, so that the day can be made again from the id alone."""
        return f"{self.desk.letter}{'R' if recording else 'C'}{self.on:%Y%m%d}-{self.chance.getrandbits(64):016x}"

    def soon_after(self, ended_at: datetime, first_minute: float, last_minute: float) -> datetime:
        """A moment between two numbers of minutes after an end, aware UTC."""
        return ended_at + timedelta(seconds=int(self.chance.uniform(first_minute * 60, last_minute * 60)))

    def recording(
        self,
        *,
        ended_at: datetime,
        sample: Sample,
        milliseconds: int,
        uploaded_at: datetime | None,
        condition: Condition = Condition.INTACT,
        damage: Damage | None = None,
        recording_id: str | None = None,
    ) -> Recording:
        """
        A recording that ended at that moment.

        :param ended_at: aware UTC, part of the file's name
        :param milliseconds: length asked for; an M4A keeps its sample's length
        """
        return Recording(
            recording_id=recording_id or self.new_id(recording=True),
            file_name=f"{self.desk.name}_{ended_at:%Y%m%dT%H%M%S}_{self.chance.getrandbits(24):06x}.{sample.container}",
            sample=sample.name,
            container=sample.container,
            channels=sample.channels,
            milliseconds=sample.milliseconds if sample.container == "m4a" else milliseconds,
            uploaded_at=uploaded_at,
            condition=condition,
            damage=damage,
        )

    def pick_sample(self, *, container: str | None = None) -> Sample:
        """A sample that suits a short call: mostly Ogg, mono and stereo alike."""
        wanted = container or ("m4a" if self.chance.random() < 0.15 else "ogg")  # noqa: PLR2004 - one in seven or so
        fitting = [s for s in samples() if s.container == wanted and not s.name.startswith("line")]
        short = [s for s in fitting if s.container == "ogg" or s.milliseconds <= 20_000]  # noqa: PLR2004 - an M4A keeps its length
        return self.chance.choice(short if self.chance.random() < 0.95 else fitting)  # noqa: PLR2004 - long M4A are rare

    def pick_length(self) -> int:
        """A call's length in milliseconds: mostly 3 to 40 seconds, at times up to three minutes."""
        if self.chance.random() < 0.05:  # noqa: PLR2004 - one in twenty
            return self.chance.randrange(40_000, 180_000)
        return int(min(40_000, 3_000 + self.chance.expovariate(1 / 9_000)))

    def add(  # noqa: PLR0913 - each is one property of the call, all by keyword
        self,
        *,
        kind: Kind,
        near: Sequence[Person],
        far: Counterparty | Person,
        started_at: datetime,
        milliseconds: int,
        links: Sequence[Link],
        call_type: str = "Shoutdown",
        direction: str | None = None,
        call_id: str | None = None,
        links_late: bool = False,
    ) -> EmulatedCall:
        """
        The call is part of the day afterwards.

        :param near: those at the near end, of one desk; the first one's group and number are the end's
        :param milliseconds: length of the call
        """
        internal = isinstance(far, Person)
        call = EmulatedCall(
            call_id=call_id or self.new_id(recording=False),
            kind=kind,
            call_type=call_type,
            direction=direction or ("Internal" if internal else self.chance.choice(("Outgoing", "Incoming"))),
            started_at=started_at,
            milliseconds=milliseconds,
            listed_at=self.soon_after(started_at + timedelta(milliseconds=milliseconds), 0, 5),
            near=own_end(*near),
            far=own_end(far) if isinstance(far, Person) else other_end(far, dialled=call_type == "Click to Call"),
            button_label=far.full_name
            if isinstance(far, Person)
            else f"{far.firm_name} {self.chance.choice(_LATIN_LABELS)}",
            connection=connection_number(
                "/".join(sorted((near[0].login, far.login if isinstance(far, Person) else far.group_id)))
            ),
            start_action=self.chance.choice(("Button press", "Handset lift", "Auto answer")),
            stop_reason=self.chance.choice(("Near end released", "Far end released", "Voice activity ended")),
            links=tuple(links),
            links_late=links_late,
        )
        self.calls.append(call)
        return call

    def add_plain(
        self, *, kind: Kind = Kind.REGULAR, started_at: datetime, near: Person, call_id: str | None = None
    ) -> EmulatedCall:
        """An ordinary call with one intact recording that is uploaded a few minutes after its end."""
        call_type = self.chance.choices(_TYPES, _TYPE_WEIGHTS)[0]
        far: Counterparty | Person = self.chance.choice(COUNTERPARTIES)
        if call_type == "Intercom":
            far = self.chance.choice([person for person in self.desk.people if person != near])
        sample = self.pick_sample()
        length = sample.milliseconds if sample.container == "m4a" else self.pick_length()
        ended_at = started_at + timedelta(milliseconds=length)
        recording = self.recording(
            ended_at=ended_at, sample=sample, milliseconds=length, uploaded_at=self.soon_after(ended_at, 1, 8)
        )
        return self.add(
            kind=kind,
            near=[near],
            far=far,
            started_at=started_at,
            milliseconds=length,
            links=[Link(recording)],
            call_type=call_type,
            call_id=call_id,
        )


def own_end(*people: Person) -> End:
    """An end inside the firm."""
    first = people[0]
    return End(FIRM_ID, FIRM_NAME, first.group_id, first.group_name, first.number, people)


def other_end(group: Counterparty, *, dialled: bool) -> End:
    """An end at another firm; when it was dialled, only its telephone number and firm are known."""
    number = group.dial_number if dialled else connection_number(group.group_id)
    people = () if dialled else group.people[:1]
    return End(group.firm_id, group.firm_name, group.group_id, group.group_name, number, people)
