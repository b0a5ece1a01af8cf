from __future__ import annotations

import re

import pytest

from cloud9_archive.domain.findings import FINDING_KINDS, Finding, findings_table


@pytest.mark.parametrize("code", FINDING_KINDS)
def test_every_kind_says_what_and_what_next_in_sentences(code: str) -> None:
    kind = FINDING_KINDS[code]
    assert re.fullmatch(r"[A-Z_]+", code)
    for words in (kind.meaning, kind.next_action):
        assert words[0].isupper()
        assert words.endswith(".")
    assert Finding(code, "cloud9/x", "words").kind is kind


def test_the_table_has_every_code_once() -> None:
    rows = findings_table().splitlines()
    assert re.findall(r"^\| `([A-Z_]+)`", "\n".join(rows), re.MULTILINE) == sorted(FINDING_KINDS)


def test_what_is_late_damaged_silent_alike_decided_anew_or_about_the_roster_does_not_fail_a_run() -> None:
    assert {code for code, kind in FINDING_KINDS.items() if not kind.gap} == {
        "ALERT_NOT_SENT",
        "ARCHIVED_NOW_EXCLUDED",
        "CALL_VANISHED",
        "CALLS_FEW",
        "CALL_AMENDED",
        "CALL_NEAR_DUPLICATE",
        "DERIVATIVE_ABSENT",
        "DERIVATIVE_FAILED",
        "KEY_EXPIRES",
        "LISTING_AMENDED",
        "LISTING_SHRUNK",
        "LISTING_SILENT",
        "MEDIA_LENGTH_DIFFERS",
        "MEDIA_MISSING",
        "MEDIA_NOT_ASKED_FOR",
        "MEDIA_QUARANTINED",
        "MEDIA_REFUSED",
        "POLICY_PAUSED",
        "MEDIA_UNLINKED",
        "METADATA_LATE",
        "ROSTER_EXTENSION_UNMATCHED",
        "ROSTER_LOGIN_UNKNOWN",
        "ROSTER_USER_QUIET",
        "SIGNATURE_MISSING",
        "TIMESTAMP_MISSING",
        "USER_WITHOUT_MEDIA",
    }
