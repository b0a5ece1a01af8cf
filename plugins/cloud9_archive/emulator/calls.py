"""What the emulated Cloud9 knows of a call and of a recording, before anyone asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cloud9_archive.emulator.firm import Person


class Kind(StrEnum):
    """Why a call is in the world: an ordinary one, or one of the cases that every weekday holds."""

    REGULAR = "regular"
    LATE_MEDIA = "late_media"
    MEDIA_NEVER = "media_never"
    DAMAGED = "damaged"
    EMPTY = "empty"
    HOSTILE_ID = "hostile_id"
    LONG_ID = "long_id"
    SHARED_LINE = "shared_line"
    TWO_RECORDINGS = "two_recordings"
    BOTH_SIDES = "both_sides"
    LINKS_LATE = "links_late"
    STRANGERS_ONLY = "strangers_only"
    SAME_SECOND = "same_second"


class Condition(StrEnum):
    """What state a recording's bytes are in."""

    INTACT = "intact"
    DAMAGED = "damaged"
    EMPTY = "empty"


class Damage(StrEnum):
    """How a damaged recording was damaged."""

    CUT_IN_HALF = "cut_in_half"
    FLIPPED_BYTES = "flipped_bytes"
    HOLE = "hole"
    CUT_M4A = "cut_m4a"


@dataclass(frozen=True, slots=True)
class Recording:
    """
    One media object.

    :param sample: file name of the shipped sample that it is made from
    :param container: ``ogg`` or ``m4a``
    :param milliseconds: length that the metadata reports, which is the true one when the bytes are intact
    :param uploaded_at: aware UTC; None when it never comes
    """

    recording_id: str
    file_name: str
    sample: str
    container: str
    channels: int
    milliseconds: int
    uploaded_at: datetime | None
    condition: Condition = Condition.INTACT
    damage: Damage | None = None


@dataclass(frozen=True, slots=True)
class End:
    """One end of a connection; ``people`` may be empty, and ``number`` unknown."""

    firm_id: str
    firm_name: str
    group_id: str
    group_name: str
    number: str | None = None
    people: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """A recording of a call, and where in it the call begins, in milliseconds."""

    recording: Recording
    offset: int = 0


@dataclass(frozen=True, slots=True)
class EmulatedCall:
    """
    One side's view of a conversation.

    :param call_type: as the API spells it, for example ``Click to Call``
    :param started_at: aware UTC, whole milliseconds
    :param listed_at: aware UTC; the API shows the call from then on
    :param links_late: whether the API shows ``recordings`` only once the media is uploaded
    """

    call_id: str
    kind: Kind
    call_type: str
    direction: str
    started_at: datetime
    milliseconds: int
    listed_at: datetime
    near: End
    far: End
    button_label: str
    connection: str
    start_action: str
    stop_reason: str
    links: tuple[Link, ...]
    links_late: bool = False

    @property
    def ended_at(self) -> datetime:
        """When the call stopped, aware UTC."""
        return self.started_at + timedelta(milliseconds=self.milliseconds)

    @property
    def position(self) -> tuple[datetime, str]:
        """Its place in every listing."""
        return (self.started_at, self.call_id)
