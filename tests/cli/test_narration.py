from __future__ import annotations

import io
from dataclasses import dataclass

from rich.console import Console

from cloud9_archive.cli.narration import narrated
from cloud9_archive.errors import UnreachableError
from cloud9_archive.pipeline.run import StepNews, StepState


@dataclass(frozen=True)
class Result:
    source: str
    listed: int
    batch_ids: tuple[str, ...]


NEWS = (
    StepNews("fetch_calls", "cloud9_emea", StepState.BEGUN),
    StepNews("fetch_calls", "cloud9_emea", StepState.AGAIN, error=UnreachableError("it [is] away"), wait=30.0),
    StepNews("fetch_calls", "cloud9_emea", StepState.DONE, result=Result("cloud9_emea", 7, ("a", "b"))),
    StepNews("archive", "b1", StepState.FAILED, error=UnreachableError("gone"), place=(1, 2)),
    StepNews("archive", "b2", StepState.DONE, place=(2, 2)),
)
LINES = [
    "fetch_calls cloud9_emea: tried again in 30 s: it [is] away",
    "fetch_calls cloud9_emea: listed=7 batch_ids=2",
    "archive b1: failed: gone",
    "archive b2: done",
]


def test_plain_lines_when_nobody_watches() -> None:
    screen = io.StringIO()
    with narrated(Console(file=screen, width=20)) as tell:
        for news in NEWS:
            tell(news)
    assert screen.getvalue().splitlines() == LINES


def test_a_terminal_sees_a_bar_and_keeps_the_same_lines() -> None:
    screen = io.StringIO()
    with narrated(Console(file=screen, width=200, force_terminal=True, color_system=None)) as tell:
        for news in NEWS:
            tell(news)
    assert all(line in screen.getvalue() for line in LINES)
    assert "━" in screen.getvalue()
