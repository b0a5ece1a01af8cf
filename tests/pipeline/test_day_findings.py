"""What a run finds about whole days and about users: too few calls, and nobody who is ever heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from pipeline_bench import DAY, Known

from cloud9_archive.domain.run import RunKind
from cloud9_archive.emulator.calls import EmulatedCall, Kind
from cloud9_archive.emulator.firm import DESKS
from cloud9_archive.errors import PolicyError
from cloud9_archive.pipeline.reconcile import reconcile

ONE_DAY = timedelta(days=1)
SUBJECT = "cloud9_emea/calls of 2026-03-03"


def plain(bench: Any, on: date, number: int) -> list[EmulatedCall]:
    """Ordinary calls of the day, whose audio is there."""
    made = bench.cloud9.cloud.world.day(DESKS["emea"], on)
    return [call for call in made.calls if call.kind is Kind.REGULAR][:number]


def holds(bench: Any, on: date, calls: Sequence[EmulatedCall]) -> None:
    """The source has these calls of the day and no others."""
    ordered = tuple(sorted(calls, key=lambda call: call.position))
    made = bench.cloud9.cloud.world.day(DESKS["emea"], on)
    bench.cloud9.cloud.world._days["emea", on] = replace(
        made,
        calls=ordered,
        starts=tuple(call.started_at for call in ordered),
        recordings={link.recording.recording_id: link.recording for call in ordered for link in call.links},
    )


@pytest.fixture
def expecting(everything: Any) -> Any:
    """A bench whose policy expects calls on weekdays, and whose source has three calls on the Tuesday."""
    everything.policy["expect"] = {"floor": 50}
    holds(everything, DAY.date(), plain(everything, DAY.date(), 3))
    return everything


def codes(bench: Any, run: Any) -> set[str]:
    """Of the run's findings; reconciling again finds the same and writes nothing."""
    result = bench.run(run)
    before = bench.snapshot()
    assert reconcile(bench.workspace(), run) == result
    assert bench.snapshot() == before
    return {finding.code for finding in result.findings}


def test_far_fewer_calls_than_on_that_weekday_before_are_told(expecting: Any, run_of: Any, known: Known) -> None:
    known(DAY - 7 * ONE_DAY, 10)
    assert codes(expecting, run_of()) == set(), "one week is no rule"
    known(DAY - 14 * ONE_DAY, 14)
    (finding,) = expecting.run(run_of()).findings
    assert (finding.code, finding.subject) == ("CALLS_FEW", SUBJECT)
    assert finding.words == "3 calls began on Tuesday, 2026-03-03; 12 are usual for that weekday"
    holds(
        expecting,
        DAY.date(),
        plain(expecting, DAY.date(), 3)
        + [
            replace(call, call_id=f"{call.call_id}-{number}")
            for number, call in enumerate(plain(expecting, DAY.date(), 3))
        ],
    )
    assert "CALLS_FEW" not in codes(expecting, run_of(run_id="again"))
    assert expecting.findings("CALLS_FEW") == set()


def test_no_call_on_an_expected_day_is_told_once_and_heals(expecting: Any, run_of: Any, known: Known) -> None:
    calls = plain(expecting, DAY.date(), 1)
    holds(expecting, DAY.date(), ())
    known(DAY - ONE_DAY, 150)
    (finding,) = expecting.run(run_of()).findings
    assert (finding.code, finding.subject) == ("LISTING_SILENT", SUBJECT)
    holds(expecting, DAY.date(), calls)
    assert "LISTING_SILENT" not in codes(expecting, run_of())
    assert expecting.findings("LISTING_SILENT") == set()


def test_a_silence_that_a_short_run_suspects_is_told_of_the_day_once_it_is_over(
    expecting: Any, run_of: Any, known: Known, clock: Any
) -> None:
    for day in (DAY - ONE_DAY, DAY):
        holds(expecting, day.date(), ())
    known(DAY - 10 * timedelta(hours=1), 150)
    clock.move_to(DAY + timedelta(hours=23))
    expecting.policy["schedule"] = {**expecting.policy["schedule"], "lookback": "1d"}
    expecting.run(run_of(RunKind.SCHEDULED, start=DAY + timedelta(hours=20), hours=0.25))
    assert expecting.findings("LISTING_SILENT") == {"cloud9_emea/2026-03-03"}
    clock.move_to(DAY + ONE_DAY)
    expecting.run(run_of(RunKind.SCHEDULED, start=DAY + timedelta(hours=23.75), hours=0.25))
    assert expecting.findings("LISTING_SILENT") == {SUBJECT}


def test_a_day_that_was_not_listed_whole_is_not_judged(expecting: Any, run_of: Any) -> None:
    holds(expecting, DAY.date(), ())
    assert codes(expecting, run_of(start=DAY + timedelta(hours=1), hours=23)) == set()
    assert codes(expecting, run_of(start=DAY, hours=1)) == {"LISTING_SILENT"}, "another run had listed the rest"


def test_nothing_is_expected_of_other_days_and_nothing_guessed(expecting: Any, run_of: Any, known: Known) -> None:
    holds(expecting, DAY.date(), ())
    known(DAY - ONE_DAY, 150)
    expecting.policy["expect"] = {"days": ["mon", "wed"]}
    assert codes(expecting, run_of()) == set()


def test_a_policy_whose_holidays_are_not_there_is_told_so(expecting: Any, run_of: Any) -> None:
    expecting.policy["expect"] = {"holidays": "holidays/nowhere.txt"}
    with pytest.raises(PolicyError, match=r"holidays/nowhere\.txt cannot be read"):
        expecting.run(run_of())
    assert expecting.bags(), "what could be archived is"


def test_a_user_who_is_never_heard_is_told_until_audio_comes(everything: Any, run_of: Any, clock: Any) -> None:
    tuesday, wednesday = DAY.date(), (DAY + ONE_DAY).date()
    quiet = DESKS["emea"].traders[0]
    login = f"cloud9_emea/login {quiet.login}"

    def unheard(calls: Sequence[EmulatedCall]) -> list[EmulatedCall]:
        return [
            replace(
                call,
                near=replace(call.near, people=(quiet,)),
                links=tuple(replace(link, recording=replace(link.recording, uploaded_at=None)) for link in call.links),
            )
            for call in calls
        ]

    others = [call for call in plain(everything, tuesday, 12) if quiet not in call.near.people]
    holds(everything, tuesday, unheard(others[:3]))
    holds(everything, wednesday, unheard(plain(everything, wednesday, 2)))
    assert codes(everything, run_of()) == set()
    assert codes(everything, run_of(start=DAY + ONE_DAY)) == set(), "nobody of the source is heard yet"
    holds(everything, tuesday, [*unheard(others[:3]), others[3]])
    (finding,) = everything.run(run_of(run_id="another")).findings
    assert (finding.code, finding.subject) == ("USER_WITHOUT_MEDIA", login)
    assert finding.words.startswith("5 calls since 2026-03-03 are to be recorded, and none of them brought audio")
    assert everything.findings("USER_WITHOUT_MEDIA") == {login}
    everything.cloud9.admin.upload_now(others[0].links[0].recording.recording_id)
    clock.move_to(clock.now + timedelta(hours=13))
    result = everything.run(run_of(RunKind.SCHEDULED, start=DAY + 2 * ONE_DAY, hours=1 / 60))
    assert "USER_WITHOUT_MEDIA" not in {each.code for each in result.findings}
    assert everything.findings("USER_WITHOUT_MEDIA") == set()
