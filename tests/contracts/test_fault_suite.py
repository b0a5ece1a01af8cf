"""Whatever goes wrong at the source: nothing is lost, nothing is there twice, and what happened is said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from contract_bench import ContractBench
from dialect_says import changed
from fault_cases import AUDIO, CASES, Becomes, FaultCase
from pipeline_bench import DAY
from wire_files import written

from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.emulator.fault_kinds import FaultKind
from cloud9_archive.errors import Cloud9ArchiveError, ReconciliationError

OpenBench = Callable[[], ContractBench]
HOURS = Window(DAY + timedelta(hours=9), DAY + timedelta(hours=11))
COMPLETE = {Becomes.HEALED, Becomes.HARMLESS}


def run(name: str) -> RunRef:
    return RunRef("emea_rates", name, RunKind.BACKFILL, HOURS)


@pytest.fixture
def faulty(open_bench: OpenBench, tmp_path: Path) -> Callable[[FaultCase], ContractBench]:
    """A bench whose source has the fault, and a format that knows what may be answered."""

    def make(case: FaultCase) -> ContractBench:
        bench = open_bench()
        bench.cloud9.admin.set_limits(metadata_per_minute=100_000, recordings_per_minute=100_000, page_size=3)
        bench.source = {
            "wire_format": str(written(tmp_path, changed(case.says))),
            "media_hosts": (f"127.0.0.1:{bench.cloud9.port}",),
            "read_timeout": 0.5,
        }
        details: dict[str, Any] = dict(case.details)
        if case.endpoint == AUDIO:
            details["match"] = struck(bench)
        bench.cloud9.admin.fault(case.kind, case.endpoint, count=case.count, **details)
        return bench

    return make


def struck(bench: ContractBench) -> str:
    """The intact recording that a fault of audio strikes."""
    known = bench.truth(HOURS).recordings.values()
    return next(one.recording_id for one in known if one.availability == "available" and one.condition == "intact")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}-{case.endpoint}-{case.count}-{case.name[:20]}")
def test_nothing_is_lost_and_what_happened_is_said(
    faulty: Callable[[FaultCase], ContractBench], case: FaultCase
) -> None:
    bench = faulty(case)
    if case.becomes is Becomes.FAILS:
        with pytest.raises(ReconciliationError) as failed:
            bench.attempt(run("first"))
        cause = failed.value.__cause__
        assert isinstance(cause, Cloud9ArchiveError)
        assert (cause.code, bool(cause.hint)) == (case.code, True)
    else:
        counts = bench.attempt(run("first")).recordings
        assert counts.unaccounted == 0
        if case.becomes in COMPLETE:
            bench.complete(HOURS)
        if case.becomes is Becomes.AWAITED:
            assert struck(bench) not in bench.recording_states()
            assert counts.awaiting_media > 1
    assert bench.cloud9.admin.counters().faults, "the fault has struck"
    bench.verified()

    bench.cloud9.admin.clear_faults()
    bench.clock.move_to(bench.clock.now + timedelta(hours=1))
    bench.attempt(run("second"))
    if case.becomes is Becomes.QUARANTINED:
        failed_ones = bench.findings("MEDIA_QUARANTINED")
        assert f"cloud9_emea/{struck(bench)}" in failed_ones
        states = bench.recording_states()
        others = {one for one, state in bench.expected(HOURS).recordings.items() if state == "archived"}
        assert {one for one in others if states.get(one) == ["archived"]} == others - {struck(bench)}
        bench.verified()
    else:
        bench.complete(HOURS)
    assert not bench.cloud9.admin.requests().violations


def test_every_kind_of_fault_has_its_case() -> None:
    left_out = {
        # Other bytes than the source's own would be archived as they came: nothing tells them apart.
        FaultKind.OVERSIZED,
        # Calls from outside the window are archived with it: harmless, but not what the judge of a window expects.
        FaultKind.OUTSIDE_WINDOW,
    }
    assert set(FaultKind) - {case.kind for case in CASES} <= left_out
    assert len(CASES) >= 40
