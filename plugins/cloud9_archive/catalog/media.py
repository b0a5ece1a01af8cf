"""Changes of state of a wanted recording; a change that is not possible changes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, select, update

from cloud9_archive.catalog import events
from cloud9_archive.catalog.batches import Batch, BatchRecording
from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.tables import batches, media
from cloud9_archive.domain.accounting import MEDIA_MOVES, BatchState, MediaState
from cloud9_archive.errors import Cloud9ArchiveError

NEW: Mapping[str, None] = dict.fromkeys(
    (
        "original_sha256",
        "original_size",
        "fetched_at",
        "examination",
        "derivatives",
        "failed_derivatives",
        "waveform",
        "failure_code",
        "failure_reason",
    )
)
"""What is known of a recording whose bytes were never seen."""


def note_absent(
    catalog: Catalog, batch: Batch, recording: BatchRecording, *, why: Cloud9ArchiveError | None = None, now: datetime
) -> MediaState:
    """
    The source does not give the bytes yet: awaited until the deadline, missing afterwards.

    :param why: what stood in the way; None if the source merely does not have them
    """
    state = MediaState.MISSING if now >= recording.deadline_at else MediaState.AWAITING_MEDIA
    fields = {"failure_code": why.code if why else None, "failure_reason": str(why) if why else None}
    if recording.state is not state:
        _move(catalog, batch, recording, state, fields, now)
    elif (recording.failure_code, recording.failure_reason) != tuple(fields.values()):
        with catalog.begin() as connection:
            connection.execute(update(media).where(_is(recording, batch), media.c.state == state).values(**fields))
    return state


def note_fetched(
    catalog: Catalog, batch: Batch, recording: BatchRecording, *, sha256: str, size: int, now: datetime
) -> None:
    """The original's bytes are staged under their digest, and nothing stands in the way any more."""
    fields = {
        "original_sha256": sha256,
        "original_size": size,
        "fetched_at": now,
        "failure_code": None,
        "failure_reason": None,
    }
    _move(catalog, batch, recording, MediaState.FETCHED, fields, now)


def note_second_fetch(
    catalog: Catalog,
    batch: Batch,
    recording: BatchRecording,
    *,
    sha256: str,
    size: int,
    fetched_at: datetime,
    found: Mapping[str, Any],
) -> None:
    """
    The recording was fetched a second time, and is still to be worked on.

    :param sha256: of the bytes that are the original now; they are staged
    :param size: of them, bytes
    :param fetched_at: when they came
    :param found: stands in the examination's place until there is one
    """
    with catalog.begin() as connection:
        connection.execute(
            update(media)
            .where(_is(recording, batch), media.c.state == MediaState.FETCHED)
            .values(
                original_sha256=sha256,
                original_size=size,
                fetched_at=fetched_at,
                examination=json.dumps(found, sort_keys=True),
            )
        )


def note_transcoded(
    catalog: Catalog,
    batch: Batch,
    recording: BatchRecording,
    *,
    examination: Mapping[str, Any],
    derivatives: Sequence[Mapping[str, Any]] = (),
    failed: Sequence[Mapping[str, Any]] = (),
    waveform: Mapping[str, Any] | None = None,
    now: datetime,
) -> None:
    """
    The original was found intact, and its derivatives are staged.

    :param derivatives: what is known of each; none when the original alone is kept
    :param failed: profile, code and reason of each that could not be made or does not match the original
    :param waveform: what is known of the peaks beside them
    """
    fields = {
        "examination": json.dumps(examination, sort_keys=True),
        "derivatives": json.dumps(derivatives, sort_keys=True) if derivatives else None,
        "failed_derivatives": json.dumps(failed, sort_keys=True) if failed else None,
        "waveform": json.dumps(waveform, sort_keys=True) if waveform else None,
    }
    _move(catalog, batch, recording, MediaState.TRANSCODED, fields, now)


def note_quarantined(
    catalog: Catalog,
    batch: Batch,
    recording: BatchRecording,
    *,
    examination: Mapping[str, Any] | None,
    code: str,
    reason: str,
    now: datetime,
) -> None:
    """The recording cannot be used as it is; its original will be archived all the same."""
    fields = {
        "examination": json.dumps(examination, sort_keys=True) if examination else None,
        "failure_code": code,
        "failure_reason": reason,
    }
    _move(catalog, batch, recording, MediaState.QUARANTINED, fields, now)


def want_again(catalog: Catalog, batch: Batch, recording: BatchRecording, *, now: datetime) -> None:
    """The staged bytes are gone, so they are to be fetched anew."""
    _move(catalog, batch, recording, MediaState.WANTED, NEW, now)


def has_given(catalog: Catalog, policy: str, source: str) -> bool:
    """Whether the source ever gave a recording that was archived for the policy."""
    query = (
        select(media.c.recording_id)
        .where(media.c.policy == policy, media.c.source == source, media.c.state == MediaState.ARCHIVED)
        .order_by(media.c.recording_id)  # by the primary key, which knows the source
        .limit(1)
    )
    with catalog.begin() as connection:
        return connection.scalar(query) is not None


def _move(
    catalog: Catalog,
    batch: Batch,
    recording: BatchRecording,
    state: MediaState,
    fields: Mapping[str, Any],
    now: datetime,
) -> None:
    before = [old for old, possible in MEDIA_MOVES.items() if state in possible]
    anew = recording.state is state
    if not anew and state in before:
        before.remove(state)  # of two attempts at the same work, the second is not to undo the first
    with catalog.begin() as connection:
        changed = connection.execute(
            update(media)
            .where(
                _is(recording, batch),
                media.c.state.in_(before),
                # What is fixed is encrypted, or about to be put: its plain bytes may be gone, and nothing is lost.
                *([_is_open(batch)] if anew or state is MediaState.WANTED else []),
            )
            .values(state=state, **fields)
        ).rowcount
        if changed:
            event = events.Event("recording.state", "/".join(recording.ref), recording.state, state)
            events.append(connection, [event], policy=batch.policy, who=batch.run_id, now=now)


def _is(recording: BatchRecording, batch: Batch) -> ColumnElement[bool]:
    """It is this recording, in this batch."""
    return and_(
        media.c.policy == batch.policy,
        media.c.source == recording.ref.source,
        media.c.recording_id == recording.ref.recording_id,
        media.c.batch_id == batch.batch_id,
    )


def _is_open(batch: Batch) -> ColumnElement[bool]:
    """What its bag holds is not fixed yet."""
    return exists().where(batches.c.batch_id == batch.batch_id, batches.c.state == BatchState.OPEN)
