"""``python -m cloud9_archive.emulator``: an emulated Cloud9 on this machine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cloud9_archive.emulator.world import HOUR_LONG, WorldSettings


def options(prog: str) -> argparse.ArgumentParser:
    """
    What may be said on the command line.

    :param prog: how the command is called
    """
    parser = argparse.ArgumentParser(prog=prog, description="A Cloud9 to run against, on loopback.")
    parser.add_argument("--home", type=Path, required=True, help="folder for its certificates and keys")
    parser.add_argument("--host", default="127.0.0.1", help="loopback address (default %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="0 for any free port (default)")
    parser.add_argument(
        "--calls-per-day", type=int, default=60, help="calls of one desk on a trading day (default %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="another seed, other calls (default %(default)s)")
    parser.add_argument(
        "--line-seconds",
        type=int,
        default=HOUR_LONG // 1000,
        help="length of each day's shared line (default %(default)s)",
    )
    parser.add_argument(
        "--mutual-tls", action="store_true", help="serve only clients that show a certificate; --home has one"
    )
    parser.add_argument(
        "--ready-file", type=Path, help="JSON with address and keys, written once it accepts connections"
    )
    return parser


def main(arguments: list[str] | None = None, *, prog: str = "python -m cloud9_archive.emulator") -> int:
    """
    An emulated Cloud9 has served until it was told to stop.

    :param prog: how the command is called
    :returns: the exit code: 0, or 1 if it could not listen
    """
    chosen = options(prog).parse_args(arguments)
    # Only now: --help need not wait for the server's libraries.
    from cloud9_archive.emulator.listener import CannotListenError  # noqa: PLC0415 - as the comment says
    from cloud9_archive.emulator.server import serve  # noqa: PLC0415 - as the comment says

    settings = WorldSettings(
        seed=chosen.seed, calls_per_day=chosen.calls_per_day, line_milliseconds=chosen.line_seconds * 1000
    )
    try:
        serve(
            home=chosen.home,
            port=chosen.port,
            host=chosen.host,
            settings=settings,
            mutual_tls=chosen.mutual_tls,
            ready_file=chosen.ready_file,
            announce=_announce,
        )
    except CannotListenError as error:
        sys.stderr.write(f"emulator: {error}\n")
        return 1
    return 0


def _announce(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
