"""Ogg streams, judged without a decoder: FFmpeg takes damaged Ogg for good, the page structure does not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO, Final

from cloud9_archive.media.ogg_pages import OggFault, OggFaultCode, OggPage, read_pages
from cloud9_archive.media.opus_packets import first_sample

MAX_FAULTS: Final = 20
_CONTINUED, _FIRST, _LAST = 1, 2, 4
_NO_GRANULE: Final = -1
_SEQUENCE_BITS: Final = 0xFFFFFFFF


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


def scan_ogg(stream: BinaryIO) -> OggScan:
    """
    Every page has been checked: its checksum, its place in the sequence, and how the stream begins and ends.

    Memory use does not depend on the length of the file.

    :param stream: seekable, at its start
    """
    survey = _Survey()
    for page in read_pages(stream, survey.note):
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


def _place_page(page: OggPage, survey: _Survey) -> None:
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
    if page.sequence != (link.sequence + 1) & _SEQUENCE_BITS:
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


def _begin_link(page: OggPage, survey: _Survey) -> None:
    if survey.links and all(link.ended for link in survey.links):
        survey.note(OggFaultCode.CHAINED, page.offset, "a second stream follows the first: the file is a chain")
    elif survey.links:
        survey.note(OggFaultCode.MULTIPLEXED, page.offset, "a second stream begins before the first one ends")
    survey.links.append(_Link(page.serial, head=page.body, sequence=page.sequence - 1))
    if page.sequence != 0:
        survey.note(OggFaultCode.SEQUENCE, page.offset, f"the first page has number {page.sequence} instead of 0")


def _follow_granule(page: OggPage, link: _Link, survey: _Survey) -> None:
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
