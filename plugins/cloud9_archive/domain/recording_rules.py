"""What a policy says of recording rules: the roster, the reach of a veto, and sections with their filters."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from cloud9_archive.domain.policy_words import (
    CallTypes,
    Directions,
    Duration,
    Part,
    RetentionTime,
    RosterVersion,
    Text,
    Texts,
    TimeOfDay,
    Timezone,
    Weekdays,
)
from cloud9_archive.domain.profile_names import ProfileName
from cloud9_archive.domain.roster_place import RosterPlace, RosterQuery

MOST_SECTIONS = 200


class PartyFilter(Part):
    """Some participant for whom everything that is said here holds."""

    login: Texts | None = Field(default=None, description="Cloud9 login names.")
    user: Texts | None = Field(
        default=None, description="Users of the roster to whom the participant's login or number belongs."
    )
    display_name: Texts | None = Field(default=None, description="Names, as the source reports them.")
    group: Texts | None = Field(
        default=None,
        description="The user's groups on the roster, or the name or id of the group that the source reports.",
    )
    firm: Texts | None = Field(default=None, description="Name or id of the firm, as the source reports it.")
    number: Texts | None = Field(default=None, description="Number or address of the participant's end.")

    @model_validator(mode="after")
    def _says_something(self) -> PartyFilter:
        if not self.model_fields_set or all(getattr(self, name) is None for name in type(self).model_fields):
            raise ValueError(f"one of {', '.join(type(self).model_fields)} is wanted")
        return self


class Hours(Part):
    """Weekdays and a time of day in a zone."""

    timezone: Timezone = Field(
        description="IANA time zone by whose clocks and calendar the call's start is read.", examples=["Europe/London"]
    )
    weekdays: Weekdays | None = Field(
        default=None, description="`mon` to `sun`; of a span over midnight, the day on which it begins."
    )
    start: TimeOfDay | None = Field(default=None, description="First minute of the span; default 00:00.")
    end: TimeOfDay | None = Field(
        default=None,
        validate_default=True,
        description="First minute after the span; default midnight. Before `start`: the span goes over midnight.",
    )

    @field_validator("end")
    @classmethod
    def _is_a_span(cls, value: time | None, known: ValidationInfo) -> time | None:
        start = known.data.get("start")
        if value is not None and value == (start or time()) and value != time():
            raise ValueError("another time than start is wanted: the span would be empty")
        if value is None and start is None and known.data.get("weekdays", ()) is None:
            raise ValueError("weekdays, start or end is wanted")
        return value


class Length(Part):
    """How long a call is, as its source reports."""

    min: Duration | None = Field(default=None, description="The shortest duration that fits.")
    max: Duration | None = Field(default=None, validate_default=True, description="The longest duration that fits.")

    @field_validator("max")
    @classmethod
    def _is_a_range(cls, value: timedelta | None, known: ValidationInfo) -> timedelta | None:
        least = known.data.get("min")
        if value is None and least is None and "min" in known.data:
            raise ValueError("min or max is wanted")
        if value is not None and least is not None and value < least:
            raise ValueError("a duration of at least min is wanted: no call would fit")
        return value


class When(Part):
    """Filters; all of them must hold. Without any, every call fits."""

    near: PartyFilter | None = Field(default=None, description="A participant at the near end.")
    far: PartyFilter | None = Field(default=None, description="A participant at the far end; keys as in `near`.")
    any: PartyFilter | None = Field(default=None, description="A participant at either end; keys as in `near`.")
    call_type: CallTypes | None = Field(
        default=None, description="`shoutdown`, `ringdown`, `click_to_call`, `intercom`, `unknown`."
    )
    direction: Directions | None = Field(
        default=None, description="`incoming`, `outgoing`, `internal`, `unknown`, seen from the near end."
    )
    connection: Texts | None = Field(default=None, description="The connection's number, as the source reports it.")
    button_label: Texts | None = Field(default=None, description="The label of the line's button.")
    hours: Hours | None = Field(default=None, description="When the call starts.")
    duration: Length | None = Field(default=None, description="How long the call is.")
    recorded_both_sides: bool | None = Field(
        default=None, description="Whether users whom the roster records take part at both ends."
    )

    @property
    def empty(self) -> bool:
        """Whether it has no filter."""
        return all(getattr(self, name) is None for name in type(self).model_fields)


class Section(Part):
    """A part of the rules: what becomes of the calls that all its filters fit."""

    name: Text = Field(description="For people, reports and reasons; each name once.", examples=["no intercom"])
    when: When = When()
    then: Literal["record", "exclude"] = Field(
        description="`record` or `exclude`; the first section that fits decides.", examples=["exclude"]
    )
    retention: RetentionTime | None = Field(
        default=None,
        description="How long these calls are to be kept at least, such as `7y` or `90d`; only with `record`.",
    )

    profile: ProfileName | None = Field(
        default=None,
        description="The profile of these calls' derivative, instead of `media.profile`; only with `record`.",
    )

    @field_validator("retention", "profile")
    @classmethod
    def _excluded_calls_are_not_kept(cls, value: object, known: ValidationInfo) -> object:
        if value is not None and known.data.get("then") == "exclude":
            raise ValueError(f"no {known.field_name} is wanted where then is exclude: there is no audio to keep")
        return value


class RecordingRules(Part):
    """Which of the listed calls are recorded."""

    enabled: bool = Field(
        description="true: only calls of the roster's users. false: everything that the sources list.",
        examples=["true"],
    )
    roster: RosterPlace | None = Field(
        default=None,
        validate_default=True,
        description="CSV, JSON or YAML file below `include/`, or an address such as `s3://conn_id@bucket/emea.csv`, or a "
        "query as below. Needed when `enabled` is true, refused when it is false.",
        examples=["rosters/emea.csv"],
    )
    accept_roster: RosterVersion | None = Field(
        default=None,
        description="Version, or its first 12 characters, of a roster that may record fewer than half of the users of "
        "the last good one.",
        examples=["3f9a0c5b7d21"],
    )
    quiet_after: Duration | None = Field(
        default=timedelta(days=30),
        description="After how long without a call a user of the roster, or an extension that never matched, is a "
        "finding; 1d to 365d, `null` for never.",
    )
    fold_case: bool = Field(
        default=False, description="Whether logins and numbers match the roster without regard to case."
    )
    wildcards: bool = Field(
        default=False, description="Whether `*` and `?` in the roster's extensions stand for any characters."
    )
    never_record: Literal["call", "side"] = Field(
        default="call",
        description="What `never_record` silences: the whole `call`, or only matches on that participant's own `side`.",
    )
    sections: tuple[Section, ...] = Field(
        default=(),
        max_length=MOST_SECTIONS,
        description="Asked in their order for calls that the roster records; the first that fits decides.",
    )

    @property
    def roster_name(self) -> str:
        """The roster's place in words."""
        return f"query over {self.roster.conn_id}" if isinstance(self.roster, RosterQuery) else self.roster or "none"

    @property
    def roster_is_file(self) -> bool:
        """Whether the roster is a file below ``include/``, which can be read anywhere."""
        return isinstance(self.roster, str) and "://" not in self.roster

    @field_validator("quiet_after")
    @classmethod
    def _quiet_is_bounded(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and not timedelta(days=1) <= value <= timedelta(days=365):
            raise ValueError("a duration from 1d to 365d is wanted, or null for never")
        return value

    @field_validator("roster")
    @classmethod
    def _roster_goes_with_enabled(
        cls, value: str | RosterQuery | None, known: ValidationInfo
    ) -> str | RosterQuery | None:
        enabled = known.data.get("enabled")
        if enabled is True and value is None:
            raise ValueError("a roster is wanted because enabled is true, such as rosters/emea.csv")
        if enabled is False and value is not None:
            raise ValueError("no roster is wanted while enabled is false: it would not be read")
        return value

    @field_validator("sections", mode="before")
    @classmethod
    def _sections_are_a_list(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("sections")
    @classmethod
    def _sections_have_names(cls, value: tuple[Section, ...], known: ValidationInfo) -> tuple[Section, ...]:
        names = [section.name for section in value]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"each section's name is wanted once: {', '.join(twice)} is repeated")
        if value and known.data.get("enabled") is False:
            raise ValueError("no sections are wanted while enabled is false: they would not be asked")
        return value
