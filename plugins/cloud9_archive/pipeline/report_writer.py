"""Puts a run's report into the archive, under the first number that is free for these facts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cloud9_archive.catalog.accounts import policy_call_counts, policy_media_counts
from cloud9_archive.catalog.chain import head
from cloud9_archive.catalog.runs import RunRecord
from cloud9_archive.domain.accounting import call_sum, media_sum
from cloud9_archive.domain.chain import Member
from cloud9_archive.domain.keys import report_path
from cloud9_archive.errors import ArchiveConflictError
from cloud9_archive.pipeline.bag_documents import ENCRYPTED_ENDING
from cloud9_archive.pipeline.encrypting import encrypt_text
from cloud9_archive.pipeline.report import RunFacts, report_csv, report_json
from cloud9_archive.pipeline.workspace import Workspace

CSV, AUDIT, JSON = "csv", "audit.csv", "json"
"""A report's files by what their names end in, in the order in which they are written."""


def put_report(workspace: Workspace, record: RunRecord, facts: RunFacts) -> tuple[int, str, list[Member]]:
    """
    A report with these facts is in the archive: one that an earlier attempt left, or a new one.

    Files of attempts that were cut off before a link vouched for them, and whose facts are no longer true, cannot be
    taken away; they become members beside the report, so that nothing in the archive is without a voucher.

    :returns: the report's number, the key of its JSON file, and the members for the chain
    """
    left_over: list[Member] = []
    there = workspace.store.exists
    number = record.report_number
    while True:
        number += 1
        keys = _keys(workspace, record, number)
        for _ in range(2):  # another attempt may file the same facts in between: then the second look finds them
            files = _files(workspace, record, facts, number)
            members = [Member(keys[name], sha256) for name, (_, sha256) in files.items()]
            try:
                for name, (content, sha256) in files.items():
                    workspace.store.put(keys[name], content, sha256=sha256)
            except ArchiveConflictError:
                continue
            return number, keys[JSON], [*members, *left_over]
        left_over += [Member(key, workspace.store.digest(key)) for key in keys.values() if there(key)]


def _keys(workspace: Workspace, record: RunRecord, number: int) -> dict[str, str]:
    run = record.run
    ending = ENCRYPTED_ENDING if workspace.recipients else ""
    name = run.run_id if number == 1 else f"{run.run_id}.{number}"
    day = run.window.start.date()
    return {each: report_path(run.policy, day=day, run_id=name, extension=each + ending) for each in (CSV, AUDIT, JSON)}


def _files(
    workspace: Workspace, record: RunRecord, facts: RunFacts, number: int
) -> dict[str, tuple[bytes | Path, str]]:
    """Content and SHA-256 of each of the report's files, as they are to lie in the archive."""
    if workspace.recipients:
        return dict(_encrypted(workspace, record, facts, number))
    contents = _contents(workspace, record, facts, number)
    key = _keys(workspace, record, number)[JSON]
    if workspace.store.exists(key):
        there = workspace.store.read(key)
        if _facts_of(there) == facts.digest():
            contents[JSON] = there
    return {name: (content, hashlib.sha256(content).hexdigest()) for name, content in contents.items()}


def _encrypted(
    workspace: Workspace, record: RunRecord, facts: RunFacts, number: int
) -> Iterator[tuple[str, tuple[bytes | Path, str]]]:
    """
    The files as they were encrypted when these facts were first filed under this number, or anew.

    What lies in the archive cannot be read here. So the encrypted files stay staged until a link vouches for them, in a
    folder that is named after the facts, and a retry puts the same bytes.
    """
    final = workspace.staging.report(record.run.policy, record.run.run_id, number) / facts.digest()
    if not final.is_dir():
        with workspace.staging.scratch() as folder:
            made = folder / "report"
            for name, content in _contents(workspace, record, facts, number).items():
                encrypt_text(content, made / name, workspace.recipients)
            workspace.staging.keep_folder(made, final)
    for name in (CSV, AUDIT, JSON):
        with (final / name).open("rb") as stream:
            yield name, (final / name, hashlib.file_digest(stream, "sha256").hexdigest())


def _contents(workspace: Workspace, record: RunRecord, facts: RunFacts, number: int) -> dict[str, bytes]:
    return {
        CSV: report_csv(facts),
        AUDIT: facts.audit_csv(),
        JSON: _json(workspace, record, facts, number),
    }


def _json(workspace: Workspace, record: RunRecord, facts: RunFacts, number: int) -> bytes:
    known = head(workspace.catalog, record.run.policy)
    return report_json(
        facts,
        number=number,
        policy_sums=_policy_sums(workspace, record.run.policy),
        chain_head=known.digest if known else None,
    )


def _facts_of(report: bytes) -> object:
    try:
        document = json.loads(report)
    except ValueError:
        return None
    return document.get("facts_sha256") if isinstance(document, dict) else None


def _policy_sums(workspace: Workspace, policy: str) -> dict[str, Any]:
    return {
        "calls": asdict(call_sum(policy_call_counts(workspace.catalog, policy))),
        "recordings": asdict(media_sum(policy_media_counts(workspace.catalog, policy))),
    }
