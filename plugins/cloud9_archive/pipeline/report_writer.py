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
        key, csv_key = _paths(record, number)
        for _ in range(2):  # another attempt may file the same facts in between: then the second look finds them
            content, rows = _content(workspace, record, facts, number), report_csv(facts)
            members = [Member(key, _sha256(content)), Member(csv_key, _sha256(rows))]
            try:
                workspace.store.put(csv_key, rows, sha256=members[1].sha256)
                workspace.store.put(key, content, sha256=members[0].sha256)
            except ArchiveConflictError:
                continue
            return number, key, [*members, *left_over]
        left_over += [Member(each, workspace.store.digest(each)) for each in (key, csv_key) if there(each)]


def _paths(record: RunRecord, number: int) -> tuple[str, str]:
    run = record.run
    name = run.run_id if number == 1 else f"{run.run_id}.{number}"
    day = run.window.start.date()
    json_key, csv_key = (
        report_path(run.policy, day=day, run_id=name, extension=extension) for extension in ("json", "csv")
    )
    return json_key, csv_key


def _content(workspace: Workspace, record: RunRecord, facts: RunFacts, number: int) -> bytes:
    """The report's bytes: those that stand there when they state the same facts."""
    key, _ = _paths(record, number)
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


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
