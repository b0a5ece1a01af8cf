"""Runs that a catalog remembers, without anything that they would have done."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from cloud9_archive.catalog.catalog import open_catalog
from cloud9_archive.catalog.listings import FinishedListing, finish_listing
from cloud9_archive.catalog.runs import RunState, note_report, open_run
from cloud9_archive.domain.accounting import CallSum, MediaSum
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window


def remember_run(data_root: Path, policy: str, start: datetime, end: datetime, *, source: str) -> None:
    """A scheduled run of the policy has listed the source for the window, and added up."""
    data_root.mkdir(parents=True, exist_ok=True)
    catalog = open_catalog(f"sqlite:///{data_root / 'catalog.sqlite'}")
    run = RunRef(policy, f"scheduled__{start.isoformat()}", RunKind.SCHEDULED, Window(start, end))
    document = {"sources": [source]}
    open_run(catalog, run, policy_version="0" * 64, policy_document=document, now=end)
    finish_listing(catalog, run, FinishedListing(source, 1, 0, end))
    sums = json.dumps({"calls": asdict(CallSum()), "recordings": asdict(MediaSum()), "findings": {}})
    key = "a/report.json"
    note_report(catalog, run, state=RunState.ACCOUNTED, number=1, key=key, facts_digest="0" * 64, sums=sums)
    catalog.close()
