"""Fourth step: each original of a batch is examined, and has its derivatives or the reason why not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import structlog

from cloud9_archive.catalog.batches import Batch, BatchRecording, read_batch
from cloud9_archive.catalog.media import note_quarantined, note_transcoded, want_again
from cloud9_archive.domain.accounting import BatchState, MediaState
from cloud9_archive.domain.keys import recording_key
from cloud9_archive.errors import StagingLostError, TransientError
from cloud9_archive.media.jobs import MediaJob
from cloud9_archive.media.profiles import Profile
from cloud9_archive.media.workers import run_jobs
from cloud9_archive.pipeline.attempts import unless_sealed
from cloud9_archive.pipeline.media_profiles import profiles_asked_for
from cloud9_archive.pipeline.media_work import MediaWork
from cloud9_archive.pipeline.second_fetch import beside, second_fetch_words
from cloud9_archive.pipeline.staging import require
from cloud9_archive.pipeline.workspace import Workspace

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TranscodedBatch:
    """
    What became of a batch's recordings.

    :param transcoded: recordings that are intact
    :param quarantined: recordings that are not
    :param derivatives: files that were made
    :param failed: derivatives that were not made, of recordings that are intact
    """

    batch_id: str
    transcoded: int = 0
    quarantined: int = 0
    derivatives: int = 0
    failed: int = 0


def transcode(workspace: Workspace, batch_id: str) -> TranscodedBatch:
    """
    Each fetched recording of the batch has a derivative by each profile that is asked for, or is quarantined.

    Quarantined is a recording whose original cannot be used as it is. A derivative that cannot be made of an intact
    original, or does not match it, costs nothing but itself. Where no profile is asked for nothing is written; the audio
    is decoded all the same, to see that it is whole.

    A recording that was transcoded, and of whose calls the decisions ask for other profiles since, is transcoded anew.

    :raises StagingLostError: if staged bytes are gone; they are wanted again
    :raises TransientError: if this host could not do the work
    :raises ConfigurationError: if a decision asks for a profile that the policy does not have any more
    """
    batch = read_batch(workspace.catalog, batch_id, lease=workspace.settings.claim_lease, now=workspace.clock())
    done = TranscodedBatch(batch_id)
    lost: list[StagingLostError] = []
    if batch.state is BatchState.OPEN:
        with unless_sealed(workspace, batch):
            works = list(_works(workspace, batch, lost))
            done = _tally(batch_id, _worked(workspace, batch, works))
            if lost:
                raise lost[0]
    log.info(
        "batch transcoded",
        batch=batch_id,
        transcoded=done.transcoded,
        quarantined=done.quarantined,
        derivatives=done.derivatives,
        failed=done.failed,
    )
    return done


def _works(workspace: Workspace, batch: Batch, lost: list[StagingLostError]) -> Iterator[MediaWork]:
    for recording, profiles in _to_do(workspace, batch):
        digest = recording.original_sha256 or ""
        source = workspace.staging.original(batch.policy, recording.ref, digest)
        try:
            require(source, digest, subject="/".join(recording.ref))
        except StagingLostError as error:
            want_again(workspace.catalog, batch, recording, now=workspace.clock())
            lost.append(error)
            continue
        yield MediaWork(recording, source, profiles, source.parent, batch.reported_duration(recording))


def _to_do(workspace: Workspace, batch: Batch) -> Iterator[tuple[BatchRecording, tuple[Profile, ...]]]:
    for recording in batch.recordings:
        if recording.state not in (MediaState.FETCHED, MediaState.TRANSCODED):
            continue
        profiles = profiles_asked_for(workspace.policy, recording)
        tried = recording.tried_profiles == {profile.name for profile in profiles}
        if recording.state is MediaState.FETCHED or not tried:
            yield recording, profiles


def _worked(workspace: Workspace, batch: Batch, works: Iterable[MediaWork]) -> Iterator[MediaWork]:
    """Each work when it is done and noted in the catalog."""
    doubted: list[MediaWork] = []
    by_key = {recording_key(*work.recording.ref): work for work in works}
    for work in _finished(workspace, by_key, [job for each in by_key.values() for job in each.jobs()]):
        if work.doubt():
            doubted.append(work)
            continue
        _note(workspace, batch, work)
        yield work
    for work in _finished(workspace, by_key, [job for each in doubted if (job := each.doubt())]):
        _note(workspace, batch, work)
        yield work


def _finished(workspace: Workspace, by_key: dict[str, MediaWork], jobs: list[MediaJob]) -> Iterator[MediaWork]:
    settings = workspace.settings
    for result in run_jobs(jobs, workers=settings.media_workers, limits=settings.media_limits):
        work = by_key[result.recording_key.partition(" ")[0]]
        if result.failure and result.failure.transient:
            raise TransientError(result.failure.reason, subject="/".join(work.recording.ref))
        if work.note(result):
            yield work


def _note(workspace: Workspace, batch: Batch, work: MediaWork) -> None:
    failure, now = work.failure(), workspace.clock()
    examination = beside(work.examination(), work.recording)
    if failure is None:
        note_transcoded(
            workspace.catalog,
            batch,
            work.recording,
            examination=examination or {},
            derivatives=work.derivatives(),
            failed=work.failed(),
            waveform=work.waveform(),
            now=now,
        )
        return
    note_quarantined(
        workspace.catalog,
        batch,
        work.recording,
        examination=examination,
        code=failure.code,
        reason=failure.reason + second_fetch_words(work.recording),
        now=now,
    )


def _tally(batch_id: str, works: Iterable[MediaWork]) -> TranscodedBatch:
    transcoded = quarantined = derivatives = failed = 0
    for work in works:
        if work.failure():
            quarantined += 1
            continue
        transcoded += 1
        derivatives += len(work.derivatives())
        failed += len(work.failed())
    return TranscodedBatch(batch_id, transcoded, quarantined, derivatives, failed)
