"""A policy's workspace over the emulator: real TLS, real audio, a real catalog and archive on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud9_archive.api.client import Cloud9Client
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.emulator.server import EmulatorServer
from cloud9_archive.emulator.truth import Truth
from cloud9_archive.emulator.world import WorldSettings
from cloud9_archive.pipeline.settings import Settings
from cloud9_archive.pipeline.workspace import Workspace, open_workspace

DAY = datetime(2026, 3, 3, tzinfo=UTC)
"""A Tuesday; the emulated world stands still three days later unless a test moves it."""


@dataclass
class Clock:
    """The present moment of pipeline and emulated world alike."""

    cloud9: EmulatorServer
    now: datetime = DAY + timedelta(days=3)

    def __call__(self) -> datetime:
        return self.now

    def move_to(self, now: datetime) -> None:
        self.now = now
        self.cloud9.admin.set_clock(fixed=now)


@dataclass
class Bench:
    """Opens workspaces, one after the other, over the same catalog and archive."""

    cloud9: EmulatorServer
    clock: Clock
    root: Path
    stack: ExitStack
    policy: dict[str, Any] = field(default_factory=dict)

    @property
    def archive(self) -> Path:
        return self.root / "archive"

    @property
    def settings(self) -> Settings:
        return Settings(data_root=self.root, include_folder=Path("include").absolute())

    def open_source(self, conn_id: str) -> AbstractContextManager[Cloud9Client]:
        desk = conn_id.removeprefix("cloud9_")
        key = self.cloud9.keys[desk]
        return Cloud9Client(
            SourceSettings(
                conn_id=conn_id,
                host=self.cloud9.host,
                port=self.cloud9.port,
                api_key=key.api_key,
                api_secret=key.api_secret,
                ca_file=self.cloud9.ca_file,
            )
        )

    def workspace(self, **changes: Any) -> Workspace:
        policy = {**self.policy, **changes}
        return self.stack.enter_context(
            open_workspace(Policy.model_validate(policy), self.settings, open_source=self.open_source, clock=self.clock)
        )

    def truth(self, window: Window, desk: str = "emea") -> Truth:
        return self.cloud9.admin.truth(desk, begin=window.start, end=window.end)


@pytest.fixture(scope="session")
def world() -> WorldSettings:
    return WorldSettings(seed=7, calls_per_day=30, line_milliseconds=20_000)


@pytest.fixture
def cloud9(tmp_path: Path, world: WorldSettings) -> Iterator[EmulatorServer]:
    server = EmulatorServer(home=tmp_path / "cloud9", settings=world).start()
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
