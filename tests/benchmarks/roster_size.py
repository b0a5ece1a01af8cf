"""How fast rosters of a hundred thousand and of a million lines are read, and how much memory the larger one takes."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ALLOWED_MEMORY = 1024.0
"""Megabytes for a roster of a million lines, the interpreter included."""

LINES = (100_000, 1_000_000)
HEADER = "extension_type,extension,user,display_name,mode,directions,groups,valid_from,valid_to,retention\n"


def measure() -> Iterator[object]:
    """Lines per second of the larger roster beside the smaller one, and the memory allowed beside the memory taken."""
    from measuring import Figure  # noqa: PLC0415 - the child that reads a roster does without

    read = [reading(lines) for lines in LINES]
    small, large = (each["lines"] / each["seconds"] for each in read)
    yield Figure("a million lines beside a hundred thousand", round(large), round(small), "lines/s", goal=0.5)
    peak = read[-1]["peak_mb"]
    yield Figure("memory allowed for a million lines", ALLOWED_MEMORY, peak, "MB taken", goal=1.0)


def reading(lines: int) -> dict[str, float]:
    """What reading a roster of so many lines takes in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "roster.csv"
        write_roster(path, lines=lines)
        done = subprocess.run([sys.executable, __file__, str(path)], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def write_roster(path: Path, *, lines: int) -> None:
    """The file has a header and a row for each further line, each of another login."""
    with path.open("w", encoding="utf-8") as stream:
        stream.write(HEADER)
        for number in range(1, lines):
            name = f"trader{number:07}"
            stream.write(
                f"user_agent_id,{name}@firm.example,{name},Trader Number {number},full,,rates;london,2023-05-01,,7y\n"
            )


def read(path: Path) -> dict[str, float]:
    """Lines, seconds and megabytes of reading the file in this process."""
    from cloud9_archive.pipeline.roster_files import load_roster  # noqa: PLC0415 - its import is not what is measured

    begun = time.perf_counter()
    roster = load_roster(path)
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"lines": len(roster.extensions) + 1, "seconds": round(seconds, 2), "peak_mb": round(peak, 1)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(read(Path(sys.argv[1]))) + "\n")
