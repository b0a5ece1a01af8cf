"""Both sums over a whole policy, and what is in none of their outcomes though nobody is at work on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cloud9_archive.catalog.accounts import abandoned_work, policy_call_counts, policy_media_counts
from cloud9_archive.catalog.looking import due_in_vain, known_by_id, left_undone
from cloud9_archive.domain.accounting import CallState, CallSum, MediaSum, call_sum, media_sum
from cloud9_archive.domain.call import utc_text
from cloud9_archive.pipeline.look_notes import Notes, open_of
from cloud9_archive.pipeline.workspace import Workspace

PATIENCE = timedelta(days=1)
"""How long awaited or missing media may be due before somebody is told that nobody asks for them."""

_MEDIA = "media"


@dataclass
class SumsLook:
    """
    Both sums over the whole policy.

    What they lack is under work, or a finding says why not.
    """

    calls: CallSum
    recordings: MediaSum
    notes: Notes = field(default_factory=Notes)


def look_at_sums(workspace: Workspace, end: datetime) -> SumsLook:
    """
    Both sums were drawn up; whatever is in none of their outcomes, and no run is at work on, is a finding.

    :param end: when the last interval that is over ended: the run of that interval has taken what was due by then
    """
    catalog, policy, now = workspace.catalog, workspace.policy.policy, workspace.clock()
    look = SumsLook(call_sum(policy_call_counts(catalog, policy)), media_sum(policy_media_counts(catalog, policy)))
    undone = left_undone(catalog, policy, since=end, now=now)
    for ref in undone:
        words = "it is to be recorded, its work is not done, and no run is at work on it"
        look.notes.saw("CALL_UNACCOUNTED", "/".join(ref), words)
    look.notes.looked_at("CALL_UNACCOUNTED", _settled(workspace))
    for recording in abandoned_work(catalog, policy, now=now):
        look.notes.saw("RECORDING_ABANDONED", "/".join(recording), "it is under work, and nobody holds it")
    abandoned = [each.finding.subject for each in open_of(workspace, ["RECORDING_ABANDONED"])]
    look.notes.looked_at("RECORDING_ABANDONED", abandoned)
    if waiting := due_in_vain(catalog, policy, since=end - PATIENCE):
        begin = utc_text(end - timedelta(hours=1))
        words = (
            f"{waiting} calls with absent media have been due since {utc_text(end - PATIENCE)}: "
            f"cloud9-archive run {policy} --scheduled --from {begin} --to {utc_text(end)}"
        )
        look.notes.saw("MEDIA_NOT_ASKED_FOR", _MEDIA, words)
    look.notes.looked_at("MEDIA_NOT_ASKED_FOR", [_MEDIA])
    return look


def _settled(workspace: Workspace) -> list[str]:
    """Subjects of open findings whose call is accounted for by now; of others, the run that found them says more."""
    subjects = [each.finding.subject for each in open_of(workspace, ["CALL_UNACCOUNTED"])]
    settled: list[str] = []
    for source in workspace.policy.sources:
        ids = [subject.removeprefix(f"{source}/") for subject in subjects if subject.startswith(f"{source}/")]
        known = known_by_id(workspace.catalog, workspace.policy.policy, source, ids)
        settled += [
            f"{source}/{call_id}"
            for call_id, call in known.items()
            if call.state not in (None, CallState.LISTED, CallState.SELECTED)
        ]
    return settled
