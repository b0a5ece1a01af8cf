"""Small archives, closed at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from custody_bench import LATER, Made, SmallArchive, a_call


@pytest.fixture(scope="session")
def two_bags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of two bags with two calls each, of two days, to be copied."""
    root = tmp_path_factory.mktemp("two-bags") / "small"
    with ExitStack() as stack:
        made = SmallArchive(root, stack=stack)
        made.seal(a_call(1), a_call(2))
        made.seal(a_call(3, day=1), a_call(4, day=1))
    return root


@pytest.fixture
def expired(small: Made, two_bags: Path) -> SmallArchive:
    """Two bags with two calls each, whose 30 days have ended."""
    return small(template=two_bags, runs=2, now=LATER)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Made]:
    with ExitStack() as stack:

        def make(**more: object) -> SmallArchive:
            return SmallArchive(tmp_path / "small", stack=stack, **more)  # type: ignore[arg-type]

        yield make
