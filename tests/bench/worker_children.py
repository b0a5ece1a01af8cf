"""Media workers seen from the operating system: which there are, dead ones that nobody has taken leave of included."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ILL_WILL = Path(__file__).parent / "ill_worker"
"""On ``PYTHONPATH``, it makes workers do what their recordings are called."""


def children(parent: int | None = None) -> list[int]:
    """Ids of the children of this process, or of another, that run a media worker or are dead and not yet reaped."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, its_parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if int(its_parent) == (parent or os.getpid()) and (b"media.worker_main" in command or state == "Z"):
            found.append(int(entry.name))
    return found


@contextmanager
def none_grows_old(seconds: float = 60.0) -> Iterator[None]:
    """While this lasts, workers that no deadline ends are killed after so long: then a test fails that would hang."""
    done, seen = threading.Event(), dict[int, float]()

    def watch() -> None:
        while not done.wait(1.0):
            for pid in children():
                if time.monotonic() - seen.setdefault(pid, time.monotonic()) > seconds:
                    with suppress(OSError):
                        os.kill(pid, signal.SIGKILL)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def is_over(pid: int) -> bool:
    """Whether the process has ended, reaped or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def open_files() -> set[str]:
    """What this process has open."""
    folder = Path("/proc/self/fd")
    return {f"{entry.name} {entry.readlink()}" for entry in folder.iterdir() if entry.is_symlink()}


def wait_for(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """The condition has come true."""
    tick, end = threading.Event(), time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not come true"
        tick.wait(0.01)
