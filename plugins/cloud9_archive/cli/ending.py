"""How a command ends: what is told of an error, and the exit code of its family."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import typer

from cloud9_archive.errors import Cloud9ArchiveError, ConfigurationError, ReconciliationError, TransientError


class ExitCode(IntEnum):
    """What a command's exit code says; 2 is also what a wrong option ends with."""

    OK = 0
    FINDING = 1
    CONFIGURATION = 2
    TRANSIENT = 3


def exit_code(error: Cloud9ArchiveError | None) -> ExitCode:
    """The code for an error's family; a run that does not add up ends as the failure that caused it would."""
    if error is None:
        return ExitCode.OK
    if isinstance(error, ReconciliationError):
        cause = error.__cause__
        return exit_code(cause) if isinstance(cause, Cloud9ArchiveError) else ExitCode.FINDING
    if isinstance(error, ConfigurationError):
        return ExitCode.CONFIGURATION
    return ExitCode.TRANSIENT if isinstance(error, TransientError) else ExitCode.FINDING


def tell_error(error: Cloud9ArchiveError) -> None:
    """The error is told on stderr, on one line."""
    typer.echo(f"error: {error}", err=True)


@contextmanager
def errors_told() -> Iterator[None]:
    """An error of ours that leaves the block is told, and ends the command with its code."""
    try:
        yield
    except Cloud9ArchiveError as error:
        tell_error(error)
        raise typer.Exit(exit_code(error)) from None
