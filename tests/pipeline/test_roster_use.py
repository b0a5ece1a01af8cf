"""What a run's calls say of the roster."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pipeline_bench import DAY, Bench
from rosters import HEADER
from sqlalchemy import event

from cloud9_archive.catalog.listing import record_calls
from cloud9_archive.domain.call import Call, Party, Side
from cloud9_archive.domain.findings import Finding
from cloud9_archive.domain.roster import Roster
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.pipeline.roster_files import load_roster
from cloud9_archive.pipeline.roster_use import find_roster_faults, note_roster_use
from cloud9_archive.pipeline.workspace import Workspace


def call(call_id: str, *logins: str, at: datetime = DAY, far: tuple[str, ...] = (), number: str | None = None) -> Call:
    parties = [Party(Side.NEAR, login=login) for login in logins]
    parties += [Party(Side.FAR, login=login) for login in far] + [Party(Side.FAR, number=number)]
    return Call("cloud9_emea", call_id, started_at=at, parties=tuple(parties))


class Desk:
    """A roster and runs over it, without any Cloud9."""

    def __init__(self, bench: Bench, run_of: Any) -> None:
        self.bench = bench
        self.run_of = run_of
        self.workspace: Workspace = bench.workspace()
        self.roster: Roster | None = None

    def has(self, *rows: str) -> None:
        path = Path(self.bench.root) / "roster.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
        self.roster = load_roster(path)

    def run(self, *listed: Call, days: int = 0, kind: RunKind = RunKind.SCHEDULED) -> dict[str, Finding]:
        start = DAY + timedelta(days=days)
        self.bench.clock.now = start + timedelta(days=1)
        run: RunRef = self.run_of(kind, start=start, run_id=f"{kind}-{days}")
        record_calls(self.workspace.catalog, run, listed, now=self.bench.clock.now)
        note_roster_use(self.workspace, run, self.roster)
        return {finding.code: finding for finding in find_roster_faults(self.workspace, run)}


@pytest.fixture
def desk(bench: Bench, run_of: Any) -> Desk:
    return Desk(bench, run_of)


def test_logins_at_the_near_end_that_no_roster_has_are_told_once_for_a_source(desk: Desk) -> None:
    desk.has("user_agent_id,anna,anna,full")
    found = desk.run(
        call("1", "anna", "x", "x"), call("2", "x", at=DAY + timedelta(hours=1)), call("3", "y\n", far=("broker",))
    )
    finding = found["ROSTER_LOGIN_UNKNOWN"]
    assert finding.subject == "cloud9_emea"
    assert finding.words.startswith(
        "2 logins at the near end of 3 calls on no roster, as runs met them last: x (2, last 2026-03-03T01:00:00Z), "
    )
    assert "\n" not in finding.words
    assert "broker" not in finding.words


def test_an_older_window_does_not_hide_the_latest_call(desk: Desk) -> None:
    desk.has("user_agent_id,anna,anna,full")
    desk.run(call("1", "x", at=DAY), call("2", "x", at=DAY))
    found = desk.run(call("0", "x", at=DAY - timedelta(days=90)), days=-90, kind=RunKind.BACKFILL)
    assert "x (2, last 2026-03-03T00:00:00Z)" in found["ROSTER_LOGIN_UNKNOWN"].words


def test_it_heals_when_the_roster_has_them(desk: Desk) -> None:
    desk.has("user_agent_id,anna,anna,full")
    assert "ROSTER_LOGIN_UNKNOWN" in desk.run(call("1", "x"))
    assert "ROSTER_LOGIN_UNKNOWN" in desk.run(days=1), "silence is no reason"
    desk.has("user_agent_id,anna,anna,full", "user_agent_id,x,xaver,do_not_record")
    assert "ROSTER_LOGIN_UNKNOWN" not in desk.run(days=2)


def test_it_heals_when_nobody_meets_them_any_more(desk: Desk) -> None:
    desk.has("user_agent_id,anna,anna,full")
    desk.run(call("1", "x"))
    assert "ROSTER_LOGIN_UNKNOWN" in desk.run(days=29)
    assert "ROSTER_LOGIN_UNKNOWN" not in desk.run(days=32)


def test_a_leaver_who_calls_is_unknown_from_the_day_on_which_validity_ends(desk: Desk) -> None:
    path = Path(desk.bench.root) / "roster.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("extension_type,extension,user,mode,valid_to\nuser_agent_id,anna,anna,full,2026-03-03\n")
    desk.roster = load_roster(path)
    assert "ROSTER_LOGIN_UNKNOWN" not in desk.run(call("1", "anna", at=DAY - timedelta(seconds=1)))
    assert "ROSTER_LOGIN_UNKNOWN" in desk.run(call("2", "anna"), days=1)


def test_users_without_calls_and_extensions_without_matches_are_told_after_thirty_days(desk: Desk) -> None:
    desk.has(
        "user_agent_id,anna,anna,full",
        "user_agent_id,bert,bert,full",
        "number_address,+44,bert,full",
        "number_address,+45,cleo,full",
    )
    assert set(desk.run(call("1", "anna"))) == set()
    assert set(desk.run(call("2", number="+44", at=DAY + timedelta(days=20)), days=20)) == set()
    found = desk.run(days=32)
    assert found["ROSTER_USER_QUIET"] == Finding(
        "ROSTER_USER_QUIET", "roster", "2 users in no call since 2026-03-06T00:00:00Z: anna, cleo"
    )
    assert found["ROSTER_EXTENSION_UNMATCHED"].words == (
        "2 extensions on the roster since 2026-03-06T00:00:00Z or longer without a match: +45, bert"
    )
    found = desk.run(call("3", far=("anna", "bert"), number="+45", at=DAY + timedelta(days=33)), days=33)
    assert set(found) == set()


def test_only_scheduled_runs_look_for_the_quiet(desk: Desk) -> None:
    desk.has("user_agent_id,anna,anna,full")
    desk.run()
    assert desk.run(days=60, kind=RunKind.BACKFILL) == {}
    assert "ROSTER_USER_QUIET" in desk.run(days=61)


def test_nothing_is_quiet_for_a_policy_that_does_not_ask(desk: Desk) -> None:
    rules = {**desk.bench.policy["recording_rules"], "quiet_after": None}
    desk.workspace = desk.bench.workspace(recording_rules=rules)
    desk.has("user_agent_id,anna,anna,full")
    desk.run()
    assert desk.run(days=60) == {}


def test_many_are_counted_and_twenty_named(desk: Desk) -> None:
    desk.has("user_agent_id,anna,anna,full")
    found = desk.run(*(call(str(number), f"x{number:02}", at=DAY) for number in range(25)))
    words = found["ROSTER_LOGIN_UNKNOWN"].words
    assert words.startswith("25 logins")
    assert words.endswith(" and 5 more")
    assert "x19" in words
    assert "x20" not in words


def test_the_work_follows_the_run_and_not_the_roster(desk: Desk) -> None:
    desk.has(*(f"user_agent_id,u{number},u{number},full" for number in range(3000)))
    statements: list[str] = []

    @event.listens_for(desk.workspace.catalog.engine, "before_cursor_execute")
    def count(*given: Any) -> None:
        statements.append(str(given[2]))

    desk.run(call("1", "u7"))
    first, statements[:] = len(statements), []
    desk.run(call("2", "u7", at=DAY + timedelta(days=1)), days=1)
    assert first < 40, "a new roster is written in chunks"
    assert len(statements) < 25
    assert not any("INSERT INTO roster_extensions" in each for each in statements)


def test_when_rules_are_switched_off_nothing_is_remembered(desk: Desk) -> None:
    desk.has("user_agent_id,anna,anna,full")
    assert "ROSTER_LOGIN_UNKNOWN" in desk.run(call("1", "x"))
    desk.roster = None
    assert desk.run(days=61) == {}


def test_a_whole_run_opens_and_heals_the_finding(bench: Bench, run_of: Any, quick_media: None) -> None:
    result = bench.run(run_of(RunKind.SCHEDULED))
    assert [finding.subject for finding in result.findings if finding.code == "ROSTER_LOGIN_UNKNOWN"] == ["cloud9_emea"]
    assert bench.findings("ROSTER_LOGIN_UNKNOWN") == {"cloud9_emea"}
    bench.run(run_of(RunKind.SCHEDULED, run_id="off"), recording_rules={"enabled": False})
    assert bench.findings("ROSTER_LOGIN_UNKNOWN") == set()


def test_what_is_quiet_is_opened_and_healed_by_scheduled_runs(bench: Bench, run_of: Any, quick_media: None) -> None:
    bench.policy["media"] = {"profile": "none", "deadline": "7d"}
    bench.run(run_of(RunKind.SCHEDULED))
    bench.clock.move_to(DAY + timedelta(days=41))
    later = DAY + timedelta(days=40)
    bench.run(run_of(RunKind.SCHEDULED, start=later, hours=1))
    assert bench.findings("ROSTER_USER_QUIET") == {"roster"}
    rules = {**bench.policy["recording_rules"], "quiet_after": None}
    bench.run(run_of(RunKind.BACKFILL, start=later, hours=1, run_id="backfill"), recording_rules=rules)
    assert bench.findings("ROSTER_USER_QUIET") == {"roster"}, "a backfill does not look"
    bench.run(run_of(RunKind.SCHEDULED, start=later, hours=1, run_id="again"), recording_rules=rules)
    assert bench.findings("ROSTER_USER_QUIET") == set()
