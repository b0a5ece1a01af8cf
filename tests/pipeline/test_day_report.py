"""The report of a day: what it states, when it is written again, and that the chain vouches for it."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import lxml.html
import pytest
from pipeline_bench import DAY

from cloud9_archive.catalog.accounts import CallAccount, RecordingAccount
from cloud9_archive.catalog.day_reports import FindingRecord, RunOver
from cloud9_archive.catalog.findings import Acceptance, accept_finding, note_findings
from cloud9_archive.catalog.runs import RunState, open_run
from cloud9_archive.domain.accounting import CallState, MediaState
from cloud9_archive.domain.days import days_window
from cloud9_archive.domain.findings import Finding
from cloud9_archive.domain.run import CallRef, RecordingRef, RunKind
from cloud9_archive.domain.window import Window
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.errors import WindowError
from cloud9_archive.pipeline.day_facts import DayFacts
from cloud9_archive.pipeline.day_page import MOST_RUNS, day_page
from cloud9_archive.pipeline.day_report import put_day_report
from cloud9_archive.pipeline.day_reports import put_day_reports
from cloud9_archive.pipeline.report_filing import Frame
from cloud9_archive.pipeline.run_page import MOST_ROWS
from cloud9_archive.storage.local import LocalStore
from cloud9_archive.storage.store import Stored

TUESDAY = DAY.date()
HOSTILE = "<img src=x onerror=alert(1)>\u202e\x07'\"&"
NOTHING: dict[str, Any] = {"calls": {}, "recordings": {}}


def facts_of(day: date = TUESDAY, zone: str = "Europe/London", **changes: Any) -> DayFacts:
    """A day of which only what is named was there."""
    made: dict[str, Any] = {
        "policy": "emea_rates",
        "day": day,
        "timezone": zone,
        "window": days_window(day, day, zone=zone),
        "sources": ("cloud9_emea",),
        "accounts": [],
        "runs": [],
        "findings": [],
        "late_calls": 0,
        "late_recordings": 0,
        "same_weekday": {},
    }
    return DayFacts(**{**made, **changes})


def account(call_id: str, began: datetime, state: CallState, source: str = "cloud9_emea") -> CallAccount:
    return CallAccount(CallRef(source, call_id), began, state, "r", None, None, None)


def run_over(run_id: str, window: Window, **changes: Any) -> RunOver:
    made: dict[str, Any] = {
        "kind": RunKind.SCHEDULED,
        "state": RunState.ACCOUNTED,
        "single_calls": False,
        "sources": frozenset({"cloud9_emea"}),
        "listed": 1,
        "report": None,
    }
    return RunOver(run_id, window=window, **{**made, **changes})


@pytest.mark.parametrize(
    ("day", "zone", "hours", "names"),
    [
        (date(2026, 3, 29), "Europe/London", 23, ["00:00", "02:00", "03:00"]),
        (date(2026, 10, 25), "Europe/London", 25, ["00:00", "01:00", "01:00", "02:00"]),
        (date(2026, 10, 4), "Australia/Lord_Howe", 24, ["00:00", "01:00", "02:30"]),
        (date(2026, 3, 3), "Asia/Kolkata", 24, ["00:00", "01:00"]),
    ],
)
def test_every_hour_of_the_desks_day_stands_once(day: date, zone: str, hours: int, names: list[str]) -> None:
    window = days_window(day, day, zone=zone)
    calls = [
        account(f"C{number}", window.start + timedelta(minutes=15 * number + 1), CallState.ARCHIVED)
        for number in range(int((window.end - window.start) / timedelta(minutes=15)))
    ]
    facts = facts_of(day, zone, accounts=calls)
    told = facts.document()["hours"]
    assert len(told) == hours
    assert [each["local"] for each in told][: len(names)] == names
    assert [each["calls"]["listed"] for each in told[:-1]] == [4] * (hours - 1)
    assert sum(each["calls"]["listed"] for each in told) == facts.calls.listed == len(calls)
    lines = list(csv.DictReader(io.StringIO(facts.csv().decode()), delimiter=";"))
    assert [line["hour"] for line in lines] == [each["local"] for each in told]
    assert sum(int(line["archived"]) for line in lines) == len(calls)
    day_page(facts, Frame("6" * 64, 1, NOTHING, None))


def test_what_no_reconciled_run_listed_is_told_by_source() -> None:
    def at(hour: int) -> datetime:
        return DAY + timedelta(hours=hour)

    runs = [
        run_over("before", Window(at(-2), at(2))),
        run_over("one source", Window(at(2), at(4)), sources=frozenset({"cloud9_apac"})),
        run_over("open", Window(at(4), at(6)), state=RunState.OPEN),
        run_over("gap", Window(at(5), at(8)), state=RunState.GAP, sources=frozenset({"cloud9_apac", "cloud9_emea"})),
        run_over("single", Window(at(8), at(9)), single_calls=True),
        run_over("to the end", Window(at(9), at(30))),
    ]
    facts = facts_of(runs=runs, sources=("cloud9_apac", "cloud9_emea"))
    assert facts.uncovered == {
        "cloud9_apac": [Window(at(0), at(2)), Window(at(4), at(5)), Window(at(8), at(24))],
        "cloud9_emea": [Window(at(2), at(5)), Window(at(8), at(9))],
    }
    assert not facts.holds
    assert facts_of(runs=runs[-1:]).uncovered == {"cloud9_emea": [Window(at(0), at(9))]}
    assert facts_of(runs=[run_over("all", Window(at(0), at(24)))]).holds


def test_a_call_that_nobody_decided_on_breaks_the_sum() -> None:
    covered = [run_over("all", Window(DAY, DAY + timedelta(days=1)))]
    facts = facts_of(accounts=[account("C1", DAY, CallState.LISTED)], runs=covered)
    assert (facts.calls.listed, facts.calls.unaccounted, facts.holds) == (1, 1, False)
    page = lxml.html.fromstring(day_page(facts, Frame("6" * 64, 1, NOTHING, None)))
    assert "it does not hold: 1 unaccounted for" in page.text_content()


def test_a_busy_day_makes_no_long_page_and_hostile_texts_stay_texts() -> None:
    calls = [account(f"{HOSTILE}{n}", DAY + timedelta(seconds=n), CallState.MISSING) for n in range(5000)]
    findings = [
        FindingRecord(
            Finding("MEDIA_MISSING", f"cloud9_emea/{HOSTILE}{n}", HOSTILE),
            DAY,
            None,
            Acceptance(HOSTILE, HOSTILE, DAY) if n % 2 else None,
        )
        for n in range(5000)
    ]
    runs = [run_over(f"{HOSTILE}{n}", Window(DAY, DAY + timedelta(days=1)), report=HOSTILE) for n in range(5000)]
    facts = facts_of(accounts=calls, findings=findings, runs=runs)
    made = day_page(facts, Frame("6" * 64, 3, NOTHING, "a" * 64))
    assert made == day_page(facts, Frame("6" * 64, 3, NOTHING, "a" * 64))
    assert len(made) < 1000 * (MOST_ROWS + MOST_RUNS)
    page = lxml.html.fromstring(made)
    assert {each.tag for each in page.iter() if isinstance(each.tag, str)}.isdisjoint({"img", "script", "a", "link"})
    assert "\u202e" not in made.decode()
    assert "\x07" not in made.decode()
    assert f"and {5000 - MOST_ROWS:,} more".replace(",", "\u202f") in page.text_content()
    assert "day~2026-03-03.3.json" in page.text_content()


@pytest.fixture
def around(everything: Any, run_of: Any) -> Any:
    """A run over the second in which the day's first call of that kind began."""

    def make(kind: Kind) -> Any:
        return run_of(start=everything.call(kind).started_at, hours=1 / 3600, run_id=kind.value)

    return make


def told(bench: Any, outcome: Any) -> Any:
    return json.loads((bench.archive / outcome.report).read_bytes())


def test_a_day_is_reported_once_for_the_same_facts_and_again_for_others(everything: Any, around: Any) -> None:
    everything.run(around(Kind.TWO_RECORDINGS))
    first = put_day_report(everything.workspace(), TUESDAY)
    before = everything.snapshot()
    assert (first.number, first.written, first.holds) == (1, True, False)
    assert first.report == "emea_rates/reports/2026/03/03/day~2026-03-03.json"
    again = put_day_report(everything.workspace(), TUESDAY)
    assert (again.number, again.written, again.report) == (1, False, first.report)
    assert everything.snapshot() == before

    elsewhere = [Finding("MEDIA_MISSING", "cloud9_emea/of another day", "It is absent.")]
    note_findings(everything.workspace().catalog, around(Kind.TWO_RECORDINGS), elsewhere, examined=(), now=DAY)
    late = everything.call(Kind.LATE_MEDIA)
    everything.cloud9.admin.upload_never(late.all_links[0].recording_id)
    everything.clock.move_to(everything.clock.now + timedelta(days=10))
    everything.run(around(Kind.LATE_MEDIA))
    second = put_day_report(everything.workspace(), TUESDAY)
    assert (second.number, second.written, second.findings["open"]) == (2, True, 1)
    report = told(everything, second)
    assert (report["report_number"], report["calls"]["listed"], report["calls"]["missing"]) == (2, 2, 1)
    (finding,) = report["findings"]
    assert (finding["code"], finding["status"]) == ("MEDIA_MISSING", "open")

    workspace = everything.workspace()
    accept_finding(workspace.catalog, "emea_rates", finding["code"], finding["subject"], Acceptance("Jane", "so", DAY))
    assert put_day_report(workspace, TUESDAY).findings == {"open": 0, "accepted": 1, "healed": 0}
    everything.cloud9.admin.upload_now(late.all_links[0].recording_id)
    everything.run(dataclasses.replace(around(Kind.LATE_MEDIA), run_id="later"))
    healed = put_day_report(workspace, TUESDAY)
    assert (healed.number, healed.findings, healed.calls.archived) == (4, {"open": 0, "accepted": 0, "healed": 1}, 2)

    members = [
        member["path"]
        for path in everything.archive.glob("emea_rates/chain/*.json")
        for member in json.loads(path.read_bytes())["members"]
    ]
    names = sorted(path.rpartition("/")[2] for path in members if "/day~" in path)
    assert names == sorted(
        f"day~2026-03-03{n}.{end}" for n in ("", ".2", ".3", ".4") for end in ("csv", "html", "json")
    )
    everything.verified()


def test_what_came_late_is_counted_and_days_stand_beside_their_weekday(
    everything: Any, around: Any, run_of: Any
) -> None:
    call = everything.call(Kind.TWO_RECORDINGS)
    after = call.started_at + timedelta(milliseconds=1)
    everything.policy["schedule"] = {**everything.policy["schedule"], "lookback": "1s"}
    everything.run(run_of(start=after, hours=1 / 3600, run_id="after"))
    outcome = put_day_report(everything.workspace(), TUESDAY)
    assert told(everything, outcome)["late"] == {"calls": 1, "recordings": 2}
    everything.run(around(Kind.TWO_RECORDINGS))
    report = told(everything, put_day_report(everything.workspace(), TUESDAY))
    assert report["late"] == {"calls": 0, "recordings": 2}, (
        "it was listed by its own run, and archived before by another"
    )
    assert report["same_weekday"][0] == {"day": "2026-02-24", "listed": None}
    week_after = told(
        everything, put_day_report(everything.workspace(), TUESDAY + timedelta(weeks=1), now=DAY.replace(month=4))
    )
    assert week_after["same_weekday"][0] == {"day": "2026-03-03", "listed": 1}
    everything.verified()


def test_a_day_that_is_not_over_has_no_report(everything: Any) -> None:
    workspace = everything.workspace(schedule={"cron": "0 2 * * *", "timezone": "America/New_York"})
    ends = datetime(2026, 3, 4, 5, tzinfo=UTC)
    with pytest.raises(WindowError, match=r"2026-03-03 is not over in America/New_York.*from 2026-03-04T05:00:00Z on"):
        put_day_report(workspace, TUESDAY, now=ends - timedelta(seconds=1))
    assert put_day_report(workspace, TUESDAY, now=ends).number == 1


def test_the_last_days_are_those_that_are_over_and_of_which_something_is_known(everything: Any, run_of: Any) -> None:
    workspace = everything.workspace()
    version = workspace.policy.version
    open_run(workspace.catalog, run_of(hours=96), policy_version=version, policy_document={}, now=DAY)
    now = DAY + timedelta(days=2, hours=1)
    drawn = put_day_reports(workspace, span=timedelta(days=2, hours=1), now=now)
    assert [each.day for each in drawn] == [TUESDAY, TUESDAY + timedelta(days=1)]
    assert [each.written for each in put_day_reports(workspace, span=timedelta(hours=1), now=now)] == [False]


class PowerCutError(BaseException):
    """Nothing catches this."""


class CutStore(LocalStore):
    """The power goes after the so manieth put."""

    left = 0

    def put(self, key: str, content: Any, *, sha256: str, **kept: Any) -> Stored:
        stored = super().put(key, content, sha256=sha256, **kept)
        CutStore.left -= 1
        if CutStore.left == 0:
            raise PowerCutError
        return stored


def test_a_report_that_was_cut_off_is_taken_up_with_the_same_bytes(everything: Any) -> None:
    workspace = everything.workspace()
    for nth in range(1, 6):  # README, CSV, JSON, page, link
        CutStore.left = nth
        with pytest.raises(PowerCutError):
            put_day_report(dataclasses.replace(workspace, store=CutStore(everything.archive)), TUESDAY)
        everything.clock.move_to(everything.clock.now + timedelta(hours=1))
    before = everything.snapshot()
    assert len(before) == 5
    outcome = put_day_report(workspace, TUESDAY)
    assert (outcome.number, everything.snapshot()) == (1, before)
    everything.verified()


def test_recordings_of_a_day_add_up_over_shared_ones() -> None:
    shared = RecordingAccount(RecordingRef("cloud9_emea", "R1"), MediaState.ARCHIVED, None, None, None, None)
    calls = [account(name, DAY, CallState.ARCHIVED) for name in ("C1", "C2")]
    for each in calls:
        each.recordings.append(shared)
    assert facts_of(accounts=calls).recordings.wanted == 1
