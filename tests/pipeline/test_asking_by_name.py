"""What a source is told of the recording that is wanted: id, file name and calls, as the catalog knows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from wire_files import content, written

from cloud9_archive.api.client import Cloud9Client, FetchedRecording, PendingRecording
from cloud9_archive.api.wire import read_wire_format
from cloud9_archive.domain.run import WantedRecording
from cloud9_archive.emulator.calls import Kind

MINUTE = timedelta(minutes=1)


@dataclass
class Overheard:
    """Clients that note what they are asked for."""

    bench: Any
    wanted: dict[str, WantedRecording] = field(default_factory=dict)

    def __call__(self, conn_id: str) -> Cloud9Client:
        overheard = self

        class Noting(Cloud9Client):
            def fetch_recording(self, wanted: WantedRecording, into: Path) -> FetchedRecording | PendingRecording:
                overheard.wanted[wanted.recording_id] = wanted
                return super().fetch_recording(wanted, into)

        return Noting(self.bench.source_settings(conn_id), sleep=lambda _: None)


@pytest.fixture
def overheard(bench: Any, quick_media: None) -> Overheard:
    bench.open_source = Overheard(bench)
    return bench.open_source


def test_a_recording_is_asked_for_with_its_name_and_all_its_calls(overheard: Overheard, run_of: Any) -> None:
    bench = overheard.bench
    bench.policy |= {"recording_rules": {"enabled": False}, "media": {"profile": "none", "deadline": "7d"}}
    run = run_of()
    bench.run(run)
    calls: dict[str, set[str]] = {}
    names: dict[str, str] = {}
    with bench.open_source("cloud9_emea") as client:
        for page in client.list_calls(run.window):
            for call in page.calls:
                for link in call.recordings:
                    calls.setdefault(link.recording_id, set()).add(call.call_id)
                    names[link.recording_id] = link.filename
    assert {one.recording_id: set(one.call_ids) for one in overheard.wanted.values()} == calls
    assert {one.recording_id: one.filename for one in overheard.wanted.values()} == names
    assert max(len(one) for one in calls.values()) > 1


def test_a_call_that_is_not_to_be_recorded_is_never_named(overheard: Overheard, run_of: Any) -> None:
    bench, run = overheard.bench, run_of()
    bench.run(run)
    outcome = bench.expected(run.window)
    told = {call_id for one in overheard.wanted.values() for call_id in one.call_ids}
    assert told
    excluded = {call_id for call_id, state in outcome.calls.items() if state == "excluded"}
    assert excluded
    assert not told & excluded


def test_a_recording_that_cannot_be_asked_for_is_quarantined_and_named(
    everything: Any, run_of: Any, tmp_path: Path
) -> None:
    own = content()
    own["recordings"]["filename"] = "nameThatNoRowHas"
    own["recording"]["request"] = {"filename": "fileName"}
    wire = read_wire_format(written(tmp_path, own))
    everything.open_source = lambda conn_id: Cloud9Client(everything.source_settings(conn_id), wire=wire)
    call = everything.call(Kind.TWO_RECORDINGS)
    recordings = {link.recording_id for link in call.links}
    run = run_of(start=call.started_at - MINUTE, hours=1 / 30)
    result = everything.run(run)
    assert result.recordings.quarantined == len(recordings)
    assert everything.findings("MEDIA_QUARANTINED") == {f"cloud9_emea/{each}" for each in recordings}
    assert [everything.asked_for(each) for each in recordings] == [0, 0]
