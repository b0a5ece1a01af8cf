"""What bytes are is told by their beginning; what looks like audio by chance is not taken for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.api.payload import Payload, recognised

# MPEG 1, layer III, 128 kbit/s at 44.1 kHz: frames of 417 bytes.
MP3_FRAME = b"\xff\xfb\x90\x00"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", Payload.EMPTY),
        (b"OggS\x00\x02", Payload.AUDIO),
        (b"\x00\x00\x00\x20ftypM4A ", Payload.AUDIO),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", Payload.AUDIO),
        (b"RIFF\x24\x00\x00\x00AVI LIST", Payload.OTHER),
        (b"ID3\x04\x00\x00\x00\x00\x0f\x76TSSE", Payload.AUDIO),
        (b"ID3\xff\x00\x00\x00\x00\x0f\x76", Payload.OTHER),
        (b"ID3\x04\x00\x00\x80\x00\x0f\x76", Payload.OTHER),
        (MP3_FRAME + bytes(413) + MP3_FRAME + bytes(91), Payload.AUDIO),
        (MP3_FRAME + bytes(508), Payload.OTHER),
        (b"\xff\xf3\x40\xc4" + bytes(20), Payload.AUDIO),
        (b"\xff\xe3\x18\xc4" + bytes(20), Payload.AUDIO),
        (b"\xff\xf1\x50\x80" + bytes(20), Payload.OTHER),
        (b"\xff\xff\xff\xff" + bytes(20), Payload.OTHER),
        (b"\xff\xfb\x9c\x00" + bytes(20), Payload.OTHER),
        (b"\xff\xeb\x90\x00" + bytes(20), Payload.OTHER),
        (b"PK\x03\x04\x14\x00", Payload.ZIP),
        (b"PK\x05\x06" + bytes(18), Payload.ZIP),
        (b'{"a":1}', Payload.JSON),
        (b"\xef\xbb\xbf\r\n [1]", Payload.JSON),
        (b"<!doctype html><title>", Payload.PAGE),
        (b"\n <HTML lang=en>", Payload.PAGE),
        (b"<!-- by a proxy --><html>", Payload.PAGE),
        (b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC', Payload.PAGE),
        (b'<?xml version="1.0"?><Error>', Payload.TEXT),
        (b"Service unavailable\r\n", Payload.TEXT),
        ("Störung ".encode() * 60, Payload.TEXT),
        (b"\x1f\x8b\x08\x00", Payload.OTHER),
        (bytes(512), Payload.OTHER),
        (b"\xfe\xfe text that is not UTF-8", Payload.OTHER),
    ],
)
def test_the_beginning_tells(head: bytes, kind: Payload) -> None:
    assert recognised(head) is kind


def test_a_text_that_the_head_cuts_through_a_character_is_text() -> None:
    for length in range(509, 513):
        text = b"x" * length + "€€".encode()
        assert recognised(text[:512]) is Payload.TEXT


@given(st.binary(max_size=600))
def test_any_bytes_are_something(head: bytes) -> None:
    assert isinstance(recognised(head), Payload)
