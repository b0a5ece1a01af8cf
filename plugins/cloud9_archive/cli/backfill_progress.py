"""How far a backfill is: a bar on a terminal, plain lines elsewhere; always on stderr."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cloud9_archive.airflow_api import FINISHED, AirflowApi
from cloud9_archive.errors import TransientError

PAUSE = 2.0
"""Seconds between two looks."""
PATIENCE = 150
"""Looks in a row at which Airflow may be out of reach, as it is when it is restarted."""

Tell = Callable[[int, str], None]


def followed(
    api: AirflowApi, dag_id: str, begins: Sequence[datetime], *, sleep: Callable[[float], None], quiet: bool
) -> None:
    """
    Each of the runs is over, or Airflow says that the backfill is and began no run for it.

    Airflow closes a backfill up to half a minute after its last run, and refuses another one until then.

    :param begins: logical dates of the runs, aware UTC
    :param sleep: waits for so many seconds
    :param quiet: show nothing
    :raises TransientError: if Airflow stays out of reach
    """
    wanted = set(begins)
    first, last = min(wanted).isoformat(), (max(wanted) + timedelta(seconds=1)).isoformat()
    failures = closing = 0
    with _shown(len(wanted), quiet=quiet) as tell:
        while True:
            try:
                closed = all(each["completed_at"] is not None for each in api.backfills(dag_id))
                runs = [run for run in api.runs(dag_id, first=first, last=last) if _of(run, wanted)]
            except TransientError:
                failures += 1
                if failures > PATIENCE:
                    raise
                sleep(PAUSE)
                continue
            failures = 0
            states = Counter(str(run["state"]) for run in runs)
            done = sum(states[state] for state in FINISHED)
            tell(done, ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "waiting")
            closing += done == len(wanted)
            if done == len(runs) and (closed or closing > PATIENCE):
                return
            sleep(PAUSE)


def _of(run: dict[str, str], wanted: set[datetime]) -> bool:
    return run["run_type"] != "manual" and datetime.fromisoformat(run["logical_date"]) in wanted


@contextmanager
def _shown(total: int, *, quiet: bool) -> Iterator[Tell]:
    console = Console(stderr=True, quiet=quiet)
    if not console.is_terminal:
        said: list[str] = []

        def line(done: int, words: str) -> None:
            text = f"{done} of {total} runs are over: {words}"
            if said[-1:] != [text]:
                said.append(text)
                console.print(text, markup=False, highlight=False, soft_wrap=True)

        yield line
        return
    columns = (
        TextColumn("backfill"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=total)
        yield lambda done, words: progress.update(bar, completed=done, description=words)
