"""``docs/commands.md``, generated from the commands themselves: ``python -m cloud9_archive.cli.reference``."""

from __future__ import annotations

import inspect
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from cloud9_archive.cli import app
from cloud9_archive.cli.emulator import PROGRAM
from cloud9_archive.emulator.__main__ import options

HEAD = """\
# Commands

Generated from the commands: `python -m cloud9_archive.cli.reference > docs/commands.md`; a test compares.
Settings come from Airflow's configuration (`AIRFLOW_HOME`, `AIRFLOW__CLOUD9_ARCHIVE__…`), connections from the
secrets backend, `AIRFLOW_CONN_…` or Airflow's metadata database, in this order.

Of `run`, `reconcile`, `check`, `catalog`, `export`, `search`, `media` and `wire`, the exit code says what is next:

| code | meaning |
|---|---|
| 0 | all is well |
| 1 | the run does not add up, or not all could be taken; the report names what does not |
| 2 | a person must change something first: connection, wire format, policy, roster, window, option |
| 3 | it may work later; the steps' own retries are used up |
"""


def commands_page() -> str:
    """The whole page."""
    return HEAD + "".join(_section(name, command) for name, command in _leaves(typer.main.get_command(app)))


def _leaves(command: Any, name: str = "cloud9-archive") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - typer's own click
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    for word in sorted(inner):
        yield from _leaves(inner[word], f"{name} {word}")


def _section(name: str, command: Any) -> str:  # noqa: ANN401 - as above
    words = re.sub(r"(?<!\n)\n(?!\n)", " ", inspect.cleandoc(command.callback.__doc__ or ""))
    if name == PROGRAM:
        with _width(100):
            return f"\n## {name}\n\n{words}\n\n```\n{options(PROGRAM).format_help()}```\n"
    params = [each for each in command.params if each.name != "help"]
    asked = [each for each in params if each.param_type_name == "argument"]
    usage = " ".join([name, *(_argument(each) for each in asked), "[OPTIONS]"])
    rows = "".join(_row(each) for each in params)
    table = f"\n| | default | meaning |\n|---|---|---|\n{rows}" if rows else ""
    return f"\n## {name}\n\n`{usage}`\n\n{words}\n{table}"


def _argument(param: Any) -> str:  # noqa: ANN401 - as above
    word = (param.metavar or param.name).upper() + ("…" if param.nargs != 1 else "")
    return word if param.required else f"[{word}]"


def _row(param: Any) -> str:  # noqa: ANN401 - as above
    argument = param.param_type_name == "argument"
    name = _argument(param) if argument else ", ".join(param.opts)
    given = "–" if param.default in (None, False, ()) else f"`{param.default}`"
    default = "required" if param.required else given
    variable = f" Also from `{param.envvar}`." if getattr(param, "envvar", None) else ""
    return f"| `{name}` | {default} | {param.help}{variable} |\n"


@contextmanager
def _width(columns: int) -> Iterator[None]:
    """Help texts are as wide as asked, whatever the terminal."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(columns)
    try:
        yield
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before


if __name__ == "__main__":
    sys.stdout.write(commands_page())
