"""A bench of its own for each archive that a contract compares."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from contract_bench import ContractBench, open_contract_bench
from media_here import in_this_process

OpenBench = Callable[[], ContractBench]


@pytest.fixture
def open_bench(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OpenBench]:
    """Opens another bench, with an emulator and an archive that no other bench uses."""
    monkeypatch.setattr("cloud9_archive.pipeline.transcode.run_jobs", in_this_process)
    home = tmp_path_factory.getbasetemp() / "cloud9-of-contracts"
    with ExitStack() as stack:
        opened: list[ContractBench] = []

        def make() -> ContractBench:
            opened.append(open_contract_bench(stack, home=home, root=tmp_path / f"data-{len(opened)}"))
            return opened[-1]

        yield make
