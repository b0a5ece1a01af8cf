"""A recording out of a ZIP archive: found by its name, whole or not at all, whatever the archive says of itself."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import struct
import subprocess
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.api.archives import Absent, unpack_recording
from cloud9_archive.api.transfer import Stored
from cloud9_archive.domain.run import WantedRecording
from cloud9_archive.errors import DamagedMediaError, MediaLimitError, RecordError, UnsupportedMediaError

AUDIO = b"OggS" + bytes(range(256)) * 40
OTHER_AUDIO = b"RIFF\x00\x00\x00\x00WAVE" + b"x" * 1000
WANTED = WantedRecording("r-1", "Desk 7/Call 1.ogg")
MEGABYTE = 1024**2

Members = dict[str, bytes]


def packed(members: Members, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


@pytest.fixture
def unpack(tmp_path: Path) -> Callable[..., Stored | Absent]:
    def run(content: bytes, wanted: WantedRecording = WANTED, **settings: Any) -> Stored | Absent:
        archive = tmp_path / "scratch.zip"
        archive.write_bytes(content)
        try:
            return unpack_recording(
                archive,
                wanted,
                tmp_path / "original",
                **{
                    "most": 10 * MEGABYTE,
                    "too_large": lambda size: RecordError(f"{size}"),
                    "only_named": False,
                    **settings,
                },
            )
        finally:
            assert {path.name for path in tmp_path.iterdir()} <= {"scratch.zip", "original"}

    return run


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_only_audio_is_the_recording(unpack: Any, tmp_path: Path, method: int) -> None:
    stored = unpack(packed({"notes.txt": b"hello", "media/audio.ogg": AUDIO, "meta.json": b'{"id": "r-1"}'}, method))
    assert stored == Stored(len(AUDIO), hashlib.sha256(AUDIO).hexdigest())
    assert (tmp_path / "original").read_bytes() == AUDIO


@pytest.mark.parametrize(
    "name",
    ["Call 1.ogg", "call 1.OGG", "Call 1.m4a", "r-1", "R-1.ogg", "2026/11/r-1.ogg", "x\\y\\r-1.bin"],
)
@pytest.mark.parametrize("only_named", [True, False])
def test_the_recording_is_the_member_with_its_name(unpack: Any, tmp_path: Path, name: str, *, only_named: bool) -> None:
    members = {"r-2.ogg": OTHER_AUDIO, name: AUDIO, "r-1.json": b"{}", "r-11.ogg": OTHER_AUDIO}
    assert isinstance(unpack(packed(members), only_named=only_named), Stored)
    assert (tmp_path / "original").read_bytes() == AUDIO


def test_the_file_name_is_surer_than_the_id_and_spelling_surer_than_none(unpack: Any, tmp_path: Path) -> None:
    unpack(packed({"r-1.ogg": OTHER_AUDIO, "Call 1.ogg": AUDIO, "call 1.ogg": OTHER_AUDIO}))
    assert (tmp_path / "original").read_bytes() == AUDIO


def test_bytes_of_no_known_kind_that_carry_the_name_are_kept_as_evidence(unpack: Any, tmp_path: Path) -> None:
    unpack(packed({"r-1.ogg": bytes(600), "other.ogg": AUDIO}))
    assert (tmp_path / "original").read_bytes() == bytes(600)


PAGE = b"<!DOCTYPE html><title>Sign in</title>"


@pytest.mark.parametrize("name", ["Call 1.ogg", "media/Call 1.ogg"])
def test_a_page_under_the_recordings_file_name_is_kept_as_evidence(unpack: Any, tmp_path: Path, name: str) -> None:
    unpack(packed({name: PAGE, "r-2.ogg": OTHER_AUDIO}), only_named=True)
    assert (tmp_path / "original").read_bytes() == PAGE


@pytest.mark.parametrize("name", ["Call 1.html", "r-1.ogg", "call 1.ogg"])
def test_a_page_of_another_name_is_none(unpack: Any, name: str) -> None:
    assert isinstance(unpack(packed({name: PAGE})), Absent)


def test_several_that_could_be_it_are_named(unpack: Any) -> None:
    with pytest.raises(RecordError, match=r"several of its members could be it: a/r-1\.ogg, b/r-1\.ogg") as caught:
        unpack(packed({"a/r-1.ogg": AUDIO, "b/r-1.ogg": OTHER_AUDIO}))
    assert caught.value.subject == "r-1"


@pytest.mark.parametrize(
    ("members", "only_named"),
    [
        ({}, False),
        ({"folder/": b""}, False),
        ({"readme.txt": b"not yet", "meta.json": b"[]"}, False),
        ({"r-2.ogg": AUDIO, "r-3.ogg": OTHER_AUDIO}, False),
        ({"r-2.ogg": AUDIO}, True),
    ],
    ids=["empty", "folders", "no audio", "others", "one other"],
)
def test_an_archive_without_the_recording_is_awaited(
    unpack: Any, tmp_path: Path, members: Members, *, only_named: bool
) -> None:
    assert isinstance(unpack(packed(members), only_named=only_named), Absent)
    assert not (tmp_path / "original").exists()


def test_an_archive_of_the_zip_command_is_read(unpack: Any, tmp_path: Path) -> None:
    (tmp_path / "r-1.ogg").write_bytes(AUDIO)
    made = subprocess.run(["zip", "-q", "-", "r-1.ogg"], cwd=tmp_path, capture_output=True, check=True).stdout
    (tmp_path / "r-1.ogg").unlink()
    assert made[:4] == b"PK\x03\x04"
    unpack(made)
    assert (tmp_path / "original").read_bytes() == AUDIO


def test_a_streamed_archive_with_zip64_and_sizes_behind_its_members_is_read(unpack: Any, tmp_path: Path) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.content = b""

        def writable(self) -> bool:
            return True

        def write(self, piece: Any) -> int:
            self.content += bytes(piece)
            return len(piece)

    pipe = Pipe()
    with (
        zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive,  # type: ignore[arg-type]  # it only writes
        archive.open("r-1.ogg", "w", force_zip64=True) as member,
    ):
        member.write(AUDIO)
    unpack(pipe.content)
    assert (tmp_path / "original").read_bytes() == AUDIO


@pytest.mark.parametrize(
    "name", ["../r-1.ogg", "a/../../r-1.ogg", "..\\r-1.ogg", "/etc/cron.d/r-1.ogg", "\\r-1.ogg", "C:r-1.ogg", "C:\\x"]
)
def test_a_name_that_leads_outside_is_refused(unpack: Any, tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsupportedMediaError, match="names a place outside"):
        unpack(packed({"fine.txt": b"", name: AUDIO}))
    assert not (tmp_path / "original").exists()


def with_attributes(mode: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        member = zipfile.ZipInfo("r-1.ogg")
        member.external_attr = mode << 16
        archive.writestr(member, "/etc/passwd")
    return made.getvalue()


@pytest.mark.parametrize("mode", [stat.S_IFLNK | 0o777, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_links_and_devices_are_refused(unpack: Any, mode: int) -> None:
    with pytest.raises(UnsupportedMediaError, match="a link or a device"):
        unpack(with_attributes(mode))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused(unpack: Any, method: int) -> None:
    with pytest.raises(UnsupportedMediaError, match="0 and 8 are read"):
        unpack(packed({"r-1.ogg": AUDIO}, method))


def test_an_encrypted_member_is_refused(unpack: Any, tmp_path: Path) -> None:
    (tmp_path / "r-1.ogg").write_bytes(AUDIO)
    command = ["zip", "-q", "-P", "made-up", "-", "r-1.ogg"]
    made = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout
    (tmp_path / "r-1.ogg").unlink()
    with pytest.raises(UnsupportedMediaError, match="encrypted"):
        unpack(made)


def test_an_archive_in_an_archive_is_refused(unpack: Any) -> None:
    with pytest.raises(UnsupportedMediaError, match="a ZIP archive itself"):
        unpack(packed({"inner.zip": packed({"r-1.ogg": AUDIO}), "r-1.ogg": AUDIO}))


def test_a_small_archive_that_would_grow_enormously_is_refused_unread(unpack: Any) -> None:
    bomb = packed({"r-1.ogg": b"OggS" + bytes(9 * MEGABYTE)})
    assert len(bomb) < MEGABYTE / 100
    with pytest.raises(MediaLimitError, match="200 times is allowed"):
        unpack(bomb)


def test_short_silence_may_be_packed_well(unpack: Any) -> None:
    assert isinstance(unpack(packed({"r-1.wav": OTHER_AUDIO + bytes(500_000)})), Stored)


def test_a_member_that_is_larger_than_it_says_is_damaged(unpack: Any, tmp_path: Path) -> None:
    real, lie = b"OggS" + bytes(5 * MEGABYTE), 1000
    made = bytearray(packed({"r-1.ogg": real}))
    crc = zlib.crc32(real[:lie])
    central = made.rindex(b"PK\x01\x02")
    struct.pack_into("<L", made, central + 16, crc)
    struct.pack_into("<L", made, central + 24, lie)
    with pytest.raises(DamagedMediaError, match="larger than it says"):
        unpack(bytes(made))
    assert not (tmp_path / "original").exists()


def test_members_that_are_too_large_each_or_together_are_refused(unpack: Any) -> None:
    with pytest.raises(RecordError, match=str(len(AUDIO))):
        unpack(packed({"r-1.ogg": AUDIO}, zipfile.ZIP_STORED), most=1000)
    many = {f"{number}.ogg": AUDIO for number in range(5)}
    with pytest.raises(MediaLimitError, match="its members have"):
        unpack(packed(many, zipfile.ZIP_STORED), most=len(AUDIO))


def test_too_many_members_are_refused(unpack: Any) -> None:
    with pytest.raises(MediaLimitError, match="1000 are allowed"):
        unpack(packed({f"{number}.ogg": b"" for number in range(1001)}))


def test_a_wrong_checksum_is_damage_and_leaves_nothing(unpack: Any, tmp_path: Path) -> None:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        made = bytearray(packed({"r-1.ogg": AUDIO}, method))
        struct.pack_into("<L", made, made.rindex(b"PK\x01\x02") + 16, 1)
        with pytest.raises(DamagedMediaError, match="size or checksum"):
            unpack(bytes(made))
    assert not (tmp_path / "original").exists()


def test_damage_in_another_member_does_not_matter(unpack: Any, tmp_path: Path) -> None:
    made = bytearray(packed({"r-2.ogg": OTHER_AUDIO, "r-1.ogg": AUDIO}))
    made[made.index(b"r-2.ogg") + 10] ^= 0xFF
    unpack(bytes(made))
    assert (tmp_path / "original").read_bytes() == AUDIO


def test_members_that_overlap_are_refused(unpack: Any) -> None:
    made = packed({"r-1.ogg": AUDIO})
    central, end = made.rindex(b"PK\x01\x02"), made.rindex(b"PK\x05\x06")
    twice = bytearray(made[:central] + made[central:end] * 2 + made[end:])
    struct.pack_into("<2HL", twice, len(twice) - 14, 2, 2, 2 * (end - central))
    with pytest.raises(DamagedMediaError, match="overlap"):
        unpack(bytes(twice))


def test_a_member_that_reaches_into_the_directory_is_refused(unpack: Any) -> None:
    made = bytearray(packed({"r-1.ogg": AUDIO}, zipfile.ZIP_STORED))
    central = made.rindex(b"PK\x01\x02")
    struct.pack_into("<2L", made, central + 20, len(AUDIO) + 30, len(AUDIO) + 30)
    with pytest.raises(DamagedMediaError, match="overlap"):
        unpack(bytes(made))


def test_two_names_for_one_member_are_refused(unpack: Any) -> None:
    made = packed({"r-1.ogg": AUDIO}).replace(b"r-1.ogg", b"r-2.ogg", 1)
    with pytest.raises(DamagedMediaError, match="two names"):
        unpack(made)


@pytest.mark.parametrize("kept", [22, 60, 0.5, 0.98])
def test_an_archive_that_was_cut_is_damaged(unpack: Any, kept: float) -> None:
    made = packed({"r-1.ogg": AUDIO, "r-2.ogg": OTHER_AUDIO})
    with pytest.raises(DamagedMediaError):
        unpack(made[: int(kept * len(made)) if kept < 1 else int(kept)])


@pytest.mark.parametrize(
    "lie",
    [
        {"entries": 2},
        {"entries": 0},
        {"length": 10},
        {"length": 100_000},
        {"offset": 2**31},
        {"offset": 0xFFFFFFFF},
        {"entries": 0xFFFF},
        {"length": 0xFFFFFFFF, "offset": 0xFFFFFFFF},
    ],
    ids=str,
)
def test_an_end_that_lies_about_its_directory_is_damage(unpack: Any, lie: dict[str, int]) -> None:
    made = bytearray(packed({"r-1.ogg": AUDIO}))
    _, _, _, _, entries, length, offset, _ = struct.unpack_from("<4s4H2LH", made, len(made) - 22)
    truth = {"entries": entries, "length": length, "offset": offset, **lie}
    struct.pack_into(
        "<2H2L", made, len(made) - 14, truth["entries"], truth["entries"], truth["length"], truth["offset"]
    )
    with pytest.raises(DamagedMediaError):
        unpack(bytes(made))


@pytest.mark.parametrize("extra", [b"", struct.pack("<2H", 1, 0), struct.pack("<2HQ", 1, 8, 2**63), b"\x01\x00\xff"])
def test_a_size_that_is_announced_elsewhere_and_is_not_there_is_damage(unpack: Any, extra: bytes) -> None:
    made = bytearray(packed({"r-1.ogg": AUDIO}))
    central, end = made.rindex(b"PK\x01\x02"), made.rindex(b"PK\x05\x06")
    entry = bytearray(made[central:end] + extra)
    struct.pack_into("<2L", entry, 20, 0xFFFFFFFF, 0xFFFFFFFF)
    struct.pack_into("<H", entry, 30, len(extra))
    whole = made[:central] + entry + made[end:]
    struct.pack_into("<L", whole, len(whole) - 10, len(entry))
    with pytest.raises((DamagedMediaError, RecordError)):
        unpack(bytes(whole))


def test_a_part_of_several_is_refused(unpack: Any) -> None:
    made = bytearray(packed({"r-1.ogg": AUDIO}))
    struct.pack_into("<H", made, len(made) - 18, 3)
    with pytest.raises(UnsupportedMediaError, match="one part of several"):
        unpack(bytes(made))


@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=12),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
def test_a_damaged_archive_gives_the_recording_or_an_error_of_the_record(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], method: int
) -> None:
    folder = tmp_path_factory.mktemp("zip")
    made = bytearray(packed({"r-1.ogg": b"OggS" + os.urandom(60), "meta.json": b"{}"}, method))
    original = bytes(made)
    for place, value in changes:
        made[place % len(made)] = value
    archive, into = folder / "scratch.zip", folder / "original"
    archive.write_bytes(made)
    try:
        stored = unpack_recording(
            archive, WANTED, into, most=10_000, too_large=lambda size: RecordError(f"{size}"), only_named=False
        )
    except RecordError:
        assert not into.exists()
        return
    if isinstance(stored, Stored):
        # A checksum of 32 bits stands between damage and us: what comes out is what went in.
        with zipfile.ZipFile(io.BytesIO(original)) as whole:
            assert into.read_bytes() == whole.read("r-1.ogg")


def test_memory_stays_bounded_however_large_the_recording(unpack: Any, tmp_path: Path) -> None:
    noise = os.urandom(MEGABYTE)
    archive = tmp_path / "large.zip"
    with (
        zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as large,
        large.open("r-1.ogg", "w") as member,
    ):
        member.write(b"OggS")
        for _ in range(60):
            member.write(noise)
    tracemalloc.start()
    stored = unpack_recording(
        archive,
        WANTED,
        tmp_path / "original",
        most=100 * MEGABYTE,
        too_large=lambda size: RecordError(f"{size}"),
        only_named=False,
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(stored, Stored)
    assert stored.size == 60 * MEGABYTE + 4
    assert peak < 4 * MEGABYTE
