"""What someone may make of an Ogg file who makes checksums, numbers and clock right again: another whole recording."""

from __future__ import annotations

import random
import struct
from dataclasses import replace

from damage import Damage
from ogg_damage import HEADERS, page_between
from ogg_parts import LAST, Page, pages_of, whole


def change_payload(chance: random.Random, content: bytes, _: bytes) -> bytes:
    """A byte of sound; the table of contents in front of it stays."""
    pages, at = page_between(chance, content)
    packets = pages[at].packets
    index = chance.randrange(len(packets))
    hurt = bytearray(packets[index])
    if len(hurt) > 1:
        hurt[chance.randrange(1, len(hurt))] ^= chance.randrange(1, 256)
    packets[index] = bytes(hurt)
    pages[at] = pages[at].holding(packets)
    return whole(pages)


def swap_packets(chance: random.Random, content: bytes, _: bytes) -> bytes:
    pages, at = page_between(chance, content)
    packets = pages[at].packets
    chance.shuffle(packets)
    pages[at] = pages[at].holding(packets)
    return whole(pages)


def take_the_first_page(_: random.Random, content: bytes, __: bytes) -> bytes:
    """The first page of audio is gone: RFC 7845 lets a recorder join a stream that runs already."""
    pages = pages_of(content)
    del pages[HEADERS]
    return whole(replace(page, sequence=index) for index, page in enumerate(pages))


def take_a_page_and_its_time(chance: random.Random, content: bytes, _: bytes) -> bytes:
    """A page is gone, and clock and numbers of the following ones were set back."""
    pages = pages_of(content)
    at = chance.randrange(HEADERS + 1, len(pages) - 1)
    gone = pages[at].granule - pages[at - 1].granule
    del pages[at]
    return whole(
        replace(page, sequence=index, granule=page.granule - (gone if index >= at else 0))
        for index, page in enumerate(pages)
    )


def end_at_a_page(chance: random.Random, content: bytes, _: bytes) -> bytes:
    """What follows a page is gone, and that page is marked as the last."""
    pages = pages_of(content)
    kept = pages[: chance.randrange(HEADERS + 1, len(pages))]
    kept[-1] = replace(kept[-1], flags=LAST)
    return whole(kept)


def splice_without_seam(chance: random.Random, content: bytes, other: bytes) -> bytes:
    """Pages of another call in the place of ours, with our serial, numbers and clock."""
    ours, theirs = pages_of(content), pages_of(other)
    at = chance.randrange(HEADERS, min(len(ours), len(theirs)) - 1)
    ours[at] = ours[at].holding(theirs[at].packets)
    return whole(ours)


def skip_more(chance: random.Random, content: bytes, _: bytes) -> bytes:
    pages = pages_of(content)
    (skip,) = struct.unpack_from("<H", pages[0].body, 10)
    pages[0] = _with_head(pages[0], 10, struct.pack("<H", skip + chance.choice((1, 960, 9_600))))
    return whole(pages)


def change_gain(chance: random.Random, content: bytes, _: bytes) -> bytes:
    pages = pages_of(content)
    pages[0] = _with_head(pages[0], 16, struct.pack("<h", chance.choice((-2_560, 512))))
    return whole(pages)


def change_channels(_: random.Random, content: bytes, __: bytes) -> bytes:
    pages = pages_of(content)
    pages[0] = _with_head(pages[0], 9, bytes([3 - pages[0].body[9]]))
    return whole(pages)


def _with_head(page: Page, at: int, field: bytes) -> Page:
    return page.holding([page.body[:at] + field + page.body[at + len(field) :]])


FORGERIES: tuple[Damage, ...] = (
    change_payload,
    swap_packets,
    take_the_first_page,
    take_a_page_and_its_time,
    end_at_a_page,
    splice_without_seam,
    skip_more,
    change_gain,
    change_channels,
)
"""What cannot be found in the file alone."""
