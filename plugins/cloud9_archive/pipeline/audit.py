"""The audit file of a run: one row for every conversation that it listed or took up, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from cloud9_archive.catalog.accounts import CallAccount
from cloud9_archive.domain.call import utc_text
from cloud9_archive.domain.findings import Finding
from cloud9_archive.domain.keys import call_key
from cloud9_archive.domain.retention import Retention, longest, parse_retention
from cloud9_archive.pipeline.call_findings import findings_on
from cloud9_archive.pipeline.csv_cells import csv_text, harmless

AUDIT_COLUMNS = (
    "ccdr_id",
    "native_id",
    "n_files",
    "src_folder",
    "dst_folder",
    "policy_id",
    "policy_name",
    "action",
    "error_code",
    "error_desc",
    "ts",
    "retention_start",
    "retention_period",
    "retention_auto_delete",
)

NEVER_BY_ITSELF = "no"
"""Nothing that is archived is removed without a person who asks for it."""


def audit_csv(
    accounts: Iterable[CallAccount],
    *,
    policy: str,
    policy_version: str,
    retention: Retention | None,
    findings: Iterable[Finding] = (),
) -> bytes:
    """
    The rows by start and id, separated by semicolons; UTF-8. Equal arguments give equal bytes, whatever their order.

    A cell that a spreadsheet could take for a formula has a single quote before it.

    :param accounts: one that occurs twice has one row
    :param policy_version: SHA-256 of the policy in force, hex
    :param retention: the policy's
    :param findings: of the run; those on a call and its recordings stand in its row
    """
    noted: dict[str, set[Finding]] = {}
    for finding in findings:
        noted.setdefault(finding.subject, set()).add(finding)
    each = sorted({account.ref: account for account in accounts}.values(), key=lambda one: (one.started_at, one.ref))
    rows = [_row(account, policy, policy_version, retention, noted) for account in each]
    return csv_text([AUDIT_COLUMNS, *([harmless(cell) for cell in row] for row in rows)]).encode()


def _row(
    account: CallAccount, policy: str, version: str, retention: Retention | None, noted: Mapping[str, set[Finding]]
) -> tuple[str, ...]:
    refs = [account.ref, *(recording.ref for recording in account.recordings)]
    faults = sorted({*findings_on(account), *(each for ref in refs for each in noted.get("/".join(ref), ()))})
    kept = [recording for recording in account.recordings if recording.folder]
    folders = sorted({folder for folder in (account.folder, *(one.folder for one in kept)) if folder})
    return (
        call_key(*account.ref),
        account.ref.call_id,
        str(sum(recording.files for recording in kept)),
        account.ref.source,
        " ".join(folders),
        version,
        policy,
        account.outcome.value,
        " ".join(dict.fromkeys(fault.code for fault in faults)),
        "; ".join(f"{fault.subject}: {fault.words}" for fault in faults),
        _text(account.sealed_at or account.decided_at),
        *(_retention(account, retention) if folders else ("", "", "")),
    )


def _retention(account: CallAccount, policys: Retention | None) -> tuple[str, str, str]:
    asked_for = parse_retention(account.retention) if account.retention else None
    governs = longest([policys, asked_for], since=account.started_at)
    return _text(account.started_at), str(governs or ""), NEVER_BY_ITSELF


def _text(moment: datetime | None) -> str:
    return utc_text(moment) or ""
