from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.pipeline.checked_bytes import UnreadableError, checked_text


def text_of(content: bytes, *, largest: int = 1000) -> str:
    return checked_text(io.BytesIO(content), largest=largest, utf8_wanted="UTF-8 is wanted").read()


@given(st.text(st.characters(blacklist_categories=("Cs",))))
def test_text_comes_out_as_it_went_in_but_for_a_byte_order_mark(text: str) -> None:
    assert text_of(text.encode("utf-8-sig"), largest=10_000) == text


def test_not_a_byte_more_than_the_bound_is_taken() -> None:
    assert text_of(b"x" * 1000) == "x" * 1000
    with pytest.raises(UnreadableError) as caught:
        text_of(b"x" * 1001)
    assert (caught.value.problem.found, caught.value.problem.wanted) == (
        "a very large file",
        "at most 1000 bytes are wanted",
    )


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"\xff", 1),
        (b"a\nb\xff\n", 2),
        (b"a\rb\r\xff", 3),
        (b"a\r\nb\r\n\xc3", 3),
        (b"\xe2\x82", 1),
        (b"a\n" * 70_000 + b"\xff", 70_001),
        (b"x" * (65_536 - 2) + b"\xe2\x82\xac\xff\n", 1),
        (("é" * 40_000 + "\n").encode() + b"\xc3\x28", 2),
    ],
)
def test_the_line_of_what_is_no_utf8_is_told(content: bytes, line: int) -> None:
    with pytest.raises(UnreadableError) as caught:
        text_of(content, largest=1_000_000)
    assert caught.value.problem.line == line


def test_a_character_may_lie_across_two_pieces() -> None:
    text = "x" + "é" * 100_000
    assert text_of(text.encode(), largest=1_000_000) == text
