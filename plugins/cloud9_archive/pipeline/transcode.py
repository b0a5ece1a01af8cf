"""Fourth step: each original of a batch is examined, and has its derivative or the reason why not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import structlog

from cloud9_archive.catalog.batches import Batch, BatchRecording, read_batch
from cloud9_archive.catalog.media import note_quarantined, note_transcoded, want_again
from cloud9_archive.domain.accounting import BatchState, MediaState
from cloud9_archive.domain.keys import recording_key
from cloud9_archive.errors import StagingLostError, TransientError
from cloud9_archive.media.jobs import MediaJob, MediaResult
from cloud9_archive.media.workers import run_jobs
from cloud9_archive.pipeline.attempts import unless_sealed
from cloud9_archive.pipeline.staging import require
from cloud9_archive.pipeline.workspace import Workspace

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TranscodedBatch:
    """How many recordings of a batch have their derivative, and how many are quarantined."""

    batch_id: str
    transcoded: int = 0
    quarantined: int = 0


def transcode(workspace: Workspace, batch_id: str) -> TranscodedBatch:
    """
    Each fetched recording of the batch is transcoded, or quarantined with the reason.

    Under the profile ``none`` nothing is written; the audio is decoded all the same, to see that it is whole.

    :raises StagingLostError: if staged bytes are gone; they are wanted again
    :raises TransientError: if this host could not do the work
    """
    batch = read_batch(workspace.catalog, batch_id, lease=workspace.settings.claim_lease, now=workspace.clock())
    transcoded = quarantined = 0
    lost: list[StagingLostError] = []
    fetched = {recording_key(*r.ref): r for r in batch.recordings if r.state is MediaState.FETCHED}
    if batch.state is BatchState.OPEN:
        with unless_sealed(workspace, batch):
            jobs = list(_jobs(workspace, batch, fetched, lost))
            for result in run_jobs(jobs, workers=workspace.settings.media_workers):
                if _note(workspace, batch, fetched[result.recording_key], result):
                    transcoded += 1
                else:
                    quarantined += 1
            if lost:
                raise lost[0]
    log.info("batch transcoded", batch=batch_id, transcoded=transcoded, quarantined=quarantined)
    return TranscodedBatch(batch_id, transcoded, quarantined)


def _jobs(
    workspace: Workspace, batch: Batch, fetched: dict[str, BatchRecording], lost: list[StagingLostError]
) -> Iterator[MediaJob]:
    profile = workspace.profile
    for key, recording in fetched.items():
        digest = recording.original_sha256 or ""
        source = workspace.staging.original(batch.policy, recording.ref, digest)
        try:
            require(source, digest, subject="/".join(recording.ref))
        except StagingLostError as error:
            want_again(workspace.catalog, batch, recording, now=workspace.clock())
            lost.append(error)
            continue
        target = workspace.staging.derivative(batch.policy, recording.ref, digest, profile) if profile.alters else None
        yield MediaJob(key, source, target, profile, recording.duration)


def _note(workspace: Workspace, batch: Batch, recording: BatchRecording, result: MediaResult) -> bool:
    examination = asdict(result.examination) if result.examination else None
    if result.failure:
        if result.failure.transient:
            raise TransientError(result.failure.reason, subject="/".join(recording.ref))
        note_quarantined(
            workspace.catalog,
            batch,
            recording,
            examination=examination,
            code=result.failure.code,
            reason=result.failure.reason,
            now=workspace.clock(),
        )
        return False
    note_transcoded(
        workspace.catalog,
        batch,
        recording,
        examination=examination or {},
        derivative=_provenance(workspace, recording, result),
        now=workspace.clock(),
    )
    return True


def _provenance(workspace: Workspace, recording: BatchRecording, result: MediaResult) -> dict[str, Any] | None:
    if not result.derivatives:
        return None
    (derivative,) = result.derivatives
    return {"profile": workspace.profile.name, "parent_sha256": recording.original_sha256, **asdict(derivative)}
