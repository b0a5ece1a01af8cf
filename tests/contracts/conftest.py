"""One emulator for the room, as new for each test, and its world as the default dialect gives it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from contract_bench import ContractBench, open_contract_bench
from dialect_bench import Speaking
from dialect_formats import PAGE_SIZE
from media_here import in_this_process

from cloud9_archive.emulator.server import EmulatorServer
from cloud9_archive.emulator.state import Cloud
from cloud9_archive.emulator.world import WorldSettings

OpenBench = Callable[[], ContractBench]
NO_LIMITS = dict.fromkeys(("metadata_per_minute", "recordings_per_minute", "recording_list_per_minute"), 100_000.0)


@pytest.fixture(scope="session")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorServer]:
    settings = WorldSettings(seed=7, calls_per_day=16, line_milliseconds=20_000)
    with EmulatorServer(home=tmp_path_factory.mktemp("contracts"), settings=settings) as server:
        yield server


@pytest.fixture(autouse=True)
def as_new(emulated: EmulatorServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of earlier tests is left in the emulator; media work is done in this process."""
    for step in ("transcode", "second_fetch"):
        monkeypatch.setattr(f"cloud9_archive.pipeline.{step}.run_jobs", in_this_process)
    emulated.admin.set_limits(**NO_LIMITS, page_size=PAGE_SIZE)
    forget(emulated.cloud)


def forget(cloud: Cloud) -> None:
    """The emulator is as it was started."""
    cloud.faults.clear()
    cloud.uploads.clear()
    cloud.shifts.clear()
    cloud.log.clear()
    cloud.violations.clear()
    cloud.world._days.clear()


@pytest.fixture
def speaking(emulated: EmulatorServer, tmp_path: Path) -> Iterator[Speaking]:
    with ExitStack() as stack:
        yield Speaking(emulated, tmp_path / "benches", stack)


@pytest.fixture
def open_bench(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBench]:
    """Opens another bench, with an emulator and an archive that no other bench uses."""
    home = tmp_path_factory.getbasetemp() / "cloud9-of-contracts"
    with ExitStack() as stack:
        opened: list[ContractBench] = []

        def make() -> ContractBench:
            opened.append(open_contract_bench(stack, home=home, root=tmp_path / f"data-{len(opened)}"))
            return opened[-1]

        yield make
