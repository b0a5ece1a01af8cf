"""Whom a policy tells, of what, and how often."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    field_validator,
)

from cloud9_archive.domain.findings import FINDING_KINDS, Severity
from cloud9_archive.domain.policy_words import ConnectionId, Duration, Part, Text
from cloud9_archive.domain.words import nearest

_LONGEST: Final = timedelta(days=31)
_CLASS_PATH: Final = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_]*\.)+[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class AlertKind(StrEnum):
    """Why a message is sent."""

    RUN_FAILED = "RUN_FAILED"
    RUN_LATE = "RUN_LATE"
    FINDINGS = "FINDINGS"
    TEST = "TEST"


OWN_SEVERITIES: Final[Mapping[str, Severity]] = MappingProxyType(
    {AlertKind.RUN_FAILED.value: Severity.CRITICAL, AlertKind.RUN_LATE.value: Severity.WARNING}
)
"""How urgent it is when a run fails or is late, unless the policy says otherwise; findings have theirs in their table."""


def _to_severity(value: object) -> object:
    if isinstance(value, Severity):
        return value
    words = [severity.value for severity in Severity]
    if isinstance(value, str) and value in words:
        return Severity(value)
    near = nearest(str(value), words)
    raise ValueError(f"one of {', '.join(words)} is wanted{near}")


def _to_option(value: object) -> str | int | bool | tuple[str, ...]:
    if isinstance(value, str | int | bool):
        return value
    if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise ValueError("text, a whole number, true or false, or a list of texts is wanted")


def _known_codes(value: Mapping[str, Severity]) -> Mapping[str, Severity]:
    known = [*OWN_SEVERITIES, *FINDING_KINDS]
    for code in value:
        if code not in known:
            raise ValueError(f"{code} is no code of a finding{nearest(code, known)}; the runbook lists them")
    return value


def _class_path(value: str) -> str:
    if _CLASS_PATH.fullmatch(value) is None:
        raise ValueError("the dotted path of a notifier class is wanted, such as my_firm.alerts.PagerNotifier")
    return value


SeverityWord = Annotated[
    Severity,
    BeforeValidator(_to_severity),
    PlainSerializer(lambda value: value.value),
    WithJsonSchema({"type": "string", "enum": [severity.value for severity in Severity]}),
]
Severities = Annotated[dict[str, SeverityWord], AfterValidator(_known_codes)]
OptionValue = Annotated[
    str | int | bool | tuple[str, ...],
    PlainValidator(_to_option),
    WithJsonSchema({"type": ["string", "integer", "boolean", "array"], "items": {"type": "string"}}),
]


class Alerts(Part):
    """Whom to tell, of what, and how often."""

    conn_id: ConnectionId = Field(
        description="Airflow connection to tell through: smtp, slack, slackwebhook, apprise, pagerduty_events, "
        "opsgenie, or http for a webhook that gets the message as JSON.",
        examples=["ops_apprise"],
    )
    options: dict[Text, OptionValue] = Field(
        default_factory=dict,
        description="Further arguments of the notifier, such as `{to: desk@firm.example}` for mail or "
        "`{channel: '#voice'}` for Slack; `{endpoint: /hook}` for a webhook.",
    )
    notifier: Annotated[str, AfterValidator(_class_path)] | None = Field(
        default=None,
        description="Dotted path of a notifier class, for connections of other types. In its `options`, `{conn_id}`, "
        "`{title}`, `{text}`, `{html}` and `{severity}` are replaced.",
    )
    at_least: SeverityWord = Field(
        default=Severity.WARNING, description="Nothing less urgent than this is told.", examples=["error"]
    )
    severities: Severities = Field(
        default_factory=dict,
        description="How urgent a code is for this policy, such as `{MEDIA_MISSING: critical}`: fatal, critical, error, "
        "warning or notification. The runbook lists codes and what holds without this.",
    )
    late_after: Duration | None = Field(
        default=None,
        description="A run that is not done this long after it was queued is told as late, once, by Airflow's triggerer. Default: never.",
        examples=["30m"],
    )
    gather: Duration = Field(
        default=timedelta(hours=1),
        description="Findings that are less than critical are gathered for this long and told in one message.",
    )
    repeat_after: Duration = Field(
        default=timedelta(hours=4),
        description="The same failure is told again after this long only; the message says how often it happened since.",
    )

    @field_validator("late_after", "gather", "repeat_after")
    @classmethod
    def _is_bounded(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and not timedelta(0) < value <= _LONGEST:
            raise ValueError("a duration above 0 and of at most 31d is wanted")
        return value

    def severity(self, code: str) -> Severity:
        """
        How urgent a code is under this policy.

        :param code: of a finding, or RUN_FAILED or RUN_LATE
        """
        if code in self.severities:
            return self.severities[code]
        return OWN_SEVERITIES[code] if code in OWN_SEVERITIES else FINDING_KINDS[code].severity

    def tells(self, severity: Severity) -> bool:
        """Whether something this urgent is told."""
        return severity.rank <= self.at_least.rank
