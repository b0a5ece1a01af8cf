from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from cloud9_archive.cli import app
from cloud9_archive.cli.ending import ExitCode, errors_told, exit_code
from cloud9_archive.errors import (
    Cloud9ArchiveError,
    CredentialsError,
    DamagedMediaError,
    ReconciliationError,
    StagingLostError,
    TransientError,
)


def caused(error: Cloud9ArchiveError | None) -> ReconciliationError:
    gap = ReconciliationError("it does not add up")
    gap.__cause__ = error
    return gap


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (None, 0),
        (caused(None), 1),
        (DamagedMediaError("x"), 1),
        (caused(DamagedMediaError("x")), 1),
        (CredentialsError("x"), 2),
        (caused(CredentialsError("x")), 2),
        (TransientError("x"), 3),
        (caused(StagingLostError("x")), 3),
    ],
)
def test_the_code_goes_by_the_family(error: Cloud9ArchiveError | None, code: int) -> None:
    assert exit_code(error) == code


def test_an_error_is_told_once_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as caught, errors_told():
        raise CredentialsError("refused", hint="look at the key")
    assert caught.value.exit_code == ExitCode.CONFIGURATION
    assert capsys.readouterr() == ("", "error: refused – look at the key\n")


def test_a_stack_trace_never_shows_local_variables() -> None:
    assert app.pretty_exceptions_show_locals is False


def test_help_of_every_command_imports_nothing_heavy() -> None:
    script = """
import contextlib, io, sys
from cloud9_archive.cli import app
words = [[], ["run"], ["check"], ["verify"], ["policy"], ["policy", "lint"], ["catalog"], ["catalog", "migrate"],
         ["catalog", "findings"], ["emulator"]]
for each in words:
    screen = io.StringIO()
    with contextlib.redirect_stdout(screen):
        try:
            app([*each, "--help"], prog_name="cloud9-archive")
        except SystemExit as end:
            assert end.code == 0, (each, end.code)
    assert "sage: cloud9-archive" in screen.getvalue(), screen.getvalue()
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not {"airflow", "av", "sqlalchemy", "alembic", "requests", "fastapi", "uvicorn"} & set(done.stdout.split())
