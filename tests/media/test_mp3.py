from __future__ import annotations

import io
import struct

import pytest
from good_audio import ape_tag

from cloud9_archive.media.mp3 import read_mp3
from cloud9_archive.media.structure import Reading

FRAME = b"\xff\xf3\x14\xc4".ljust(24, b"\0")  # MPEG-2, 8 kbit/s, 24 kHz, one channel: 24 ms
LOUD = b"\xff\xf3\x24\xc4".ljust(48, b"\0")  # the same at 16 kbit/s
STEREO = b"\xff\xf3\x14\x00".ljust(24, b"\0")
OLD_TAG = b"TAG".ljust(128, b"x")


def scan(*parts: bytes) -> Reading:
    content = b"".join(parts)
    return read_mp3(io.BytesIO(content), len(content))


def codes(*parts: bytes) -> list[str]:
    return [fault.code for fault in scan(*parts).faults]


def seconds(*parts: bytes) -> float:
    found = scan(*parts)
    assert found.faults == []
    assert found.structure
    return found.structure.duration


def counting(frames: int, size: int, *, hidden: int = 0, protected: bool = False) -> bytes:
    """A header frame; it has 160 kbit/s, as what it says needs the room."""
    frame = bytearray(b"\xff\xf3\xe4\xc4".ljust(480, b"\0"))
    frame[1] ^= protected
    frame[13:29] = b"Info" + struct.pack(">III", 3, frames, size)
    frame[133:137] = b"LAME"
    frame[154:157] = (hidden // 2 << 12 | hidden - hidden // 2).to_bytes(3, "big")
    return bytes(frame)


def test_frames_make_seconds() -> None:
    assert seconds(FRAME * 10) == pytest.approx(0.24)
    assert seconds(FRAME, LOUD, FRAME) == pytest.approx(0.072)


@pytest.mark.parametrize("protected", [False, True])
def test_a_header_frame_counts_and_is_no_audio(protected: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert seconds(counting(10, 720, protected=protected), FRAME * 10) == pytest.approx(0.24)
    hiding = counting(10, 720, hidden=1_105 + 100, protected=protected)
    assert seconds(hiding, FRAME * 10) == pytest.approx(0.24 - 1_205 / 24_000)


def test_other_counts_than_there_are_frames_are_found() -> None:
    assert codes(counting(11, 720), FRAME * 10) == ["MP3_COUNT"]
    assert scan(counting(12, 720), FRAME * 10).lost_seconds == pytest.approx(0.048)
    assert codes(counting(9, 720), FRAME * 10) == ["MP3_COUNT"]
    assert codes(counting(10, 744), FRAME * 10) == ["MP3_COUNT"]
    assert codes(counting(10, 719), FRAME * 10) == ["MP3_COUNT"]
    assert codes(counting(10, 720), FRAME * 9, LOUD) == ["MP3_COUNT"]


def test_a_file_that_ends_inside_a_frame_is_found() -> None:
    found = scan(FRAME * 3, FRAME[:-1])
    assert [fault.code for fault in found.faults] == ["MP3_CUT"]
    assert found.lost_seconds == pytest.approx(0.024)


def test_bytes_between_frames_are_found_with_their_place() -> None:
    found = scan(FRAME * 3, bytes(100), FRAME * 3)
    assert [(fault.code, fault.offset) for fault in found.faults] == [("MP3_STRAY_BYTES", 72)]
    assert found.faults[0].words.startswith("100 bytes")
    assert codes(FRAME * 3, b"\xff\xf3\x14", FRAME * 2) == ["MP3_STRAY_BYTES"]
    assert codes(FRAME * 3, b"x") == ["MP3_STRAY_BYTES"]


def test_one_header_in_noise_is_no_frame() -> None:
    found = scan(FRAME * 3, bytes(30), FRAME[:4], bytes(26), FRAME * 3)
    assert found.faults[0].words.startswith("60 bytes")


def test_a_change_on_the_way_is_found() -> None:
    assert codes(FRAME * 3, STEREO, FRAME) == ["MP3_CHANGE"]


def test_tags_of_every_kind_stand_around_the_frames() -> None:
    tag = b"ID3\4\0\0\0\0\1\2" + bytes(130)
    footed = b"ID3\4\0\x10\0\0\0\1" + bytes(11)
    for front in (b"", tag, footed, tag + footed):
        for back in (b"", OLD_TAG, ape_tag(), ape_tag() + OLD_TAG):
            assert seconds(front, FRAME * 9, back) == pytest.approx(9 * 0.024)


def test_a_tag_that_lies_about_its_length_is_no_tag() -> None:
    liar = bytearray(ape_tag())
    liar[-20:-16] = struct.pack("<I", 1 << 30)
    assert codes(FRAME * 9, bytes(liar)) == ["MP3_STRAY_BYTES"]


def test_a_tag_without_a_header_is_found_as_decoders_take_it_for_audio() -> None:
    footed = bytearray(ape_tag()[32:])
    footed[-12:-8] = bytes(4)
    assert codes(FRAME * 9, bytes(footed)) == ["MP3_STRAY_BYTES"]
