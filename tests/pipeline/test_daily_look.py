"""The daily look: listing against catalog against archive, each finding made and healed by what really happens."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from envelope_keys_made import keyed
from pipeline_bench import DAY, Bench
from sqlalchemy import delete, insert, select, update

from cloud9_archive.catalog import looking
from cloud9_archive.catalog.findings import Acceptance, accept_finding, open_findings
from cloud9_archive.catalog.tables import bag_records, bags
from cloud9_archive.domain.findings import Severity
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.emulator.calls import EmulatedCall, Kind
from cloud9_archive.emulator.world import MadeDay, WorldSettings
from cloud9_archive.errors import ReconciliationError, TransientError, WindowError
from cloud9_archive.pipeline.daily_look import Looked, read_lookback, refuse_gaps, take_look
from cloud9_archive.pipeline.day_reports import put_day_reports
from cloud9_archive.pipeline.fetch_calls import fetch_calls
from cloud9_archive.pipeline.reconcile import reconcile
from cloud9_archive.pipeline.windows import hours_of

ONE = timedelta(days=1)
NIGHT = timedelta(hours=2)
"""After midnight, when the run of the day before is done."""

Look = Callable[..., Looked]


@pytest.fixture(scope="module")
def world() -> WorldSettings:
    return WorldSettings(seed=7, calls_per_day=20, line_milliseconds=2_000)


class Estate:
    """A daily policy over a source that has three calls a day, one of them with audio that is late."""

    def __init__(self, bench: Bench, run_of: Callable[..., RunRef]) -> None:
        self.bench = bench
        self.run_of = run_of
        bench.policy |= {"schedule": {"cron": "0 0 * * *", "timezone": "UTC", "lookback": "1s", "start": "2026-03-02"}}

    def made(self, day: datetime) -> MadeDay:
        world = self.bench.cloud9.cloud.world
        return world.day(self.bench.cloud9.cloud.desk_of(self.bench.cloud9.keys["emea"].api_key), day.date())

    def lists(self, day: datetime, calls: Sequence[EmulatedCall]) -> None:
        """The source lists these calls of the day, and no others."""
        whole = self.made(day)
        listed = tuple(sorted(calls, key=lambda call: call.started_at))
        key = ("emea", day.date())
        starts = tuple(call.started_at for call in listed)
        self.bench.cloud9.cloud.world._days[key] = replace(whole, calls=listed, starts=starts)

    def few(self, day: datetime) -> list[EmulatedCall]:
        """Three of the day's calls, the only ones that the source lists from now on."""
        calls = self.made(day).calls
        kept = [call for call in calls if call.kind is Kind.REGULAR and len(call.links) == 1][:2]
        kept += [call for call in calls if call.kind is Kind.LATE_MEDIA][:1]
        self.lists(day, kept)
        return kept

    def night_of(self, day: datetime) -> None:
        self.bench.clock.move_to(day + ONE + NIGHT)

    def scheduled(self, day: datetime) -> Any:
        self.bench.clock.move_to(day + ONE + timedelta(minutes=10))
        try:
            return self.bench.run(self.run_of(RunKind.SCHEDULED, start=day))
        finally:
            self.night_of(day)

    def look(self, look_id: str = "look", *, days: int = 7, **given: Any) -> Looked:
        return take_look(self.bench.workspace(), look_id, lookback=days * ONE, **given)

    def open(self) -> dict[str, list[str]]:
        """Subjects of what is open, by code; what a run merely notes left out."""
        found: dict[str, list[str]] = {}
        for each in open_findings(self.bench.workspace().catalog, "emea_rates"):
            if each.finding.kind.severity is not Severity.NOTIFICATION:
                found.setdefault(each.finding.code, []).append(each.finding.subject)
        return found


@pytest.fixture
def estate(everything: Any, run_of: Any) -> Estate:
    """One day, whose scheduled run has archived it; it is the night after."""
    made = Estate(everything, run_of)
    made.few(DAY)
    made.scheduled(DAY)
    return made


def codes(looked: Looked) -> dict[str, int]:
    found: dict[str, int] = looked.counts()["findings"]
    return found


def test_where_all_is_well_nothing_is_found_and_nothing_is_written(estate: Estate) -> None:
    before = estate.bench.snapshot()
    looked = estate.look(paused=False)
    refuse_gaps(looked)
    assert (codes(looked), looked.missing_intervals, looked.unreached) == ({}, 0, {})
    assert looked.sources[0].listed == looked.calls.listed == 3
    assert (looked.bags, looked.records, looked.recordings.archived) == (1, 4, 2)
    assert estate.look("again", paused=False) == replace(looked, look_id="again")
    assert estate.bench.snapshot() == before
    assert estate.open() == {}


def test_an_outage_of_two_days_is_one_gap_until_a_backfill_has_caught_up(estate: Estate) -> None:
    for day in (DAY + ONE, DAY + 2 * ONE):
        estate.few(day)
    estate.night_of(DAY + ONE)
    estate.look(paused=True)
    estate.look()
    assert "POLICY_PAUSED" in estate.open(), "one interval that is late says nothing about a pause, nor against it"
    estate.night_of(DAY + 2 * ONE)
    looked = estate.look()
    gap = "runs/2026-03-04T00:00:00Z"
    assert (codes(looked), looked.missing_intervals) == (
        {"RUN_MISSING": 1, "POLICY_PAUSED": 1, "MEDIA_NOT_ASKED_FOR": 1},
        2,
    )
    assert estate.open() == {"RUN_MISSING": [gap], "POLICY_PAUSED": ["dag"], "MEDIA_NOT_ASKED_FOR": ["media"]}
    with pytest.raises(
        ReconciliationError, match="no run for 2 data intervals from 2026-03-04T00:00:00Z to 2026-03-06"
    ) as caught:
        refuse_gaps(looked)
    assert "calls are listed there that nothing was decided on: 6" in caught.value.message
    assert "cloud9-archive backfill emea_rates --from 2026-03-04 --to 2026-03-05" in caught.value.message
    assert "POLICY_PAUSED" not in codes(estate.look(paused=False)), "Airflow knows better than what runs are missing"

    last = DAY + 3 * ONE
    estate.few(last)
    estate.scheduled(last)
    single = [estate.made(DAY + ONE).calls[0].call_id]
    window = Window(DAY + ONE, DAY + 3 * ONE)
    estate.bench.run(RunRef("emea_rates", "one-call", RunKind.MANUAL, window, tuple(single)))
    looked = estate.look(days=1)
    assert looked.missing_intervals == 2
    assert estate.open()["RUN_MISSING"] == [gap], "neither a later run nor one for a single call stands for the days"
    assert "calls are listed" not in str(looked.findings), "days before the look-back are not listed"

    estate.bench.run(estate.run_of(RunKind.BACKFILL, start=DAY + ONE))
    estate.look()
    assert estate.open() == {"RUN_MISSING": ["runs/2026-03-05T00:00:00Z"]}
    estate.bench.run(estate.run_of(RunKind.BACKFILL, start=DAY + 2 * ONE))
    looked = estate.look(days=1)
    assert (codes(looked), estate.open(), looked.calls.listed) == ({}, {}, 12)
    assert looked.calls.archived == 8


def test_a_run_that_did_not_come_to_its_end_stands_for_nothing_once_its_lease_is_over(estate: Estate) -> None:
    day = DAY + ONE
    estate.few(day)
    estate.bench.clock.move_to(day + ONE + timedelta(minutes=10))
    run = estate.run_of(RunKind.SCHEDULED, start=day)
    estate.bench.begin(estate.bench.workspace(), run)
    estate.night_of(day)
    assert codes(estate.look()) == {}, "it is at work"
    estate.bench.clock.move_to(day + ONE + timedelta(hours=7))
    looked = estate.look()
    assert codes(looked) == {"RECORDING_ABANDONED": 3, "RUN_MISSING": 1}
    (missing,) = (each.words for each in looked.findings if each.code == "RUN_MISSING")
    assert (
        "no run for 1 data interval from 2026-03-04T00:00:00Z to 2026-03-05T00:00:00Z has listed cloud9_emea to the end (runs that did not get that far: 1)"
        in missing
    )
    assert missing.endswith("--from 2026-03-04 --to 2026-03-04 --again failed")
    assert looked.calls.unaccounted == 3
    estate.night_of(day + ONE)
    assert codes(estate.look(paused=False))["CALL_UNACCOUNTED"] == 3, "a scheduled run should have taken them over"
    estate.bench.run(run)
    estate.lists(day + ONE, [])
    estate.scheduled(day + ONE)
    assert (codes(estate.look()), estate.open()) == ({}, {})


def test_a_source_that_one_run_did_not_reach_is_a_gap_though_the_next_run_reached_it(estate: Estate) -> None:
    day = DAY + ONE
    estate.few(day)
    estate.few(day + ONE)
    estate.bench.cloud9.admin.fault("status", "metadata", count=50, status=503)
    with pytest.raises(TransientError):
        estate.scheduled(day)
    with pytest.raises(ReconciliationError):
        reconcile(estate.bench.workspace(), estate.run_of(RunKind.SCHEDULED, start=day))
    estate.bench.cloud9.admin.clear_faults()
    assert estate.open() == {"SOURCE_NOT_LISTED": ["cloud9_emea"]}
    estate.scheduled(day + ONE)
    looked = estate.look()
    assert estate.open() == {"RUN_MISSING": ["runs/2026-03-04T00:00:00Z"]}, "what the later run healed is told still"
    assert "has listed cloud9_emea to the end (runs that did not get that far: 1)" in looked.findings[0].words


def test_a_call_that_was_reported_too_late_is_told_until_a_run_has_taken_it(estate: Estate) -> None:
    bench, calls = estate.bench, list(estate.made(DAY).calls)
    late, later = (
        replace(calls[0], call_id=f"late{mark} $(x)", started_at=calls[0].started_at + timedelta(seconds=number))
        for number, mark in ((1, ""), (2, "\n"))
    )
    estate.lists(DAY, [*calls, late, later])
    looked = estate.look()
    assert estate.open() == {"CALL_OVERLOOKED": sorted([f"cloud9_emea/{late.call_id}", f"cloud9_emea/{later.call_id}"])}
    hour = f"{late.started_at:%Y-%m-%dT%H}:00:00Z"
    first, second = (each.words for each in looked.findings)
    assert f"cloud9-archive run emea_rates --from {hour} --to " in first
    assert not first.endswith("'")
    assert second.endswith(f"--call='{late.call_id}'"), (
        "an id that a shell would not take as it is gives the hour alone"
    )
    assert looked.sources[0].undecided == 2

    other = estate.run_of(RunKind.BACKFILL, policy="other", run_id="other")
    fetch_calls(bench.workspace(policy="other"), other, "cloud9_emea")
    estate.look()
    assert set(estate.open()) == {"CALL_OVERLOOKED"}, "whoever lists them now is about to decide"
    bench.clock.move_to(bench.clock.now + timedelta(hours=2))
    estate.look()
    assert set(estate.open()) == {"CALL_OVERLOOKED", "CALL_UNDECIDED"}

    (hour_of_it,) = hours_of([late.started_at])
    bench.run(RunRef("emea_rates", "by-hand", RunKind.MANUAL, hour_of_it, (late.call_id, later.call_id)))
    assert estate.open() == {}, "the run itself heals them"
    assert codes(estate.look()) == {}


def test_calls_that_the_source_lists_no_more_are_told_and_nothing_is_removed(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "AT_ONCE", 1)
    calls, before = list(estate.made(DAY).calls), estate.bench.bags()
    late = next(call for call in calls if call.kind is Kind.LATE_MEDIA)
    subject = f"cloud9_emea/{late.call_id}"
    estate.lists(DAY, [call for call in calls if call is not late])
    looked = estate.look()
    refuse_gaps(looked)
    assert (estate.open(), looked.sources[0].vanished) == ({"CALL_VANISHED": [subject]}, 1)
    estate.lists(DAY + ONE, [])
    estate.scheduled(DAY + ONE)
    assert estate.open() == {"CALL_VANISHED": [subject]}, "a run that asks for its audio does not list it"

    estate.bench.cloud9.admin.fault("status", "metadata", count=50, status=503)
    looked = estate.look()
    with pytest.raises(TransientError):
        refuse_gaps(looked)
    estate.bench.cloud9.admin.clear_faults()
    assert (list(looked.unreached), looked.bags) == (["cloud9_emea"], 1)
    assert estate.open() == {"CALL_VANISHED": [subject]}, "what was not looked at does not heal"

    estate.lists(DAY, [])
    looked = estate.look()
    assert estate.open() == {"CALL_VANISHED": [subject], "LISTING_SHRUNK": ["cloud9_emea/2026-03-03"]}
    assert looked.sources[0].vanished == 3
    estate.lists(DAY, calls)
    assert (codes(estate.look()), estate.open()) == ({}, {})
    assert estate.bench.bags() == before


def test_what_was_amended_too_late_is_told_until_a_run_has_listed_it_again(estate: Estate) -> None:
    (call, *rest) = estate.made(DAY).calls
    estate.lists(DAY, [replace(call, stop_reason="Supervisor released"), *rest])
    looked = estate.look()
    assert (estate.open(), looked.sources[0].amended) == ({"LISTING_AMENDED": ["cloud9_emea/2026-03-03"]}, 1)
    assert looked.findings[0].words.endswith(" --from 2026-03-03T00:00:00Z --to 2026-03-04T00:00:00Z")
    estate.bench.clock.move_to(DAY + 20 * ONE + NIGHT)
    estate.look(days=2)
    assert estate.open()["LISTING_AMENDED"] == ["cloud9_emea/2026-03-03"]
    estate.bench.run(estate.run_of(RunKind.MANUAL, run_id="again"))
    estate.look(days=2)
    assert "LISTING_AMENDED" not in estate.open(), "a day with something open is listed again, however long ago"


def test_media_that_turn_up_late_are_due_at_the_next_scheduled_run(everything: Any, run_of: Any) -> None:
    estate = Estate(everything, run_of)
    call = next(call for call in estate.made(DAY).calls if call.kind is Kind.LINKS_LATE)
    recording = call.links[0].recording.recording_id
    estate.lists(DAY, [call])
    everything.policy["media"]["deadline"] = "1h"
    everything.cloud9.admin.upload_never(recording)
    assert estate.scheduled(DAY).calls.missing == 1
    for number in range(3):  # so that its next turn is hours away
        estate.bench.clock.move_to(DAY + ONE + NIGHT + number * NIGHT)
        everything.run(run_of(RunKind.SCHEDULED, start=DAY + ONE, hours=0.01, run_id=f"again-{number}"))
    assert set(estate.open()) == {"MEDIA_MISSING"}
    everything.cloud9.admin.upload_now(recording)
    estate.bench.clock.move_to(estate.bench.clock.now + timedelta(minutes=1))
    looked = estate.look()
    assert looked.sources[0].made_due == 1
    assert estate.look().sources[0].made_due == 0
    estate.lists(DAY + ONE, [])
    estate.scheduled(DAY + ONE)
    assert everything.recording_states()[recording] == ["archived"]
    assert (codes(estate.look()), estate.open()) == ({}, {})


def test_media_that_nobody_asks_for_are_told(estate: Estate) -> None:
    for number in range(1, 4):
        estate.lists(DAY + number * ONE, [])
        estate.bench.clock.move_to(DAY + (number + 1) * ONE + NIGHT)
        estate.bench.run(estate.run_of(RunKind.BACKFILL, start=DAY + number * ONE))
    looked = estate.look()
    assert codes(looked) == {"MEDIA_NOT_ASKED_FOR": 1}
    assert looked.findings[0].words.endswith(
        "run emea_rates --scheduled --from 2026-03-06T23:00:00Z --to 2026-03-07T00:00:00Z"
    )
    estate.lists(DAY + 4 * ONE, [])
    estate.scheduled(DAY + 4 * ONE)
    assert (codes(estate.look()), estate.open()) == ({}, {})


def test_what_is_archived_is_there_and_what_is_there_is_known(estate: Estate, tmp_path: Path) -> None:
    (bag,) = estate.bench.bags()
    folder = str(bag.relative_to(estate.bench.archive))
    recording, call = next(bag.glob("data/recordings/*")), next(bag.glob("data/calls/*"))
    places = {"BAG_NOT_IN_ARCHIVE": bag, "RECORD_NOT_IN_ARCHIVE": recording}
    for code, place in [*places.items(), ("RECORD_NOT_IN_ARCHIVE", call)]:
        place.rename(tmp_path / "kept")
        with pytest.raises(ReconciliationError, match=code):
            refuse_gaps(estate.look())
        subject = str(place.relative_to(estate.bench.archive))
        assert estate.open() == {code: [subject]}
        (tmp_path / "kept").rename(place)
        assert (codes(estate.look()), estate.open()) == ({}, {})

    catalog = estate.bench.workspace().catalog
    with catalog.begin() as connection:
        (row,) = connection.execute(select(bags)).all()
        connection.execute(delete(bags))
    looked = estate.look()
    assert estate.open() == {"BAG_NOT_IN_CATALOG": [folder]}
    assert looked.findings[0].kind.gap
    with catalog.begin() as connection:
        connection.execute(insert(bags).values(**row._mapping))
        connection.execute(update(bag_records).values(tombstone="stone"))
    shutil.rmtree(recording)
    assert (codes(estate.look()), estate.open()) == ({}, {}), "what a tombstone lists is no finding"


def test_an_encrypted_archive_is_looked_at_by_its_names(everything: Any, run_of: Any, tmp_path: Path) -> None:
    everything.policy["archive"] = {
        "target": "archive",
        "encrypt": {"recipients": [str(keyed(tmp_path, "archive").certificate)]},
    }
    estate = Estate(everything, run_of)
    estate.few(DAY)
    estate.scheduled(DAY)
    assert (codes(estate.look()), estate.look().records) == ({}, 4)
    original = next(everything.archive.rglob("original.*.p7m"))
    original.unlink()
    next(everything.archive.rglob("data/calls/*.p7m")).unlink()
    assert codes(estate.look()) == {"RECORD_NOT_IN_ARCHIVE": 2}


def test_a_policy_that_never_ran_lacks_nothing_and_is_told_to_be_paused(everything: Any, run_of: Any) -> None:
    estate = Estate(everything, run_of)
    assert (codes(estate.look()), estate.look().sources[0].listed) == ({}, 0)
    assert codes(estate.look(paused=True)) == {"POLICY_PAUSED": 1}
    assert codes(estate.look(paused=False)) == estate.open() == {}


def test_an_accepted_day_is_not_listed_for_ever(estate: Estate) -> None:
    (call, *rest) = estate.made(DAY).calls
    estate.lists(DAY, [replace(call, stop_reason="Supervisor released"), *rest])
    estate.look()
    by = Acceptance("Anna", "the source was moved", estate.bench.clock.now)
    assert accept_finding(
        estate.bench.workspace().catalog, "emea_rates", "LISTING_AMENDED", "cloud9_emea/2026-03-03", by
    )
    estate.bench.clock.move_to(DAY + 20 * ONE + NIGHT)
    before = len(estate.bench.cloud9.admin.requests().requests)
    estate.look(days=2)
    asked = [str(each.subject) for each in estate.bench.cloud9.admin.requests().requests[before:]]
    assert asked
    assert not [subject for subject in asked if subject.startswith("2026-03-03")]
    assert estate.open()["LISTING_AMENDED"] == ["cloud9_emea/2026-03-03"], "what was not looked at does not heal"


@pytest.mark.parametrize("lookback", ["a week", "7", "0d", "93d"])
def test_a_look_back_that_cannot_be_taken_is_refused(everything: Any, lookback: str) -> None:
    with pytest.raises(WindowError, match=r"look-?back"):
        take_look(everything.workspace(), "look", lookback=read_lookback(lookback))


def test_the_days_of_a_look_have_reports_that_are_drawn_anew_when_something_was_mended(estate: Estate) -> None:
    for day in (DAY + ONE, DAY + 2 * ONE):
        estate.lists(day, [])
    estate.scheduled(DAY + ONE)
    estate.night_of(DAY + 2 * ONE)
    workspace = estate.bench.workspace()

    def drawn() -> list[tuple[date, bool, bool]]:
        estate.look()
        return [(each.day, each.holds, each.written) for each in put_day_reports(workspace, span=7 * ONE)]

    first, second, third = ((DAY + days * ONE).date() for days in range(3))
    assert drawn() == [(first, True, True), (second, True, True), (third, False, True)]
    before = estate.bench.snapshot()
    assert drawn() == [(first, True, False), (second, True, False), (third, False, False)]
    assert estate.bench.snapshot() == before
    estate.bench.run(estate.run_of(RunKind.BACKFILL, start=DAY + 2 * ONE))
    assert drawn() == [(first, True, False), (second, True, False), (third, True, True)]
    estate.bench.verified()
