"""Disposal between whole runs: what a source lists again is not fetched again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from custody_bench import new_catalog
from pipeline_bench import DAY, Bench

from cloud9_archive.domain.run import RunKind
from cloud9_archive.pipeline.custody import Order
from cloud9_archive.pipeline.dispose import dispose
from cloud9_archive.pipeline.expiry import list_expired
from cloud9_archive.pipeline.rebuild import rebuild_catalog

ANNA = Order("Anna Smith", "its retention has ended")


@pytest.mark.parametrize(
    ("kind", "anew"), [(RunKind.BACKFILL, False), (RunKind.SCHEDULED, False), (RunKind.BACKFILL, True)]
)
def test_a_run_over_a_window_that_was_disposed_of_fetches_and_archives_nothing(
    everything: Bench, run_of: Callable[..., Any], kind: RunKind, *, anew: bool
) -> None:
    everything.policy["archive"] = {"target": "archive", "retention": "30d"}
    everything.run(run_of(hours=6))
    everything.clock.move_to(DAY + timedelta(days=40))
    workspace = everything.workspace()
    recordings = [record["recording_id"] for record in everything.records()]
    calls = list(everything.calls())
    expiry = list_expired(workspace)
    assert expiry.count == len(recordings) + len(calls) >= 4
    dispose(workspace, ANNA, confirm=expiry.count)
    assert everything.records() == []
    if anew:
        workspace.catalog.close()
        everything.clock.move_to(everything.clock.now + timedelta(days=1))
        with new_catalog(everything.root / "catalog.sqlite") as catalog:
            assert rebuild_catalog(catalog, [workspace.store], who="t", now=everything.clock.now).findings == ()
    asked, bags = sum(map(everything.asked_for, recordings)), everything.bags()
    everything.amend(calls[0], button_label="amended")
    outcome = everything.run(run_of(kind, hours=6, run_id=f"again {kind}"))
    assert outcome.calls.disposed == outcome.calls.listed == len(calls)
    assert outcome.recordings.disposed == outcome.recordings.wanted == len(recordings)
    assert sum(map(everything.asked_for, recordings)) == asked
    assert everything.bags() == bags
    everything.verified()
