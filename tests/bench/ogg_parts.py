"""Ogg files taken apart into pages and packets and put together again, with checksums that are right whatever was changed."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cloud9_archive.media.ogg_pages import page_checksum
from cloud9_archive.media.opus_packets import packet_samples

CONTINUED, FIRST, LAST = 1, 2, 4
NO_GRANULE = -1
FULL = 255
_HEADER = struct.Struct("<4sBBqIIIB")


@dataclass(frozen=True)
class Page:
    """One page; its checksum is made when it becomes bytes."""

    flags: int
    granule: int
    serial: int
    sequence: int
    lacing: bytes
    body: bytes

    def __bytes__(self) -> bytes:
        """The page as it stands in a file."""
        head = _HEADER.pack(
            b"OggS", 0, self.flags, self.granule, self.serial, self.sequence & 0xFFFFFFFF, 0, len(self.lacing)
        )
        page = bytearray(head + self.lacing + self.body)
        page[22:26] = page_checksum(bytes(page)).to_bytes(4, "little")
        return bytes(page)

    @property
    def packets(self) -> list[bytes]:
        """The packets of a page on which none goes on from or to another page."""
        return ended_on([self])

    def holding(self, packets: Iterable[bytes]) -> Page:
        """The same page with other packets on it."""
        held = list(packets)
        return replace(self, lacing=b"".join(map(laced, held)), body=b"".join(held))


def laced(packet: bytes) -> bytes:
    """The lacing values of a packet."""
    return b"\xff" * (len(packet) // FULL) + bytes([len(packet) % FULL])


def pages_of(content: bytes) -> list[Page]:
    """The pages of a good file, in order."""
    pages, at = [], 0
    while at < len(content):
        _, _, flags, granule, serial, sequence, _, segments = _HEADER.unpack_from(content, at)
        at += _HEADER.size
        lacing = content[at : at + segments]
        at += segments
        body = content[at : at + sum(lacing)]
        at += len(body)
        pages.append(Page(flags, granule, serial, sequence, lacing, body))
    return pages


def whole(pages: Iterable[Page]) -> bytes:
    """The pages as a file."""
    return b"".join(map(bytes, pages))


def packets_of(content: bytes) -> list[bytes]:
    """Every packet of a good file with one stream, the two headers too."""
    return ended_on(pages_of(content))


def ended_on(pages: Iterable[Page]) -> list[bytes]:
    """Every packet that ends on one of the pages; what goes on from page to page is put together."""
    found, packet = [], b""
    for page in pages:
        at = 0
        for size in page.lacing:
            packet += page.body[at : at + size]
            at += size
            if size < FULL:
                found.append(packet)
                packet = b""
    return found


def last_granule(content: bytes) -> int:
    """Where the clock of a good file ends."""
    return pages_of(content)[-1].granule


@dataclass(frozen=True)
class Paging:
    """
    How packets are put on pages, which RFC 3533 leaves to the writer.

    :param segments: lacing values on a page, 1 to 255; packets go on to the next page where that is too few
    :param packets: that end on a page at most
    :param empty_end: the stream is ended by a page of its own on which there is nothing, and so nothing to trim
    """

    segments: int = FULL
    packets: int = FULL
    empty_end: bool = False


def repaged(
    packets: Sequence[bytes], paging: Paging, *, end: int, start: int = 0, serial: int = 0x1234_5678
) -> list[Page]:
    """
    A stream of these packets.

    :param packets: the two headers, then audio
    :param end: granule position of the last page, as if the clock had begun at 0
    :param start: of the clock, samples
    """
    pages = [Page(FIRST, 0, serial, 0, laced(packets[0]), packets[0])]
    granule = start
    for index, packet in enumerate(packets[1:]):
        if index <= 1 or len(pages[-1].packets) >= paging.packets or len(pages[-1].lacing) >= paging.segments:
            pages.append(Page(0, NO_GRANULE, serial, len(pages), b"", b""))
        granule += packet_samples(packet) if index else 0
        body, rest = packet, laced(packet)
        while rest:
            page = pages[-1]
            if len(page.lacing) == paging.segments:
                pages.append(page := Page(CONTINUED, NO_GRANULE, serial, len(pages), b"", b""))
            put, rest = rest[: paging.segments - len(page.lacing)], rest[paging.segments - len(page.lacing) :]
            put_body, body = body[: sum(put)], body[sum(put) :]
            time = page.granule if rest else granule if index else 0
            pages[-1] = replace(page, lacing=page.lacing + put, body=page.body + put_body, granule=time)
    if paging.empty_end:
        pages.append(Page(LAST, granule, serial, len(pages), b"", b""))
    else:
        pages[-1] = replace(pages[-1], flags=pages[-1].flags | LAST, granule=start + end)
    return pages
