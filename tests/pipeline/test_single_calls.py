"""A run that is asked for calls by their ids takes these, says so, and fails when one is not there."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from pipeline_bench import DAY

from cloud9_archive.catalog.day_reports import runs_over
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.errors import ReconciliationError, WindowError
from cloud9_archive.pipeline.day_report import put_day_report
from cloud9_archive.pipeline.windows import MOST_CALLS, calls_asked_for, window_of_calls


@pytest.fixture
def whole_day(everything: Any, run_of: Any) -> Any:
    everything.run(run_of())
    return everything


def asked(run_of: Any, window: Window, *call_ids: str, run_id: str = "by-id") -> RunRef:
    return RunRef("emea_rates", run_id, RunKind.MANUAL, window, call_ids)


def test_late_audio_of_one_call_is_fetched_and_no_other_call_is_touched(
    whole_day: Any, run_of: Any, clock: Any
) -> None:
    call = whole_day.call(Kind.LATE_MEDIA)
    recording = call.all_links[0].recording_id
    whole_day.cloud9.admin.upload_now(recording)
    clock.move_to(clock.now + timedelta(hours=1))
    window = window_of_calls(whole_day.workspace(), [call.call_id])
    assert call.started_at in window
    assert window.end - window.start == timedelta(hours=1)

    found = whole_day.run(asked(run_of, window, call.call_id))
    assert (found.calls.listed, found.calls.archived) == (1, 1)
    report = json.loads(whole_day.archive.joinpath(found.report).read_bytes())
    assert report["call_ids"] == [call.call_id]
    assert [row["call_id"] for row in report["rows"]] == [call.call_id]
    over = {run.run_id: run.single_calls for run in runs_over(whole_day.workspace().catalog, "emea_rates", window)}
    assert over == {run_of().run_id: False, "by-id": True}, "a day's report does not take its window for listed"


def test_a_call_of_the_present_hour_is_looked_for_until_now_and_every_task_of_a_run_until_the_same_moment(
    everything: Any, run_of: Any, clock: Any
) -> None:
    call = everything.call(Kind.REGULAR)
    began = call.started_at.replace(microsecond=0)
    everything.run(run_of(start=call.started_at, hours=1 / 3600))
    clock.now = began + timedelta(minutes=1, milliseconds=500)
    asks = partial(window_of_calls, everything.workspace(), [call.call_id], run_id="by-id")
    window = asks()
    assert window.end == began + timedelta(minutes=1) < hour_after(began)
    assert everything.run(asked(run_of, window, call.call_id)).calls.listed == 1
    clock.now = began + timedelta(minutes=2)
    assert asks() == window
    assert asks(run_id="another").end == clock.now
    clock.now = began
    assert asks(run_id="another").end == call.started_at + timedelta(seconds=1), "a clock that is behind loses no call"
    clock.now = began + timedelta(hours=2)
    assert asks(run_id="another").end == hour_after(began)


def hour_after(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def test_a_call_that_no_run_listed_needs_a_window_and_is_found_in_it(everything: Any, run_of: Any) -> None:
    call = everything.call(Kind.REGULAR)
    with pytest.raises(WindowError, match="not in the catalog") as caught:
        window_of_calls(everything.workspace(), [call.call_id])
    assert "window_start" in str(caught.value)
    found = everything.run(asked(run_of, run_of().window, call.call_id))
    assert (found.calls.listed, found.calls.archived, found.findings) == (1, 1, ())
    report = put_day_report(everything.workspace(), DAY.date()).report
    told = json.loads(everything.archive.joinpath(report).read_bytes())
    assert told["late"] == {"calls": 1, "recordings": 1}, "it was asked for, not listed by itself"


def test_an_id_that_no_source_lists_fails_the_run_and_heals_when_it_is_found(everything: Any, run_of: Any) -> None:
    call = everything.call(Kind.REGULAR)
    day = run_of().window
    before = Window(day.start - timedelta(days=1), day.start)
    with pytest.raises(ReconciliationError, match="CALL_NOT_LISTED"):
        everything.run(asked(run_of, before, call.call_id))
    assert everything.findings("CALL_NOT_LISTED") == {call.call_id}
    everything.run(asked(run_of, day, call.call_id, run_id="by-id-again"))
    assert everything.findings("CALL_NOT_LISTED") == set()


def test_ids_are_lines_and_may_hold_anything_else() -> None:
    assert calls_asked_for(" a,b \n\nc;d\na,b\n") == ("a,b", "c;d")
    assert calls_asked_for(None) == calls_asked_for("") == ()
    with pytest.raises(WindowError, match="1001 calls"):
        calls_asked_for([str(number) for number in range(MOST_CALLS + 1)])
