"""What may befall an Ogg file as such, by chance or by hands that repair checksums and nothing else."""

from __future__ import annotations

import random
from dataclasses import replace

import damage
from damage import Damage
from ogg_parts import CONTINUED, LAST, NO_GRANULE, Page, pages_of, whole

HEADERS = 2


def cut_between_pages(chance: random.Random, content: bytes, _: bytes) -> bytes:
    pages = pages_of(content)
    return whole(pages[: chance.randrange(1, len(pages))])


def alter_a_header(chance: random.Random, content: bytes, _: bytes) -> bytes:
    """One bit in the header of a page, where it does most."""
    pages = pages_of(content)
    index = chance.randrange(len(pages))
    page = bytearray(bytes(pages[index]))
    page[chance.randrange(27 + len(pages[index].lacing))] ^= 1 << chance.randrange(8)
    return whole(pages[:index]) + page + whole(pages[index + 1 :])


def drop_pages(chance: random.Random, content: bytes, _: bytes) -> bytes:
    pages = pages_of(content)
    at = chance.randrange(len(pages))
    return whole(pages[:at] + pages[at + chance.randint(1, 3) :])


def double_pages(chance: random.Random, content: bytes, _: bytes) -> bytes:
    pages = pages_of(content)
    at = chance.randrange(len(pages))
    end = at + chance.randint(1, 3)
    return whole(pages[:end] + pages[at:])


def swap_pages(chance: random.Random, content: bytes, _: bytes) -> bytes:
    pages = pages_of(content)
    one, other = chance.sample(range(len(pages)), 2)
    pages[one], pages[other] = pages[other], pages[one]
    return whole(pages)


def move_a_page(chance: random.Random, content: bytes, _: bytes) -> bytes:
    pages = pages_of(content)
    page = pages.pop(chance.randrange(len(pages)))
    pages.insert(chance.randrange(len(pages) + 1), page)
    return whole(pages)


def splice_pages(chance: random.Random, content: bytes, other: bytes) -> bytes:
    ours, theirs = pages_of(content), pages_of(other)
    return whole(ours[: chance.randrange(1, len(ours))] + theirs[chance.randrange(len(theirs)) :])


def splice_under_one_serial(chance: random.Random, content: bytes, other: bytes) -> bytes:
    """The same by someone who repaired serial numbers and checksums, and looked at nothing else."""
    ours, theirs = pages_of(content), pages_of(other)
    at, to = chance.randrange(1, len(ours)), chance.randrange(len(theirs))
    if at == to:  # the sequence would go on as if nothing had been
        to = (to + 1) % len(theirs)
    return whole(ours[:at] + [replace(page, serial=ours[0].serial) for page in theirs[to:]])


def headers_only(chance: random.Random, content: bytes, _: bytes) -> bytes:
    pages = pages_of(content)[:HEADERS]
    if chance.random() < 0.5:
        pages[-1] = replace(pages[-1], flags=LAST)
    return whole(pages)


def unend(_: random.Random, content: bytes, __: bytes) -> bytes:
    pages = pages_of(content)
    pages[-1] = replace(pages[-1], flags=pages[-1].flags & ~LAST)
    return whole(pages)


def end_early(chance: random.Random, content: bytes, _: bytes) -> bytes:
    """A page in the middle is marked as the last; players may stop there."""
    pages = pages_of(content)
    at = chance.randrange(HEADERS, len(pages) - 1)
    pages[at] = replace(pages[at], flags=pages[at].flags | LAST)
    return whole(pages)


def move_the_clock(chance: random.Random, content: bytes, _: bytes) -> bytes:
    """The granule position of one page of audio; at the end, by more than the longest packet, which may be trimmed."""
    pages = pages_of(content)
    at = chance.randrange(HEADERS, len(pages))
    by = chance.choice((1, 120, 960, 48_000, 1 << 33)) + (5_760 if at == len(pages) - 1 else 0)
    by = chance.choice((by, -by))
    altered = chance.choice((pages[at].granule + by, pages[at].granule + by, NO_GRANULE))
    pages[at] = replace(pages[at], granule=max(NO_GRANULE, min(altered, (1 << 63) - 1)))
    return whole(pages)


def renumber(chance: random.Random, content: bytes, _: bytes) -> bytes:
    pages = pages_of(content)
    at = chance.randrange(len(pages))
    pages[at] = replace(pages[at], sequence=pages[at].sequence ^ 1 << chance.randrange(32))
    return whole(pages)


def change_the_serial(chance: random.Random, content: bytes, _: bytes) -> bytes:
    pages = pages_of(content)
    at = chance.randrange(len(pages))
    pages[at] = replace(pages[at], serial=pages[at].serial ^ 1 << chance.randrange(32))
    return whole(pages)


def change_flags(chance: random.Random, content: bytes, _: bytes) -> bytes:
    pages = pages_of(content)
    at = chance.randrange(len(pages))
    pages[at] = replace(pages[at], flags=pages[at].flags ^ chance.choice((CONTINUED, 2, LAST)))
    return whole(pages)


def drop_a_page_unseen(chance: random.Random, content: bytes, _: bytes) -> bytes:
    """A page after the first of the audio is gone and the others are numbered anew; the clock shows it."""
    pages = pages_of(content)
    del pages[chance.randrange(HEADERS + 1, len(pages) - 1)]
    return whole(replace(page, sequence=index) for index, page in enumerate(pages))


def double_a_page_unseen(chance: random.Random, content: bytes, _: bytes) -> bytes:
    pages = pages_of(content)
    at = chance.randrange(HEADERS, len(pages) - 1)
    pages.insert(at, pages[at])
    return whole(replace(page, sequence=index) for index, page in enumerate(pages))


def swap_pages_unseen(chance: random.Random, content: bytes, _: bytes) -> bytes:
    pages = pages_of(content)
    one, other = chance.sample(range(HEADERS, len(pages)), 2)
    pages[one], pages[other] = pages[other], pages[one]
    return whole(replace(page, sequence=index) for index, page in enumerate(pages))


def drop_a_packet(chance: random.Random, content: bytes, _: bytes) -> bytes:
    pages, at = page_between(chance, content)
    packets = pages[at].packets
    del packets[chance.randrange(len(packets))]
    pages[at] = pages[at].holding(packets)
    return whole(pages)


def double_a_packet(chance: random.Random, content: bytes, _: bytes) -> bytes:
    pages, at = page_between(chance, content)
    packets = pages[at].packets
    packets.insert(0, chance.choice(packets))
    pages[at] = pages[at].holding(packets)
    return whole(pages)


def cut_a_packet_open(_: random.Random, content: bytes, __: bytes) -> bytes:
    """The last packet ends in a full segment, as if it went on; there is no page on which it could."""
    pages = pages_of(content)
    packet = pages[-1].packets[-1]
    before = pages[-1].holding(pages[-1].packets[:-1])
    padded = packet[:255].ljust(255, b"\0")
    pages[-1] = replace(before, lacing=before.lacing + b"\xff", body=before.body + padded)
    return whole(pages)


def lengthen_a_packet(chance: random.Random, content: bytes, _: bytes) -> bytes:
    """The table of contents of a packet tells of another length: two frames instead of one, or the other way round."""
    pages, at = page_between(chance, content)
    packets = pages[at].packets
    index = chance.randrange(len(packets))
    packets[index] = bytes([packets[index][0] ^ 1]) + packets[index][1:]
    pages[at] = pages[at].holding(packets)
    return whole(pages)


def empty_a_packet(chance: random.Random, content: bytes, _: bytes) -> bytes:
    pages, at = page_between(chance, content)
    packets = pages[at].packets
    packets[chance.randrange(len(packets))] = b""
    pages[at] = pages[at].holding(packets)
    return whole(pages)


def page_between(chance: random.Random, content: bytes) -> tuple[list[Page], int]:
    """A page of audio, but the first, before which a recorder may have joined, and the last, which may be trimmed."""
    pages = pages_of(content)
    return pages, chance.randrange(HEADERS + 1, len(pages) - 1)


def without_comments(_: random.Random, content: bytes, __: bytes) -> bytes:
    pages = pages_of(content)
    del pages[1]
    return whole(replace(page, sequence=index) for index, page in enumerate(pages))


DAMAGES: tuple[Damage, ...] = (
    *damage.DAMAGES,
    cut_between_pages,
    alter_a_header,
    drop_pages,
    double_pages,
    swap_pages,
    move_a_page,
    splice_pages,
    splice_under_one_serial,
    headers_only,
    unend,
    end_early,
    move_the_clock,
    renumber,
    change_the_serial,
    change_flags,
    drop_a_page_unseen,
    double_a_page_unseen,
    swap_pages_unseen,
    drop_a_packet,
    double_a_packet,
    cut_a_packet_open,
    lengthen_a_packet,
    empty_a_packet,
    without_comments,
)
"""What must be found whenever it changes the sound."""
