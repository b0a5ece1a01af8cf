"""Third step: the originals of a batch are in staging under their digest, or are known to be absent."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import structlog

from cloud9_archive.api.client import FetchedRecording
from cloud9_archive.catalog.batches import Batch, BatchRecording, read_batch
from cloud9_archive.catalog.media import note_absent, note_fetched, note_quarantined
from cloud9_archive.catalog.runs import the_run
from cloud9_archive.domain.accounting import TO_FETCH, BatchState, MediaState
from cloud9_archive.errors import (
    IncompleteBodyError,
    MediaHostFaultError,
    RecordError,
    ServerFaultError,
    TransientError,
)
from cloud9_archive.pipeline.attempts import unless_sealed
from cloud9_archive.pipeline.workspace import CallSource, Workspace

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FetchedRecordings:
    """What became of a batch's recordings; ``failed`` ones answered with an error of their own and are asked again."""

    batch_id: str
    fetched: int = 0
    absent: int = 0
    failed: int = 0
    refused: int = 0
    size: int = 0


def fetch_recordings(workspace: Workspace, batch_id: str) -> FetchedRecordings:
    """
    Each recording of the batch is staged, or noted as absent; what is staged already is not fetched again.

    A recording that keeps failing at the source counts as absent, so that it cannot hold up the others: it is due
    again later, and missing after the deadline. Only when nothing came, and something that was never asked for before
    is among it, is the source itself taken to be at fault.

    :raises TransientError: if the source cannot be reached, or it fails at everything that is asked of it
    """
    batch = read_batch(workspace.catalog, batch_id, lease=workspace.settings.claim_lease, now=workspace.clock())
    counts = dict.fromkeys(("fetched", "absent", "failed", "refused", "size"), 0)
    if batch.state is BatchState.OPEN:
        kind = the_run(workspace.catalog, batch.policy, batch.run_id).run.kind
        to_fetch = [recording for recording in batch.recordings if recording.state in TO_FETCH]
        for source, recordings in groupby(to_fetch, key=lambda recording: recording.ref.source):
            with unless_sealed(workspace, batch), workspace.source(source, kind) as client:
                _fetch_from(workspace, batch, client, list(recordings), counts)
    log.info("recordings fetched", batch=batch_id, **counts)
    return FetchedRecordings(batch_id, **counts)


def _fetch_from(
    workspace: Workspace,
    batch: Batch,
    client: CallSource,
    recordings: list[BatchRecording],
    counts: dict[str, int],
) -> None:
    failures: list[tuple[BatchRecording, TransientError]] = []
    for recording in recordings:
        try:
            _fetch_one(workspace, batch, client, recording, counts)
        except (ServerFaultError, IncompleteBodyError, MediaHostFaultError) as error:
            failures.append((recording, error))
    now = workspace.clock()
    if len(failures) == len(recordings):
        for recording, failure in failures:
            if recording.state is MediaState.WANTED and now < recording.deadline_at:
                raise failure
    for recording, failure in failures:
        log.warning("recording fails at the source", subject="/".join(recording.ref), code=failure.code)
        note_absent(workspace.catalog, batch, recording, now=now)
        counts["failed"] += 1


def _fetch_one(
    workspace: Workspace, batch: Batch, client: CallSource, recording: BatchRecording, counts: dict[str, int]
) -> None:
    with workspace.staging.scratch() as folder:
        try:
            answer = client.fetch_recording(recording.wanted, into=folder / "original")
        except RecordError as error:
            note_quarantined(
                workspace.catalog,
                batch,
                recording,
                examination=None,
                code=error.code,
                reason=str(error),
                now=workspace.clock(),
            )
            counts["refused"] += 1
            return
        if not isinstance(answer, FetchedRecording):
            note_absent(workspace.catalog, batch, recording, now=workspace.clock())
            counts["absent"] += 1
            return
        final = workspace.staging.original(batch.policy, recording.ref, answer.sha256)
        workspace.staging.keep(folder / "original", final)
    note_fetched(workspace.catalog, batch, recording, sha256=answer.sha256, size=answer.size, now=workspace.clock())
    counts["fetched"] += 1
    counts["size"] += answer.size
