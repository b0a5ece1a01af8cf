"""The JSON documents of an archive, read back; docs/archive-format.md has their fields, and others are passed over."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, NonNegativeInt, ValidationError

from cloud9_archive.domain.accounting import CallState
from cloud9_archive.domain.decision import Outcome
from cloud9_archive.domain.run import RunKind

_NAMED = 3


class _Part(BaseModel):
    """A reader accepts further fields, and takes no text for a number."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Original(_Part):
    """What was received."""

    path: str
    sha256: str
    size: NonNegativeInt
    fetched_at: AwareDatetime | None


class Failed(_Part):
    """Why an original cannot be used as it is."""

    code: str
    reason: str


class OffsetCall(_Part):
    """A call that a recording belongs to."""

    source: str
    call_id: str
    offset: float | None


class RecordDocument(_Part):
    """A ``record.json``."""

    format: Literal["1"]
    policy: str
    source: str
    recording_id: str
    state: Literal["archived", "quarantined"]
    reported_duration: float | None
    reported_filename: str | None
    original: Original | None
    examination: dict[str, Any] | None
    derivatives: tuple[dict[str, Any], ...] = ()
    failed_derivatives: tuple[dict[str, Any], ...] = ()
    waveform: dict[str, Any] | None = None
    failure: Failed | None = None
    calls: tuple[OffsetCall, ...]
    retain_until: AwareDatetime | None = None

    def contents(self) -> dict[str, tuple[str, int]]:
        """SHA-256 and size of every file that it names, by path in the bag; of encrypted ones, when they are opened."""
        made = [*self.derivatives, *([self.waveform] if self.waveform else [])]
        found = {str(each["path"]): (str(each["sha256"]), int(each["size"])) for each in made}
        if self.original:
            found[self.original.path] = (self.original.sha256, self.original.size)
        return found


class ArchivedDecision(_Part):
    """
    A decision, as call documents and reports have it.

    :param decided_at: None in reports from before they said it, and of calls without a decision
    """

    outcome: Outcome
    rule: str
    section: str | None = None
    reason: str
    users: tuple[str, ...] = ()
    recorded_for: tuple[dict[str, Any], ...] = ()
    retention: str | None = None
    profile: str | None = None
    policy_version: str
    roster_version: str | None = None
    decided_at: AwareDatetime | None = None


class RecordingState(_Part):
    """Where a recording of a call stood when the bag's content was fixed."""

    recording_id: str
    key: str
    state: str


class CallDocument(_Part):
    """A call's document."""

    format: Literal["1"]
    policy: str
    call: dict[str, Any]
    call_sha256: str
    decision: ArchivedDecision
    recordings: tuple[RecordingState, ...]
    retain_until: AwareDatetime | None = None


class ReportBag(_Part):
    """A bag that a run sealed."""

    bag_id: str


class ReportFinding(_Part):
    """What a person had to know."""

    code: str
    subject: str
    words: str


class ReportSource(_Part):
    """A source of the policy."""

    source: str
    listed: bool


class ReportRecording(_Part):
    """A recording of a row."""

    recording_id: str


class ReportRow(_Part):
    """A call that a run listed."""

    source: str
    call_id: str
    started_at: AwareDatetime
    state: CallState
    rule: str | None
    section: str | None = None
    reason: str | None
    users: tuple[str, ...] = ()
    recorded_for: tuple[dict[str, Any], ...] = ()
    retention: str | None = None
    profile: str | None = None
    policy_version: str | None = None
    roster_version: str | None = None
    decided_at: AwareDatetime | None = None
    deadline_at: AwareDatetime | None = None
    recordings: tuple[ReportRecording, ...] = ()


class ReportDocument(_Part):
    """A run's report."""

    format: Literal["1"]
    policy: str
    policy_version: str
    run_id: str
    kind: RunKind
    window_start: AwareDatetime
    window_end: AwareDatetime
    call_ids: tuple[str, ...] = ()
    sources: tuple[ReportSource, ...]
    calls: dict[str, int]
    recordings: dict[str, int]
    bags: tuple[ReportBag, ...]
    findings: tuple[ReportFinding, ...]
    rows: tuple[ReportRow, ...]
    facts_sha256: str
    report_number: NonNegativeInt


class DayFinding(ReportFinding):
    """What a person had to know of a day."""

    status: str


class DayDocument(_Part):
    """A day's report."""

    format: Literal["1"]
    policy: str
    day: date
    calls: dict[str, int]
    recordings: dict[str, int]
    findings: tuple[DayFinding, ...]
    facts_sha256: str
    report_number: NonNegativeInt


Document = TypeVar("Document", bound=BaseModel)


def parsed(kind: type[Document], content: bytes) -> Document:
    """
    The document that the bytes hold.

    :raises ValueError: naming fields that are not as the format wants them; what stands in them is not told
    """
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, each['loc'])) or 'it'}: {each['msg']}" for each in error.errors()[:_NAMED]]
        raise ValueError("; ".join(wrong)) from None
