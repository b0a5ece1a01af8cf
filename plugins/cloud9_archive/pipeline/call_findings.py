"""What is wrong with a call or its recordings, as far as they tell by themselves."""

from __future__ import annotations

from collections.abc import Iterator

from cloud9_archive.catalog.accounts import CallAccount, RecordingAccount
from cloud9_archive.domain.accounting import CallState, MediaState
from cloud9_archive.domain.findings import Finding
from cloud9_archive.errors import RecordingRefusedError


def findings_on(account: CallAccount) -> Iterator[Finding]:
    """What a person must know of the call and its recordings, by themselves."""
    subject = "/".join(account.ref)
    state = account.outcome
    if state is CallState.LISTED:
        yield Finding("CALL_UNDECIDED", subject, "it was listed, and the policy has no decision on it")
    elif state is CallState.SELECTED:
        standing = ", ".join(f"{r.ref.recording_id} {r.state}" for r in account.recordings) or "no recording"
        yield Finding("CALL_UNACCOUNTED", subject, f"it is to be recorded, and its work is not done: {standing}")
    elif state is CallState.MISSING and not account.recordings:
        yield Finding("MEDIA_MISSING", subject, "the deadline has passed, and the call still names no recording")
    if account.state is CallState.EXCLUDED:
        if account.bag_id:
            words = f"it stands in bag {account.bag_id}, and is excluded by the rule {account.rule} now; nothing was removed"
            yield Finding("ARCHIVED_NOW_EXCLUDED", subject, words)
        return
    if account.state is CallState.DISPOSED:
        return
    for recording in account.recordings:
        yield from _findings_on_recording(recording)


def _findings_on_recording(recording: RecordingAccount) -> Iterator[Finding]:
    name = "/".join(recording.ref)
    if recording.state is MediaState.MISSING:
        why = f": {recording.failure_code}: {recording.failure_reason}" if recording.failure_code else ""
        yield Finding("MEDIA_MISSING", name, f"the deadline has passed, and the source does not have it{why}")
    elif recording.state is MediaState.AWAITING_MEDIA and recording.failure_code == RecordingRefusedError.code:
        yield Finding("MEDIA_REFUSED", name, f"{recording.failure_reason}")
    elif recording.state is MediaState.QUARANTINED:
        yield Finding("MEDIA_QUARANTINED", name, f"{recording.failure_code}: {recording.failure_reason}")
    elif recording.failed_derivatives:
        words = "; ".join(f"{one['profile']}: {one['code']}: {one['reason']}" for one in recording.failed_derivatives)
        yield Finding("DERIVATIVE_FAILED", name, words)
