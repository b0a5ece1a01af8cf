"""Until when each file of a bag is kept: what belongs to one recording as long as that, the bag's own files longest."""

from __future__ import annotations

from datetime import datetime

from cloud9_archive.catalog.batches import Batch
from cloud9_archive.domain.run import CallRef, RecordingRef
from cloud9_archive.domain.selection import ArchivedRecord, RecordKind
from cloud9_archive.pipeline.bag_documents import PLAIN, BagPaths
from cloud9_archive.pipeline.bag_plan import BagPlan

_FOLDER_DEPTH = 3


def records_of(batch: Batch, plan: BagPlan) -> list[ArchivedRecord]:
    """The records in the bag, with the retention that their documents state."""
    kept = {recording.ref: recording.retain_until for recording in batch.recordings}
    calls = {CallRef(each.call.source, each.call.call_id): each.retain_until for each in batch.calls}
    return [
        *(
            ArchivedRecord(
                plan.bag_id,
                plan.paths.folder(RecordingRef(each.source, each.recording_id)),
                RecordKind.RECORDING,
                each.source,
                each.recording_id,
                kept.get(RecordingRef(each.source, each.recording_id)),
            )
            for each in plan.recordings
        ),
        *(
            ArchivedRecord(
                plan.bag_id,
                plan.paths.call(ref),
                RecordKind.CALL,
                each.source,
                each.call_id,
                calls.get(ref),
            )
            for each in plan.calls
            for ref in (CallRef(each.source, each.call_id),)
        ),
    ]


class BagRetention:
    """
    The retention of a batch's files, by their paths in the bag.

    :param batch: read with the policy's retention
    """

    def __init__(self, batch: Batch, paths: BagPaths = PLAIN) -> None:
        self._ends: dict[str, datetime | None] = {
            paths.folder(recording.ref): recording.retain_until for recording in batch.recordings
        }
        for call in batch.calls:
            self._ends[paths.call(CallRef(call.call.source, call.call.call_id))] = call.retain_until
        self.longest = max(filter(None, self._ends.values()), default=None)

    def of(self, path: str) -> datetime | None:
        """
        The moment until which the file is kept at least.

        :param path: in the bag; of a tag file, or one that belongs to nothing known, it is the longest of all
        """
        folder = "/".join(path.split("/")[:_FOLDER_DEPTH])
        return self._ends.get(folder, self.longest)
