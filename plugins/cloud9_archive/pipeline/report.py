"""The report of a run: its sums, its findings, and one row for every call."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cloud9_archive.catalog.accounts import CallAccount
from cloud9_archive.catalog.sealing import SealedBag
from cloud9_archive.domain.accounting import CallState, CallSum, MediaSum
from cloud9_archive.domain.bag import ARCHIVE_FORMAT
from cloud9_archive.domain.call import canonical_json, utc_text
from cloud9_archive.domain.findings import Finding
from cloud9_archive.domain.retention import Retention
from cloud9_archive.domain.run import RunRef
from cloud9_archive.pipeline.account_sums import sum_calls, sum_recordings
from cloud9_archive.pipeline.audit import audit_csv
from cloud9_archive.pipeline.csv_cells import csv_text, harmless
from cloud9_archive.pipeline.report_filing import Frame

CSV_COLUMNS = (
    "source",
    "call_id",
    "started_at",
    "state",
    "rule",
    "section",
    "reason",
    "users",
    "retention",
    "profile",
    "held_by",
    "bag_id",
    "recordings",
)

NOT_WANTED = "not_wanted"
"""State of a recording that no policy rule asks for; its audio is never downloaded."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """
    What a run's report states; equal facts make equal reports, whenever they are drawn up.

    :param sources: each source of the policy, and whether it was listed to its end
    :param stragglers: calls of earlier windows that the run took; they are in no sum of this run, but in its findings
        and in its audit file
    :param retention: the policy's
    :param examined: subjects that the run looked at, whose other findings are healed; no fact of the report
    """

    run: RunRef
    policy_version: str
    sources: Mapping[str, bool]
    accounts: Sequence[CallAccount]
    stragglers: Sequence[CallAccount]
    bags: Sequence[SealedBag]
    findings: Sequence[Finding]
    retention: Retention | None = None
    examined: frozenset[str] = frozenset()

    @property
    def calls(self) -> CallSum:
        """The sum over the listed calls; one that another run works on counts as awaited."""
        return sum_calls(self.accounts)

    @property
    def recordings(self) -> MediaSum:
        """The sum over the wanted recordings of the listed calls, each counted once."""
        return sum_recordings(self.accounts)

    @property
    def excluded_by_rule(self) -> dict[str, int]:
        """How many calls each rule excluded."""
        return dict(sorted(Counter(a.rule or "" for a in self.accounts if a.state is CallState.EXCLUDED).items()))

    def document(self) -> dict[str, Any]:
        """The facts as plain JSON values."""
        return {
            "format": ARCHIVE_FORMAT,
            "policy": self.run.policy,
            "policy_version": self.policy_version,
            "run_id": self.run.run_id,
            "kind": self.run.kind.value,
            "window_start": utc_text(self.run.window.start),
            "window_end": utc_text(self.run.window.end),
            "call_ids": list(self.run.call_ids),
            "sources": [{"source": source, "listed": listed} for source, listed in sorted(self.sources.items())],
            "calls": asdict(self.calls),
            "recordings": asdict(self.recordings),
            "excluded_by_rule": self.excluded_by_rule,
            "bags": [asdict(bag) for bag in self.bags],
            "findings": [asdict(finding) for finding in self.findings],
            "rows": [_row(account) for account in self.accounts],
            "audit_sha256": hashlib.sha256(self.audit_csv()).hexdigest(),
        }

    def sums(self) -> dict[str, Any]:
        """Both sums, and how often each finding occurs by its code, as plain JSON values."""
        codes = Counter(finding.code for finding in self.findings)
        return {
            "calls": asdict(self.calls),
            "recordings": asdict(self.recordings),
            "findings": dict(sorted(codes.items())),
        }

    def audit_csv(self) -> bytes:
        """The audit file: one row for every conversation that the run listed or took up."""
        return audit_csv(
            [*self.accounts, *self.stragglers],
            policy=self.run.policy,
            policy_version=self.policy_version,
            retention=self.retention,
            findings=self.findings,
        )

    def digest(self) -> str:
        """SHA-256 of the facts."""
        return hashlib.sha256(canonical_json(self.document())).hexdigest()


def report_json(facts: RunFacts, frame: Frame) -> bytes:
    """The report's JSON file."""
    document = {**facts.document(), **frame.document()}
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def report_csv(facts: RunFacts) -> bytes:
    """
    The report's rows, separated by semicolons, one for every call; UTF-8.

    A cell that a spreadsheet could take for a formula has a single quote before it.
    """
    rows = [_row(account) for account in facts.accounts]
    for row in rows:
        row["users"] = ", ".join(row["users"])
        row["recordings"] = " ".join(f"{r['recording_id']}={r['state']}" for r in row["recordings"])
    lines = [list(CSV_COLUMNS), *([harmless(row[column] or "") for column in CSV_COLUMNS] for row in rows)]
    return csv_text(lines).encode()


def _row(account: CallAccount) -> dict[str, Any]:
    return {
        "source": account.ref.source,
        "call_id": account.ref.call_id,
        "started_at": utc_text(account.started_at),
        "state": account.outcome.value,
        "rule": account.rule,
        "section": account.section,
        "reason": account.reason,
        "users": list(account.users),
        "retention": account.retention,
        "profile": account.profile,
        "recorded_for": list(account.recorded_for),
        "policy_version": account.policy_version,
        "roster_version": account.roster_version,
        "decided_at": utc_text(account.decided_at),
        "deadline_at": utc_text(account.deadline_at),
        "held_by": account.held_by,
        "bag_id": account.bag_id,
        "recordings": [
            {
                "recording_id": recording.ref.recording_id,
                "state": recording.state.value if recording.state else NOT_WANTED,
                "sha256": recording.sha256,
                "bag_id": recording.bag_id,
                "failure": recording.failure_code,
                "derivatives": sorted(recording.derivatives),
                "failed_derivatives": list(recording.failed_derivatives),
            }
            for recording in account.recordings
        ],
    }
