"""Users whose calls never bring audio while those of others do."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta

from cloud9_archive.catalog.login_audio import Login, Met, never_heard, note_logins
from cloud9_archive.domain.accounting import ABSENT, MediaState
from cloud9_archive.domain.findings import Finding
from cloud9_archive.domain.run import RunRef
from cloud9_archive.pipeline.call_facts import CallFacts
from cloud9_archive.pipeline.workspace import Workspace

WITHOUT = "USER_WITHOUT_MEDIA"

REMEMBERED = timedelta(days=30)
"""For how long a login is remembered after a run last met it."""

_CAME = (MediaState.ARCHIVED, MediaState.QUARANTINED, MediaState.DISPOSED)


def unheard_users(workspace: Workspace, run: RunRef, calls: Collection[CallFacts]) -> Iterator[Finding]:
    """
    A finding for each login whose calls never brought audio, once the catalog knows what the run met.

    Found by index: the work is in proportion to the run's calls, and to what is found.
    """
    now = workspace.clock()
    note_logins(workspace.catalog, run.policy, _met(calls), now=now)
    for unheard in never_heard(workspace.catalog, run.policy, since=now - REMEMBERED):
        if unheard.telling and unheard.source in workspace.policy.sources:
            yield Finding(WITHOUT, unheard.subject, unheard.words())


def _met(calls: Collection[CallFacts]) -> dict[Login, Met]:
    met: dict[Login, Met] = {}
    for call in calls:
        came = any(recording.state in _CAME for recording in call.account.recordings)
        if not came and (call.account.state not in ABSENT or call.account.held_by):
            continue
        for login in call.logins:
            known = met.setdefault((call.ref.source, login), Met())
            if not came:
                known.unheard[call.ref.call_id] = call.started_at
            elif known.heard_at is None or call.started_at > known.heard_at:
                known.heard_at = call.started_at
    return met
