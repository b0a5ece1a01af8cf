"""``python -m cloud9_archive.demo``: what ``make demo`` and ``make up`` run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from cloud9_archive.demo.servers import DemoError, Place
from cloud9_archive.demo.tour import run_demo
from cloud9_archive.errors import Cloud9ArchiveError

INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """
    The tour was run from the repository's root.

    :returns: the exit code
    """
    parser = argparse.ArgumentParser(
        prog="python -m cloud9_archive.demo", description="Real calls through a real Airflow."
    )
    parser.add_argument("--root", type=Path, default=Path("var/demo"), help="what it writes (default %(default)s)")
    parser.add_argument("--port", type=int, help="port of Airflow's page (default: any free one)")
    parser.add_argument("--stay", action="store_true", help="leave Airflow's page running until Ctrl-C")
    chosen = parser.parse_args(arguments)
    repository = Path.cwd()
    if not (repository / "dags").is_dir() or not (repository / "include").is_dir():
        sys.stderr.write("demo: run it from the root of the checkout, where dags/ and include/ are\n")
        return 1
    try:
        return run_demo(Place(repository, chosen.root.absolute()), Console(), port=chosen.port, stay=chosen.stay)
    except (DemoError, Cloud9ArchiveError) as error:
        sys.stderr.write(f"demo: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("demo: interrupted; what it started is stopped\n")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
