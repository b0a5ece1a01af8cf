"""Untrusted text in messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.domain.words import shortened, shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jsmith@firm.example", "jsmith@firm.example"),
        ("Zoë Müller", "Zoë Müller"),
        ("two\nlines", r"'two\nlines'"),
        ("\x1b[31mred", r"'\x1b[31mred'"),
        ("\u202egnippilf", r"'\u202egnippilf'"),
        (" blank", "' blank'"),
        ("a" * 80, "a" * 80),
        ("a" * 81, "a" * 79 + "…"),
    ],
)
def test_plain_text_is_shown_as_it_is_and_other_text_quoted(text: str, expected: str) -> None:
    assert shown(text) == expected


@given(st.text(), st.integers(1, 30))
def test_whatever_is_shown_is_one_bounded_line_of_printable_characters(text: str, longest: int) -> None:
    line = shown(text, longest=longest)
    assert line.isprintable()
    assert len(line) <= 10 * longest + 2  # the longest escape has ten characters


@given(st.text(), st.integers(1, 30))
def test_shortened_text_begins_as_the_text_does(text: str, longest: int) -> None:
    cut = shortened(text, longest=longest)
    assert len(cut) <= longest
    assert cut == text or text.startswith(cut.removesuffix("…"))
