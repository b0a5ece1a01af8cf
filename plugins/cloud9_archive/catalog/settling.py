"""The state of calls, derived from their recordings; the one place that writes ``policy_calls.state``."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select, update

from cloud9_archive.catalog.joins import media_of_link, one_of, same_call, this_call, under_policy
from cloud9_archive.catalog.listing import chunks
from cloud9_archive.catalog.tables import call_recordings, calls, media, policy_calls
from cloud9_archive.domain.accounting import ABSENT, OUT_OF_WORK, CallState, MediaState, call_state
from cloud9_archive.domain.run import FIRST_CHECK, CallRef, RecordingRef, check_delay


@dataclass(slots=True)
class _Standing:
    state: CallState
    attempts: int
    documented: bool
    deadline_at: datetime
    media: list[MediaState] = field(default_factory=list)


def settle_calls(connection: Connection, policy: str, refs: Collection[CallRef], *, now: datetime) -> None:
    """
    Each call's state follows from its recordings; absent media are due again after a growing delay.

    A call with work left is due a little later, so that the run that brought the work may take it first. Excluded
    and disposed calls stay as they are. A link that has no media row yet counts as wanted.
    """
    for chunk in chunks(sorted(set(refs))):
        for ref, standing in _standings(connection, policy, chunk).items():
            state = call_state(
                standing.media, documented=standing.documented, past_deadline=now >= standing.deadline_at
            )
            attempts = standing.attempts + 1 if state in ABSENT else standing.attempts
            connection.execute(
                update(policy_calls)
                .where(this_call(policy, ref))
                .values(
                    state=state,
                    attempts=attempts,
                    next_check_at=now + (check_delay(attempts) if state in ABSENT else FIRST_CHECK),
                )
            )


def calls_of_recordings(connection: Connection, policy: str, refs: Iterable[RecordingRef]) -> set[CallRef]:
    """The calls, selected under the policy and not disposed of, that any of the recordings belongs to."""
    found: set[CallRef] = set()
    for chunk in chunks(sorted(set(refs))):
        query = (
            select(call_recordings.c.source, call_recordings.c.call_id)
            .join(
                policy_calls,
                under_policy(policy, call_recordings),
            )
            .where(
                one_of(call_recordings.c.source, call_recordings.c.recording_id, chunk),
                policy_calls.c.state.not_in(OUT_OF_WORK),
            )
        )
        found.update(CallRef(row.source, row.call_id) for row in connection.execute(query))
    return found


def _standings(connection: Connection, policy: str, refs: Collection[CallRef]) -> dict[CallRef, _Standing]:
    query = (
        select(
            policy_calls.c.source,
            policy_calls.c.call_id,
            policy_calls.c.state,
            policy_calls.c.attempts,
            policy_calls.c.archived_digest,
            policy_calls.c.deadline_at,
            calls.c.digest,
            call_recordings.c.recording_id,
            media.c.state.label("media_state"),
        )
        .join(calls, same_call(calls, policy_calls))
        .outerjoin(
            call_recordings,
            same_call(call_recordings, calls),
        )
        .outerjoin(
            media,
            media_of_link(policy),
        )
        .where(
            policy_calls.c.policy == policy,
            one_of(policy_calls.c.source, policy_calls.c.call_id, refs),
            policy_calls.c.state.not_in(OUT_OF_WORK),
        )
    )
    standings: dict[CallRef, _Standing] = {}
    for row in connection.execute(query):
        standing = standings.setdefault(
            CallRef(row.source, row.call_id),
            _Standing(CallState(row.state), row.attempts, row.archived_digest == row.digest, row.deadline_at),
        )
        if row.recording_id is not None:
            standing.media.append(MediaState(row.media_state or MediaState.WANTED))
    return standings
