from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.media.ogg import scan_ogg
from cloud9_archive.media.ogg_pages import page_checksum
from cloud9_archive.media.structure import Reading

Pages = list[bytes]


def scan(*parts: bytes) -> Reading:
    return scan_ogg(io.BytesIO(b"".join(parts)))


def codes(found: Reading) -> set[str]:
    return {fault.code for fault in found.faults}


@given(head=st.binary(min_size=22, max_size=22), field=st.binary(min_size=4, max_size=4), rest=st.binary(max_size=300))
def test_the_fast_checksum_equals_the_slow_one(
    checksum: Callable[[bytes], int], head: bytes, field: bytes, rest: bytes
) -> None:
    assert page_checksum(head + field + rest) == checksum(head + b"\0\0\0\0" + rest)


def promised(found: Reading) -> float:
    assert found.faults == []
    assert found.structure
    return found.structure.duration


def test_a_good_file_has_no_fault_and_an_exact_length(ogg: Path) -> None:
    assert promised(scan(ogg.read_bytes())) == 3.0


def test_a_recorder_that_joins_late_begins_above_zero(make_silence: Callable[..., Pages]) -> None:
    assert promised(scan(*make_silence(30.0, start=1_000_000))) == 30.0


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_one_flipped_bit_anywhere_is_found(make_silence: Callable[..., Pages], place: float, bit: int) -> None:
    content = bytearray(b"".join(make_silence(12.0)))
    content[int(place * len(content))] ^= 1 << bit
    assert scan(bytes(content)).faults


@given(keep=st.floats(0, 1, exclude_max=True))
def test_any_cut_is_found(make_silence: Callable[..., Pages], keep: float) -> None:
    content = b"".join(make_silence(12.0))
    found = scan(content[: int(keep * len(content))])
    assert found.faults or not content[: int(keep * len(content))]


@given(st.binary(max_size=400))
def test_any_bytes_at_all_give_a_scan(content: bytes) -> None:
    assert scan(b"OggS" + content).structure is None


def test_what_is_wrong_is_named_with_its_place(
    make_silence: Callable[..., Pages], make_page: Callable[..., bytes]
) -> None:
    pages = make_silence(30.0)
    assert codes(scan(*pages[:3], *pages[4:])) == {"OGG_SEQUENCE"}
    assert codes(scan(*pages[:-1])) == {"OGG_NO_END"}
    assert codes(scan(*pages[1:])) == {"OGG_NO_BEGIN"}
    assert codes(scan(*pages, b"\0" * 40)) == {"OGG_STRAY_BYTES"}
    assert codes(scan(*pages[:3], b"\0" * 90_000, *pages[3:])) == {"OGG_STRAY_BYTES"}
    assert codes(scan(*pages, pages[-1])) == {"OGG_PAGE_AFTER_END", "OGG_SEQUENCE"}
    assert codes(scan(*pages, *make_silence(6.0, serial=8))) == {"OGG_CHAINED"}
    assert codes(scan(pages[0], make_silence(6.0, serial=8)[0], *pages[1:])) == {"OGG_MULTIPLEXED", "OGG_NO_END"}
    odd = make_page([b"\xf8"], sequence=2, granule=9, version=1)
    assert "OGG_VERSION" in codes(scan(*pages[:2], odd))
    backwards = make_page([b"\xf8"], sequence=len(pages) - 1, granule=5, flags=4)
    assert codes(scan(*pages[:-1], backwards)) == {"OGG_GRANULE"}
    dangling = make_page([b"\xf8"], sequence=2, granule=960, flags=5)
    assert codes(scan(*pages[:2], dangling)) == {"OGG_CONTINUATION"}
    hurt = bytearray(pages[3])
    hurt[-1] ^= 1
    found = scan(*pages[:3], bytes(hurt), *pages[4:])
    assert found.faults[0].code == "OGG_CHECKSUM"
    assert found.faults[0].offset == sum(len(page) for page in pages[:3])


def test_the_list_of_faults_is_bounded(make_page: Callable[..., bytes]) -> None:
    assert len(scan(*(make_page([], sequence=5, granule=0) for _ in range(100))).faults) == 20


@pytest.mark.parametrize("size", [1, 4, 26])
def test_a_file_of_a_few_bytes_is_a_cut_page(size: int) -> None:
    assert codes(scan(b"OggS".ljust(size, b"\0")[:size])) <= {"OGG_CUT_PAGE", "OGG_STRAY_BYTES"}
