"""A policy: which calls to take, when, under which rules, in which form, and where to keep them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from cloud9_archive.domain.alerting import Alerts
from cloud9_archive.domain.archiving import Archive
from cloud9_archive.domain.call import canonical_json
from cloud9_archive.domain.expecting import Expect
from cloud9_archive.domain.policy_words import (
    ConnectionIds,
    Cron,
    Day,
    Duration,
    Part,
    QueueName,
    Slug,
    Timezone,
)
from cloud9_archive.domain.profile_names import OwnProfiles, ProfileName, check_profile, unknown_in_sections
from cloud9_archive.domain.recording_rules import RecordingRules

NOT_OFFERED_YET: Mapping[str, str] = {
    "archive.legal_hold": "legal holds are not offered yet: nothing would be held",
    "batch.max_bytes": "batches are bounded by max_recordings only",
    "run_on.executor": "the executor is Airflow's setting: use queue or pool",
}
"""Keys that are planned, ``[]`` for any entry of a list. They are refused: a key that does nothing would be believed."""


class Schedule(Part):
    """When the policy runs."""

    cron: Cron = Field(
        description="Minute, hour, day of month, month, weekday. Each run takes the calls between two of these times.",
        examples=["0 2 * * *"],
    )
    timezone: Timezone = Field(
        description="IANA time zone in which `cron` and `start` are meant.", examples=["Europe/London"]
    )
    start: Day = Field(
        default=date(2024, 1, 1), description="The first day, from its midnight in `timezone`; no run looks earlier."
    )
    catchup: bool = Field(
        default=False,
        description="Whether switching the DAG on also runs everything since `start`; if not, use a backfill.",
    )
    lookback: Duration = Field(
        default=timedelta(hours=2),
        description="How much before its own interval each run lists again, for calls that were reported late; at most 31d.",
    )
    max_active_runs: int = Field(default=2, ge=1, le=16, description="How many scheduled runs may work at once.")

    @field_validator("lookback")
    @classmethod
    def _lookback_is_bounded(cls, value: timedelta) -> timedelta:
        if value > timedelta(days=31):
            raise ValueError("at most 31d is wanted: use a backfill for older calls")
        return value


class Media(Part):
    """In which form audio is kept, and how long it may take to appear."""

    profiles: OwnProfiles = Field(
        default={}, description="The firm's own profiles by name, beside those that are shipped; at most 50."
    )
    profile: ProfileName = Field(
        default="none",
        validate_default=True,
        description="The derivative made beside the original: `none`, or a profile that is shipped or in `profiles`. A "
        "section of the rules may ask for another.",
        examples=["alaw_8k"],
    )
    keep_original: Literal[True] = Field(
        default=True, description="The original bytes are the record and are always kept: only true is accepted."
    )
    deadline: Duration = Field(
        default=timedelta(hours=72),
        description="How long after a call its audio may take to appear before it is reported missing; 1m to 365d.",
    )
    length_tolerance: Duration | None = Field(
        default=timedelta(seconds=5),
        description="By how much a call and its recordings may differ in length before it is a finding; 0s to 1h, `null` for any.",
    )

    @field_validator("profile")
    @classmethod
    def _profile_is_known(cls, value: str, known: ValidationInfo) -> str:
        own = known.data.get("profiles")
        return value if own is None else check_profile(value, own)

    @field_validator("keep_original", mode="before")
    @classmethod
    def _original_is_kept(cls, value: object) -> object:
        if value is not True:
            raise ValueError("only true is wanted: the original bytes are the record, a derivative cannot replace them")
        return value

    @field_validator("deadline")
    @classmethod
    def _deadline_is_bounded(cls, value: timedelta) -> timedelta:
        if not timedelta(minutes=1) <= value <= timedelta(days=365):
            raise ValueError("a duration from 1m to 365d is wanted")
        return value

    @field_validator("length_tolerance")
    @classmethod
    def _length_tolerance_is_bounded(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and value > timedelta(hours=1):
            raise ValueError("a duration from 0s to 1h is wanted, or null")
        return value


class Batch(Part):
    """How much work one task takes."""

    max_recordings: int = Field(
        default=100, ge=1, le=1000, description="Recordings per batch; a batch is one mapped task and one bag."
    )


class RunOn(Part):
    """Which workers do the work."""

    queue: QueueName | None = Field(
        default=None,
        description="Queue of the workers whose addresses Cloud9 has on the key's list. Default: Airflow's.",
        examples=["cloud9-egress"],
    )
    pool: QueueName | None = Field(default=None, description="Airflow pool. Default: Airflow's.", examples=["cloud9"])
    all_tasks: bool = Field(
        default=False,
        description="Whether `queue` and `pool` hold for every task, not only for those that talk to Cloud9.",
    )

    @field_validator("all_tasks")
    @classmethod
    def _all_tasks_needs_a_place(cls, value: bool, known: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic passes it so
        if value and known.data.get("queue", "") is None and known.data.get("pool", "") is None:
            raise ValueError("true is wanted only together with a queue or a pool")
        return value


class Policy(Part):
    """One policy, as one YAML file says it. It becomes one DAG."""

    policy: Slug = Field(
        description="The policy's name, equal to its file's name; it also names the DAG and the archive's folder.",
        examples=["emea_rates"],
    )
    description: str = Field(default="", max_length=1000, description="One sentence for people.")
    sources: ConnectionIds = Field(
        min_length=1,
        description="Airflow connections of type cloud9 to take calls from; at least one, each once.",
        examples=["[cloud9_emea]"],
        json_schema_extra={"uniqueItems": True},
    )
    schedule: Schedule
    recording_rules: RecordingRules
    media: Media = Media()
    archive: Archive
    expect: Expect | None = Field(
        default=None,
        description="On which days calls are expected, and how many. Without it only a sudden silence is told.",
    )
    batch: Batch = Batch()
    run_on: RunOn = RunOn()
    alerts: Alerts | None = Field(
        default=None,
        description="Whom to tell, and of what. Without it nobody is told; a gap fails the run all the same.",
    )

    @field_validator("sources")
    @classmethod
    def _sources_are_unique(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({source for source in value if value.count(source) > 1})
        if twice:
            raise ValueError(f"each connection is wanted once: {', '.join(twice)} is repeated")
        return value

    @model_validator(mode="after")
    def _profiles_of_sections_are_known(self) -> Policy:
        faults = unknown_in_sections(self.recording_rules.sections, self.media.profiles)
        if faults:
            raise ValidationError.from_exception_data("Policy", faults)
        return self

    def document(self) -> dict[str, Any]:
        """The policy as plain JSON values, defaults included; ``model_validate`` reads it back."""
        return self.model_dump(mode="json")

    @cached_property
    def version(self) -> str:
        """SHA-256 of the canonical document: equal exactly when two policies say the same, comments apart."""
        return hashlib.sha256(canonical_json(self.document())).hexdigest()
