from __future__ import annotations

from pathlib import Path

import pytest

from cloud9_archive.cli.reference import commands_page

PAGE = Path(__file__).parents[2] / "docs/commands.md"


def test_the_page_is_the_commands_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    again = "write it anew: python -m cloud9_archive.cli.reference > docs/commands.md"
    assert PAGE.read_text(encoding="utf-8") == commands_page(), again


def test_every_command_is_on_it() -> None:
    heads = [line for line in commands_page().splitlines() if line.startswith("## ")]
    assert {"## cloud9-archive run", "## cloud9-archive check", "## cloud9-archive catalog findings"} <= set(heads)
    assert heads == sorted(heads)
