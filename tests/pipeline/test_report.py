"""The report's CSV file in a spreadsheet."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cloud9_archive.catalog.accounts import CallAccount, RecordingAccount
from cloud9_archive.domain.accounting import CallState
from cloud9_archive.domain.run import CallRef, RecordingRef, RunKind, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.pipeline.report import CSV_COLUMNS, RunFacts, report_csv

NOW = datetime(2026, 3, 3, tzinfo=UTC)
# Half surrogates never come this far: answers are made writable as UTF-8 when they are read.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def report_of(call_id: str, *, reason: str | None = None, recording_id: str = "R1") -> list[str]:
    """The cells of the report's one row, as a stranger's program reads them."""
    recording = RecordingAccount(RecordingRef("cloud9", recording_id), None, None, None, None, None)
    account = CallAccount(CallRef("cloud9", call_id), NOW, CallState.LISTED, None, reason, None, None, [recording])
    run = RunRef("emea_rates", "one", RunKind.MANUAL, Window(NOW, NOW.replace(hour=1)))
    facts = RunFacts(run, "0" * 64, {"cloud9": True}, [account], [], [], [])
    rows = list(csv.reader(io.StringIO(report_csv(facts).decode(), newline=""), delimiter=";"))
    assert rows[0] == list(CSV_COLUMNS)
    assert len(rows) == 2
    return rows[1]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=HYPERLINK(A1)", "'=HYPERLINK(A1)"),
        ("+442079460101", "'+442079460101"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("\uff1d1", "'\uff1d1"),
        ("'quoted", "''quoted"),
        ("C-1=2", "C-1=2"),
        ("", ""),
    ],
)
def test_no_cell_begins_as_a_formula_does(text: str, cell: str) -> None:
    row = dict(zip(CSV_COLUMNS, report_of(text, reason=text, recording_id=text), strict=True))
    assert (row["call_id"], row["reason"]) == (cell, cell)
    assert row["recordings"] == (f"{cell}=not_wanted" if text else "'=not_wanted")


@given(TEXT)
@example("''=")
@example('"=1;')
def test_the_exact_text_comes_back_when_one_quote_is_taken_away(text: str) -> None:
    cell = report_of(text)[CSV_COLUMNS.index("call_id")]
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert cell.removeprefix("'") == text
