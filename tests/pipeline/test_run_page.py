"""The page of a run's report: parsed as a browser would, with whatever ids a source may send."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import lxml.html
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cloud9_archive.catalog.accounts import CallAccount, RecordingAccount
from cloud9_archive.catalog.sealing import SealedBag
from cloud9_archive.domain.accounting import CallState, CallSum, MediaState, MediaSum
from cloud9_archive.domain.findings import FINDING_KINDS, Finding
from cloud9_archive.domain.run import CallRef, RecordingRef, RunKind, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.pipeline.report import RunFacts
from cloud9_archive.pipeline.report_charts import LENGTH, STATES, drawn, over_time, place_of
from cloud9_archive.pipeline.report_filing import Frame
from cloud9_archive.pipeline.report_page import PAGES, plain
from cloud9_archive.pipeline.run_page import MOST_BAGS, MOST_ROWS, run_page

BEGIN = datetime(2026, 3, 3, tzinfo=UTC)
HOSTILE = "</title><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}\u202e\x00\"'&"
FRAME = Frame("6" * 64, 1, {"calls": asdict(CallSum()), "recordings": asdict(MediaSum())}, "a" * 64)
ACTING = {"script", "img", "link", "iframe", "object", "embed", "form", "input", "base", "a", "video", "audio", "use"}


def facts_of(
    states: list[CallState], *, text: str = "C", findings: list[Finding] | None = None, **changes: Any
) -> RunFacts:
    held_by = None if text == "C" else text
    recording = RecordingAccount(RecordingRef("cloud9_emea", text), MediaState.MISSING, None, None, None, None)
    accounts = [
        CallAccount(
            CallRef("cloud9_emea", f"{text}{n}"),
            BEGIN + timedelta(minutes=n),
            state,
            text,
            text,
            None,
            held_by,
            [recording],
        )
        for n, state in enumerate(states)
    ]
    made: dict[str, Any] = {
        "run": RunRef("emea_rates", "r", RunKind.SCHEDULED, Window(BEGIN, BEGIN + timedelta(days=1))),
        "policy_version": "0" * 64,
        "sources": {"cloud9_emea": True},
        "accounts": accounts,
        "stragglers": [],
        "bags": [],
        "findings": findings or [],
    }
    return RunFacts(**{**made, **changes})


def page_of(facts: RunFacts) -> Any:
    return lxml.html.document_fromstring(run_page(facts, FRAME).decode())


def tags(page: Any) -> set[str]:
    return {each.tag for each in page.iter() if isinstance(each.tag, str)}


def test_the_page_loads_nothing_runs_nothing_and_says_so_to_the_browser() -> None:
    made = run_page(facts_of([CallState.ARCHIVED, CallState.MISSING]), FRAME).decode()
    page = lxml.html.document_fromstring(made)
    assert tags(page) & ACTING == set()
    assert not any(name in each.attrib for each in page.iter() for name in ("style", "src", "href", "onload"))
    (style,) = re.findall(r"<style>(.*?)</style>", made, re.DOTALL)
    (rule,) = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert rule == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in style
    assert "@import" not in style
    assert "prefers-color-scheme: dark" in style
    assert "@media print" in style


@given(st.text(max_size=40))
@example(HOSTILE)
@example("{% raw %}")
@example("\u2066\u200b\ufeff")
def test_whatever_a_source_calls_things_the_page_is_the_same_page(text: str) -> None:
    states = [CallState.MISSING, CallState.EXCLUDED]
    finding = [Finding("MEDIA_MISSING", text, text)]
    made = run_page(facts_of(states, text=text, findings=finding, sources={text: True, "cloud9_emea": True}), FRAME)
    usual = page_of(
        facts_of(states, findings=[Finding("MEDIA_MISSING", "x", "x")], sources={"x": True, "cloud9_emea": True})
    )
    page = lxml.html.document_fromstring(made.decode())
    assert Counter(each.tag for each in page.iter()) == Counter(each.tag for each in usual.iter())
    assert all(char.isprintable() or char in "\n\u202f" for char in made.decode())


def test_a_text_is_shown_by_what_it_is() -> None:
    page = page_of(facts_of([CallState.MISSING], text=HOSTILE, findings=[Finding("MEDIA_MISSING", HOSTILE, "so")]))
    shown = HOSTILE.replace("\u202e", "\\u202e").replace("\x00", "\\u0000")
    assert shown in [each.text for each in page.iter("bdi")]
    assert plain("a\u2028b") == "a\\u2028b"
    assert len(str(plain("x" * 10_000))) == 400


@pytest.mark.parametrize(
    ("states", "findings", "words"),
    [
        ([CallState.ARCHIVED], [], "This run adds up"),
        ([CallState.ARCHIVED], ["MEDIA_QUARANTINED"], "This run adds up"),
        ([CallState.ARCHIVED], ["SOURCE_NOT_LISTED"], "This run does not add up"),
        ([CallState.SELECTED], [], "This run does not add up"),
    ],
)
def test_the_page_says_whether_the_run_adds_up(states: list[CallState], findings: list[str], words: str) -> None:
    facts = facts_of(states, findings=[Finding(code, "x", "x") for code in findings])
    (verdict,) = page_of(facts).find_class("verdict")
    assert verdict.text_content().startswith(words)
    assert ("bad" in verdict.classes) is ("not" in words)


def test_the_sums_of_charts_and_tables_are_those_of_the_facts() -> None:
    states = [*CallState] * 3
    page = page_of(facts_of(states))
    (row,) = page.xpath("//table[@class='sum'][1]/tbody/tr")[:1]
    cells = [cell.text_content() for cell in row]
    assert cells[0] == str(len(states))
    assert sum(map(int, cells[2:8])) == len(states) - 6
    assert cells[8] == "it does not hold: 6 unaccounted for"
    legend = " ".join(page.find_class("legend")[0].text_content().split())
    assert legend == "archived 3 excluded 3 awaiting media 3 quarantined 3 missing 3 disposed 3 unaccounted 6"
    bars = page.xpath("//table//svg//rect")
    assert sum(float(bar.get("width")) for bar in bars) == pytest.approx(LENGTH)


def test_each_finding_has_its_meaning_and_what_to_do_the_worst_first() -> None:
    codes = ["MEDIA_QUARANTINED", "SOURCE_NOT_LISTED", "MEDIA_MISSING"]
    page = page_of(facts_of([], findings=[Finding(code, "x", "x") for code in codes]))
    text = page.text_content()
    for code in codes:
        assert FINDING_KINDS[code].meaning in text
        assert FINDING_KINDS[code].next_action in text
    assert text.index("SOURCE_NOT_LISTED") < text.index("MEDIA_MISSING") < text.index("MEDIA_QUARANTINED")


def test_a_hundred_thousand_calls_make_no_longer_page_than_some_hundreds() -> None:
    bags = [SealedBag(f"b{n}", f"emea_rates/bags/b{n}", "0" * 64, 1, 1) for n in range(MOST_BAGS + 7)]
    findings = [Finding("MEDIA_MISSING", str(n), "x") for n in range(MOST_ROWS + 5)]
    some = facts_of([CallState.MISSING] * (MOST_ROWS + 3), findings=findings, bags=bags)
    # The same few accounts stand for many: what costs is the page, not making them.
    many = facts_of([], findings=findings * 100, bags=bags * 100, accounts=list(some.accounts) * 100)
    made = run_page(many, FRAME)
    assert len(made) < len(run_page(some, FRAME)) * 1.1 < 300_000
    text = page_of(some).text_content()
    for more, where in ((5, "findings"), (7, "bags")):
        assert f"and {more} more: {where} in r.json" in text
    assert "and 3 more: r.csv has a line for every call" in text


SECONDS = st.one_of(*(st.integers(0, most) for most in (7_200, 400_000, 20_000_000, 900_000_000, 3_000_000_000)))


@given(st.lists(st.tuples(SECONDS, st.sampled_from(STATES)), min_size=1, max_size=12))
def test_columns_over_time_are_few_and_hold_every_call(began: list[tuple[int, str]]) -> None:
    _, groups = over_time([(BEGIN + timedelta(seconds=seconds), state) for seconds, state in began])
    assert sum(sum(counts.values()) for counts in groups.values()) == len(began)
    assert len(groups) <= 130
    bars = drawn(groups)
    assert max(sum(part.length for part in bar.segments) for bar in bars) == pytest.approx(LENGTH, abs=0.1)
    assert sum(sum(bar.counts.values()) for bar in bars) == len(began)
    for bar in bars:
        ends = [0.0, *(part.at + part.length for part in bar.segments)]
        assert [part.at for part in bar.segments] == pytest.approx(ends[:-1], abs=0.1), (
            "each begins where the last ends"
        )


@pytest.mark.parametrize(
    ("hours", "word", "labels"),
    [
        (2, "hour", ["03-03 00:00", "03-03 01:00", "03-03 02:00"]),
        (24 * 5, "day", [f"2026-03-0{day}" for day in range(3, 9)]),
        (24 * 200, "month", ["2026-03", "2026-09"]),
        (24 * 365 * 20, "year", ["2026", "2046"]),
    ],
)
def test_columns_are_as_wide_as_the_span_asks_for(hours: int, word: str, labels: list[str]) -> None:
    found, groups = over_time([(BEGIN + timedelta(hours=hours), "archived"), (BEGIN, "missing")])
    assert (found, list(groups)) == (word, labels)


def test_every_state_of_a_call_has_a_place_and_a_colour() -> None:
    style = (PAGES / "page.css").read_text(encoding="utf-8")
    for state in CallState:
        assert place_of(state) in STATES
    for place in STATES:
        assert style.count(f"--{place}:") == 3, "light, dark, print"
        assert f".{place} {{ fill: var(--{place}); }}" in style
