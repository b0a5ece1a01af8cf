"""Third step: the originals of a batch are in staging under their digest, or are known to be absent."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from itertools import groupby

import structlog

from cloud9_archive.api.client import FetchedRecording
from cloud9_archive.catalog.batches import Batch, BatchRecording, read_batch
from cloud9_archive.catalog.media import has_given, note_absent, note_fetched, note_quarantined
from cloud9_archive.catalog.runs import the_run
from cloud9_archive.domain.accounting import TO_FETCH, BatchState, MediaState
from cloud9_archive.errors import (
    IncompleteBodyError,
    MediaHostFaultError,
    RecordError,
    RecordingRefusedError,
    ServerFaultError,
    TransientError,
    UnreachableError,
    WireFormatError,
)
from cloud9_archive.pipeline.attempts import unless_sealed
from cloud9_archive.pipeline.second_fetch import fetch_damaged_again, given_or_damaged_twice
from cloud9_archive.pipeline.workspace import CallSource, Workspace

log = structlog.get_logger(__name__)

MOST_UNREACHED = 3
"""So many recordings in a row that the source did not answer for, and it is the source that is not there."""


@dataclass(frozen=True, slots=True)
class FetchedRecordings:
    """
    What became of a batch's recordings.

    :param absent: that the source does not have yet
    :param failed: at which source or media host failed; they are asked for again
    :param declined: that the source refuses for good; they are asked for again, ever more rarely
    :param refused: of which what came is of no use; they are quarantined
    :param size: bytes that were fetched
    :param again: that were fetched twice, because what came first was not whole
    """

    batch_id: str
    fetched: int = 0
    absent: int = 0
    failed: int = 0
    declined: int = 0
    refused: int = 0
    size: int = 0
    again: int = 0


def fetch_recordings(workspace: Workspace, batch_id: str) -> FetchedRecordings:
    """
    Each recording of the batch is staged, or noted as absent; what is staged already is not fetched again.

    A recording that keeps failing at the source, or that it refuses, counts as absent, so that it cannot hold up the
    others: it is due again later, and missing after the deadline. Only when nothing came, and something that was never
    asked for before is among it, is the source itself taken to be at fault, or how it is asked.

    :raises TransientError: if the source cannot be reached, or it fails at everything that is asked of it
    :raises WireFormatError: if it refuses everything that is asked of it
    """
    batch = read_batch(workspace.catalog, batch_id, lease=workspace.settings.claim_lease, now=workspace.clock())
    asked = _Asked(workspace, batch)
    if batch.state is BatchState.OPEN:
        kind = the_run(workspace.catalog, batch.policy, batch.run_id).run.kind
        to_fetch = [recording for recording in batch.recordings if recording.state in (*TO_FETCH, MediaState.FETCHED)]
        for source, recordings in groupby(to_fetch, key=lambda recording: recording.ref.source):
            with unless_sealed(workspace, batch), workspace.source(source, kind) as client:
                asked.ask_for_all(client, [recording for recording in recordings if recording.state in TO_FETCH])
                asked.counts["again"] += fetch_damaged_again(workspace, batch_id, source, client)
    fetched = FetchedRecordings(batch_id, **asked.counts)
    counts = asdict(fetched)
    log.info("recordings fetched", batch=counts.pop("batch_id"), **counts)
    return fetched


Hindrance = TransientError | RecordingRefusedError


@dataclass(slots=True)
class _Asked:
    """What one source was asked for after the other, and what came of it."""

    workspace: Workspace
    batch: Batch
    counts: Counter[str] = field(default_factory=Counter)

    def ask_for_all(self, client: CallSource, recordings: list[BatchRecording]) -> None:
        """Each recording of one source is staged, absent or quarantined; none of them holds up the others."""
        hindered: list[tuple[BatchRecording, Hindrance]] = []
        unreached = 0
        for recording in recordings:
            try:
                self._ask_for(client, recording)
            except (ServerFaultError, IncompleteBodyError, MediaHostFaultError, RecordingRefusedError) as error:
                hindered.append((recording, error))
                unreached = 0
            except UnreachableError as error:
                hindered.append((recording, error))
                unreached += 1
                if unreached == MOST_UNREACHED:
                    raise
            else:
                unreached = 0
        if hindered and len(hindered) == len(recordings):
            self._raise_unless_their_own(hindered)
        for recording, hindrance in hindered:
            self._put_off(recording, hindrance)

    def _ask_for(self, client: CallSource, recording: BatchRecording) -> None:
        workspace, batch = self.workspace, self.batch
        with workspace.staging.scratch() as folder:
            try:
                answer = given_or_damaged_twice(client, recording, folder / "original")
            except RecordingRefusedError:
                raise
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
                self.counts["refused"] += 1
                return
            if not isinstance(answer, FetchedRecording):
                note_absent(workspace.catalog, batch, recording, now=workspace.clock())
                self.counts["absent"] += 1
                return
            final = workspace.staging.original(batch.policy, recording.ref, answer.sha256)
            workspace.staging.keep(folder / "original", final)
        note_fetched(workspace.catalog, batch, recording, sha256=answer.sha256, size=answer.size, now=workspace.clock())
        self.counts["fetched"] += 1
        self.counts["size"] += answer.size

    def _raise_unless_their_own(self, hindered: list[tuple[BatchRecording, Hindrance]]) -> None:
        """Nothing came: what stands in the way of all of them is the source's own fault, or that of who asks."""
        now = self.workspace.clock()
        for recording, hindrance in hindered:
            is_new = recording.state is MediaState.WANTED and now < recording.deadline_at
            if is_new and isinstance(hindrance, TransientError):
                raise hindrance
            if is_new and isinstance(hindrance, RecordingRefusedError) and not hindrance.gone:
                # One alone says little, but where none was ever given the question is wrong, not the recording.
                if len(hindered) == 1 and has_given(self.workspace.catalog, self.batch.policy, recording.ref.source):
                    continue
                raise WireFormatError(
                    f"none of {len(hindered)} recordings was given: {hindrance.message}",
                    subject=hindrance.subject,
                    hint=hindrance.hint,
                ) from hindrance

    def _put_off(self, recording: BatchRecording, error: Hindrance) -> None:
        log.warning("recording is put off", subject="/".join(recording.ref), code=error.code)
        note_absent(self.workspace.catalog, self.batch, recording, why=error, now=self.workspace.clock())
        if isinstance(error, RecordingRefusedError):
            self.counts["declined"] += 1
        else:
            self.counts["failed"] += 1
