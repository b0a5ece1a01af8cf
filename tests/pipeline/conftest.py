"""A policy's workspace over the emulator: real TLS, real audio, a real catalog and archive on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from lived_archive import Lived
from media_here import in_this_process
from pipeline_bench import DAY, Bench, Clock, Known

from cloud9_archive.catalog.listing import record_calls
from cloud9_archive.domain.call import Call
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.emulator.server import EmulatorServer
from cloud9_archive.emulator.world import WorldSettings


@pytest.fixture(scope="session")
def world() -> WorldSettings:
    return WorldSettings(seed=7, calls_per_day=30, line_milliseconds=20_000)


@pytest.fixture
def cloud9(tmp_path_factory: pytest.TempPathFactory, world: WorldSettings) -> Iterator[EmulatorServer]:
    # One home, so that its keys and certificates are made once.
    home = tmp_path_factory.getbasetemp() / "cloud9"
    server = EmulatorServer(home=home, settings=world).start()
    server.admin.set_limits(metadata_per_minute=100_000, recordings_per_minute=100_000)
    yield server
    server.stop()


@pytest.fixture
def clock(cloud9: EmulatorServer) -> Clock:
    clock = Clock(cloud9)
    clock.move_to(clock.now)
    return clock


@pytest.fixture
def bench(cloud9: EmulatorServer, clock: Clock, tmp_path: Path) -> Iterator[Bench]:
    policy = {
        "policy": "emea_rates",
        "sources": ["cloud9_emea"],
        "schedule": {"cron": "0 2 * * *", "timezone": "Europe/London", "lookback": "1s"},
        "recording_rules": {"enabled": True, "roster": "rosters/emea.csv"},
        "media": {"profile": "alaw_8k", "deadline": "7d"},
        "archive": {"target": "archive"},
        "batch": {"max_recordings": 10},
    }
    with ExitStack() as stack:
        yield Bench(cloud9, clock, tmp_path / "data", stack, policy)


@pytest.fixture
def quick_media(monkeypatch: pytest.MonkeyPatch) -> None:
    for step in ("transcode", "second_fetch"):
        monkeypatch.setattr(f"cloud9_archive.pipeline.{step}.run_jobs", in_this_process)


@pytest.fixture
def everything(bench: Bench, quick_media: None) -> Bench:
    """A bench whose policy records every call and alters nothing."""
    bench.policy |= {"recording_rules": {"enabled": False}, "media": {"profile": "none", "deadline": "7d"}}
    return bench


@pytest.fixture
def run_of() -> Callable[..., RunRef]:
    def make(
        kind: RunKind = RunKind.BACKFILL,
        *,
        start: datetime = DAY,
        hours: float = 24,
        run_id: str = "",
        policy: str = "emea_rates",
    ) -> RunRef:
        window = Window(start, start + timedelta(hours=hours))
        return RunRef(policy, run_id or f"{kind}__{start.isoformat()}", kind, window)

    return make


@pytest.fixture
def known(everything: Bench, run_of: Callable[..., RunRef]) -> Known:
    """So many calls were listed by an earlier run, from that moment on."""

    def know(start: datetime, number: int) -> None:
        listed = [
            Call("cloud9_emea", f"{start:%Y%m%d%H}-{each}", started_at=start + timedelta(seconds=each))
            for each in range(number)
        ]
        workspace = everything.workspace()
        record_calls(workspace.catalog, run_of(run_id="earlier"), listed, now=DAY)

    return know


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lived") / "kept"


@pytest.fixture
def lived(bench: Bench, quick_media: None, run_of: Callable[..., RunRef], kept: Path) -> Lived:
    made = Lived(bench, kept, run_of)
    made.begin()
    return made
