"""The command: what it prints and how it ends."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cloud9_archive.cli.verify import verify_command

APP = typer.Typer()
APP.command()(verify_command)


def test_a_good_archive_ends_with_0(archive: Any) -> None:
    done = CliRunner().invoke(APP, [str(archive.root)])
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("verify: ok bags=4 ")
    assert lines[0].endswith(f"faults=0 notices=0 head=emea_rates:3:{archive.links[-1].digest()}")


def test_a_notice_ends_with_0_and_a_fault_with_1(archive: Any) -> None:
    archive.put_bag("batch-9", seal=False)
    done = CliRunner().invoke(APP, [archive.root.as_uri()])
    assert done.exit_code == 0
    assert done.stdout.startswith("notice: BAG_UNSEALED emea_rates/bags/2026/11/22/batch-9: ")
    shutil.rmtree(archive.root / "emea_rates/reports")
    done = CliRunner().invoke(APP, [str(archive.root), "--policy", "emea_rates"])
    assert done.exit_code == 1
    assert done.stdout.count("fault: CHAIN_MEMBER_MISSING ") == 6
    assert done.stdout.splitlines()[-1].startswith("verify: failed ")


def test_a_head_that_is_gone_as_json(archive: Any) -> None:
    done = CliRunner().invoke(APP, [str(archive.root), "--head", "0" * 64, "--json"])
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    assert report["ok"] is False
    assert [finding["code"] for finding in report["findings"]] == ["CHAIN_ROLLED_BACK"]


@pytest.mark.parametrize("target", ["ftp://bucket/x", "~/x"])
def test_a_target_that_is_none_ends_with_2(target: str) -> None:
    done = CliRunner().invoke(APP, [target])
    assert done.exit_code == 2
    assert done.stderr.startswith("error: archive target")
