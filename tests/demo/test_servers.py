"""Starting and ending the demo's servers: one clear line when it cannot be, and nothing left behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cloud9_archive.demo import outcome
from cloud9_archive.demo.__main__ import main
from cloud9_archive.demo.servers import DemoError, Place, check_port, emulator, free_port, wait_for


def test_a_taken_port_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--root", str(tmp_path / "demo"), "--port", str(port)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"demo: port {port} is taken")
    assert said.count("\n") == 1


def test_a_free_port_is_free() -> None:
    check_port(free_port())


def test_a_missing_tool_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcome.shutil, "which", lambda _: None)
    assert main(["--root", str(tmp_path / "demo")]) == 1
    assert capsys.readouterr().err == "demo: sha256sum is not on this machine: install it and try again\n"


def test_elsewhere_than_in_the_checkout_it_says_where_to_go(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([]) == 1
    assert "root of the checkout" in capsys.readouterr().err


def test_a_server_that_ends_early_is_told_with_its_log(tmp_path: Path) -> None:
    server = subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"])
    with pytest.raises(DemoError, match=r"it ended with exit code 7: see .*some\.log"):
        wait_for(lambda: False, "it", server, log=tmp_path / "some.log")


def test_a_server_that_never_gets_ready_is_told(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as server:
        with pytest.raises(DemoError, match="was not ready after 0 s"):
            wait_for(lambda: False, "it", server, log=tmp_path / "some.log", deadline=0.0)
        server.communicate(b"\n")


def test_the_emulator_serves_within_its_block_and_is_gone_after(tmp_path: Path) -> None:
    with emulator(Place(Path.cwd(), tmp_path)) as ready:
        os.kill(ready.pid, 0)
        with socket.create_connection((ready.host, ready.port), timeout=5):
            pass
    with pytest.raises(ProcessLookupError):
        os.kill(ready.pid, 0)
