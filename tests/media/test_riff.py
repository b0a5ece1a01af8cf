from __future__ import annotations

import io
import struct

import pytest
from good_audio import riff

from cloud9_archive.media.riff import read_wav
from cloud9_archive.media.structure import Reading

PCM = struct.pack("<HHIIHH", 1, 2, 8_000, 32_000, 4, 16)
TAIL = bytes.fromhex("000000001000800000aa00389b71")


def scan(content: bytes) -> Reading:
    return read_wav(io.BytesIO(content), len(content))


def codes(content: bytes) -> list[str]:
    return [fault.code for fault in scan(content).faults]


def blocks(tag: int, channels: int, block: int, samples: int, *, speed: int = 4_096) -> bytes:
    return struct.pack("<HHIIHHHH", tag, channels, 8_000, speed, block, 4, 2, samples)


def seconds(content: bytes) -> float:
    found = scan(content)
    assert found.faults == []
    assert found.structure
    return found.structure.duration


def test_the_samples_are_counted_between_other_chunks() -> None:
    content = riff((b"odd ", b"x"), (b"fmt ", PCM), (b"data", bytes(4 * 800)), (b"LIST", b"abc"))
    assert seconds(content) == 0.1


def test_only_the_first_chunk_of_samples_is_played() -> None:
    assert seconds(riff((b"fmt ", PCM), (b"data", bytes(3_200)), (b"data", bytes(4)))) == 0.1


@pytest.mark.parametrize(
    ("form", "wrong"),
    [
        (struct.pack("<HHIIHH", 1, 2, 8_000, 32_000, 4, 24), "blocks"),
        (struct.pack("<HHIIHH", 1, 2, 8_000, 32_001, 4, 16), "speed"),
        (struct.pack("<HHIIHH", 1, 0, 8_000, 32_000, 4, 16), "channels"),
        (struct.pack("<HHIIHH", 1, 2, 0, 0, 4, 16), "rate"),
        (blocks(0x31, 1, 65, 320, speed=1_627), "speed of GSM"),
        (blocks(0x31, 1, 65, 160, speed=1_625), "block of GSM"),
        (blocks(2, 1, 256, 501), "block of MS-ADPCM"),
        (blocks(0x11, 2, 256, 505), "block of IMA ADPCM"),
        (blocks(0x28F, 1, 1, 0, speed=0), "no length"),
        (PCM[:15], "short"),
    ],
)
def test_a_format_that_contradicts_itself_is_found(form: bytes, wrong: str) -> None:
    assert codes(riff((b"fmt ", form), (b"data", bytes(256 * 65)))) == ["WAV_FORMAT"], wrong


@pytest.mark.parametrize(
    ("form", "size", "samples"),
    [
        (blocks(0x31, 1, 65, 320, speed=1_625), 130, 640),
        (blocks(0x31, 1, 65, 320, speed=1_626), 130, 640),
        (blocks(2, 1, 256, 500, speed=0), 512, 1_000),
        (blocks(2, 2, 512, 500), 512, 500),
        (blocks(0x11, 2, 512, 505, speed=1), 1_024, 1_010),
        (blocks(0x28F, 1, 1, 0, speed=4_000), 100, 200),
    ],
)
def test_blocks_make_samples(form: bytes, size: int, samples: int) -> None:
    assert seconds(riff((b"fmt ", form), (b"data", bytes(size)))) == samples / 8_000


def test_the_file_may_count_less_than_a_block_fewer_samples() -> None:
    def counting(samples: int) -> bytes:
        form = blocks(2, 1, 256, 500)
        return riff((b"fmt ", form), (b"fact", struct.pack("<I", samples)), (b"data", bytes(1_024)))

    assert seconds(counting(1_501)) == 1_501 / 8_000
    assert seconds(counting(2_000)) == 2_000 / 8_000
    assert codes(counting(1_400)) == ["WAV_FORMAT"]
    assert codes(counting(2_002)) == ["WAV_FORMAT"]


def test_an_extension_names_the_coding_and_only_in_one_way() -> None:
    form = struct.pack("<HHIIHHHHI", 0xFFFE, 2, 8_000, 32_000, 4, 16, 22, 16, 3)
    assert seconds(riff((b"fmt ", form + b"\1\0" + TAIL), (b"data", bytes(3_200)))) == 0.1
    assert codes(riff((b"fmt ", form + b"\1\0" + TAIL[::-1]), (b"data", bytes(3_200)))) == ["WAV_CODEC"]
    assert codes(riff((b"fmt ", form + b"\1\0"), (b"data", bytes(3_200)))) == ["WAV_CODEC"]


def test_samples_that_end_inside_a_block_are_found() -> None:
    assert codes(riff((b"fmt ", PCM), (b"data", bytes(3_202)))) == ["WAV_FORMAT"]


def test_what_is_no_chunk_at_the_end_is_found() -> None:
    good = riff((b"fmt ", PCM), (b"data", bytes(3_200)))
    longer = good[:4] + struct.pack("<I", len(good) - 1) + good[8:] + b"behind!"
    assert codes(longer) == ["WAV_CUT"]
    assert codes(good + b"behind!") == ["WAV_SIZE", "WAV_CUT"]


def test_more_chunks_than_are_read_are_not_taken_for_a_whole_file() -> None:
    content = riff((b"fmt ", PCM), (b"data", bytes(3_200)), *[(b"junk", b"")] * 10_000)
    assert codes(content) == ["WAV_CHUNKS"]


def test_a_cut_chunk_tells_how_much_is_lost() -> None:
    good = riff((b"fmt ", PCM), (b"data", bytes(3_200)))
    found = scan(good[:-1_600])
    assert [fault.code for fault in found.faults] == ["WAV_SIZE", "WAV_CUT"]
    assert found.lost_seconds == 0.05


def test_a_length_that_was_never_filled_in_promises_what_is_there() -> None:
    good = riff((b"fmt ", PCM), (b"data", bytes(3_200)))
    at = good.index(b"data") + 4
    found = scan(good[:4] + b"\xff\xff\xff\xff" + good[8:at] + b"\xff\xff\xff\xff" + good[at + 4 :])
    assert found.count
    assert found.structure
    assert found.structure.duration == pytest.approx(0.1)
    assert found.lost_seconds is None
