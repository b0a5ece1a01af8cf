"""What a run may work on: calls with something left to do that nobody holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, select

from cloud9_archive.catalog.joins import media_of_link, of_run, same_call
from cloud9_archive.catalog.tables import call_recordings, calls, decisions, media, policy_calls, run_calls
from cloud9_archive.domain.accounting import ABSENT, CallState, MediaState
from cloud9_archive.domain.retention import Retention, parse_retention
from cloud9_archive.domain.run import CallRef, RecordingRef, RunKind, RunRef

SETTLED = (MediaState.ARCHIVED, MediaState.QUARANTINED, MediaState.DISPOSED)
UNSETTLED_CALLS = (CallState.SELECTED, *ABSENT)


@dataclass(slots=True)
class Due:
    """
    A call with something left to do.

    :param documented: whether a bag holds it as the source last reported it
    :param unknown: its recordings that the policy has never heard of
    :param to_do: its recordings that are not settled
    :param held: whether another batch holds one of its recordings
    :param retention: what the decision on it asks for
    """

    started_at: datetime
    deadline_at: datetime
    documented: bool
    past_deadline: bool
    unknown: list[RecordingRef] = field(default_factory=list)
    to_do: list[RecordingRef] = field(default_factory=list)
    has_recordings: bool = False
    held: bool = False
    retention: Retention | None = None

    def has_work(self) -> bool:
        """Whether a batch is to take it."""
        if self.held:
            return False
        if self.to_do:
            return True
        # All recordings are settled, or there are none and there will be none in time: the call itself is to be kept.
        return not self.documented and (self.has_recordings or self.past_deadline)


def due_calls(connection: Connection, run: RunRef, now: datetime) -> dict[CallRef, Due]:
    """Unsettled calls that nobody holds: all that the run listed, or for a scheduled run all that are due."""
    listed = _unsettled(run).join(run_calls, and_(of_run(run_calls, run), same_call(run_calls, policy_calls)))
    queries = [listed]
    if run.kind is RunKind.SCHEDULED:
        queries = [
            listed.where(policy_calls.c.state == CallState.SELECTED),
            _unsettled(run).where(policy_calls.c.next_check_at <= now),
        ]
    due: dict[CallRef, Due] = {}
    for query in queries:
        found: dict[CallRef, Due] = {}
        for row in connection.execute(query):
            _add_row(found, row, now)
        due |= found
    return dict(sorted(due.items(), key=lambda item: (item[1].started_at, item[0])))


def _unsettled(run: RunRef) -> Select[Any]:
    return (
        select(
            policy_calls.c.source,
            policy_calls.c.call_id,
            policy_calls.c.started_at,
            policy_calls.c.deadline_at,
            policy_calls.c.archived_digest,
            decisions.c.retention,
            calls.c.digest,
            call_recordings.c.recording_id,
            media.c.state.label("media_state"),
            media.c.batch_id,
        )
        .join(calls, same_call(calls, policy_calls))
        .outerjoin(decisions, decisions.c.decision_id == policy_calls.c.decision_id)
        .outerjoin(
            call_recordings,
            same_call(call_recordings, calls),
        )
        .outerjoin(
            media,
            media_of_link(run.policy),
        )
        .where(
            policy_calls.c.policy == run.policy,
            policy_calls.c.state.in_(UNSETTLED_CALLS),
            policy_calls.c.batch_id.is_(None),
        )
    )


def _add_row(due: dict[CallRef, Due], row: Row[Any], now: datetime) -> None:
    call = due.setdefault(
        CallRef(row.source, row.call_id),
        Due(
            row.started_at,
            row.deadline_at,
            row.archived_digest == row.digest,
            now >= row.deadline_at,
            retention=parse_retention(row.retention) if row.retention else None,
        ),
    )
    if row.recording_id is None:
        return
    recording = RecordingRef(row.source, row.recording_id)
    call.has_recordings = True
    call.held = call.held or row.batch_id is not None
    if row.media_state not in SETTLED:
        call.to_do.append(recording)
    if row.media_state is None:
        call.unknown.append(recording)
