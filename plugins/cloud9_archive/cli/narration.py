"""How a run's progress is shown: a bar on a terminal, plain lines elsewhere; always on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import fields, is_dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cloud9_archive.pipeline.run import StepNews, StepState, Tell


@contextmanager
def narrated(console: Console) -> Iterator[Tell]:
    """Gives what a run tells its news to; nothing is left on the screen but finished lines."""
    if not console.is_terminal:
        yield lambda news: _line(console, news)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=None)

        def tell(news: StepNews) -> None:
            number, batches = news.place
            progress.update(bar, description=news.name)
            if batches:
                finished = number if (news.step, news.state) == ("archive", StepState.DONE) else number - 1
                progress.update(bar, total=batches, completed=finished)
            _line(progress.console, news)

        yield tell


def _line(console: Console, news: StepNews) -> None:
    words = _WORDS[news.state](news)
    if words:
        console.print(f"{news.name}: {words}", markup=False, highlight=False, soft_wrap=True)


def _counts(news: StepNews) -> str:
    """The numbers of a result; a collection counts its members."""
    result = news.result
    if not is_dataclass(result):
        return "done"
    words = []
    for field in fields(result):
        value = getattr(result, field.name)
        if isinstance(value, int):
            words.append(f"{field.name}={value}")
        elif isinstance(value, Sized) and not isinstance(value, str):
            words.append(f"{field.name}={len(value)}")
    return " ".join(words)


_WORDS: dict[StepState, Callable[[StepNews], str]] = {
    StepState.BEGUN: lambda _: "",
    StepState.DONE: _counts,
    StepState.AGAIN: lambda news: f"tried again in {news.wait:.0f} s: {news.error}",
    StepState.FAILED: lambda news: f"failed: {news.error}",
}
