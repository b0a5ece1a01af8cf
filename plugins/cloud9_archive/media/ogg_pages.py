"""Ogg pages, read one by one without a decoder; what lies between them is a fault."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

CAPTURE: Final = b"OggS"
_HEADER: Final = struct.Struct("<4sBBqIIIB")
_LONGEST_PAGE: Final = 27 + 255 + 255 * 255
_FIRST_STEP, _LONGEST_STEP = 64, 65_536

# zlib's CRC-32 runs over the same polynomial as Ogg's, bit-reversed: reverse the bits of each byte on the way in and of
# the sum on the way out, and undo zlib's inversions. Both steps run in C, some hundred times faster than a table loop.
_REVERSED_BITS: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_ALL_ONES: Final = 0xFFFFFFFF
_ZERO_SUM: Final = b"\0\0\0\0"


Note = Callable[[str, int, str], None]
"""Takes a fault: its code, its offset in bytes, and a sentence."""


@dataclass(frozen=True, slots=True)
class OggPage:
    """
    A page whose checksum is right.

    :param offset: bytes from the start of the file
    :param flags: bits of the header type: 1 continues a packet, 2 first page, 4 last page
    :param granule: granule position, -1 if no packet ends on the page
    :param lacing: sizes of the body's segments
    """

    offset: int
    flags: int
    granule: int
    serial: int
    sequence: int
    lacing: bytes
    body: bytes


def page_checksum(page: bytes) -> int:
    """
    Ogg's CRC-32 of a page, whatever its checksum field holds.

    :param page: header and body
    """
    blanked = (page[:22] + _ZERO_SUM + page[26:]).translate(_REVERSED_BITS)
    reflected = zlib.crc32(blanked, _ALL_ONES) ^ _ALL_ONES
    return int.from_bytes(reflected.to_bytes(4, "little").translate(_REVERSED_BITS), "big")


def read_pages(stream: BinaryIO, note: Note) -> Iterator[OggPage]:
    """
    Each page whose checksum is right, in file order; what lies between is noted as a fault.

    Memory use does not depend on the length of the file, and no more than about four times its bytes are read.

    :param stream: seekable; left at its end
    """
    offset, size = 0, stream.seek(0, os.SEEK_END)
    # Inside a broken page the next one is searched for, as its length may be what was altered. Bytes that look like
    # the beginnings of many long pages would make that work grow with the square of the file, so it is paid from here.
    patience = size + _LONGEST_PAGE
    while offset < size:
        stream.seek(offset)
        header = stream.read(_HEADER.size)
        if not header.startswith(CAPTURE):
            found = _next_capture(stream, offset)
            end = size if found is None else found
            note("OGG_STRAY_BYTES", offset, f"{end - offset} bytes belong to no page")
            offset = end
            continue
        page, raw = _read_page(stream, offset, header)
        if page is None:
            note("OGG_CUT_PAGE", offset, "the file ends inside a page, or a page's length was altered")
        elif page_checksum(raw) != int.from_bytes(raw[22:26], "little"):
            note("OGG_CHECKSUM", offset, "the checksum of a page is wrong: bytes in it were altered")
        elif raw[4] != 0:
            note("OGG_VERSION", offset, f"a page has stream structure version {raw[4]}, only 0 is known")
        else:
            yield page
            offset += len(raw)
            continue
        patience -= len(raw)
        found = _next_capture(stream, offset + len(CAPTURE)) if patience > 0 else offset + len(raw)
        offset = size if found is None else found
    stream.seek(0, os.SEEK_END)


def claimed_granule(stream: BinaryIO, offset: int) -> int | None:
    """
    The granule position in the header of a page that is not whole; None if not even the header is.

    :param stream: seekable; its position is kept
    :param offset: where the page begins, bytes
    """
    before = stream.tell()
    stream.seek(offset)
    header = stream.read(_HEADER.size)
    stream.seek(before)
    return int(_HEADER.unpack(header)[3]) if len(header) == _HEADER.size else None


def _read_page(stream: BinaryIO, offset: int, header: bytes) -> tuple[OggPage | None, bytes]:
    if len(header) < _HEADER.size:
        return None, header
    _, _, flags, granule, serial, sequence, _, segments = _HEADER.unpack(header)
    lacing = stream.read(segments)
    body = stream.read(sum(lacing))
    raw = header + lacing + body
    if len(lacing) < segments or len(body) < sum(lacing):
        return None, raw
    return OggPage(offset, flags, granule, serial, sequence, lacing, body), raw


def _next_capture(stream: BinaryIO, offset: int) -> int | None:
    """Where the next page may begin, at or after ``offset``; None if nowhere. Reads little when it is near."""
    overlap = len(CAPTURE) - 1
    step = _FIRST_STEP
    while True:
        stream.seek(offset)
        chunk = stream.read(step)
        found = chunk.find(CAPTURE)
        if found >= 0:
            return offset + found
        if len(chunk) < step:
            return None
        offset += len(chunk) - overlap
        step = min(2 * step, _LONGEST_STEP)
