"""Where a dialect could mislead: several recordings under one question, and hours that clocks pass twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from contract_bench import ContractBench
from dialect_says import Change, changed
from wire_files import written

from cloud9_archive.domain.call import Call
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.emulator.calls import Kind

OpenBench = Callable[[], ContractBench]
ITEMS = {"items": "items", "item_id": "recordingId", "base64": "content"}


def spoken_to(bench: ContractBench, folder: Path, says: Change, **dialect: Any) -> ContractBench:
    """The bench's Cloud9 speaks the dialect, and its source knows."""
    bench.cloud9.admin.set_limits(metadata_per_minute=100_000, recordings_per_minute=100_000, page_size=3)
    bench.cloud9.admin.set_dialect(**dialect)
    bench.source = {"wire_format": str(written(folder, changed(says)))}
    return bench


def run_of(window: Window) -> RunRef:
    return RunRef("emea_rates", "once", RunKind.BACKFILL, window)


@pytest.mark.parametrize(("delivery", "answer"), [("zip", {"only_named": True}), ("base64", ITEMS)])
def test_by_call_one_recording_is_never_taken_for_another(
    open_bench: OpenBench, tmp_path: Path, delivery: str, answer: dict[str, Any]
) -> None:
    says = {"recording.request": {"call_id": "callId"}, "recording.answer": answer}
    dialect = {"asked_by": "call_id", "delivery": delivery}
    bench = spoken_to(open_bench(), tmp_path, says, **dialect)
    call = bench.call(Kind.TWO_RECORDINGS)
    here, late = (link.recording_id for link in call.all_links)
    bench.cloud9.admin.upload_never(late)
    span = Window(call.started_at, call.started_at + timedelta(seconds=1))
    result = bench.attempt(run_of(span))
    assert (result.recordings.archived, result.recordings.awaiting_media) == (1, 1)
    assert bench.recording_states() == {here: ["archived"]}
    (record,) = bench.records()
    assert record["original"]["sha256"] == bench.truth(span).recordings[here].sha256


@pytest.mark.parametrize(
    ("zone", "begin"),
    [
        ("Europe/London", datetime(2025, 10, 25, 23, tzinfo=UTC)),
        ("Europe/London", datetime(2025, 3, 29, 23, tzinfo=UTC)),
        ("America/New_York", datetime(2025, 11, 2, 4, tzinfo=UTC)),
    ],
)
def test_nothing_is_lost_or_doubled_over_a_change_of_clocks(
    open_bench: OpenBench, tmp_path: Path, zone: str, begin: datetime
) -> None:
    bench = spoken_to(open_bench(), tmp_path, {"time.zone": zone}, zone=zone)
    night = Window(begin, begin + timedelta(hours=30))
    bench.clock.move_to(begin + timedelta(days=20))
    bench.attempt(run_of(night))
    bench.complete(night)
    truth = {call.call_id: call.started_at for call in bench.truth(night).calls}
    documents = (bench.document(path)["call"] for path in bench.archive.glob("*/bags/*/*/*/*/data/calls/*.json"))
    for call in map(Call.from_document, documents):
        # The repeated hour can be read in two ways where nothing else tells; the day and the order of hours stand.
        assert abs(call.started_at - truth.get(call.call_id, call.started_at)) in {timedelta(0), timedelta(hours=1)}
