"""Recordings that calls of one bag share with calls of others."""

from __future__ import annotations

from sqlalchemy import Connection, and_, select

from cloud9_archive.catalog.tables import bag_records, call_recordings
from cloud9_archive.domain.selection import RecordKind


def recordings_in_earlier_bags(connection: Connection, policy: str, bag_id: str) -> set[tuple[str, str]]:
    """
    Recordings of the calls that this bag documents, and that other bags of the policy hold.

    :returns: bag and path of each that is not disposed of
    """
    call, recording = bag_records.alias("its_call"), bag_records.alias("its_recording")
    query = (
        select(recording.c.bag_id, recording.c.path)
        .select_from(call)
        .join(
            call_recordings,
            and_(call_recordings.c.source == call.c.source, call_recordings.c.call_id == call.c.record_id),
        )
        .join(
            recording,
            and_(
                recording.c.policy == policy,
                recording.c.source == call_recordings.c.source,
                recording.c.record_id == call_recordings.c.recording_id,
                recording.c.kind == RecordKind.RECORDING,
            ),
        )
        .where(
            call.c.bag_id == bag_id,
            call.c.kind == RecordKind.CALL,
            recording.c.bag_id != bag_id,
            recording.c.tombstone.is_(None),
        )
    )
    return {(row.bag_id, row.path) for row in connection.execute(query)}
