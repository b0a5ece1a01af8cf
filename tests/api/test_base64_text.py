"""Base64 that is exactly right gives its bytes, however it is cut and written; anything else is a fault."""

from __future__ import annotations

import base64
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.api.base64_text import Base64Fault, base64_bytes

Encoder = Callable[[bytes], bytes]


def cut(text: bytes, places: list[int]) -> list[bytes]:
    bounds = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[begin:end] for begin, end in pairwise(bounds)]


@given(
    st.binary(max_size=300),
    st.sampled_from([base64.b64encode, base64.urlsafe_b64encode, base64.encodebytes]),
    st.lists(st.integers(0, 500), max_size=8),
)
def test_the_bytes_come_back_wherever_the_text_is_cut(content: bytes, encoder: Encoder, places: list[int]) -> None:
    pieces = list(base64_bytes(cut(encoder(content), places)))
    assert b"".join(pieces) == content
    assert all(pieces)


@given(st.binary(min_size=1, max_size=100), st.integers(1, 3))
def test_a_text_that_lost_its_end_is_never_shorter_audio(content: bytes, lost: int) -> None:
    with pytest.raises(Base64Fault):
        list(base64_bytes([base64.b64encode(content)[:-lost]]))


@pytest.mark.parametrize(
    ("pieces", "word"),
    [
        ([b"QUJD", b"RA=="], None),
        ([b" QU\r\nJD\t", b"\x0bRA==\n"], None),
        ([b"QUJDRA"], "multiple of four"),
        ([b"QUJDRA="], "multiple of four"),
        ([b"QUJDRA=", b"=QUJD"], "padding is wrong"),
        ([b"QUJDRA==", b"QUJD"], "more behind"),
        ([b"QUJDRA==QUJD"], "padding is wrong"),
        ([b"QUJDRA==Q"], "more behind"),
        ([b"QUJ=RA=="], "padding is wrong"),
        ([b"===="], "padding is wrong"),
        ([b"=QUJ"], "padding is wrong"),
        ([b"QUJDRB=="], "stand for nothing"),
        ([b"QUJ*"], "not of its alphabet"),
        ([b"QU\x00J"], "not of its alphabet"),
        ([b"QU?J"], "not of its alphabet"),
        ([b"-_+/"], "mixes"),
        ([b"AAA+", b"AAA-"], "mixes"),
        ([b"data:audio/ogg;base64,QUJD"], "alphabet"),
    ],
)
def test_what_is_not_exactly_right_is_a_fault(pieces: list[bytes], word: str | None) -> None:
    if word is None:
        assert b"".join(base64_bytes(pieces)) == b"ABCD"
        return
    with pytest.raises(Base64Fault, match=word):
        list(base64_bytes(pieces))
