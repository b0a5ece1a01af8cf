"""A source that suddenly lists nothing is a finding, and no quiet day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pipeline_bench import DAY, Known

from cloud9_archive.domain.run import RunKind, RunRef


@pytest.fixture
def silent(everything: Any) -> Any:
    """A bench over a Cloud9 that lists nothing of the day yet."""
    everything.cloud9.admin.set_clock(fixed=DAY)
    return everything


def test_a_day_without_calls_after_a_busy_one_is_told(silent: Any, run_of: Any, known: Known) -> None:
    known(DAY - timedelta(days=1), 150)
    reconciled = silent.run(run_of(RunKind.BACKFILL))
    (finding,) = reconciled.findings
    assert (finding.code, finding.subject) == ("LISTING_SILENT", "cloud9_emea/2026-03-04")
    assert "150 began in the same span a day earlier" in finding.words
    assert not finding.kind.gap


def test_it_heals_when_the_day_is_listed_after_all(silent: Any, run_of: Any, known: Known, clock: Any) -> None:
    known(DAY - timedelta(days=1), 150)
    silent.run(run_of(RunKind.BACKFILL))
    assert silent.findings("LISTING_SILENT") == {"cloud9_emea/2026-03-04"}
    next_day = run_of(RunKind.BACKFILL, start=DAY + timedelta(days=1))
    silent.run(next_day)
    assert silent.findings("LISTING_SILENT") == {"cloud9_emea/2026-03-04"}, "another day's calls are not its own"
    clock.move_to(clock.now)
    silent.run(run_of(RunKind.BACKFILL, run_id="again"))
    assert silent.findings("LISTING_SILENT") == set()


def test_calls_that_vanished_from_the_source_are_told(silent: Any, run_of: Any, known: Known) -> None:
    known(DAY, 150)
    (finding,) = silent.run(run_of(RunKind.BACKFILL)).findings
    assert "150 were listed for it before" in finding.words


def test_a_weekend_is_quiet(silent: Any, run_of: Any, known: Known) -> None:
    known(DAY - timedelta(days=1), 150)
    known(DAY - timedelta(days=8), 150)
    assert silent.run(run_of(RunKind.BACKFILL)).findings == ()


def quarter(run_of: Any, kind: RunKind) -> RunRef:
    run: RunRef = run_of(kind, start=DAY + timedelta(hours=20), hours=0.25)
    return run


def test_a_scheduled_run_of_a_short_window_looks_at_the_whole_day(silent: Any, run_of: Any, known: Known) -> None:
    known(DAY - timedelta(hours=10), 150)
    (finding,) = silent.run(quarter(run_of, RunKind.SCHEDULED)).findings
    assert finding.code == "LISTING_SILENT"


def test_a_run_of_a_chosen_span_asks_only_about_that_span(silent: Any, run_of: Any, known: Known) -> None:
    known(DAY - timedelta(hours=10), 150)
    assert silent.run(quarter(run_of, RunKind.MANUAL)).findings == ()


def test_an_empty_quarter_of_an_hour_is_nothing_on_a_day_with_calls(silent: Any, run_of: Any, known: Known) -> None:
    known(DAY - timedelta(hours=10), 150)
    known(DAY + timedelta(hours=9), 150)
    assert silent.run(quarter(run_of, RunKind.SCHEDULED)).findings == ()
