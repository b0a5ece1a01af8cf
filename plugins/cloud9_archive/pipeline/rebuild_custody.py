"""Documents of custody, taken over into a catalog that is made anew: holds, longer retention, and what was disposed of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.restoring_custody import ToldTombstone, note_carried_out, restore_custody, restore_tombstone
from cloud9_archive.domain.chain import Member
from cloud9_archive.domain.custody import AnyDocument, Tombstone
from cloud9_archive.domain.keys import path_segment
from cloud9_archive.pipeline.archived_bag import Reader
from cloud9_archive.pipeline.custody_reading import read_custody


def is_custody(member: Member) -> bool:
    """Whether the member of a link is a document of custody."""
    return member.path.split("/")[1:2] == ["custody"]


def take_over_custody(
    catalog: Catalog, reader: Reader, policy: str, vouched: Mapping[Member, str], *, now: datetime
) -> None:
    """
    The catalog knows every document of custody that counts, and what was disposed of.

    It comes after the policy's bags and reports, which tell of calls that were disposed of later.

    :param vouched: members of the policy's links that are such documents, each with the run id of its link, in order
    """
    others: list[tuple[AnyDocument, str]] = []
    done: dict[str, bool] = {}
    for document, run_id in _documents(reader, policy, vouched):
        if isinstance(document, Tombstone):
            told = ToldTombstone(document, _gone(reader, document))
            restore_tombstone(catalog, told, chained_by=run_id, now=now)
            done[run_id] = done.get(run_id, True) and told.carried_out
        else:
            others.append((document, run_id))
    restore_custody(catalog, policy, others)
    for run_id, carried_out in done.items():
        if carried_out:  # what was confirmed together is open until all of it is done
            note_carried_out(catalog, policy, run_id, now=now)


def _documents(reader: Reader, policy: str, vouched: Mapping[Member, str]) -> Iterator[tuple[AnyDocument, str]]:
    """Those that are as their links say; of the others, there are findings already."""
    for member, run_id in vouched.items():
        if reader.store.exists(member.path):
            document = read_custody(reader, member)
            if (
                document is not None
                and document.key == member.path
                and path_segment(policy) == member.path.split("/")[0]
            ):
                yield document, run_id


def _gone(reader: Reader, stone: Tombstone) -> set[str]:
    """Paths of its records of which no file is there."""
    there = {key.removeprefix(f"{stone.prefix}/") for key in reader.store.keys(stone.prefix)}
    return {record.path for record in stone.records if not any(file.path in there for file in record.files)}
