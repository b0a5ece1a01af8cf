"""What became of the calls: the rows behind reports and sums."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, FromClause, Table, and_, case, exists, func, select

from cloud9_archive.catalog.batches import profiles_of
from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.joins import media_of_link, of_run, same_call, same_recording, under_policy
from cloud9_archive.catalog.tables import (
    bags,
    batches,
    call_recordings,
    calls,
    decisions,
    media,
    policy_calls,
    run_calls,
    run_stragglers,
)
from cloud9_archive.domain.accounting import UNDER_WORK, CallState, MediaState
from cloud9_archive.domain.run import CallRef, RecordingRef, RunRef
from cloud9_archive.domain.window import Window


@dataclass(frozen=True, slots=True)
class RecordingAccount:
    """
    A recording of a listed call.

    :param state: None when the policy does not want it
    :param derivatives: profiles by which it has a derivative
    :param failed_derivatives: profile, code and reason of each derivative that was not made
    :param files: how many files of audio were made of it, and itself
    :param folder: of the bag that holds it
    """

    ref: RecordingRef
    state: MediaState | None
    sha256: str | None
    bag_id: str | None
    failure_code: str | None
    failure_reason: str | None
    derivatives: frozenset[str] = frozenset()
    failed_derivatives: tuple[Mapping[str, str], ...] = ()
    files: int = 0
    folder: str | None = None


@dataclass(slots=True)
class CallAccount:
    """
    What became of a call that a run listed.

    :param held_by: the other run that works on it, or ``later`` when a later run will
    :param users: for whom it is recorded, by name
    :param section: name of the section that decided
    :param retention: the longest that is asked for
    :param profile: the one that its decision asks for; None: the policy's ``media.profile``
    :param policy_version: the policy that decided
    :param decided_at: when
    :param folder: of the bag that holds its newest document
    :param sealed_at: when that bag was sealed
    :param roster_version: the roster that was asked
    :param recorded_for: an entry for each of the users
    :param deadline_at: from here on absent media are missing
    """

    ref: CallRef
    started_at: datetime
    state: CallState
    rule: str | None
    reason: str | None
    bag_id: str | None
    held_by: str | None
    recordings: list[RecordingAccount] = field(default_factory=list)
    users: tuple[str, ...] = ()
    section: str | None = None
    retention: str | None = None
    profile: str | None = None
    policy_version: str | None = None
    decided_at: datetime | None = None
    folder: str | None = None
    sealed_at: datetime | None = None

    @property
    def outcome(self) -> CallState:
        """Its place in the sum: one that another run works on counts as awaited."""
        if self.held_by is not None and self.state is CallState.SELECTED:
            return CallState.AWAITING_MEDIA
        return self.state

    roster_version: str | None = None
    recorded_for: tuple[Mapping[str, str | None], ...] = ()
    deadline_at: datetime | None = None


def run_accounts(catalog: Catalog, run: RunRef, *, now: datetime) -> list[CallAccount]:
    """Every call that the run listed, by start and id, with its recordings; undecided ones have state ``listed``."""
    return _accounts(catalog, run, run_calls, now)


def straggler_accounts(catalog: Catalog, run: RunRef, *, now: datetime) -> list[CallAccount]:
    """Every call of an earlier window that the run took, by start and id, with its recordings."""
    return _accounts(catalog, run, run_stragglers, now)


def day_accounts(
    catalog: Catalog, policy: str, sources: Iterable[str], day: Window, *, now: datetime
) -> list[CallAccount]:
    """
    Every call of the sources that began in the day, by start and id, with its recordings; undecided ones are ``listed``.

    :param now: aware UTC; who works on a call at that time holds it
    """
    chosen = and_(calls.c.source.in_(list(sources)), calls.c.started_at >= day.start, calls.c.started_at < day.end)
    return _read_accounts(catalog, calls, chosen, policy=policy, run_id="", now=now)


def _accounts(catalog: Catalog, run: RunRef, members: Table, now: datetime) -> list[CallAccount]:
    listed = members.join(calls, same_call(calls, members))
    return _read_accounts(catalog, listed, of_run(members, run), policy=run.policy, run_id=run.run_id, now=now)


def _read_accounts(
    catalog: Catalog, members: FromClause, chosen: ColumnElement[bool], *, policy: str, run_id: str, now: datetime
) -> list[CallAccount]:
    """
    The accounts of some calls under a policy.

    :param members: holds ``calls``
    :param run_id: whose batches do not count as another's
    """
    holding = batches.alias()
    media_bag = bags.alias()
    query = (
        select(
            calls.c.source,
            calls.c.call_id,
            calls.c.started_at,
            policy_calls.c.state,
            policy_calls.c.bag_id,
            case(
                (
                    and_(batches.c.run_id != run_id, batches.c.lease_until > now),
                    batches.c.run_id,
                ),
                (
                    and_(
                        policy_calls.c.state == CallState.SELECTED,
                        policy_calls.c.batch_id.is_(None),
                        policy_calls.c.next_check_at > now,
                    ),
                    "later",
                ),
            ).label("held_by"),
            case((and_(holding.c.run_id != run_id, holding.c.lease_until > now), holding.c.run_id)).label(
                "recording_held_by"
            ),
            decisions.c.rule,
            decisions.c.reason,
            decisions.c.users,
            decisions.c.section,
            decisions.c.retention,
            decisions.c.profile,
            decisions.c.policy_version,
            decisions.c.decided_at,
            bags.c.prefix.label("folder"),
            bags.c.sealed_at,
            decisions.c.roster_version,
            decisions.c.recorded_for,
            policy_calls.c.deadline_at,
            call_recordings.c.recording_id,
            media.c.state.label("media_state"),
            media.c.original_sha256,
            media.c.bag_id.label("media_bag_id"),
            media_bag.c.prefix.label("media_folder"),
            media.c.failure_code,
            media.c.failure_reason,
            media.c.derivatives,
            media.c.failed_derivatives,
        )
        .select_from(members)
        .outerjoin(
            policy_calls,
            under_policy(policy, calls),
        )
        .outerjoin(decisions, decisions.c.decision_id == policy_calls.c.decision_id)
        .outerjoin(batches, batches.c.batch_id == policy_calls.c.batch_id)
        .outerjoin(
            call_recordings,
            same_call(call_recordings, calls),
        )
        .outerjoin(
            media,
            media_of_link(policy),
        )
        .outerjoin(holding, holding.c.batch_id == media.c.batch_id)
        .outerjoin(bags, bags.c.bag_id == policy_calls.c.bag_id)
        .outerjoin(media_bag, media_bag.c.bag_id == media.c.bag_id)
        .where(chosen)
        .order_by(calls.c.started_at, calls.c.source, calls.c.call_id, call_recordings.c.recording_id)
    )
    accounts: dict[CallRef, CallAccount] = {}
    with catalog.begin() as connection:
        for row in connection.execute(query):
            ref = CallRef(row.source, row.call_id)
            state = CallState(row.state or CallState.LISTED)
            account = accounts.get(ref) or CallAccount(
                ref,
                row.started_at,
                state,
                row.rule,
                row.reason,
                row.bag_id,
                row.held_by,
                users=tuple(json.loads(row.users)) if row.users else (),
                section=row.section,
                retention=row.retention,
                profile=row.profile,
                policy_version=row.policy_version,
                decided_at=row.decided_at,
                folder=row.folder,
                sealed_at=row.sealed_at,
                roster_version=row.roster_version,
                recorded_for=tuple(json.loads(row.recorded_for or "[]")),
                deadline_at=row.deadline_at,
            )
            accounts[ref] = account
            account.held_by = account.held_by or row.recording_held_by
            if row.recording_id is not None:
                made = json.loads(row.derivatives or "[]")
                account.recordings.append(
                    RecordingAccount(
                        RecordingRef(row.source, row.recording_id),
                        MediaState(row.media_state) if row.media_state else None,
                        row.original_sha256,
                        row.media_bag_id,
                        row.failure_code,
                        row.failure_reason,
                        profiles_of(made),
                        tuple(json.loads(row.failed_derivatives or "[]")),
                        files=len(made) + (row.original_sha256 is not None),
                        folder=row.media_folder,
                    )
                )
    return list(accounts.values())


def policy_call_counts(catalog: Catalog, policy: str) -> dict[CallState, int]:
    """How many calls the policy has in each state."""
    query = (
        select(policy_calls.c.state, func.count()).where(policy_calls.c.policy == policy).group_by(policy_calls.c.state)
    )
    with catalog.begin() as connection:
        return {CallState(state): count for state, count in connection.execute(query)}


def policy_media_counts(catalog: Catalog, policy: str) -> dict[MediaState, int]:
    """How many recordings the policy has in each state."""
    query = select(media.c.state, func.count()).where(media.c.policy == policy).group_by(media.c.state)
    with catalog.begin() as connection:
        return {MediaState(state): count for state, count in connection.execute(query)}


def abandoned_work(catalog: Catalog, policy: str, *, now: datetime) -> list[RecordingRef]:
    """Recordings under work that nobody holds, nor is about to: they are unaccounted for."""
    soon = (
        exists()
        .where(
            same_recording(call_recordings, media),
            under_policy(policy, call_recordings),
            policy_calls.c.next_check_at > now,
        )
        .correlate(media)
    )
    query = (
        select(media.c.source, media.c.recording_id)
        .outerjoin(batches, batches.c.batch_id == media.c.batch_id)
        .where(
            media.c.policy == policy,
            media.c.state.in_(UNDER_WORK),
            (media.c.batch_id.is_(None) & ~soon) | (batches.c.lease_until <= now),
        )
    )
    with catalog.begin() as connection:
        # Put in order here: SQLite would walk all of the policy to save that.
        return sorted(RecordingRef(*row) for row in connection.execute(query))


def count_states(states: Iterable[CallState]) -> dict[CallState, int]:
    """How often each state occurs."""
    counts: dict[CallState, int] = {}
    for state in states:
        counts[state] = counts.get(state, 0) + 1
    return counts
