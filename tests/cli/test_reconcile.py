"""The command that looks whether anything is missing, over a deployment with an emulated Cloud9."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from run_spans_made import remember_run

from cloud9_archive.cli.reconcile_work import LookOrder, carry_out


@pytest.fixture
def look(firm: Any, day: Any, impatient: Any, capsys: pytest.CaptureFixture[str]) -> Any:
    """Takes a look three days after the day; the code it ends with, and what it printed."""

    def take(**order: Any) -> tuple[int, str]:
        code = carry_out(LookOrder("emea_rates", **order), open_source=impatient, clock=lambda: day + timedelta(days=3))
        return code, capsys.readouterr().out

    return take


def test_calls_without_a_run_are_a_gap_and_end_with_1(look: Any, firm: Any, day: Any) -> None:
    # The world has calls for the days, and a run that only says that it listed them.
    remember_run(firm.data_root, "emea_rates", day, day + timedelta(days=1), source="cloud9_emea")
    code, out = look(lookback="3d")
    *lines, last = out.splitlines()
    assert code == 1
    found = {line.split(" ")[1] for line in lines}
    assert found == {"CALL_OVERLOOKED", "RUN_MISSING", "POLICY_PAUSED"}
    assert last.startswith("reconcile: 2025-03-0")
    assert f"gaps={len(lines) - 1} " in last
    code, out = look(lookback="3d", as_json=True)
    document = json.loads(out)
    assert (code, document["complete"], document["error"]["code"]) == (1, False, "RECONCILIATION")
    assert len(document["details"]) == len(lines)


def test_where_nothing_is_to_be_there_it_ends_with_0_and_a_wrong_lookback_with_2(look: Any, command: Any) -> None:
    code, out = look()
    assert code == 0
    assert out.count("\n") == 1
    assert " gaps=0 " in out
    assert command("reconcile", "emea_rates", "--lookback", "week").exit_code == 2
