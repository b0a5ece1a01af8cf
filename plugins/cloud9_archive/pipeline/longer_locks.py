"""The archive's own locks, made as long as retention has become: by an extension, or by a later call on the same medium."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from cloud9_archive.catalog.bag_records import bags_by_id, records_of_bags
from cloud9_archive.catalog.earlier_records import recordings_in_earlier_bags
from cloud9_archive.pipeline.bag_survey import read_bag_files
from cloud9_archive.pipeline.workspace import Workspace
from cloud9_archive.storage.store import PARALLEL


def lock_longer(workspace: Workspace, ends: Mapping[str, Mapping[str, datetime]]) -> None:
    """
    The files of each record, and those about its bag, are locked until then at least, as the archive itself tells.

    :param ends: by bag and path of the record; bags that the catalog does not know are passed over
    :raises LockNotProvenError: if the archive does not tell a longer lock back
    """
    with workspace.catalog.begin() as connection:
        bags = bags_by_id(connection, ends, chained=False)
    with ThreadPoolExecutor(max_workers=PARALLEL, thread_name_prefix="archive-longer") as pool:
        for bag_id, records in ends.items():
            if bag_id not in bags:
                continue  # told by an archive whose bags this catalog does not know
            files = read_bag_files(workspace.store, bags[bag_id])
            wanted = {key: end for path, end in records.items() for key in files.keys([path])}
            wanted |= dict.fromkeys(files.tag_keys, max(records.values()))
            list(pool.map(lambda item: workspace.store.keep(item[0], retain_until=item[1]), wanted.items()))


def lock_shared(workspace: Workspace, bag_id: str) -> None:
    """
    Recordings in earlier bags that calls documented in this one share are locked for as long as these ask.

    The longest governs a shared medium. Where the archive does not lock, there is nothing to do.
    """
    policy = workspace.policy
    if policy.archive.lock is None:
        return
    with workspace.catalog.begin() as connection:
        places = recordings_in_earlier_bags(connection, policy.policy, bag_id)
        bags = sorted({bag for bag, _ in places})
        kept = records_of_bags(connection, policy.policy, bags, retention=policy.archive.retention)
    ends: dict[str, dict[str, datetime]] = {}
    for record in (each.record for each in kept):
        stated = max(filter(None, (record.retain_until, record.extended_until)), default=None)
        if (record.bag_id, record.path) in places and record.end and stated and record.end > stated:
            ends.setdefault(record.bag_id, {})[record.path] = record.end
    if ends:
        lock_longer(workspace, ends)
