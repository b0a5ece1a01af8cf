from __future__ import annotations

from pathlib import Path
from typing import Any

from cloud9_archive.emulator.__main__ import options


def test_its_options_are_the_emulators_own(command: Any) -> None:
    result = command("emulator", "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith("usage: cloud9-archive emulator ")
    assert result.stdout == options("cloud9-archive emulator").format_help()


def test_options_are_passed_on(command: Any, tmp_path: Path) -> None:
    result = command("emulator", "--home", tmp_path, "--host", "10.0.0.1")
    assert result.exit_code == 1
    assert "the emulator listens on loopback only, not on '10.0.0.1'" in result.stderr


def test_a_wrong_option_is_a_usage_error(command: Any) -> None:
    result = command("emulator", "--colour", "red")
    assert result.exit_code == 2
    assert "usage: cloud9-archive emulator" in result.stderr
