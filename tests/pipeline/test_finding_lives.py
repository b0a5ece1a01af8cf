"""Each kind of finding has a test that produces it and one that heals it; those that are nowhere else are here."""

from __future__ import annotations

import ast
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cloud9_archive.domain.findings import FINDING_KINDS
from cloud9_archive.domain.run import RunKind
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.errors import ReconciliationError
from cloud9_archive.pipeline.apply_recording_rules import apply_recording_rules
from cloud9_archive.pipeline.fetch_calls import fetch_calls
from cloud9_archive.pipeline.reconcile import reconcile

HERE = "pipeline/test_finding_lives.py::test_what_a_run_lacks_is_open_until_it_is_done"
ROSTER = (
    "pipeline/test_roster_use.py::test_users_without_calls_and_extensions_without_matches_are_told_after_thirty_days"
)
DERIVATIVES = "pipeline/test_derivatives.py::test_where_every_derivative_fails_the_original_is_examined_for_itself"
LOOK = "pipeline/test_daily_look.py::test_"

LIVES = {
    # code: the test that produces it, and the test that heals it
    "SOURCE_NOT_LISTED": ("pipeline/test_run_report.py::test_a_source_that_is_listed_after_all_is_no_finding_any_more",)
    * 2,
    "CALL_UNDECIDED": (HERE, HERE),
    "CALL_UNACCOUNTED": (HERE, HERE),
    "CALL_NOT_LISTED": (
        "pipeline/test_single_calls.py::test_an_id_that_no_source_lists_fails_the_run_and_heals_when_it_is_found",
    )
    * 2,
    "RECORDING_ABANDONED": (HERE, HERE),
    "MEDIA_MISSING": ("pipeline/test_late_media.py::test_past_the_deadline_it_is_missing_and_heals_when_it_turns_up",)
    * 2,
    "MEDIA_REFUSED": (
        "pipeline/test_withheld_recordings.py::test_a_refused_recording_holds_up_no_other_and_is_told_until_it_comes",
    )
    * 2,
    "KEY_EXPIRES": (
        "pipeline/test_expiring_keys.py::test_a_key_that_expires_soon_is_told",
        "pipeline/test_expiring_keys.py::test_it_heals_when_a_new_key_is_entered",
    ),
    "LISTING_SILENT": (
        "pipeline/test_silences.py::test_a_day_without_calls_after_a_busy_one_is_told",
        "pipeline/test_silences.py::test_it_heals_when_the_day_is_listed_after_all",
    ),
    "ARCHIVED_NOW_EXCLUDED": ("pipeline/test_redecide.py::test_archived_calls_that_are_excluded_now_stay_and_are_told",)
    * 2,
    "ROSTER_LOGIN_UNKNOWN": (
        "pipeline/test_roster_use.py::test_logins_at_the_near_end_that_no_roster_has_are_told_once_for_a_source",
        "pipeline/test_roster_use.py::test_it_heals_when_the_roster_has_them",
    ),
    "ROSTER_USER_QUIET": (ROSTER, ROSTER),
    "ROSTER_EXTENSION_UNMATCHED": (ROSTER, ROSTER),
    "ALERT_NOT_SENT": ("operators/test_alerts.py::test_a_channel_that_is_down_fails_no_run_and_is_a_finding",) * 2,
    "DERIVATIVE_FAILED": (DERIVATIVES, DERIVATIVES),
    "DERIVATIVE_ABSENT": (
        "pipeline/test_derivatives.py::test_what_was_archived_stays_and_a_later_call_with_another_profile_is_told",
    )
    * 2,
    "MEDIA_QUARANTINED": (DERIVATIVES, DERIVATIVES),
    "SIGNATURE_MISSING": (
        "pipeline/test_chain_proofs.py::test_a_signature_that_only_an_earlier_key_can_make_is_open_until_that_key_is_back",
    )
    * 2,
    "TIMESTAMP_MISSING": (
        "pipeline/test_chain_proofs.py::test_an_authority_that_fails_stops_no_run_and_a_later_one_has_the_stamps",
    )
    * 2,
    "METADATA_LATE": (
        "pipeline/test_call_findings.py::test_a_call_that_comes_three_windows_late_is_taken_through_the_lookback_and_told",
    )
    * 2,
    "CALL_AMENDED": (
        "pipeline/test_call_findings.py::test_a_call_that_its_source_amends_is_told_with_the_fields_and_documented_again",
    )
    * 2,
    "CALL_NEAR_DUPLICATE": (
        "pipeline/test_call_findings.py::test_two_calls_between_the_same_ends_at_the_same_time_are_told_and_both_kept",
    )
    * 2,
    "MEDIA_LENGTH_DIFFERS": ("pipeline/test_call_findings.py::test_a_finding_has_a_life",) * 2,
    "MEDIA_UNLINKED": ("pipeline/test_call_findings.py::test_a_recording_that_no_call_names_any_more_is_told",) * 2,
    "CALLS_FEW": ("pipeline/test_day_findings.py::test_far_fewer_calls_than_on_that_weekday_before_are_told",) * 2,
    "USER_WITHOUT_MEDIA": ("pipeline/test_day_findings.py::test_a_user_who_is_never_heard_is_told_until_audio_comes",)
    * 2,
    "RUN_MISSING": (LOOK + "an_outage_of_two_days_is_one_gap_until_a_backfill_has_caught_up",) * 2,
    "POLICY_PAUSED": (LOOK + "an_outage_of_two_days_is_one_gap_until_a_backfill_has_caught_up",) * 2,
    "CALL_OVERLOOKED": (LOOK + "a_call_that_was_reported_too_late_is_told_until_a_run_has_taken_it",) * 2,
    "CALL_VANISHED": (LOOK + "calls_that_the_source_lists_no_more_are_told_and_nothing_is_removed",) * 2,
    "LISTING_SHRUNK": (LOOK + "calls_that_the_source_lists_no_more_are_told_and_nothing_is_removed",) * 2,
    "LISTING_AMENDED": (LOOK + "what_was_amended_too_late_is_told_until_a_run_has_listed_it_again",) * 2,
    "MEDIA_NOT_ASKED_FOR": (LOOK + "media_that_nobody_asks_for_are_told",) * 2,
    "BAG_NOT_IN_ARCHIVE": (LOOK + "what_is_archived_is_there_and_what_is_there_is_known",) * 2,
    "RECORD_NOT_IN_ARCHIVE": (LOOK + "what_is_archived_is_there_and_what_is_there_is_known",) * 2,
    "BAG_NOT_IN_CATALOG": (LOOK + "what_is_archived_is_there_and_what_is_there_is_known",) * 2,
}


@cache
def functions(path: Path) -> dict[str, str]:
    """The text of each function of a file, by name."""
    text = path.read_text(encoding="utf-8")
    found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    return {node.name: ast.get_source_segment(text, node) or "" for node in found}


def test_every_kind_of_finding_has_a_test_that_produces_it_and_one_that_heals_it(repository: Path) -> None:
    assert set(LIVES) == set(FINDING_KINDS)
    for code, tests in LIVES.items():
        for test in tests:
            file, _, name = test.partition("::")
            assert code in functions(repository / "tests" / file).get(name, ""), f"{test} says nothing of {code}"


def test_what_a_run_lacks_is_open_until_it_is_done(everything: Any, run_of: Any) -> None:
    call = everything.call(Kind.TWO_RECORDINGS)
    second = {"hours": 1 / 3600}
    run = run_of(RunKind.SCHEDULED, start=call.started_at, run_id="one", **second)
    later = run_of(RunKind.SCHEDULED, start=call.started_at - timedelta(seconds=100), run_id="later", **second)
    workspace = everything.workspace()

    def lacks(of: Any) -> set[str]:
        with pytest.raises(ReconciliationError):
            reconcile(workspace, of)
        return {code for code in FINDING_KINDS if FINDING_KINDS[code].gap and everything.findings(code)}

    fetch_calls(workspace, run, "cloud9_emea")
    assert lacks(run) == {"CALL_UNDECIDED"}
    apply_recording_rules(workspace, run)
    assert lacks(run) == {"CALL_UNACCOUNTED"}
    fetch_calls(workspace, later, "cloud9_emea")
    assert lacks(later) == {"CALL_UNACCOUNTED", "RECORDING_ABANDONED"}
    everything.work(workspace, apply_recording_rules(workspace, later).batch_ids)
    assert reconcile(workspace, later).calls.unaccounted == 0
    assert not [code for code in FINDING_KINDS if everything.findings(code)]
    assert reconcile(workspace, run).findings == ()
