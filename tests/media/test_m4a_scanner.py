"""The reader of M4A boxes against anything: it always answers, reads each byte once at most, and holds little in memory."""

from __future__ import annotations

import io
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from m4a_damage import regions, spoilt_table
from m4a_writer import FRAME, Layout, Sound, box, gapless_tag, read_sound, write_m4a

from cloud9_archive.media.codes import KINDS
from cloud9_archive.media.mp4 import MAX_INDEX_BYTES, read_m4a
from cloud9_archive.media.structure import MAX_FAULTS, Reading, StructureFault
from cloud9_archive.media.verdicts import Verdict

FTYP = box(b"ftyp", b"M4A ", bytes(4))
HEAD = 16


class Counting(io.BytesIO):
    """A file that knows how often and how much of it was read; nothing is buffered on the way."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.reads = self.taken = self.seeks = 0

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        self.reads += 1
        self.taken += len(found)
        return found

    def seek(self, offset: int, whence: int = 0) -> int:
        self.seeks += 1
        return super().seek(offset, whence)


class Sparse(Counting):
    """A few bytes and then a hole of zeros, as large as one likes."""

    def __init__(self, content: bytes, size: int) -> None:
        super().__init__(content)
        self.size = size

    def read(self, size: int | None = -1) -> bytes:
        place = self.tell()
        wanted = self.size - place if size is None or size < 0 else min(size, self.size - place)
        found = super().read(wanted)
        self.taken += wanted - len(found)
        io.BytesIO.seek(self, place + wanted)
        return found.ljust(wanted, b"\0")


def verdict(content: bytes, stream: Counting | None = None) -> str | None:
    """The first code that is found, None for a whole file; and reading costs what its boxes and bytes may cost."""
    stream = stream or Counting(content)
    try:
        reading = read_m4a(stream, len(content))
    except StructureFault as refused:
        reading = Reading()
        reading.note(refused.code, refused.words, offset=refused.offset)
    # A header for each box of the file, the index once, what no sample claims once.
    assert stream.taken <= 2 * len(content) + HEAD
    assert stream.reads <= len(content) // 8 + 4
    assert stream.seeks <= len(content) // 4 + 4
    assert len(reading.faults) <= MAX_FAULTS
    assert reading.structure or reading.faults
    return reading.worst.code if reading.worst else None


@pytest.fixture(scope="module")
def sound(audio_dir: Path, make_audio: Callable[..., Path]) -> Sound:
    path = make_audio(audio_dir / "scanned.m4a", seconds=0.5, rate=16_000, codec="aac", kind="ipod")
    return read_sound(path)


@pytest.fixture(scope="module")
def goods(sound: Sound) -> list[bytes]:
    whole = len(sound.packets) * FRAME
    layouts = [
        Layout(),
        Layout(
            parts=("ftyp", "moov", "free", "mdat"), edits=((whole - 2112, 2112),), beside={"moov": gapless_tag(whole)}
        ),
        Layout(parts=("ftyp", "mdat", "free", "mdat", "moov"), wide=True, length="64", version=1, per_chunk=(2, 1)),
        Layout(compact_sizes=True, entry=1, brand=b"qt  "),
    ]
    return [write_m4a(sound, layout) for layout in layouts]


def test_good_files_are_read_once(goods: list[bytes]) -> None:
    for content in goods:
        stream = Counting(content)
        assert verdict(content, stream) is None
        index = next(region for region in regions(content) if region.path == "/moov")
        boxes = sum(region.path.count("/") == 1 for region in regions(content))
        # The audio itself is not read at all.
        assert stream.taken <= (index.end - index.start) + HEAD * boxes + 16
        assert stream.reads <= boxes + 3


@given(st.binary(max_size=400))
def test_any_bytes_give_an_answer(content: bytes) -> None:
    verdict(content)
    verdict(FTYP + content)
    verdict(FTYP + box(b"moov", content) + box(b"mdat"))


KINDS_OF_BOXES = st.sampled_from(
    b"ftyp moov mvhd trak tkhd edts elst mdia mdhd hdlr minf smhd dinf dref stbl stsd stts stsc stsz stz2 stco co64".split()
    + b"udta meta ilst ---- mean name data mdat free wide uuid moof mp4a esds wave abcd \0\0\0\0".split()
)
SIZES = st.sampled_from([0, 1, 7, 8, 9, 15, 16, 1 << 31, (1 << 32) - 1])
BODIES = st.one_of(
    st.binary(max_size=40),
    st.lists(st.sampled_from([0, 1, 2, 7, 255, 1 << 16, 1 << 31, (1 << 32) - 1]), max_size=12).map(
        lambda words: struct.pack(f">{len(words)}I", *words)
    ),
)


def nested(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    honest = st.builds(lambda kind, parts: box(kind, *parts), KINDS_OF_BOXES, st.lists(inner, max_size=4))
    lying = st.builds(lambda kind, size, body: struct.pack(">I", size) + kind + body, KINDS_OF_BOXES, SIZES, inner)
    large = st.builds(
        lambda kind, size, body: struct.pack(">I4sQ", 1, kind, size) + body,
        KINDS_OF_BOXES,
        st.sampled_from([0, 15, 16, 1 << 62, (1 << 64) - 1]),
        inner,
    )
    return st.one_of(honest, honest, lying, large)


@settings(max_examples=300)
@given(st.lists(st.recursive(BODIES, nested, max_leaves=12), max_size=5))
def test_any_boxes_give_an_answer(parts: list[bytes]) -> None:
    verdict(FTYP + b"".join(parts))
    verdict(FTYP + box(b"moov", *parts) + box(b"mdat", bytes(20)))


@settings(max_examples=400)
@given(
    which=st.integers(0, 3),
    places=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=9)), min_size=1, max_size=6),
)  # fmt: skip
def test_any_altered_index_gives_an_answer(goods: list[bytes], which: int, places: list[tuple[float, bytes]]) -> None:
    content = bytearray(goods[which])
    index = next(region for region in regions(goods[which]) if region.path == "/moov")
    for where, value in places:
        at = index.start + int(where * (index.end - index.start))
        content[at : at + len(value)] = value[: len(content) - at]
    verdict(bytes(content))


@settings(max_examples=200)
@given(which=st.integers(0, 3), data=st.data())
def test_any_number_of_the_index_may_be_any_other(goods: list[bytes], which: int, data: st.DataObject) -> None:
    content = bytearray(goods[which])
    region = data.draw(
        st.sampled_from([r for r in regions(goods[which]) if r.path.startswith("/moov/") and r.end - r.start >= 4])
    )
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(region.start, region.end - 4))
        struct.pack_into(">I", content, at, data.draw(st.one_of(SIZES, st.integers(0, (1 << 32) - 1))))
    verdict(bytes(content))


MANY = 20_000
ROWS = {
    "2^32 sizes": (b"stsz", struct.pack(">III", 0, 0, (1 << 32) - 1), "M4A_INDEX"),
    "2^32 samples of one byte": (b"stsz", struct.pack(">III", 0, 1, (1 << 32) - 1), "M4A_INDEX"),
    "2^32 samples of 4 GB": (b"stsz", struct.pack(">III", 0, (1 << 32) - 1, (1 << 32) - 1), "M4A_INDEX"),
    "2^32 samples of nothing": (b"stsz", struct.pack(">III", 0, 0, 0), "M4A_INDEX"),
    "empty sizes": (b"stsz", struct.pack(">III", 0, 0, MANY) + bytes(4 * MANY), "M4A_INDEX"),
    "2^32 samples a chunk": (b"stsc", struct.pack(">IIIII", 0, 1, 1, (1 << 32) - 1, 1), "M4A_INDEX"),
    "many runs of chunks": (
        b"stsc",
        struct.pack(">II", 0, MANY) + b"".join(struct.pack(">III", n, (1 << 32) - 1, 1) for n in range(1, MANY + 1)),
        "M4A_INDEX",
    ),
    "runs of 2^32 chunks": (b"stsc", struct.pack(">IIIIIIII", 0, 2, 1, 1, 1, (1 << 32) - 1, 1, 1), "M4A_INDEX"),
    "many chunks of nothing": (
        b"stco", struct.pack(">II", 0, MANY) + b"".join(struct.pack(">I", n) for n in range(MANY)), "M4A_INDEX",
    ),
    "chunks all at once": (b"stco", struct.pack(">II", 0, MANY) + struct.pack(">I", 50) * MANY, "M4A_INDEX"),
    "2^32 chunks": (b"stco", struct.pack(">II", 0, (1 << 32) - 1), "M4A_INDEX"),
    "2^32 durations": (b"stts", struct.pack(">IIII", 0, 1, (1 << 32) - 1, (1 << 32) - 1), "M4A_INDEX"),
    "many durations": (b"stts", struct.pack(">II", 0, MANY) + struct.pack(">II", (1 << 32) - 1, (1 << 32) - 1) * MANY, "M4A_INDEX"),
    "many edits": (b"elst", struct.pack(">II", 0, MANY) + struct.pack(">III", 500, 1024, 0x10000) * MANY, "M4A_EDITS"),
    "2^32 edits": (b"elst", struct.pack(">II", 0, (1 << 32) - 1), "M4A_INDEX"),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_tables_that_multiply_are_refused_for_little(sound: Sound, name: str) -> None:
    kind, table, code = ROWS[name]
    good = write_m4a(sound, Layout(edits=((len(sound.packets) * FRAME - 1024, 1024),)))
    content = spoilt_table(good, kind, table)
    tracemalloc.start()
    try:
        found = verdict(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == code
    assert peak < 40 * len(table) + 200_000


def deep(depth: int, kind: bytes = b"moov") -> bytes:
    content = b""
    for _ in range(depth):
        content = struct.pack(">I4s", 8 + len(content), kind) + content
    return content


@pytest.mark.parametrize("kind", [b"moov", b"trak", b"udta", b"wave"])
def test_boxes_ten_thousand_deep_are_no_deep_call(kind: bytes) -> None:
    content = FTYP + box(b"moov", deep(10_000, kind)) + box(b"mdat", bytes(9))
    assert verdict(content) in {"M4A_TRACKS", "M4A_INDEX", "M4A_BOX"}


def test_boxes_without_number_are_given_up() -> None:
    assert verdict(FTYP + box(b"free") * 10_001) == "M4A_BOXES"
    assert verdict(FTYP + box(b"moov", box(b"free") * 100_001) + box(b"mdat")) == "M4A_BOXES"
    assert verdict(FTYP + box(b"moov", box(b"trak") * 3_000) + box(b"mdat")) == "M4A_TRACKS"
    # Each track has its boxes looked through, so that many of them with many boxes each come to an end as well.
    tracks = box(b"moov", box(b"trak", box(b"mdia", box(b"free") * 300)) * 400)
    assert verdict(FTYP + tracks + box(b"mdat")) == "M4A_BOXES"


@pytest.mark.parametrize("size", [0, 1, 2, 7, 8, 15, 1 << 31, (1 << 32) - 1])
@pytest.mark.parametrize("kind", [b"moov", b"mdat", b"free"])
def test_any_size_of_a_box_ends_the_walk(size: int, kind: bytes) -> None:
    assert verdict(FTYP + struct.pack(">I", size) + kind) not in {None, "M4A_BOXES"}
    assert verdict(FTYP + struct.pack(">I", size) + kind + bytes(40)) not in {None, "M4A_BOXES"}
    for large in (0, 1, 15, 16, 1 << 63, (1 << 64) - 1):
        assert verdict(FTYP + struct.pack(">I4sQ", 1, kind, large) + bytes(40)) not in {None, "M4A_BOXES"}


class SparseTail(Sparse):
    """A hole with something behind it."""

    def __init__(self, content: bytes, size: int, tail: bytes) -> None:
        super().__init__(content, size)
        self.tail = tail

    def read(self, size: int | None = -1) -> bytes:
        place = self.tell()
        if place >= self.size - len(self.tail):
            begin = place - (self.size - len(self.tail))
            return self.tail[begin:] if size is None or size < 0 else self.tail[begin : begin + size]
        return super().read(size)


def test_a_large_index_is_refused_unread() -> None:
    head = FTYP + struct.pack(">I4s", MAX_INDEX_BYTES + 9, b"moov")
    size = len(head) + MAX_INDEX_BYTES + 1 + 8
    stream = SparseTail(head, size, box(b"mdat"))
    with pytest.raises(StructureFault) as fault:
        read_m4a(stream, size)
    assert fault.value.code == "M4A_INDEX_SIZE"
    assert stream.taken <= 3 * HEAD


@pytest.mark.parametrize("samples", [1_000, 2_000, 4_000])
def test_reading_grows_with_the_index_and_not_with_the_audio(sound: Sound, samples: int) -> None:
    packets = (sound.packets * (samples // len(sound.packets) + 1))[:samples]
    for gap in (b"", bytes(5)):
        content = write_m4a(Sound(packets, sound.config, sound.rate, sound.channels), Layout(gap=gap, per_chunk=(2,)))
        stream = Counting(content)
        assert verdict(content, stream) is None
        index = next(region for region in regions(content) if region.path == "/moov")
        unclaimed = len(gap) * (samples // 2)
        assert stream.taken <= (index.end - index.start) + unclaimed + 5 * HEAD
        assert stream.reads <= 8 + (samples // 2 if gap else 0)
        assert stream.seeks <= 8 + (samples // 2 if gap else 0)


def test_what_no_sample_claims_is_read_once_and_piece_by_piece(sound: Sound) -> None:
    class Recording(Sparse):
        largest = 0

        def read(self, size: int | None = -1) -> bytes:
            found = super().read(size)
            self.largest = max(self.largest, len(found))
            return found

    content = write_m4a(sound, Layout(parts=("ftyp", "moov", "mdat"), length="0"))
    stream = Recording(content, 50_000_000)
    assert read_m4a(stream, 50_000_000).faults == []
    assert stream.largest <= 65_536
    assert 50_000_000 - len(content) <= stream.taken <= 50_000_000


@example(b"\0\0\0\0moov")
@given(st.binary(max_size=64))
def test_the_verdict_on_an_index_alone_is_never_good(content: bytes) -> None:
    code = verdict(FTYP + box(b"moov", content) + box(b"mdat", b"x"))
    assert code is not None
    assert KINDS[code][0] is not Verdict.INTACT
