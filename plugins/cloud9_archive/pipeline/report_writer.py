"""Puts a run's report into the archive, under the first number that is free for these facts."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

from cloud9_archive.catalog.accounts import policy_call_counts, policy_media_counts
from cloud9_archive.catalog.chain import head
from cloud9_archive.catalog.runs import RunRecord
from cloud9_archive.domain.accounting import call_sum, media_sum
from cloud9_archive.domain.chain import Member
from cloud9_archive.domain.keys import report_path
from cloud9_archive.errors import ArchiveConflictError
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
        keys = _keys(record, number)
        for _ in range(2):  # another attempt may file the same facts in between: then the second look finds them
            contents = _contents(workspace, record, facts, number)
            members = [Member(keys[name], hashlib.sha256(content).hexdigest()) for name, content in contents.items()]
            try:
                for member, content in zip(members, contents.values(), strict=True):
                    workspace.store.put(member.path, content, sha256=member.sha256)
            except ArchiveConflictError:
                continue
            return number, keys[JSON], [*members, *left_over]
        left_over += [Member(key, workspace.store.digest(key)) for key in keys.values() if there(key)]


def _keys(record: RunRecord, number: int) -> dict[str, str]:
    run = record.run
    name = run.run_id if number == 1 else f"{run.run_id}.{number}"
    day = run.window.start.date()
    return {each: report_path(run.policy, day=day, run_id=name, extension=each) for each in (CSV, AUDIT, JSON)}


def _contents(workspace: Workspace, record: RunRecord, facts: RunFacts, number: int) -> dict[str, bytes]:
    return {
        CSV: report_csv(facts),
        AUDIT: facts.audit_csv(),
        JSON: _json(workspace, record, facts, number),
    }


def _json(workspace: Workspace, record: RunRecord, facts: RunFacts, number: int) -> bytes:
    """The bytes that stand there when they state the same facts, or new ones."""
    key = _keys(record, number)[JSON]
    if workspace.store.exists(key):
        there = workspace.store.read(key)
        if _facts_of(there) == facts.digest():
            return there
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
