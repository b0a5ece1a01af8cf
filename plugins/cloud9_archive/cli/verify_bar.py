"""How far a verification or rebuild is, on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from cloud9_archive.pipeline.verify_bag import Watch


class ProgressWatch(Watch):
    """
    Moves a bar, bag by bag.

    :param progress: what shows it
    :param name: of what is done, before the bar
    """

    def __init__(self, progress: Progress, name: str) -> None:
        self._progress = progress
        self._task: TaskID = progress.add_task(name, total=None, size="")
        self._bags = 0
        self._size = 0

    def planned(self, bags: int) -> None:
        """See :meth:`Watch.planned`."""
        self._bags += bags
        self._progress.update(self._task, total=self._bags)

    def bag_done(self) -> None:
        """See :meth:`Watch.bag_done`."""
        self._progress.update(self._task, advance=1)

    def read(self, size: int) -> None:
        """See :meth:`Watch.read`."""
        self._size += size
        self._progress.update(self._task, size=decimal(self._size))


@contextmanager
def watched(console: Console, name: str = "verify") -> Iterator[Watch]:
    """A bar on the console while the block runs, if that is a terminal; it leaves nothing behind."""
    if not console.is_terminal:
        yield Watch()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("bags  {task.fields[size]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield ProgressWatch(progress, name)
