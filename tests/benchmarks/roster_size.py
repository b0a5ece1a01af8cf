"""How long a roster of a million lines takes to read, and how much memory: ``python tests/benchmarks/roster_size.py``."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HEADER = "extension_type,extension,user,display_name,mode,directions,groups,valid_from,valid_to,retention\n"


def write_roster(path: Path, *, rows: int) -> None:
    """The file has so many rows, each of another login."""
    with path.open("w", encoding="utf-8") as stream:
        stream.write(HEADER)
        for number in range(rows):
            login = f"trader{number:07}@firm.example"
            stream.write(
                f"user_agent_id,{login},trader{number:07},Trader Number {number},full,,rates;london,2023-05-01,,7y\n"
            )


def measure(path: Path) -> dict[str, float]:
    """Seconds and megabytes that reading the file takes in this process."""
    from cloud9_archive.pipeline.roster_files import load_roster  # noqa: PLC0415 - imports belong to the baseline

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    roster = load_roster(path)
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "extensions": len(roster.extensions),
        "file_mb": round(path.stat().st_size / 1e6, 1),
        "seconds": round(seconds, 1),
        "peak_mb": round(peak / 1024, 1),
        "before_mb": round(before / 1024, 1),
    }


def main() -> None:
    """The figures are printed as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=999_999)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read:
        print(json.dumps(measure(given.read)))  # noqa: T201 - the answer
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "roster.csv"
        write_roster(path, rows=given.rows)
        subprocess.run([sys.executable, __file__, "--read", str(path)], check=True)


if __name__ == "__main__":
    main()
