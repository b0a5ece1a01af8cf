from __future__ import annotations

import fnmatch
import re
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.domain.patterns import PatternIndex, TextChoice, has_wildcard, literal, matcher

PATTERNS = st.text("ab*?.", max_size=8)
TEXTS = st.text("ab.\n", max_size=10)


@given(PATTERNS, TEXTS)
def test_stars_and_question_marks_mean_what_they_mean_in_file_names(pattern: str, text: str) -> None:
    assert bool(matcher(pattern)(text)) is bool(re.match(fnmatch.translate(pattern), text))


@given(st.text(st.sampled_from("ab*?\\"), max_size=8))
def test_a_protected_text_matches_itself_alone(text: str) -> None:
    pattern = re.sub(r"[\\*?]", r"\\\g<0>", text)
    assert not has_wildcard(pattern)
    assert literal(pattern) == text
    assert matcher(pattern)(text)
    assert not matcher(pattern)(text + "a")


@pytest.mark.parametrize(
    ("pattern", "text"), [(r"FIRM\jsmith", r"FIRM\jsmith"), (r"a\*b", "a*b"), ("end\\", "end\\"), (r"a\\b", r"a\b")]
)
def test_a_backslash_is_itself_before_anything_else(pattern: str, text: str) -> None:
    assert literal(pattern) == text
    assert text in TextChoice([pattern])


@given(st.lists(PATTERNS, max_size=8, unique=True), TEXTS)
def test_an_index_finds_what_asking_every_pattern_finds(patterns: list[str], text: str) -> None:
    wild = [each for each in patterns if has_wildcard(each)]
    index = PatternIndex({each: [each] for each in wild})
    assert sorted(index.matching(text)) == sorted(each for each in wild if matcher(each)(text))
    assert (text in TextChoice(patterns)) is any(matcher(each)(text) for each in patterns)


def test_a_pattern_made_to_be_slow_is_not() -> None:
    matches = matcher("*a" * 100 + "b")
    begun = process_time()
    assert not matches("a" * 100_000)
    assert process_time() - begun < 5


def test_nothing_that_is_no_text_is_a_choice() -> None:
    assert None not in TextChoice(["*"])
