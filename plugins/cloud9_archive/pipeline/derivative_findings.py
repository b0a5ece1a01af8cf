"""Derivatives of intact originals that came too late to be made."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cloud9_archive.catalog.accounts import CallAccount, RecordingAccount
from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.runs import policy_document
from cloud9_archive.domain.accounting import MediaState
from cloud9_archive.domain.findings import Finding
from cloud9_archive.media.profiles import UNALTERED


def derivative_findings(catalog: Catalog, policy: str, accounts: Collection[CallAccount]) -> Iterator[Finding]:
    """A finding for each call that asks for a derivative that is not there, of a recording that was archived before."""
    asked_for: dict[str, str] = {}
    for account in accounts:
        late = [recording for recording in account.recordings if _was_archived_before(recording, account)]
        if not late:
            continue
        profile = account.profile or asked_for.get(account.policy_version or "")
        if profile is None:
            profile = _policys_profile(catalog, policy, account.policy_version or "")
            asked_for[account.policy_version or ""] = profile
        yield from _absent(account, profile, late)


def _was_archived_before(recording: RecordingAccount, account: CallAccount) -> bool:
    """Whether the call was documented in a later bag than its recording, and so had no say in its derivatives."""
    return recording.state is MediaState.ARCHIVED and account.bag_id not in (None, recording.bag_id)


def _policys_profile(catalog: Catalog, policy: str, version: str) -> str:
    """What a decision by this version of the policy means when it names no profile."""
    profile: str = policy_document(catalog, policy, version).get("media", {}).get("profile", UNALTERED)
    return profile


def _absent(account: CallAccount, profile: str, late: list[RecordingAccount]) -> Iterator[Finding]:
    without = [
        each.ref.recording_id
        for each in late
        if profile != UNALTERED
        and profile not in each.derivatives
        and profile not in {failed["profile"] for failed in each.failed_derivatives}
    ]
    if without:
        words = (
            f"it asks for the profile {profile}; {', '.join(without)} was archived before, and stays as it was archived"
        )
        yield Finding("DERIVATIVE_ABSENT", "/".join(account.ref), words)
