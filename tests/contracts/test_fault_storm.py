"""A run under a mixed storm of faults ends with the archive of a run without any, and both are what the source has."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from contract_bench import ContractBench
from pipeline_bench import DAY
from wire_files import content, written

from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.emulator.fault_kinds import FaultKind
from cloud9_archive.emulator.fault_orders import MIXED_STORM

OpenBench = Callable[[], ContractBench]
WHOLE_DAY = RunRef("emea_rates", "the-day", RunKind.BACKFILL, Window(DAY, DAY + timedelta(days=1)))
STALLED = 0.5
"""Seconds; the client below gives up sooner."""
STORM = tuple(
    fault.model_copy(update={"seconds": STALLED}) if fault.kind is FaultKind.STALL else fault for fault in MIXED_STORM
)


def contents(bench: ContractBench) -> dict[str, Any]:
    """What the archive holds of each recording and each call, without what tells when and in which bag."""
    recordings: dict[str, list[Any]] = {}
    calls: dict[str, str] = {}
    for record in bench.records():
        original = record["original"]
        held = (record["state"], original["sha256"], original["size"])
        recordings.setdefault(record["recording_id"], []).append(held)
        for call in record["calls"]:
            told = json.dumps(call, sort_keys=True)
            assert calls.setdefault(call["call_id"], told) == told
    return {"recordings": recordings, "calls": calls}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_storm_leaves_no_trace_in_the_archive(open_bench: OpenBench, seed: int) -> None:
    weathered(open_bench(), open_bench(), seed=seed)


def test_nor_does_it_where_pages_are_counted_and_audio_comes_in_archives(open_bench: OpenBench, tmp_path: Path) -> None:
    changed = content()
    changed["listing"]["paging"] = {
        "by": "offset", "sent_as": "offset", "size": 3, "size_sent_as": "limit", "total": "total",
    }  # fmt: skip
    wire_format = str(written(tmp_path, changed))
    benches = open_bench(), open_bench()
    for bench in benches:
        bench.cloud9.admin.set_dialect(paging="offset", page_end="total", delivery="zip", pending="empty_zip")
        bench.source = {"wire_format": wire_format}
    weathered(*benches, seed=4)


def weathered(calm: ContractBench, stormy: ContractBench, *, seed: int) -> None:
    """Both benches have archived the day, one of them in a storm, and nobody could tell which."""
    for bench in (calm, stormy):
        bench.cloud9.admin.set_limits(metadata_per_minute=100_000, recordings_per_minute=100_000, page_size=3)
    assert calm.until_it_adds_up(WHOLE_DAY) == 1
    stormy.source |= {"read_timeout": STALLED / 2}
    stormy.cloud9.admin.set_storm(*STORM, seed=seed)
    stormy.until_it_adds_up(WHOLE_DAY)

    counted = stormy.cloud9.admin.counters()
    assert sum(counted.faults.values()) >= 10, counted
    assert sum(counted.requests.values()) > sum(calm.cloud9.admin.counters().requests.values())
    assert contents(stormy) == contents(calm)
    for bench in (calm, stormy):
        bench.complete(WHOLE_DAY.window)
        assert not bench.cloud9.admin.requests().violations
