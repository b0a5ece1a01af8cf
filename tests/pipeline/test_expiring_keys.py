"""A key that is about to expire is a finding of every run that used it, until another key has taken its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from pipeline_bench import DAY

from cloud9_archive.api.client import Cloud9Client
from cloud9_archive.api.limits import Limiter
from cloud9_archive.domain.run import RunKind
from cloud9_archive.pipeline.reconcile import reconcile

SUBJECT = "cloud9_emea/API key"


@pytest.fixture
def expires(everything: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Says when the key of the connection expires."""

    def on(day: date | None) -> None:
        def open_source(conn_id: str, limiter: Limiter | None = None) -> Cloud9Client:
            source = replace(everything.source_settings(conn_id), key_expires=day)
            return Cloud9Client(source, limiter=limiter, sleep=lambda seconds: None)

        monkeypatch.setattr(everything, "open_source", open_source)

    return on


def minute(run_of: Any, number: int) -> Any:
    return run_of(RunKind.MANUAL, start=DAY + timedelta(minutes=number), hours=1 / 60)


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (90, "the API key expires in 90 day(s), on"),
        (7, "the API key expires in 7 day(s), on"),
        (-2, "the API key expired on"),
    ],
)
def test_a_key_that_expires_soon_is_told(everything: Any, run_of: Any, expires: Any, days: int, words: str) -> None:
    expires(everything.clock.now.date() + timedelta(days=days))
    (finding,) = everything.run(minute(run_of, 0)).findings
    assert (finding.code, finding.subject) == ("KEY_EXPIRES", SUBJECT)
    assert words in finding.words
    assert not finding.kind.gap


@pytest.mark.parametrize("days", [91, None])
def test_a_key_that_lasts_or_of_which_nothing_is_known_is_not(
    everything: Any, run_of: Any, expires: Any, days: int | None
) -> None:
    expires(None if days is None else everything.clock.now.date() + timedelta(days=days))
    assert everything.run(minute(run_of, 0)).findings == ()


def test_it_heals_when_a_new_key_is_entered(everything: Any, run_of: Any, expires: Any) -> None:
    expires(everything.clock.now.date() + timedelta(days=3))
    everything.run(minute(run_of, 0))
    assert everything.findings("KEY_EXPIRES") == {SUBJECT}
    expires(everything.clock.now.date() + timedelta(days=365))
    everything.run(minute(run_of, 1))
    assert everything.findings("KEY_EXPIRES") == set()


def test_reconciling_again_on_a_later_day_changes_nothing(
    everything: Any, run_of: Any, expires: Any, clock: Any
) -> None:
    expires(everything.clock.now.date() + timedelta(days=3))
    run = minute(run_of, 0)
    everything.run(run)
    before = everything.snapshot()
    clock.move_to(clock.now + timedelta(days=1))
    reconcile(everything.workspace(), run)
    assert everything.snapshot() == before
