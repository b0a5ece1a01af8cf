"""The kinds of value that stand in a policy, each with its check and its JSON schema."""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from cloud9_archive.domain.retention import Retention, parse_retention
from cloud9_archive.domain.schedule import check_cron, check_timezone, duration_text, parse_duration

SLUG = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
SLUG_WANTED = "1 to 63 of a-z, 0-9 and _ are wanted, beginning with a letter"
_CONNECTION_ID = re.compile(r"[A-Za-z0-9_.-]{1,200}", re.ASCII)
_QUEUE_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,200}", re.ASCII)
_ROSTER_ENDING = r"\.(?:csv|json|ya?ml)"
_ROSTER_PATH = re.compile(
    rf"(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*/)*[A-Za-z0-9_-][A-Za-z0-9_.-]*{_ROSTER_ENDING}"
    rf"|[a-z][a-z0-9+.-]*://(?:[A-Za-z0-9_.-]+@)?[^\s@\\?#]+{_ROSTER_ENDING}",
    re.ASCII,
)
_HOLIDAYS_PATH = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*/)*[A-Za-z0-9_-][A-Za-z0-9_.-]*\.(?:txt|csv)", re.ASCII)
_CERTIFICATE_PATH = re.compile(r"/?(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*/)*[A-Za-z0-9_-][A-Za-z0-9_.-]*", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DURATION_SCHEMA = {"type": "string", "pattern": "^[0-9]{1,6}[smhd]$"}

_TIME_OF_DAY = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d", re.ASCII)
_LONGEST_TEXT = 200
_MOST_VALUES = 1000
_MOST_RECIPIENTS = 10


class Part(BaseModel):
    """A group of keys of a policy: keys that nobody knows are refused, and so is a value of another kind."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _matching(pattern: re.Pattern[str], wanted: str) -> tuple[AfterValidator, WithJsonSchema]:
    def check(text: str) -> str:
        if pattern.fullmatch(text) is None:
            raise ValueError(wanted)
        return text

    return AfterValidator(check), WithJsonSchema({"type": "string", "pattern": f"^{pattern.pattern}$"})


def _to_date(value: object) -> object:
    if isinstance(value, date):
        return value
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError("a date that exists is wanted, written year-month-day, such as 2024-01-01")


def _to_time(value: object) -> object:
    if isinstance(value, time):
        return value
    if isinstance(value, str) and _TIME_OF_DAY.fullmatch(value):
        return time.fromisoformat(value)
    raise ValueError("a time of day is wanted, such as 07:30, from 00:00 to 23:59")


def _check_text(text: str) -> str:
    if not text or len(text) > _LONGEST_TEXT or text != text.strip() or not text.isprintable():
        raise ValueError(f"1 to {_LONGEST_TEXT} printable characters are wanted, without blanks around them")
    return text


def _once(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) < len(values):
        twice = sorted({value for value in values if values.count(value) > 1})
        raise ValueError(f"each entry is wanted once: {', '.join(twice)} is repeated")
    return values


def _to_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


_SLUG_CHECK, _SLUG_SCHEMA = _matching(SLUG, SLUG_WANTED)
_CONN_CHECK, _CONN_SCHEMA = _matching(_CONNECTION_ID, "the id of an Airflow connection is wanted, such as cloud9_emea")
_QUEUE_CHECK, _QUEUE_SCHEMA = _matching(_QUEUE_NAME, "a name of letters, digits, _ . : and - is wanted")
_ROSTER_CHECK, _ROSTER_SCHEMA = _matching(
    _ROSTER_PATH,
    "the path of a .csv, .json or .yaml file below include/ is wanted, such as rosters/emea.csv, "
    "or its address, such as s3://aws_hr@bucket/emea.csv",
)
_CERTIFICATE_CHECK, _CERTIFICATE_SCHEMA = _matching(
    _CERTIFICATE_PATH,
    "the path of a certificate in PEM is wanted, below include/ such as certs/archive.pem, or absolute",
)
_HOLIDAYS_CHECK, _HOLIDAYS_SCHEMA = _matching(
    _HOLIDAYS_PATH, "the path of a .txt or .csv file below include/ is wanted, such as holidays/england.txt"
)
_VERSION_CHECK, _VERSION_SCHEMA = _matching(
    re.compile(r"[0-9a-f]{12,64}", re.ASCII),
    "12 to 64 of 0-9 and a-f are wanted, as the refusal of the roster gives them",
)

Slug = Annotated[str, _SLUG_CHECK, _SLUG_SCHEMA]
ConnectionId = Annotated[str, _CONN_CHECK, _CONN_SCHEMA]
QueueName = Annotated[str, _QUEUE_CHECK, _QUEUE_SCHEMA]
RosterPath = Annotated[str, _ROSTER_CHECK, _ROSTER_SCHEMA]
HolidaysPath = Annotated[str, _HOLIDAYS_CHECK, _HOLIDAYS_SCHEMA]
CertificatePath = Annotated[str, _CERTIFICATE_CHECK, _CERTIFICATE_SCHEMA]
CertificatePaths = Annotated[
    tuple[CertificatePath, ...],
    BeforeValidator(_to_tuple),
    Field(min_length=1, max_length=_MOST_RECIPIENTS),
    AfterValidator(_once),
]
RosterVersion = Annotated[str, _VERSION_CHECK, _VERSION_SCHEMA]
Day = Annotated[date, BeforeValidator(_to_date)]
Duration = Annotated[
    timedelta, BeforeValidator(parse_duration), PlainSerializer(duration_text), WithJsonSchema(_DURATION_SCHEMA)
]
Cron = Annotated[str, AfterValidator(check_cron)]
Timezone = Annotated[str, AfterValidator(check_timezone)]
Text = Annotated[str, AfterValidator(_check_text), WithJsonSchema({"type": "string", "maxLength": _LONGEST_TEXT})]
Texts = Annotated[
    tuple[Text, ...], BeforeValidator(_to_tuple), Field(min_length=1, max_length=_MOST_VALUES), AfterValidator(_once)
]
CallTypes = Annotated[
    tuple[Literal["shoutdown", "ringdown", "click_to_call", "intercom", "unknown"], ...],
    BeforeValidator(_to_tuple),
    Field(min_length=1),
    AfterValidator(_once),
]
Directions = Annotated[
    tuple[Literal["incoming", "outgoing", "internal", "unknown"], ...],
    BeforeValidator(_to_tuple),
    Field(min_length=1),
    AfterValidator(_once),
]
Weekdays = Annotated[
    tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...],
    BeforeValidator(_to_tuple),
    Field(min_length=1),
    AfterValidator(_once),
]
TimeOfDay = Annotated[
    time,
    BeforeValidator(_to_time),
    PlainSerializer(lambda value: f"{value:%H:%M}"),
    WithJsonSchema({"type": "string", "pattern": f"^{_TIME_OF_DAY.pattern}$"}),
]
RetentionTime = Annotated[
    Retention,
    BeforeValidator(parse_retention),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]{0,4}[dy]$"}),
]
ConnectionIds = Annotated[tuple[ConnectionId, ...], BeforeValidator(_to_tuple)]
