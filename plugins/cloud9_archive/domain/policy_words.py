"""The kinds of value that stand in a policy, each with its check and its JSON schema."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

from cloud9_archive.domain.schedule import check_cron, check_timezone, duration_text, parse_duration

SLUG = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
SLUG_WANTED = "1 to 63 of a-z, 0-9 and _ are wanted, beginning with a letter"
_CONNECTION_ID = re.compile(r"[A-Za-z0-9_.-]{1,200}", re.ASCII)
_QUEUE_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,200}", re.ASCII)
_ROSTER_PATH = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*/)*[A-Za-z0-9_-][A-Za-z0-9_.-]*\.csv", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DURATION_SCHEMA = {"type": "string", "pattern": "^[0-9]{1,6}[smhd]$"}


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


def _to_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


_SLUG_CHECK, _SLUG_SCHEMA = _matching(SLUG, SLUG_WANTED)
_CONN_CHECK, _CONN_SCHEMA = _matching(_CONNECTION_ID, "the id of an Airflow connection is wanted, such as cloud9_emea")
_QUEUE_CHECK, _QUEUE_SCHEMA = _matching(_QUEUE_NAME, "a name of letters, digits, _ . : and - is wanted")
_ROSTER_CHECK, _ROSTER_SCHEMA = _matching(
    _ROSTER_PATH, "the path of a .csv file below include/ is wanted, such as rosters/emea.csv"
)

Slug = Annotated[str, _SLUG_CHECK, _SLUG_SCHEMA]
ConnectionId = Annotated[str, _CONN_CHECK, _CONN_SCHEMA]
QueueName = Annotated[str, _QUEUE_CHECK, _QUEUE_SCHEMA]
RosterPath = Annotated[str, _ROSTER_CHECK, _ROSTER_SCHEMA]
Day = Annotated[date, BeforeValidator(_to_date)]
Duration = Annotated[
    timedelta, BeforeValidator(parse_duration), PlainSerializer(duration_text), WithJsonSchema(_DURATION_SCHEMA)
]
MediaProfile = Literal["none", "pcm_16k", "alaw_8k", "opus_24k"]
Cron = Annotated[str, AfterValidator(check_cron)]
Timezone = Annotated[str, AfterValidator(check_timezone)]
ConnectionIds = Annotated[tuple[ConnectionId, ...], BeforeValidator(_to_tuple)]
