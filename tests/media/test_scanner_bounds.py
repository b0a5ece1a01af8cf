"""Whatever bytes there are, a scanner gives a verdict, reads each a few times at most, and keeps little of them."""

from __future__ import annotations

import io
import random
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from damage import DAMAGES
from good_audio import by_pyav, by_soundfile, riff, speech
from hypothesis import given, settings
from hypothesis import strategies as st
from media_truth import put
from ogg_parts import Page

from cloud9_archive.emulator.audio.ogg_writer import looped, read_sample
from cloud9_archive.media.codes import KINDS
from cloud9_archive.media.mp3 import read_mp3
from cloud9_archive.media.ogg import scan_ogg
from cloud9_archive.media.probe import examine
from cloud9_archive.media.riff import read_wav
from cloud9_archive.media.structure import MAX_FAULTS, Reading, StructureFault
from cloud9_archive.media.verdicts import Verdict

Scanner = Callable[[BinaryIO, int], Reading]
SCANNERS: dict[str, Scanner] = {"ogg": lambda stream, _: scan_ogg(stream), "mp3": read_mp3, "wav": read_wav}
MAGIC = {"ogg": b"OggS", "mp3": b"\xff\xfb\x90\x00", "wav": b"RIFF\0\0\0\0WAVE"}
QUICK = settings(deadline=None, derandomize=True, max_examples=150)


class Counted(io.RawIOBase):
    """A file that counts what is asked of it."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)
        self.asked = 0
        self.given = 0
        self.longest = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._content.seek(offset, whence)

    def tell(self) -> int:
        return self._content.tell()

    def read(self, size: int = -1, /) -> bytes:
        part = self._content.read(size)
        self.asked += 1
        self.given += len(part)
        self.longest = max(self.longest, size)
        return part


def scanned(kind: str, content: bytes) -> tuple[Reading, Counted]:
    """What the scanner makes of the content, every claim of which is a known one."""
    stream = Counted(content)
    reading = Reading()
    try:
        reading = SCANNERS[kind](stream, len(content))  # type: ignore[arg-type]
    except StructureFault as fault:
        reading.note(fault.code, fault.words, offset=fault.offset)
    assert reading.structure or reading.count or not content
    assert len(reading.faults) <= MAX_FAULTS
    assert all(fault.code in KINDS for fault in reading.faults)
    assert reading.structure is None or reading.structure.duration >= 0
    assert reading.lost_seconds is None or reading.lost_seconds >= 0
    return reading, stream


@pytest.fixture(scope="module")
def good() -> dict[str, bytes]:
    sound = speech(0.9)
    return {
        "ogg": by_pyav(sound, 16_000, options={"page_duration": "100000"}),
        "mp3": by_pyav(sound, 16_000, "libmp3lame", "mp3"),
        "wav": by_soundfile(sound[:2_000], 16_000, "WAV", "MS_ADPCM"),
    }


@pytest.mark.parametrize("kind", SCANNERS)
@QUICK
@given(content=st.binary(max_size=600), magic=st.booleans())
def test_any_bytes_at_all_get_a_verdict(kind: str, content: bytes, magic: bool) -> None:  # noqa: FBT001 - Hypothesis
    scanned(kind, (MAGIC[kind] if magic else b"") + content)


@pytest.mark.parametrize("kind", SCANNERS)
@QUICK
@given(seed=st.integers(0, 1 << 32), several=st.integers(1, 3))
def test_good_files_that_came_to_harm_get_a_verdict(good: dict[str, bytes], kind: str, seed: int, several: int) -> None:
    chance, content = random.Random(seed), good[kind]  # noqa: S311 - a corpus, not a secret
    for _ in range(several):
        content = chance.choice(DAMAGES)(chance, content, good[kind]) or b"\0"
    scanned(kind, content)


@QUICK
@given(fields=st.binary(min_size=40, max_size=40), rest=st.binary(max_size=100), claimed=st.integers(0, (1 << 32) - 1))
def test_any_format_chunk_gets_a_verdict(fields: bytes, rest: bytes, claimed: int) -> None:
    content = riff((b"fmt ", fields), (b"fact", struct.pack("<I", claimed)), (b"data", rest))
    scanned("wav", content)
    scanned("wav", content[:-4] + struct.pack("<I", claimed))


SIZE = 400_000
LONGEST_READ = 255 * 255 + 600
EMPTY_PAGE = bytes(Page(0, 0, 7, 0, b"", b""))
FAKE_PAGE = b"OggS\0\0" + bytes(21)
LONGEST_FAKE = b"OggS\0\0" + bytes(20) + b"\xff" * 256
APE_LIAR = struct.pack("<8sIIII8x", b"APETAGEX", 2_000, 1 << 30, 1, 1 << 31)
SMALLEST_FRAME = b"\xff\xf3\x14\xc4".ljust(24, b"\0")


def filled(piece: bytes, size: int = SIZE) -> bytes:
    return (piece * (size // len(piece) + 1))[:size]


def numbered_pages(lacing: bytes, body: bytes, *, flags: int = 0) -> bytes:
    head = opus_pages()
    made = [Page(flags, 0, 7, number, lacing, body) for number in range(2, 2 + SIZE // (27 + len(lacing) + len(body)))]
    return head + b"".join(map(bytes, made))


def opus_pages() -> bytes:
    head, tags = b"OpusHead\1\1" + bytes(9), b"OpusTags" + bytes(8)
    return bytes(Page(2, 0, 7, 0, b"\x13", head)) + bytes(Page(0, 0, 7, 1, b"\x10", tags))


HOSTILE: dict[str, tuple[str, bytes]] = {
    "nothing but capture patterns": ("ogg", filled(b"OggS")),
    "fake pages without a body": ("ogg", filled(FAKE_PAGE)),
    "fake pages that claim to be as long as can be": ("ogg", filled(LONGEST_FAKE)),
    "the same a little apart": ("ogg", filled(LONGEST_FAKE + bytes(40))),
    "capture patterns without a page": ("ogg", filled(b"OggS" + b"\xff" * 96)),
    "nothing after the first one": ("ogg", b"OggS".ljust(SIZE, b"\0")),
    "empty pages": ("ogg", opus_pages() + filled(EMPTY_PAGE)),
    "pages of empty packets": ("ogg", numbered_pages(bytes(255), b"")),
    "a packet that never ends": ("ogg", numbered_pages(b"\xff" * 255, bytes(255 * 255), flags=1)),
    "beginnings of streams": ("ogg", b"".join(bytes(Page(2, 0, n, 0, b"\1", b"x")) for n in range(9_000))),
    "streams without a beginning": ("ogg", b"".join(bytes(Page(0, 0, n, 5, b"\1", b"x")) for n in range(9_000))),
    "headers of frames and nothing else": ("mp3", filled(b"\xff\xfb\x90\x00")),
    "sync bits and nothing else": ("mp3", b"\xff\xfb\x90\x00" + filled(b"\xff")),
    "the smallest frames": ("mp3", filled(SMALLEST_FRAME)),
    "frames a byte apart": ("mp3", filled(SMALLEST_FRAME * 2 + b"\0")),
    "the longest frames, overlapping": ("mp3", filled(b"\xff\xfb\xe8\x00" + bytes(37))),
    "tags in front without an end": ("mp3", filled(b"ID3\4\0\0\0\0\0\0")),
    "a tag longer than the file": ("mp3", b"ID3\4\0\0\x7f\x7f\x7f\x7f".ljust(SIZE, b"\0")),
    "a tag that claims to begin before the file": ("mp3", SMALLEST_FRAME * 9 + APE_LIAR + b"TAG" + bytes(125)),
    "chunks of nothing": ("wav", riff(*[(b"junk", b"")] * (SIZE // 8))),
    "chunks of one byte": ("wav", riff(*[(b"junk", b"x")] * (SIZE // 10))),
    "formats over formats": ("wav", riff(*[(b"fmt ", bytes(64))] * (SIZE // 72))),
    "a chunk as long as can be": ("wav", b"RIFF\xff\xff\xff\xffWAVE" + filled(b"data\xff\xff\xff\xff")),
    "files in files": ("wav", filled(b"RIFF\xf0\xff\xff\x0fWAVE")),
}


# Of each kind the fewest bytes that may need reads of their own: a page, a tag, a chunk.
FEWEST = {"ogg": 27, "mp3": 10, "wav": 8}


@pytest.mark.parametrize("name", HOSTILE)
def test_reading_grows_with_the_file_and_no_faster(name: str) -> None:
    kind, content = HOSTILE[name]
    reading, stream = scanned(kind, content)
    assert reading.count
    assert stream.given <= 4 * len(content) + 2 * LONGEST_READ
    assert stream.asked <= 5 * len(content) / FEWEST[kind] + 20
    assert stream.longest <= LONGEST_READ


def test_of_a_good_file_each_byte_is_read_once(good: dict[str, bytes]) -> None:
    for kind, content in good.items():
        reading, stream = scanned(kind, content)
        assert not reading.count
        assert stream.given <= len(content) + 200


def test_of_an_hour_of_speech_little_is_kept(repository: Path, tmp_path: Path) -> None:
    folder = repository / "plugins" / "cloud9_archive" / "emulator" / "audio" / "samples"
    sample, milliseconds = read_sample((folder / "mono-5s.ogg").read_bytes()), 3_723_456
    path = put(tmp_path, "hour.ogg", looped(sample, milliseconds=milliseconds, serial=1, comment="an hour"))
    tracemalloc.start()
    try:
        found = examine(path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (found.verdict, found.duration) == (Verdict.INTACT, milliseconds / 1000)
    assert path.stat().st_size > 100 * most
    content = path.read_bytes()
    _, stream = scanned("ogg", content)
    assert stream.given <= len(content) + 200
    assert stream.longest <= LONGEST_READ
    hole = len(content) // 2
    hurt = put(tmp_path, "hurt.ogg", content[:hole] + bytes(50_000) + content[hole + 50_000 :])
    found = examine(hurt)
    assert found.verdict is Verdict.DAMAGED
    assert found.lost_seconds == pytest.approx(50_000 / len(content) * milliseconds / 1000, rel=0.2)
