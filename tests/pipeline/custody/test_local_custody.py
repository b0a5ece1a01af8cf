"""Holds, extensions and disposal on a local archive, over whole runs."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pipeline_bench import DAY, Bench
from sqlalchemy import select

from cloud9_archive.catalog.bag_records import records_of_bags
from cloud9_archive.catalog.tables import bag_records, custody, events, media, policy_calls
from cloud9_archive.domain.accounting import CallState, MediaState
from cloud9_archive.domain.custody import parse_custody
from cloud9_archive.domain.retention import parse_retention
from cloud9_archive.domain.run import RunKind
from cloud9_archive.domain.selection import Selection
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.errors import CustodyError, UnreachableError
from cloud9_archive.pipeline.dispose import Disposed, dispose, list_expired
from cloud9_archive.pipeline.extend_retention import extend_retention
from cloud9_archive.pipeline.legal_holds import Order, place_hold, release_hold
from cloud9_archive.pipeline.verify import verify_archive
from cloud9_archive.pipeline.workspace import Workspace
from cloud9_archive.storage.wrappers import Fault, FaultyStore, Operation

ANNA, BEN = Order("Anna Smith", "case 7"), Order("Ben Jones", "case 7 is closed")


@pytest.fixture
def kept(everything: Bench, run_of: Callable[..., Any]) -> Bench:
    """An archive of six hours, whose retention of 30 days has ended."""
    everything.policy["archive"] = {"target": "archive", "retention": "30d"}
    everything.run(run_of(hours=6))
    everything.clock.move_to(DAY + timedelta(days=40))
    return everything


def codes(workspace: Workspace) -> list[str]:
    return sorted({finding.code.value for finding in verify_archive(workspace.store).findings})


def paths(bench: Bench) -> set[str]:
    """Payload files of the archive."""
    return {key for key in bench.snapshot() if "/data/" in key}


def ids(bench: Bench) -> list[str]:
    return sorted({call for call in bench.calls()})


def test_what_has_expired_goes_and_its_tombstone_and_seal_stay(kept: Bench, run_of: Callable[..., Any]) -> None:
    workspace = kept.workspace()
    before, tags = paths(kept), {key for key in kept.snapshot() if "/bags/" in key} - paths(kept)
    expiry = list_expired(workspace)
    assert expiry.count == len(kept.records()) + sum(map(len, kept.calls().values())) > 10
    assert paths(kept) == before
    with pytest.raises(CustodyError, match=rf"{expiry.count + 1} records were confirmed, and {expiry.count} of"):
        dispose(workspace, ANNA, confirm=expiry.count + 1)
    assert paths(kept) == before
    done = dispose(workspace, ANNA, confirm=expiry.count)
    assert (done.records, done.files, done.refused) == (expiry.count, len(before), {})
    assert paths(kept) == set()
    assert {key for key in kept.snapshot() if "/bags/" in key} == tags
    report = verify_archive(workspace.store)
    assert (report.ok, report.findings, report.disposed) == (True, (), len(before))
    assert dispose(workspace, ANNA, confirm=expiry.count) == Disposed()

    with workspace.catalog.begin() as connection:
        bags = connection.execute(select(events.c.who).where(events.c.what == "bag.disposed")).scalars().all()
        assert set(connection.scalars(select(media.c.state))) <= {
            MediaState.DISPOSED,
            MediaState.AWAITING_MEDIA,
            MediaState.MISSING,
        }
        assert CallState.DISPOSED in set(connection.scalars(select(policy_calls.c.state)))
    assert bags == ["Anna Smith"] * len(kept.bags())


@pytest.mark.parametrize("kind", [RunKind.BACKFILL, RunKind.SCHEDULED, RunKind.MANUAL])
def test_the_next_run_over_the_same_window_fetches_and_archives_nothing(
    kept: Bench, run_of: Callable[..., Any], kind: RunKind
) -> None:
    workspace = kept.workspace()
    recordings = [record["recording_id"] for record in kept.records()]
    dispose(workspace, ANNA, confirm=list_expired(workspace).count)
    asked, bags = sum(map(kept.asked_for, recordings)), kept.bags()
    kept.amend(ids(kept)[0] if ids(kept) else kept.call(Kind.TWO_RECORDINGS).call_id, button_label="amended")
    outcome = kept.run(run_of(kind, hours=6, run_id=f"again {kind}"))
    assert outcome.calls.disposed > 0
    assert outcome.calls.archived == outcome.calls.unaccounted == outcome.recordings.unaccounted == 0
    assert sum(map(kept.asked_for, recordings)) == asked
    assert kept.bags() == bags
    kept.verified()
