"""``cloud9-archive emulator``: the emulated Cloud9 under this command's name, with its own options."""

from __future__ import annotations

import typer

PROGRAM = "cloud9-archive emulator"
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def emulator_command(context: typer.Context) -> None:
    """Serve an emulated Cloud9 on loopback until told to stop; its options are those of the emulator itself."""
    from cloud9_archive.emulator.__main__ import main  # noqa: PLC0415 - only when it runs

    raise typer.Exit(main(context.args, prog=PROGRAM))
