"""Until when each file of a bag is kept: what belongs to one recording as long as that, the bag's own files longest."""

from __future__ import annotations

from datetime import datetime

from cloud9_archive.catalog.batches import Batch
from cloud9_archive.domain.run import CallRef
from cloud9_archive.pipeline.bag_documents import PLAIN, BagPaths

_FOLDER_DEPTH = 3


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
