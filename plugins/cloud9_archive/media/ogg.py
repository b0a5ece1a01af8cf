"""Ogg pages, read without a decoder: FFmpeg takes damaged Ogg for good, the page structure does not."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO, Final

from cloud9_archive.media.opus_packets import first_sample

CAPTURE: Final = b"OggS"
MAX_FAULTS: Final = 20
_HEADER: Final = struct.Struct("<4sBBqIIIB")
_CONTINUED, _FIRST, _LAST = 1, 2, 4
_NO_GRANULE: Final = -1
_SEARCH_STEP: Final = 65_536

# zlib's CRC-32 runs over the same polynomial as Ogg's, bit-reversed: reverse the bits of each byte on the way in and of
# the sum on the way out, and undo zlib's inversions. Both steps run in C, some hundred times faster than a table loop.
_REVERSED_BITS: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_ALL_ONES: Final = 0xFFFFFFFF
_ZERO_SUM: Final = b"\0\0\0\0"


class OggFaultCode(StrEnum):
    """Ways in which a run of pages is not one whole stream."""

    STRAY_BYTES = "OGG_STRAY_BYTES"
    CUT_PAGE = "OGG_CUT_PAGE"
    CHECKSUM = "OGG_CHECKSUM"
    VERSION = "OGG_VERSION"
    SEQUENCE = "OGG_SEQUENCE"
    CONTINUATION = "OGG_CONTINUATION"
    GRANULE = "OGG_GRANULE"
    NO_BEGIN = "OGG_NO_BEGIN"
    NO_END = "OGG_NO_END"
    PAGE_AFTER_END = "OGG_PAGE_AFTER_END"
    CHAINED = "OGG_CHAINED"
    MULTIPLEXED = "OGG_MULTIPLEXED"


@dataclass(frozen=True, slots=True)
class OggFault:
    """
    One thing that is wrong.

    :param offset: bytes from the start of the file
    :param words: a sentence
    """

    code: OggFaultCode
    offset: int
    words: str


@dataclass(frozen=True, slots=True)
class OggScan:
    """
    What the pages say.

    :param faults: the first 20 in file order; none means that every byte is accounted for
    :param streams: logical streams begun, chained and multiplexed ones together
    :param pages: whole pages with a right checksum
    :param head: first packet of the first stream, which names the codec
    :param first_granule: granule position at which the audio begins; 0 unless the recorder joined a running stream
    :param last_granule: highest granule position of the first stream, in the codec's own unit, pre-skip included
    """

    faults: tuple[OggFault, ...]
    streams: int
    pages: int
    head: bytes
    first_granule: int
    last_granule: int


@dataclass(frozen=True, slots=True)
class _Page:
    offset: int
    flags: int
    granule: int
    serial: int
    sequence: int
    lacing: bytes
    body: bytes


@dataclass(slots=True)
class _Link:
    """The state of one logical stream between two pages."""

    serial: int
    head: bytes
    sequence: int = -1
    granule: int = 0
    first_granule: int | None = None
    open_packet: bool = False
    ended: bool = False


@dataclass(slots=True)
class _Survey:
    """Everything seen so far in one file."""

    links: list[_Link] = field(default_factory=list)
    faults: list[OggFault] = field(default_factory=list)
    pages: int = 0

    def note(self, code: OggFaultCode, offset: int, words: str) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(OggFault(code, offset, words))


def page_checksum(page: bytes) -> int:
    """
    Ogg's CRC-32 of a page, whatever its checksum field holds.

    :param page: header and body
    """
    blanked = (page[:22] + _ZERO_SUM + page[26:]).translate(_REVERSED_BITS)
    reflected = zlib.crc32(blanked, _ALL_ONES) ^ _ALL_ONES
    return int.from_bytes(reflected.to_bytes(4, "little").translate(_REVERSED_BITS), "big")


def scan_ogg(stream: BinaryIO) -> OggScan:
    """
    Every page has been checked: its checksum, its place in the sequence, and how the stream begins and ends.

    Memory use does not depend on the length of the file.

    :param stream: seekable, at its start
    """
    survey = _Survey()
    for page in _pages(stream, survey):
        survey.pages += 1
        _place_page(page, survey)
    for link in survey.links:
        if not link.ended:
            survey.note(OggFaultCode.NO_END, stream.tell(), "the last page does not end the stream: the file is cut")
    first = survey.links[0] if survey.links else None
    return OggScan(
        faults=tuple(survey.faults),
        streams=len(survey.links),
        pages=survey.pages,
        head=first.head if first else b"",
        first_granule=(first.first_granule or 0) if first else 0,
        last_granule=first.granule if first else 0,
    )


def _pages(stream: BinaryIO, survey: _Survey) -> Iterator[_Page]:
    """Each page whose checksum is right, in file order; what lies between is noted as a fault."""
    offset = 0
    while True:
        stream.seek(offset)
        header = stream.read(_HEADER.size)
        if not header:
            return
        if not header.startswith(CAPTURE):
            found = _next_capture(stream, offset)
            end = found if found is not None else stream.seek(0, 2)
            survey.note(OggFaultCode.STRAY_BYTES, offset, f"{end - offset} bytes that belong to no page")
            offset = end
            continue
        page, raw = _read_page(stream, offset, header)
        if page is None:
            survey.note(OggFaultCode.CUT_PAGE, offset, "the file ends inside a page, or a page's length is altered")
        elif page_checksum(raw) != int.from_bytes(raw[22:26], "little"):
            survey.note(OggFaultCode.CHECKSUM, offset, "the checksum of a page is wrong: bytes in it were altered")
        elif raw[4] != 0:
            survey.note(OggFaultCode.VERSION, offset, f"a page has stream structure version {raw[4]}, only 0 is known")
        else:
            yield page
            offset += len(raw)
            continue
        # The length field itself may be the altered byte, so the next page is searched for, not calculated.
        found = _next_capture(stream, offset + len(CAPTURE))
        if found is None:
            stream.seek(0, 2)
            return
        offset = found


def _read_page(stream: BinaryIO, offset: int, header: bytes) -> tuple[_Page | None, bytes]:
    if len(header) < _HEADER.size:
        return None, header
    _, _, flags, granule, serial, sequence, _, segments = _HEADER.unpack(header)
    lacing = stream.read(segments)
    body = stream.read(sum(lacing))
    raw = header + lacing + body
    if len(lacing) < segments or len(body) < sum(lacing):
        return None, raw
    return _Page(offset, flags, granule, serial, sequence, lacing, body), raw


def _next_capture(stream: BinaryIO, offset: int) -> int | None:
    """Where the next page may begin, at or after ``offset``; None if nowhere."""
    overlap = len(CAPTURE) - 1
    while True:
        stream.seek(offset)
        chunk = stream.read(_SEARCH_STEP)
        found = chunk.find(CAPTURE)
        if found >= 0:
            return offset + found
        if len(chunk) < _SEARCH_STEP:
            return None
        offset += len(chunk) - overlap


def _place_page(page: _Page, survey: _Survey) -> None:
    """The page has been added to its logical stream, and misfits noted."""
    link = next((link for link in reversed(survey.links) if link.serial == page.serial), None)
    if page.flags & _FIRST:
        _begin_link(page, survey)
        link = survey.links[-1]
    elif link is None:
        survey.note(OggFaultCode.NO_BEGIN, page.offset, "a stream goes on whose beginning is not in the file")
        link = _Link(page.serial, head=b"", sequence=page.sequence - 1)
        survey.links.append(link)
    elif link.ended:
        survey.note(OggFaultCode.PAGE_AFTER_END, page.offset, "a stream goes on after its end")
    if page.sequence != (link.sequence + 1) & _ALL_ONES:
        survey.note(
            OggFaultCode.SEQUENCE,
            page.offset,
            f"page {page.sequence} follows page {link.sequence}: pages are missing or out of order",
        )
    elif bool(page.flags & _CONTINUED) != link.open_packet:
        survey.note(OggFaultCode.CONTINUATION, page.offset, "a packet is not continued where it should be")
    link.sequence = page.sequence
    if page.lacing:
        link.open_packet = page.lacing[-1] == 255  # noqa: PLR2004 - a full segment means that the packet goes on
    _follow_granule(page, link, survey)
    link.ended = link.ended or bool(page.flags & _LAST)


def _begin_link(page: _Page, survey: _Survey) -> None:
    if survey.links and all(link.ended for link in survey.links):
        survey.note(OggFaultCode.CHAINED, page.offset, "a second stream follows the first: the file is a chain")
    elif survey.links:
        survey.note(OggFaultCode.MULTIPLEXED, page.offset, "a second stream begins before the first one ends")
    survey.links.append(_Link(page.serial, head=page.body, sequence=page.sequence - 1))
    if page.sequence != 0:
        survey.note(OggFaultCode.SEQUENCE, page.offset, f"the first page has number {page.sequence} instead of 0")


def _follow_granule(page: _Page, link: _Link, survey: _Survey) -> None:
    if page.granule == _NO_GRANULE or page.sequence == 0:
        return
    if page.granule < link.granule:
        survey.note(OggFaultCode.GRANULE, page.offset, f"time runs backwards: {link.granule} then {page.granule}")
        return
    if link.first_granule is None and page.granule > 0:
        link.first_granule = first_sample(
            link.head, page.granule, page.lacing, page.body, last=bool(page.flags & _LAST)
        )
    link.granule = page.granule
