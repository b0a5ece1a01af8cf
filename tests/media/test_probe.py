from __future__ import annotations

import io
import json
import os
import random
import struct
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.errors import DamagedMediaError, RecordError
from cloud9_archive.media.decode import count_samples
from cloud9_archive.media.mp4 import read_m4a
from cloud9_archive.media.probe import examine
from cloud9_archive.media.structure import StructureFault
from cloud9_archive.media.verdicts import Verdict

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + bytes(40)


def put(tmp_path: Path, content: bytes, name: str = "x.ogg") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def flipped(content: bytes, count: int) -> bytes:
    chance, hurt = random.Random(4711), bytearray(content)  # noqa: S311 - a corpus, not a secret
    for place in chance.sample(range(len(hurt)), count):
        hurt[place] ^= 1 + chance.randrange(255)
    return bytes(hurt)


def zipped() -> bytes:
    room = io.BytesIO()
    with zipfile.ZipFile(room, "w") as archive:
        archive.writestr("a.ogg", b"x")
    return room.getvalue()


@pytest.mark.parametrize(
    ("name", "container", "codec", "channels", "rate", "seconds"),
    [
        ("ogg", "ogg", "opus", 2, 48_000, 3.0),
        ("ogg_mono", "ogg", "opus", 1, 48_000, 2.0071),
        ("m4a", "m4a", "aac", 2, 16_000, 3.0),
        ("wav", "wav", "pcm", 2, 16_000, 3.0),
    ],
)
def test_good_audio_is_intact_by_structure_and_by_decoding(
    request: pytest.FixtureRequest, name: str, container: str, codec: str, channels: int, rate: int, seconds: float
) -> None:
    path = request.getfixturevalue(name)
    found = examine(path)
    assert (found.verdict, found.container, found.codec) == (Verdict.INTACT, container, codec)
    assert (found.channels, found.sample_rate) == (channels, rate)
    assert found.duration == pytest.approx(seconds, abs=1 / 16_000)
    assert found.refusal() is None
    exact = round(seconds * rate)
    assert exact <= count_samples(path, found) <= exact + (1024 if name == "m4a" else 0)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda c: c[: len(c) // 2], "OGG_CUT_PAGE"),
        (lambda c: flipped(c, 20), "OGG_CHECKSUM"),
        (lambda c: flipped(c, 500), None),
        (lambda c: c[: len(c) // 3] + bytes(5_000) + c[len(c) // 3 + 5_000 :], "OGG_CHECKSUM"),
        (lambda c: c[: len(c) // 3] + c[len(c) // 3 + 5_000 :], None),
        (lambda c: c + b"\0" * 100, "OGG_STRAY_BYTES"),
    ],
    ids=["half", "20 flips", "500 flips", "zeroed hole", "missing bytes", "trailing bytes"],
)
def test_damaged_ogg_is_found(ogg: Path, tmp_path: Path, change: Callable[[bytes], bytes], code: str | None) -> None:
    found = examine(put(tmp_path, change(ogg.read_bytes())))
    assert found.verdict is Verdict.DAMAGED
    assert code in (None, found.code)
    assert isinstance(found.refusal(), DamagedMediaError)


def test_a_50_kb_hole_in_a_longer_call_is_found(make_audio: Callable[..., Path], tmp_path: Path) -> None:
    content = make_audio(tmp_path / "long.ogg", seconds=12.0).read_bytes()
    hole = content[:20_000] + bytes(50_000) + content[70_000:]
    assert len(content) > 75_000
    assert examine(put(tmp_path, hole)).verdict is Verdict.DAMAGED


def test_a_chain_and_a_missing_end_are_found(
    tmp_path: Path, ogg: Path, make_silence: Callable[..., list[bytes]]
) -> None:
    pages = make_silence(12.0)
    assert examine(put(tmp_path, b"".join(pages))).verdict is Verdict.INTACT
    unended = examine(put(tmp_path, b"".join(pages[:-1])))
    assert (unended.verdict, unended.code) == (Verdict.DAMAGED, "OGG_NO_END")
    chained = examine(put(tmp_path, b"".join(pages) + ogg.read_bytes()))
    assert (chained.verdict, chained.code) == (Verdict.UNSUPPORTED, "OGG_CHAINED")


@pytest.mark.parametrize(
    ("content", "verdict", "words"),
    [
        (b"", Verdict.EMPTY, "no bytes"),
        (b"Recording is not available.\n", Verdict.NOT_AUDIO, "text"),
        (b"\xef\xbb\xbf <!DOCTYPE html><html>", Verdict.NOT_AUDIO, "HTML"),
        (json.dumps({"error": "no"}).encode(), Verdict.NOT_AUDIO, "JSON"),
        (zipped(), Verdict.NOT_AUDIO, "ZIP"),
        (PNG, Verdict.NOT_AUDIO, "PNG"),
        (b"ID3\x04" + bytes(100), Verdict.DAMAGED, "no frame"),
        (b"\xff\xfb\x90\x00" + bytes(100), Verdict.DAMAGED, "inside a frame"),
        (b"\xff\xfb\x00\x00" + bytes(100), Verdict.UNSUPPORTED, "bit rate"),
        (b"\xff\xf1\x50\x80" + bytes(100), Verdict.UNSUPPORTED, "AAC"),
        (bytes(1000), Verdict.DAMAGED, "zeros"),
        (b"\x01\x02\x03\x04\x05\x06\x07\x08\x09", Verdict.NOT_AUDIO, "01 02 03"),
        (b"OggS", Verdict.DAMAGED, "inside a page"),
    ],
)
def test_what_is_no_audio_is_named(tmp_path: Path, content: bytes, verdict: Verdict, words: str) -> None:
    found = examine(put(tmp_path, content))
    assert found.verdict is verdict
    assert words in found.words


def test_ogg_without_audio_is_empty_and_of_another_codec_unsupported(
    tmp_path: Path, make_silence: Callable[..., list[bytes]], make_page: Callable[..., bytes]
) -> None:
    head, tags = make_silence(6.0)[:2]
    last = make_page([], sequence=2, granule=0, flags=4)
    assert examine(put(tmp_path, head + tags + last)).verdict is Verdict.EMPTY
    strange = make_page([b"Speex   1.2"], sequence=0, granule=0, flags=6)
    assert examine(put(tmp_path, strange)).code == "OGG_CODEC"


def test_a_named_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert examine(tmp_path / "pipe").code == "NOT_A_FILE"


@pytest.mark.parametrize("keep", [0.02, 0.3, 0.5, 0.9, 0.999])
def test_a_cut_m4a_is_found(m4a: Path, tmp_path: Path, keep: float) -> None:
    content = m4a.read_bytes()
    found = examine(put(tmp_path, content[: int(len(content) * keep)], "x.m4a"))
    assert found.verdict is Verdict.DAMAGED


def test_an_m4a_whose_index_points_outside_is_found(m4a: Path, tmp_path: Path) -> None:
    content = m4a.read_bytes()
    place = content.index(b"stco") + 12
    moved = content[:place] + struct.pack(">I", len(content) - 5) + content[place + 4 :]
    assert examine(put(tmp_path, moved)).code == "M4A_SAMPLES"
    renamed = content.replace(b"mdat", b"free", 1)
    assert examine(put(tmp_path, renamed)).code == "M4A_NO_MEDIA"
    assert examine(put(tmp_path, content + b"trailing")).verdict is Verdict.DAMAGED


def test_audio_that_does_not_decode_inside_intact_boxes_is_found(m4a: Path, tmp_path: Path) -> None:
    content = bytearray(m4a.read_bytes())
    begin = content.index(b"mdat") + 4
    content[begin + 2_000 : begin + 6_000] = b"\xff" * 4_000
    path = put(tmp_path, bytes(content))
    found = examine(path)
    assert found.verdict is Verdict.INTACT
    with pytest.raises(DamagedMediaError, match="does not decode"):
        count_samples(path, found)


def test_a_wav_that_was_cut_or_lies_is_found(wav: Path, tmp_path: Path) -> None:
    content = wav.read_bytes()
    assert examine(put(tmp_path, content[:-100])).verdict is Verdict.DAMAGED
    shorter = content[:4] + struct.pack("<I", len(content) - 108) + content[8:-100]
    assert examine(put(tmp_path, shorter)).code == "WAV_CUT"
    place = content.index(b"fmt ") + 8
    assert examine(put(tmp_path, content[:place] + b"\x55\0" + content[place + 2 :])).code == "WAV_CODEC"


@given(place=st.floats(0, 1, exclude_max=True), value=st.binary(min_size=1, max_size=8))
def test_any_alteration_of_an_index_gives_a_verdict_or_a_fault(m4a: Path, place: float, value: bytes) -> None:
    content = bytearray(m4a.read_bytes())
    index = content.index(b"moov")
    at = index + int(place * (len(content) - index))
    content[at : at + len(value)] = value[: len(content) - at]
    with suppress(StructureFault):  # and nothing else may come out
        reading = read_m4a(io.BytesIO(content), len(content))
        assert reading.structure or reading.faults


def test_most_flips_in_m4a_audio_are_found_though_aac_has_no_checksum(m4a: Path, tmp_path: Path) -> None:
    content = m4a.read_bytes()
    begin, end = content.index(b"mdat") + 4, content.index(b"moov")
    path = put(tmp_path, content[:begin] + flipped(content[begin:end], 500) + content[end:])
    with pytest.raises(RecordError):
        count_samples(path, examine(path))
