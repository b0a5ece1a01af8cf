"""A bench for contracts: everything is recorded and nothing altered, and each run is repeated as Airflow would."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from patience import Patience
from pipeline_bench import Bench, Clock

from cloud9_archive.api.client import Cloud9Client
from cloud9_archive.api.limits import Limiter
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.domain.run import RunRef
from cloud9_archive.emulator.server import EmulatorServer
from cloud9_archive.emulator.world import WorldSettings
from cloud9_archive.errors import ReconciliationError
from cloud9_archive.pipeline.reconcile import Reconciled
from cloud9_archive.pipeline.run import run_policy

WORLD = WorldSettings(seed=7, calls_per_day=30, line_milliseconds=20_000)
POLICY: dict[str, Any] = {
    "policy": "emea_rates",
    "sources": ["cloud9_emea"],
    "schedule": {"cron": "0 2 * * *", "timezone": "Europe/London", "lookback": "1s"},
    "recording_rules": {"enabled": False},
    "media": {"profile": "none", "deadline": "7d"},
    "archive": {"target": "archive"},
    "batch": {"max_recordings": 10},
}


@dataclass
class ContractBench(Bench):
    """
    As its parent, with patience that costs no time.

    :param source: fields of the source that differ from a plain one
    """

    source: dict[str, Any] = field(default_factory=dict)
    patience: Patience = field(default_factory=Patience)

    def source_settings(self, conn_id: str) -> SourceSettings:
        return replace(super().source_settings(conn_id), **self.source)

    def open_source(self, conn_id: str, limiter: Limiter | None = None) -> AbstractContextManager[Cloud9Client]:
        return Cloud9Client(self.source_settings(conn_id), sleep=self.patience.sleep, monotonic=self.patience.monotonic)

    def attempt(self, run: RunRef) -> Reconciled:
        """One attempt at the whole run, retries of its tasks included."""
        return run_policy(self.workspace(), run, sleep=self.patience.sleep)

    def until_it_adds_up(self, run: RunRef, *, most: int = 10) -> int:
        """The run adds up; how many attempts that took, each as if all its tasks were cleared."""
        for attempt in range(1, most + 1):
            try:
                self.attempt(run)
            except ReconciliationError:
                if attempt == most:
                    raise
            else:
                return attempt
        raise AssertionError("at least one attempt")


def open_contract_bench(stack: ExitStack, *, home: Path, root: Path) -> ContractBench:
    """
    A bench over an emulator of its own.

    :param home: folder of keys and certificates, which emulators share
    :param root: for staging, catalog and archive
    """
    cloud9 = EmulatorServer(home=home, settings=WORLD).start()
    stack.callback(cloud9.stop)
    cloud9.admin.set_limits(metadata_per_minute=100_000, recordings_per_minute=100_000)
    clock = Clock(cloud9)
    clock.move_to(clock.now)
    return ContractBench(cloud9, clock, root, stack, dict(POLICY))
