from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ogg_parts import CONTINUED, FIRST, LAST, NO_GRANULE, Page, laced

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


CELT_20_MS = b"\xf8"
HEAD, TAGS = b"OpusHead\x01\x01" + bytes(9), b"OpusTags" + bytes(8)


def stream(*audio: tuple[list[bytes], int], head: bytes = HEAD, tags: bytes = TAGS) -> list[Page]:
    """Two headers and pages of audio, each with its packets and its clock; the last one ends the stream."""
    packets = [([head], 0), ([tags], 0), *audio]
    pages = [
        Page(0, granule, 7, number, b"".join(map(laced, held)), b"".join(held))
        for number, (held, granule) in enumerate(packets)
    ]
    pages[0] = replace(pages[0], flags=FIRST)
    pages[-1] = replace(pages[-1], flags=pages[-1].flags | LAST)
    return pages


def faults(pages: list[Page]) -> list[tuple[str, int | None]]:
    """Each fault with the number of the page on which it is, counted from the beginning; None behind the last."""
    starts = {sum(len(bytes(page)) for page in pages[:index]): index for index in range(len(pages))}
    return [(fault.code, starts.get(fault.offset or 0)) for fault in scan(*map(bytes, pages)).faults]


TWO = [CELT_20_MS] * 2


@pytest.mark.parametrize("end", [2880, 2881, 3839, 3840])
def test_no_more_than_the_last_packet_may_be_trimmed(end: int) -> None:
    assert faults(stream((TWO, 1920), (TWO, end))) == []
    assert faults(stream((TWO * 2, end))) == []


@pytest.mark.parametrize("end", [1, 1919, 2879])
def test_a_clock_that_leaves_out_more_than_the_last_packet_is_found(end: int) -> None:
    assert faults(stream((TWO, 1920), (TWO, end))) == [("OGG_GRANULE", 3)]
    assert faults(stream((TWO * 2, end))) == [("OGG_GRANULE", 2)]


def test_what_may_be_trimmed_is_as_long_as_the_last_packet_says() -> None:
    short = b"\xe0"  # 2.5 ms
    assert faults(stream((TWO, 1920), ([CELT_20_MS, short], 2880))) == []
    assert faults(stream((TWO, 1920), ([CELT_20_MS, short], 2879))) == [("OGG_GRANULE", 3)]


def test_a_clock_that_is_ahead_of_the_audio_is_found_with_what_is_lost() -> None:
    for pages, at in (
        (stream((TWO, 1920), (TWO, 4800), (TWO, 6720)), 3),
        (stream((TWO, 1920), (TWO, 3840), (TWO, 6720)), 4),
    ):
        found = scan(*map(bytes, pages))
        assert faults(pages) == [("OGG_GRANULE_GAP", at)]
        assert (found.lost_seconds, found.estimated) == (960 / 48_000, False)
        assert found.structure
        assert found.structure.duration == 6720 / 48_000


def test_time_that_runs_backwards_behind_a_gap_is_found_too() -> None:
    pages = stream((TWO, 3840), (TWO, 5760), (TWO, 1920), (TWO, 7680))
    del pages[3]
    assert faults(pages) == [("OGG_SEQUENCE", 3), ("OGG_GRANULE", 3)]


def test_a_page_on_which_packets_end_has_a_time() -> None:
    assert faults(stream((TWO, 1920), (TWO, NO_GRANULE), (TWO, 5760))) == [("OGG_GRANULE", 3)]
    assert faults(stream((TWO, NO_GRANULE), (TWO, 3840))) == [("OGG_GRANULE", 2)]
    assert faults(stream((TWO, 1920), (TWO, NO_GRANULE))) == [("OGG_GRANULE", 3)]


def test_time_that_was_lost_on_a_page_without_one_is_not_lost_audio() -> None:
    found = scan(*map(bytes, stream((TWO, 1920), (TWO, NO_GRANULE), (TWO, 5760))))
    assert found.lost_seconds is None
    assert found.structure
    assert found.structure.duration == 5760 / 48_000


def test_a_packet_that_spans_pages_has_no_time_until_it_ends() -> None:
    pages = stream((TWO, 1920), ([CELT_20_MS.ljust(255, b"x")], NO_GRANULE), ([], 2880))
    pages[3] = replace(pages[3], lacing=b"\xff")
    pages[4] = replace(pages[4], flags=CONTINUED | LAST, lacing=b"\0")
    assert faults(pages) == []


def test_a_stream_that_ends_inside_a_packet_is_found() -> None:
    pages = stream((TWO, 1920), ([CELT_20_MS.ljust(255, b"x")], NO_GRANULE))
    pages[3] = replace(pages[3], lacing=b"\xff")
    assert faults(pages) == [("OGG_CONTINUATION", None)]


def test_an_empty_packet_is_found_unless_it_is_but_the_end() -> None:
    assert faults(stream(([CELT_20_MS, b""], 960), (TWO, 2880))) == [("OGG_PACKET", 2)]
    assert faults(stream((TWO, 1920), ([CELT_20_MS, b""], 2880))) == [("OGG_PACKET", 3)]
    assert faults(stream((TWO, 1920), ([b""], 1920))) == []
    assert faults(stream((TWO, 1920), ([], 1920))) == []


def test_a_packet_of_no_frames_or_of_too_many_is_found() -> None:
    assert faults(stream((TWO, 1920), ([b"\xfb\x00"], 1920))) == [("OGG_PACKET", 3)]
    assert faults(stream((TWO, 1920), ([b"\xfb\x06"], 7680))) == []
    assert faults(stream((TWO, 1920), ([b"\xfb\x07"], 8640))) == [("OGG_PACKET", 3)]


def test_the_headers_are_the_first_two_packets_each_beginning_a_page() -> None:
    assert faults(stream((TWO, 1920), tags=b"OpusTagz" + bytes(8))) == [("OGG_HEADER", 1)]
    assert faults(stream((TWO, 1920), tags=bytes(400))) == [("OGG_HEADER", 1)]
    both = stream((TWO, 1920))
    both[0] = both[0].holding([HEAD, TAGS])
    del both[1]
    assert faults([replace(page, sequence=index) for index, page in enumerate(both)]) == [("OGG_HEADER", 0)]
    begun = stream((TWO, 1920))
    begun[0] = replace(begun[0], lacing=begun[0].lacing + b"\xff", body=HEAD.ljust(len(HEAD) + 255, b"x"))
    assert ("OGG_HEADER", 0) in faults(begun)
    late = stream((TWO, 1920))
    late[0] = replace(late[0], granule=1)
    assert faults(late) == [("OGG_HEADER", 0)]


def test_comments_that_span_pages_are_looked_at_where_they_begin() -> None:
    for magic, found in ((b"OpusTags", []), (b"OpusTugs", [("OGG_HEADER", 1)])):
        pages = stream(([], 0), (TWO, 1920), tags=magic)
        pages[1] = replace(pages[1], granule=NO_GRANULE, lacing=b"\xff", body=magic.ljust(255, b"x"))
        pages[2] = replace(pages[2], flags=CONTINUED, lacing=b"\x08", body=bytes(8))
        assert faults(pages) == found


def test_the_list_of_faults_is_bounded(make_page: Callable[..., bytes]) -> None:
    assert len(scan(*(make_page([], sequence=5, granule=0) for _ in range(100))).faults) == 20


@pytest.mark.parametrize("size", [1, 4, 26])
def test_a_file_of_a_few_bytes_is_a_cut_page(size: int) -> None:
    assert codes(scan(b"OggS".ljust(size, b"\0")[:size])) <= {"OGG_CUT_PAGE", "OGG_STRAY_BYTES"}


@pytest.mark.parametrize("gap", [*range(50, 70), *range(180, 200), 64 + 128 + 65_536])
def test_no_page_is_overlooked_behind_bytes_that_are_none(gap: int) -> None:
    pages = [bytes(page) for page in stream((TWO, 1920), (TWO, 3840))]
    found = scan(*pages[:3], bytes(gap), pages[3])
    assert [fault.words for fault in found.faults] == [f"{gap} bytes belong to no page"]
    assert found.structure
    assert found.structure.duration == 3840 / 48_000


def test_a_page_that_is_cut_tells_how_much_was_on_it() -> None:
    pages = [bytes(page) for page in stream((TWO, 1920), (TWO, 3840))]
    found = scan(*pages[:3], pages[3][:-1])
    assert [fault.code for fault in found.faults] == ["OGG_CUT_PAGE", "OGG_NO_END"]
    assert (found.lost_seconds, found.estimated) == (0.04, True)
    assert scan(*pages[:3], pages[3][:20]).lost_seconds is None
    assert scan(*pages[:3]).lost_seconds is None


def test_a_stream_is_numbered_from_its_beginning() -> None:
    pages = [replace(page, sequence=page.sequence + 3) for page in stream((TWO, 1920), (TWO, 3840))]
    assert faults(pages) == [("OGG_SEQUENCE", 0)]


def test_of_many_streams_the_first_64_are_remembered() -> None:
    begun = [bytes(Page(FIRST, 0, serial, 0, b"\1", b"x")) for serial in range(100)]
    # Further beginnings, that there are too many, no end of any, and what is no Opus.
    assert scan(*begun).count == 63 + 1 + 64 + 1
    lost = [bytes(Page(0, 0, serial, 5, b"\1", b"x")) for serial in range(100)]
    assert scan(*lost).count == 100 + 64  # no beginning of any, no end of those that are remembered
