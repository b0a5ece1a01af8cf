"""Files of a report in the archive, under the first number that is free for its facts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cloud9_archive.catalog.accounts import policy_call_counts, policy_media_counts
from cloud9_archive.catalog.chain import head
from cloud9_archive.domain.accounting import call_sum, media_sum
from cloud9_archive.domain.chain import Member
from cloud9_archive.errors import ArchiveConflictError
from cloud9_archive.pipeline.bag_documents import ENCRYPTED_ENDING
from cloud9_archive.pipeline.encrypting import encrypt_text
from cloud9_archive.pipeline.workspace import Workspace

CSV, AUDIT, JSON, HTML = "csv", "audit.csv", "json", "html"
"""A report's files by what their names end in."""


@dataclass(frozen=True, slots=True)
class Frame:
    """
    What a report says beside its facts: their digest, and how things stood when it was drawn up.

    :param facts_sha256: equal facts, equal digest
    :param number: counts the reports on the same thing, from 1
    :param policy_sums: both sums over the whole policy
    :param chain_head: digest of the chain's newest link; None if there was none
    """

    facts_sha256: str
    number: int
    policy_sums: Mapping[str, Any]
    chain_head: str | None

    def document(self) -> dict[str, Any]:
        """The last fields of a report's JSON file."""
        return {
            "facts_sha256": self.facts_sha256,
            "report_number": self.number,
            "whole_policy": dict(self.policy_sums),
            "chain_head": self.chain_head,
        }


@dataclass(frozen=True, slots=True)
class Draft:
    """
    A report that is to be filed.

    :param run_id: of the link that will vouch for it
    :param facts_sha256: equal facts, equal digest
    :param endings: of its files, in the order in which they are written
    :param key_of: key in the archive by number and ending
    :param contents: the files by ending; the same for equal facts and frame
    """

    policy: str
    run_id: str
    facts_sha256: str
    endings: tuple[str, ...]
    key_of: Callable[[int, str], str]
    contents: Callable[[Frame], Mapping[str, bytes]]


@dataclass(frozen=True, slots=True)
class Filed:
    """
    Where a report is.

    :param key: of its JSON file
    :param members: all of its files, and those that attempts left which were cut off before
    """

    number: int
    key: str
    members: tuple[Member, ...]


def page_beside(key: str) -> str:
    """
    Key of the page of a report.

    :param key: of its JSON file
    """
    name, _, ending = key.rpartition(f".{JSON}")
    return f"{name}.{HTML}{ending}"


def file_report(workspace: Workspace, draft: Draft, *, after: int) -> Filed:
    """
    A report with these facts is in the archive: one that an earlier attempt left, or a new one.

    Files of attempts that were cut off before a link vouched for them, and whose facts are no longer true, cannot be
    taken away; they become members beside the report, so that nothing in the archive is without a voucher.

    :param after: number of the newest report that a link vouches for; 0 if there is none
    """
    left_over: list[Member] = []
    number = after
    while True:
        number += 1
        keys = {each: _key(workspace, draft, number, each) for each in draft.endings}
        for _ in range(2):  # another attempt may file the same facts in between: then the second look finds them
            files = _files(workspace, draft, number, keys[JSON])
            members = [Member(keys[name], sha256) for name, (_, sha256) in files.items()]
            try:
                for name, (content, sha256) in files.items():
                    workspace.store.put(keys[name], content, sha256=sha256)
            except ArchiveConflictError:
                continue
            return Filed(number, keys[JSON], (*members, *left_over))
        there = (key for key in keys.values() if workspace.store.exists(key))
        left_over += [Member(key, workspace.store.digest(key)) for key in there]


def _key(workspace: Workspace, draft: Draft, number: int, ending: str) -> str:
    return draft.key_of(number, ending + (ENCRYPTED_ENDING if workspace.recipients else ""))


def _files(workspace: Workspace, draft: Draft, number: int, key: str) -> dict[str, tuple[bytes | Path, str]]:
    """Content and SHA-256 of each of the report's files, as they are to lie in the archive."""
    if workspace.recipients:
        return dict(_encrypted(workspace, draft, number))
    there = workspace.store.read(key) if workspace.store.exists(key) else b""
    frame = _frame_of(there, draft.facts_sha256)
    contents = dict(draft.contents(frame or _frame(workspace, draft, number)))
    if frame:
        contents[JSON] = there
    return {name: (contents[name], hashlib.sha256(contents[name]).hexdigest()) for name in draft.endings}


def _encrypted(workspace: Workspace, draft: Draft, number: int) -> Iterator[tuple[str, tuple[bytes | Path, str]]]:
    """
    The files as they were encrypted when these facts were first filed under this number, or anew.

    What lies in the archive cannot be read here. So the encrypted files stay staged until a link vouches for them, in a
    folder that is named after the facts, and a retry puts the same bytes.
    """
    final = workspace.staging.report(draft.policy, draft.run_id, number) / draft.facts_sha256
    if not final.is_dir():
        with workspace.staging.scratch() as folder:
            made = folder / "report"
            contents = draft.contents(_frame(workspace, draft, number))
            for name in draft.endings:
                encrypt_text(contents[name], made / name, workspace.recipients)
            workspace.staging.keep_folder(made, final)
    for name in draft.endings:
        with (final / name).open("rb") as stream:
            yield name, (final / name, hashlib.file_digest(stream, "sha256").hexdigest())


def _frame(workspace: Workspace, draft: Draft, number: int) -> Frame:
    policy = draft.policy
    known = head(workspace.catalog, policy)
    sums = {
        "calls": asdict(call_sum(policy_call_counts(workspace.catalog, policy))),
        "recordings": asdict(media_sum(policy_media_counts(workspace.catalog, policy))),
    }
    return Frame(draft.facts_sha256, number, sums, known.digest if known else None)


def _frame_of(report: bytes, facts_sha256: str) -> Frame | None:
    """The frame of a JSON file that an earlier attempt left, if its facts are these."""
    try:
        document = json.loads(report)
        if document["facts_sha256"] != facts_sha256:
            return None
        return Frame(facts_sha256, document["report_number"], document["whole_policy"], document["chain_head"])
    except (ValueError, TypeError, KeyError):
        return None
