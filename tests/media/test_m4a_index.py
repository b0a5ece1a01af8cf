"""Each rule for the index of an M4A file, broken alone."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from m4a_damage import regions, spoilt_table
from m4a_writer import FRAME, Layout, Sound, aac_config, box, full, read_sound, write_m4a

from cloud9_archive.media.mp4 import read_m4a
from cloud9_archive.media.mp4_boxes import Box, Index
from cloud9_archive.media.mp4_samples import read_samples
from cloud9_archive.media.structure import StructureFault


@pytest.fixture(scope="module")
def sound(audio_dir: Path, make_audio: Callable[..., Path]) -> Sound:
    """Twenty-odd frames."""
    return read_sound(make_audio(audio_dir / "rules.m4a", seconds=1.3, rate=16_000, codec="aac", kind="ipod"))


def codes(content: bytes) -> set[str]:
    try:
        return {fault.code for fault in read_m4a(io.BytesIO(content), len(content)).faults}
    except StructureFault as fault:
        return {fault.code}


def altered(content: bytes, kind: bytes, offset: int, layout: str, *values: int) -> bytes:
    region = next(region for region in regions(content) if region.path.endswith("/" + kind.decode()))
    hurt = bytearray(content)
    struct.pack_into(layout, hurt, region.start + offset, *values)
    return bytes(hurt)


def test_bytes_between_chunks_must_be_zeros(sound: Sound) -> None:
    assert codes(write_m4a(sound, Layout(gap=bytes(3)))) == set()
    assert codes(write_m4a(sound, Layout(gap=b"\0\0\1"))) == {"M4A_UNCLAIMED"}


def test_chunks_stand_apart_in_the_media_box_and_in_order(sound: Sound) -> None:
    good = write_m4a(sound, Layout(even_size=True, per_chunk=(2,)))
    place = good.index(b"stco") + 12
    first, second = struct.unpack_from(">II", good, place)
    assert codes(good) == set()
    assert codes(altered(good, b"stco", 8, ">II", second, first)) == {"M4A_INDEX"}
    assert codes(altered(good, b"stco", 8, ">II", first, first)) == {"M4A_INDEX"}
    assert codes(altered(good, b"stco", 12, ">I", second - 1)) == {"M4A_OVERLAP"}
    assert codes(altered(good, b"stco", 8, ">I", first - 1)) >= {"M4A_SAMPLES"}
    assert "M4A_OVERLAP" not in codes(altered(good, b"stco", 8, ">I", first - 1))


def test_a_gap_before_the_first_chunk_is_a_size_or_damage(sound: Sound) -> None:
    good = write_m4a(sound, Layout(parts=("ftyp", "moov", "mdat"), per_chunk=(1_000,)))
    place = good.index(b"mdat") - 4
    (size,) = struct.unpack_from(">I", good, place)

    def with_room(room: bytes) -> bytes:
        moved = altered(good, b"stco", 8, ">I", place + 8 + len(room))
        return moved[:place] + struct.pack(">I4s", size + len(room), b"mdat") + room + good[place + 8 :]

    for number in (0, 16, size + 8):
        assert codes(with_room(struct.pack(">Q", number))) == set()
    for number in (1, 15, 17, size, size + 9, size + 16):
        assert codes(with_room(struct.pack(">Q", number))) == {"M4A_UNCLAIMED"}
    assert codes(with_room(struct.pack(">QQ", 16, 16))) == {"M4A_UNCLAIMED"}


TABLES = {
    "another description": (b"stsc", [1, 1, 5, 2], "M4A_INDEX"),
    "chunks counted from 0": (b"stsc", [1, 0, 5, 1], "M4A_INDEX"),
    "chunks counted from 2": (b"stsc", [1, 2, 5, 1], "M4A_INDEX"),
    "chunks counted backwards": (b"stsc", [3, 1, 5, 1, 3, 5, 1, 2, 5, 1], "M4A_INDEX"),
    "chunks counted twice": (b"stsc", [2, 1, 5, 1, 1, 5, 1], "M4A_INDEX"),
    "no chunks": (b"stsc", [0], "M4A_INDEX"),
    "fewer samples in chunks": (b"stsc", [1, 1, 1, 1], "M4A_INDEX"),
    "more samples in chunks": (b"stsc", [1, 1, 6, 1], "M4A_INDEX"),
    "fewer durations": (b"stts", [1, 19, FRAME], "M4A_INDEX"),
    "a row that is not there": (b"stts", [2, 20, FRAME], "M4A_INDEX"),
    "no durations": (b"stts", [0], "M4A_INDEX"),
    "a row that is not counted": (b"stts", [1, 20, FRAME, 1, FRAME], "M4A_INDEX"),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_that_contradict_each_other_are_found(sound: Sound, name: str) -> None:
    kind, numbers, code = TABLES[name]
    # Twenty frames in four chunks of five, so that nothing else is wrong.
    good = write_m4a(replace(sound, packets=sound.packets[:20]), Layout())
    assert codes(spoilt_table(good, kind, struct.pack(f">I{len(numbers)}I", 0, *numbers))) == {code}


@pytest.mark.parametrize("bits", [4, 8, 16])
def test_short_tables_of_sizes_are_read(bits: int) -> None:
    sizes = [1, 15, 0, 7, 3]
    packed = {
        4: bytes([0x1F, 0x07, 0x30]),
        8: bytes(sizes),
        16: struct.pack(">5H", *sizes),
    }[bits]

    def samples(rows: bytes, count: int, width: int) -> list[int]:
        table = box(
            b"stbl",
            full(b"stts", struct.pack(">III", 1, count, FRAME)),
            full(b"stsc", struct.pack(">IIII", 1, 1, count, 1)),
            full(b"stz2", struct.pack(">3xBI", width, count), rows),
            full(b"stco", struct.pack(">II", 1, 100)),
        )
        content = box(b"mdia", box(b"minf", table))
        return list(read_samples(Index(content, 0), Box(b"trak", 0, len(content))).ends)

    assert samples(packed, 5, bits) == [0, 1, 16, 16, 23, 26]
    for rows, count, width in ((packed[:-1], 5, bits), (packed, 6, bits), (packed, 5, 5), (packed, 5, 0)):
        if len(rows) != (count * width + 7) // 8 or width not in (4, 8, 16):
            with pytest.raises(StructureFault, match="M4A_INDEX"):
                samples(rows, count, width)


def test_more_samples_than_anyone_records_are_refused_unread() -> None:
    count = (1 << 24) + 2
    table = box(b"stbl", full(b"stz2", struct.pack(">3xBI", 4, count), bytes(count // 2)))
    content = box(b"mdia", box(b"minf", table))
    with pytest.raises(StructureFault, match="M4A_INDEX_SIZE"):
        read_samples(Index(content, 0), Box(b"trak", 0, len(content)))


@pytest.mark.parametrize(
    "deltas",
    [
        lambda count: (1_100,) * count,  # each a little too long, together still within what rounding may do
        lambda count: (1_022,) * count,
        lambda count: (1_024, 600) * (count // 2) + (1_024,) * (count % 2),
        lambda count: (1_024,) * (count - 1) + (9_000,),
    ],
)
def test_durations_that_frames_cannot_have_are_found(sound: Sound, deltas: Callable[[int], tuple[int, ...]]) -> None:
    assert codes(write_m4a(sound, Layout(deltas=deltas(len(sound.packets))))) == {"M4A_TIMES"}


def test_a_length_of_the_track_that_its_samples_do_not_have_is_found(sound: Sound) -> None:
    good = write_m4a(sound, Layout(movie_ticks=0, track_ticks=0))
    whole = len(sound.packets) * FRAME
    assert codes(altered(good, b"mdhd", 16, ">I", whole + FRAME)) == set()
    for ticks in (whole - 4 * FRAME, whole + 4 * FRAME):
        assert codes(altered(good, b"mdhd", 16, ">I", ticks)) == {"M4A_TIMES"}


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (0x40, None),
        (0x66, None),
        (0x67, None),
        (0x68, None),
        (0x41, "M4A_CONFIG"),
        (0, "M4A_CONFIG"),
        (0x6B, "M4A_CODEC"),
    ],
)
def test_the_descriptor_says_what_is_in_the_frames(sound: Sound, kind: int, code: str | None) -> None:
    good = write_m4a(sound, Layout())
    place = good.index(b"\x40\x15", good.index(b"esds"))
    assert codes(good[:place] + bytes([kind]) + good[place + 1 :]) == ({code} if code else set())


@pytest.mark.parametrize("flags", [0x20, 0x40, 0x80, 0xE0])
def test_a_descriptor_that_announces_fields_it_does_not_have_is_no_descriptor(sound: Sound, flags: int) -> None:
    good = write_m4a(sound, Layout())
    place = good.index(b"esds") + 4 + 4 + 1 + 4 + 2
    assert good[place] == 0
    assert codes(good[:place] + bytes([flags]) + good[place + 1 :]) & {"M4A_CONFIG", "M4A_CODEC"}


def test_rates_that_contradict_each_other_are_found(sound: Sound) -> None:
    assert codes(write_m4a(sound, Layout(entry_rate=44_100))) == {"M4A_CONFIG"}
    assert codes(write_m4a(sound, Layout(config=aac_config(2, 4, 2), scale=48_000))) == {"M4A_CONFIG"}
    assert codes(write_m4a(sound, Layout(config=aac_config(5, 8, 2, extension=3)))) == {"M4A_CONFIG"}


def test_a_description_must_fit_into_its_table(sound: Sound) -> None:
    good = write_m4a(sound, Layout())
    (size,) = struct.unpack_from(">I", good, good.index(b"mp4a") - 4)
    assert codes(altered(good, b"stsd", 8, ">I", size + 1)) == {"M4A_BOX"}
    assert codes(altered(good, b"stsd", 8, ">I", 35)) == {"M4A_BOX"}
    assert codes(altered(good, b"stsd", 4, ">I", 2)) == {"M4A_ENTRIES"}
    outside = altered(good, b"dref", 8 + 8, ">I", 0)
    assert codes(outside) == {"M4A_ENTRIES"}


def test_two_files_in_one_are_named_so(sound: Sound) -> None:
    good = write_m4a(sound, Layout(parts=("ftyp", "moov", "mdat")))
    assert "M4A_INDEX" in codes(good + good)
    assert codes(good + box(b"moov", b"")) == {"M4A_INDEX"}
    assert codes(good + struct.pack(">I4s", 20, b"moof") + bytes(12)) == {"M4A_FRAGMENTED"}
    assert codes(good + b"\0\0\0\x08") == {"M4A_CUT"}


def test_a_table_of_edits_is_short(sound: Sound) -> None:
    whole = len(sound.packets) * FRAME
    for count, expected in ((4, set()), (1_001, {"M4A_EDITS"})):
        step = whole // count
        parts = tuple((end - begin, begin) for begin, end in pairwise([*range(0, step * count, step), whole]))
        assert codes(write_m4a(sound, Layout(edits=parts, movie_scale=16_000))) == expected
