"""A batch's members and its lease."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.joins import same_call, same_recording, under_policy
from cloud9_archive.catalog.tables import (
    batches,
    call_recordings,
    calls,
    decisions,
    media,
    policy_calls,
    recordings,
)
from cloud9_archive.domain.accounting import BatchState, CallState, MediaState
from cloud9_archive.domain.call import Call
from cloud9_archive.domain.retention import Retention, kept_until
from cloud9_archive.domain.run import CallRef, RecordingRef, WantedRecording
from cloud9_archive.errors import CatalogError


@dataclass(frozen=True, slots=True)
class BatchRecording:
    """
    A recording in a batch.

    :param duration: seconds, as the source reported it
    :param original_size: bytes
    :param links: the calls that it belongs to under this policy, each with the call's offset into it in seconds
    :param derivatives: file, digest, provenance and checks of each that is staged
    :param failed_derivatives: profile, code and reason of each that is not
    :param waveform: file, digest and size of the peaks
    :param retain_until: the latest moment until which the policy, or the decision on any of these calls, wants it kept
    :param profiles: those that the decisions on these calls ask for; None among them is the policy's own
    """

    ref: RecordingRef
    state: MediaState
    deadline_at: datetime
    duration: float | None
    filename: str | None
    original_sha256: str | None
    original_size: int | None
    fetched_at: datetime | None
    examination: Mapping[str, Any] | None
    derivatives: tuple[Mapping[str, Any], ...]
    failed_derivatives: tuple[Mapping[str, Any], ...]
    waveform: Mapping[str, Any] | None
    failure_code: str | None
    failure_reason: str | None
    links: tuple[tuple[CallRef, float | None], ...]
    retain_until: datetime | None = None
    profiles: frozenset[str | None] = frozenset()

    @property
    def beside_original(self) -> tuple[Mapping[str, Any], ...]:
        """File, digest and size of everything that was made from it."""
        return (*self.derivatives, *([self.waveform] if self.waveform else []))

    @property
    def tried_profiles(self) -> frozenset[str]:
        """By which profiles it has a derivative, or failed to get one."""
        return profiles_of(self.derivatives, self.failed_derivatives)

    @property
    def wanted(self) -> WantedRecording:
        """All that its source may want to know it by; calls that are not to be recorded are not named."""
        call_ids = tuple(call.call_id for call, _ in self.links)
        return WantedRecording(self.ref.recording_id, filename=self.filename, call_ids=call_ids)


@dataclass(frozen=True, slots=True)
class BatchCall:
    """
    A call in a batch, with the decision that selected it.

    :param retain_until: until when the policy or that decision wants its document kept
    """

    call: Call
    digest: str
    archived_digest: str | None
    deadline_at: datetime
    decision: Mapping[str, Any]
    retain_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """
    Recordings and calls that travel together into one bag.

    :param plan: the bag's final content as JSON text, once sealing has begun
    :param earlier: recordings of its calls that stand in earlier bags, each with the profiles of its derivatives
    """

    batch_id: str
    policy: str
    run_id: str
    state: BatchState
    plan: str | None
    recordings: tuple[BatchRecording, ...]
    calls: tuple[BatchCall, ...]
    earlier: Mapping[RecordingRef, frozenset[str]] = field(default_factory=dict)

    def reported_duration(self, recording: BatchRecording) -> float | None:
        """
        Seconds that the recording should have: as reported of it, or else up to where the last of its calls ends.

        None where a call of it is of unknown duration, or in no batch with it.
        """
        if recording.duration is not None:
            return recording.duration
        lasting = {CallRef(each.call.source, each.call.call_id): each.call.duration for each in self.calls}
        ends: list[float] = []
        for ref, offset in recording.links:
            duration = lasting.get(ref)
            if duration is None:
                return None
            ends.append((offset or 0.0) + duration)
        return max(ends, default=None)


def profiles_of(*derivatives: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The profiles by which any of these was made, or was to be made."""
    return frozenset(each["profile"] for several in derivatives for each in several)


def read_batch(
    catalog: Catalog, batch_id: str, *, lease: timedelta, now: datetime, retention: Retention | None = None
) -> Batch:
    """
    The batch with all its members; its lease is renewed.

    :param retention: the policy's, for which everything is kept at least
    :raises CatalogError: if there is no such batch
    """
    with catalog.begin() as connection:
        connection.execute(update(batches).where(batches.c.batch_id == batch_id).values(lease_until=now + lease))
        row = connection.execute(select(batches).where(batches.c.batch_id == batch_id)).one_or_none()
        if row is None:
            raise CatalogError(
                f"batch {batch_id!r} is not in the catalog",
                subject=batch_id,
                hint="clear the run's apply_recording_rules task: that step forms the batches",
            )
        return Batch(
            batch_id,
            row.policy,
            row.run_id,
            BatchState(row.state),
            row.plan,
            _recordings(connection, row.policy, batch_id, retention),
            _calls(connection, row.policy, batch_id, retention),
            _earlier(connection, row.policy, batch_id),
        )


def is_sealed(catalog: Catalog, batch_id: str) -> bool:
    """Whether the batch's bag is sealed."""
    query = select(batches.c.state).where(batches.c.batch_id == batch_id)
    with catalog.begin() as connection:
        return connection.scalar(query) == BatchState.SEALED


def _recordings(
    connection: Connection, policy: str, batch_id: str, retention: Retention | None
) -> tuple[BatchRecording, ...]:
    query = (
        select(media, recordings.c.duration, recordings.c.filename)
        .join(
            recordings,
            same_recording(recordings, media),
        )
        .where(media.c.policy == policy, media.c.batch_id == batch_id)
        .order_by(media.c.source, media.c.recording_id)
    )
    links = _links(connection, policy, batch_id, retention)
    return tuple(_recording(row, links) for row in connection.execute(query))


@dataclass(slots=True)
class _Links:
    """The calls of a recording, and until when they want it kept."""

    calls: list[tuple[CallRef, float | None]] = field(default_factory=list)
    retain_until: datetime | None = None
    profiles: set[str | None] = field(default_factory=set)


def _recording(row: Row[Any], links: Mapping[RecordingRef, _Links]) -> BatchRecording:
    ref = RecordingRef(row.source, row.recording_id)
    linked = links.get(ref, _Links())
    return BatchRecording(
        ref=ref,
        state=MediaState(row.state),
        deadline_at=row.deadline_at,
        duration=row.duration,
        filename=row.filename,
        original_sha256=row.original_sha256,
        original_size=row.original_size,
        fetched_at=row.fetched_at,
        examination=json.loads(row.examination) if row.examination else None,
        derivatives=tuple(json.loads(row.derivatives or "[]")),
        failed_derivatives=tuple(json.loads(row.failed_derivatives or "[]")),
        waveform=json.loads(row.waveform) if row.waveform else None,
        failure_code=row.failure_code,
        failure_reason=row.failure_reason,
        links=tuple(linked.calls),
        retain_until=linked.retain_until,
        profiles=frozenset(linked.profiles),
    )


def _links(
    connection: Connection, policy: str, batch_id: str, retention: Retention | None
) -> dict[RecordingRef, _Links]:
    query = (
        select(call_recordings, policy_calls.c.started_at, decisions.c.retention, decisions.c.profile)
        .join(
            media,
            same_recording(media, call_recordings),
        )
        .join(
            policy_calls,
            under_policy(policy, call_recordings),
        )
        .join(decisions, decisions.c.decision_id == policy_calls.c.decision_id)
        .where(media.c.policy == policy, media.c.batch_id == batch_id, policy_calls.c.state != CallState.EXCLUDED)
        .order_by(call_recordings.c.source, call_recordings.c.call_id)
    )
    links: dict[RecordingRef, _Links] = {}
    for row in connection.execute(query):
        linked = links.setdefault(RecordingRef(row.source, row.recording_id), _Links())
        linked.calls.append((CallRef(row.source, row.call_id), row.offset))
        linked.profiles.add(row.profile)
        until = kept_until(row.started_at, row.retention, retention)
        linked.retain_until = max(filter(None, (until, linked.retain_until)), default=None)
    return links


def _earlier(connection: Connection, policy: str, batch_id: str) -> dict[RecordingRef, frozenset[str]]:
    query = (
        select(media.c.source, media.c.recording_id, media.c.derivatives)
        .join(call_recordings, same_recording(call_recordings, media))
        .join(policy_calls, under_policy(policy, call_recordings))
        .where(media.c.policy == policy, policy_calls.c.batch_id == batch_id, media.c.bag_id.is_not(None))
    )
    return {
        RecordingRef(row.source, row.recording_id): profiles_of(json.loads(row.derivatives or "[]"))
        for row in connection.execute(query)
    }


def _calls(connection: Connection, policy: str, batch_id: str, retention: Retention | None) -> tuple[BatchCall, ...]:
    query = (
        select(
            calls.c.document,
            calls.c.digest,
            policy_calls.c.archived_digest,
            policy_calls.c.deadline_at,
            policy_calls.c.started_at,
            decisions,
        )
        .join(
            policy_calls,
            same_call(policy_calls, calls),
        )
        .join(decisions, decisions.c.decision_id == policy_calls.c.decision_id)
        .where(policy_calls.c.policy == policy, policy_calls.c.batch_id == batch_id)
        .order_by(calls.c.source, calls.c.call_id)
    )
    return tuple(
        BatchCall(
            call=Call.from_document(json.loads(row.document)),
            digest=row.digest,
            archived_digest=row.archived_digest,
            deadline_at=row.deadline_at,
            decision={
                "outcome": row.outcome,
                "rule": row.rule,
                "section": row.section,
                "reason": row.reason,
                "users": json.loads(row.users),
                "recorded_for": json.loads(row.recorded_for),
                "retention": row.retention,
                "profile": row.profile,
                "policy_version": row.policy_version,
                "roster_version": row.roster_version,
                "decided_at": row.decided_at,
            },
            retain_until=kept_until(row.started_at, row.retention, retention),
        )
        for row in connection.execute(query)
    )
