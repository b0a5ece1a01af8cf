"""Ogg streams, judged without a decoder: FFmpeg takes damaged Ogg for good, the page structure does not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO, Final

from cloud9_archive.media.ogg_pages import OggPage, claimed_granule, read_pages
from cloud9_archive.media.opus_packets import (
    LONGEST_PACKET,
    OPUS_RATE,
    OpusHead,
    packet_heads,
    packet_samples,
    read_opus_head,
)
from cloud9_archive.media.structure import Reading, Structure

MAX_STREAMS: Final = 64
_CONTINUED, _FIRST, _LAST = 1, 2, 4
_NO_GRANULE: Final = -1
_SEQUENCE_BITS: Final = 0xFFFFFFFF
_SEGMENT_FULL: Final = 255
_HEADERS: Final = 2  # identification and comment packets precede the audio
_HEAD_KEPT: Final = 64
_TAGS: Final = b"OpusTags"
_LONGEST_PAGE: Final = 255 * LONGEST_PACKET


@dataclass(slots=True)
class _Link:
    """
    The state of one logical stream between two pages.

    :param last_packet: samples in the last packet of audio that ended
    :param untimed: samples in packets that ended on pages without a time
    """

    serial: int
    opus: OpusHead | None
    head: bytes = b""
    sequence: int = -1
    granule: int = 0
    first_granule: int | None = None
    open_packet: bool = False
    open_head: bytes = b""
    packets: int = 0
    last_packet: int = 0
    untimed: int = 0
    whole: bool = True
    ended: bool = False

    def played(self) -> int:
        """Samples that the clock has counted so far, without those that are decoded and dropped."""
        return max(0, self.granule - (self.first_granule or 0) - (self.opus.pre_skip if self.opus else 0))


@dataclass(slots=True)
class _Survey:
    """Everything seen so far in one file."""

    reading: Reading
    links: list[_Link] = field(default_factory=list)
    by_serial: dict[int, _Link] = field(default_factory=dict)
    current: _Link | None = None
    broken_at: int | None = None

    def note(self, code: str, offset: int, words: str) -> None:
        """A fault at a byte, with the playing time that the current stream had reached."""
        at = self.current.played() / OPUS_RATE if self.current and self.current.opus else None
        self.reading.note(code, words, offset=offset, at_seconds=at)

    def note_broken(self, code: str, offset: int, words: str) -> None:
        """The same for bytes that are no page."""
        self.note(code, offset, words)
        if code == "OGG_CUT_PAGE":
            self.broken_at = offset
        if self.current:
            self.current.whole = False


def scan_ogg(stream: BinaryIO) -> Reading:
    """
    Every page has been checked: its checksum, its place in the sequence, its clock, and how the stream begins and ends.

    The clock is compared with the audio on the page, as the headers of its packets tell. Memory use does not depend
    on the length of the file, and time grows with it in proportion.

    :param stream: seekable, at its start
    """
    survey = _Survey(Reading())
    for page in read_pages(stream, survey.note_broken):
        if page.flags & _FIRST and len(survey.links) >= MAX_STREAMS:
            survey.note("OGG_STREAMS", page.offset, f"more than {MAX_STREAMS} streams; the rest was not read")
            break
        _place_page(page, survey)
    for link in survey.links:
        if not link.ended:
            end = stream.seek(0, 2)
            survey.current = link
            survey.note("OGG_NO_END", end, "the last page does not end the stream: the file is cut")
            lost = _seconds_of_cut_page(stream, survey, link)
            if lost:
                survey.reading.lose(lost, estimated=True)
        elif link.open_packet:
            survey.current = link
            survey.note("OGG_CONTINUATION", stream.seek(0, 2), "the last packet goes on where the stream has ended")
    _promise(survey)
    return survey.reading


def _seconds_of_cut_page(stream: BinaryIO, survey: _Survey, link: _Link) -> float:
    """Audio that the header of the page claims in which the file ends; what may have followed is not known."""
    if survey.broken_at is None or link.opus is None:
        return 0.0
    granule = claimed_granule(stream, survey.broken_at)
    lost = 0 if granule is None else granule - link.granule
    return lost / OPUS_RATE if 0 < lost <= _LONGEST_PAGE else 0.0


def _promise(survey: _Survey) -> None:
    first = survey.links[0] if survey.links else None
    if first is None:
        return
    if first.opus is None:
        if first.head:
            words = f"the Ogg stream is not Opus; it begins with {first.head[:8].hex(' ')}"
            survey.reading.note("OGG_CODEC", words, offset=0)
        return
    duration = sum(link.played() for link in survey.links if link.opus) / OPUS_RATE
    survey.reading.structure = Structure("opus", first.opus.channels, OPUS_RATE, duration)


def _place_page(page: OggPage, survey: _Survey) -> None:
    """The page has been added to its logical stream, and misfits noted."""
    if page.flags & _FIRST:
        link = _begin_link(page, survey)
    else:
        found = survey.by_serial.get(page.serial)
        link = found or _headless(page, survey)
        if found is not None and link.ended:
            survey.note("OGG_PAGE_AFTER_END", page.offset, "a stream goes on after its end")
    survey.current = link
    if page.sequence != (link.sequence + 1) & _SEQUENCE_BITS:
        words = f"page {page.sequence} follows page {link.sequence}: pages are missing, out of order or doubled"
        survey.note("OGG_SEQUENCE", page.offset, words)
        link.whole = False
    elif bool(page.flags & _CONTINUED) != link.open_packet:
        survey.note("OGG_CONTINUATION", page.offset, "a packet does not go on where it should")
        link.whole = False
    link.sequence = page.sequence
    if link.opus is not None:
        _follow_clock(page, link, survey)
    if page.lacing:
        link.open_packet = page.lacing[-1] == _SEGMENT_FULL
    link.ended = link.ended or bool(page.flags & _LAST)


def _begin_link(page: OggPage, survey: _Survey) -> _Link:
    if survey.links and all(link.ended for link in survey.links):
        survey.note("OGG_CHAINED", page.offset, "a second stream follows the first: the file is a chain")
    elif survey.links:
        survey.note("OGG_MULTIPLEXED", page.offset, "a second stream begins before the first one ends")
    link = _Link(page.serial, read_opus_head(page.body), page.body[:_HEAD_KEPT], sequence=page.sequence - 1)
    survey.links.append(link)
    survey.by_serial[page.serial] = link
    if page.sequence != 0:
        survey.note("OGG_SEQUENCE", page.offset, f"the first page has number {page.sequence} instead of 0")
    return link


def _headless(page: OggPage, survey: _Survey) -> _Link:
    """A stream whose beginning is not there: noted once, and never a part of what is promised."""
    survey.note("OGG_NO_BEGIN", page.offset, "a stream goes on whose beginning is not in the file")
    link = _Link(page.serial, None, sequence=page.sequence - 1, open_packet=bool(page.flags & _CONTINUED))
    if len(survey.links) < MAX_STREAMS:
        survey.links.append(link)
        survey.by_serial[page.serial] = link
    return link


def _follow_clock(page: OggPage, link: _Link, survey: _Survey) -> None:
    """What the page's granule position says has been held against the audio that ends on the page."""
    held = _samples_on(page, link, survey) + link.untimed
    if page.granule == _NO_GRANULE:
        if held > link.untimed:
            survey.note("OGG_GRANULE", page.offset, "packets end on a page that has no time")
        link.untimed = held
        return
    link.untimed = 0
    if link.packets <= _HEADERS:
        return
    if link.first_granule is None:
        _start_clock(page, link, survey, held)
        return
    ahead = page.granule - link.granule - held
    if page.granule < link.granule:
        survey.note("OGG_GRANULE", page.offset, f"time runs backwards: {link.granule}, then {page.granule}")
        return
    if ahead > 0:
        if link.whole:
            words = f"the clock is {ahead / OPUS_RATE:.3f} s ahead of the audio: it was never written"
            survey.note("OGG_GRANULE_GAP", page.offset, words)
        survey.reading.lose(ahead / OPUS_RATE, estimated=not link.whole)
    elif ahead < -_may_be_trimmed(page, link) and link.whole:
        survey.note("OGG_GRANULE", page.offset, f"{held} samples in {page.granule - link.granule} ticks of the clock")
    link.granule = page.granule
    link.whole = True


def _start_clock(page: OggPage, link: _Link, survey: _Survey, held: int) -> None:
    """The first page that ends audio: a recorder that joins a running stream begins above 0."""
    before = page.granule - held
    joined = max(0, before)
    link.first_granule = joined if link.whole else 0
    if before < -_may_be_trimmed(page, link):
        survey.note("OGG_GRANULE", page.offset, f"the first {held} samples end at {page.granule}")
    if joined and not link.whole:
        survey.reading.lose(min(joined, _LONGEST_PAGE) / OPUS_RATE, estimated=True)
    link.granule = max(0, page.granule)
    link.whole = True


def _may_be_trimmed(page: OggPage, link: _Link) -> int:
    """Samples that the clock may be short of: those of the last packet, which a call need not fill (RFC 7845, 4.4)."""
    return link.last_packet if page.flags & _LAST else 0


def _samples_on(page: OggPage, link: _Link, survey: _Survey) -> int:
    """Samples in the audio packets that end on the page."""
    begun = link.open_head if page.flags & _CONTINUED else b""
    heads, link.open_head = packet_heads(page.lacing, page.body, begun)
    _check_headers(page, link, survey, ended=len(heads))
    # Writers that learn only after the last packet that it was the last end with an empty one.
    empty_end = page.flags & _LAST and heads == [b""]
    held = 0
    for head in heads:
        link.packets += 1
        if link.packets <= _HEADERS or empty_end:
            continue
        samples = packet_samples(head)
        if samples > LONGEST_PACKET or not samples:
            survey.note("OGG_PACKET", page.offset, f"packet {link.packets} of the stream lasts {samples} samples")
        held += samples
        link.last_packet = samples
    return held


def _check_headers(page: OggPage, link: _Link, survey: _Survey, *, ended: int) -> None:
    """The first page has the identification header and nothing else, the next one begins with the comments."""
    if page.flags & _FIRST:
        if ended != 1 or link.open_head:
            survey.note("OGG_HEADER", page.offset, "the first page holds more or less than the header")
        if page.granule != 0:
            survey.note("OGG_HEADER", page.offset, "the page with the header has a time")
    elif link.packets < _HEADERS and not page.flags & _CONTINUED and not page.body.startswith(_TAGS):
        survey.note("OGG_HEADER", page.offset, "the second packet is no OpusTags")
