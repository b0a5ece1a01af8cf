"""What may befall an Ogg file, by chance or by hand, each drawn from a seed so that one case can be had again."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import replace

from ogg_parts import CONTINUED, LAST, NO_GRANULE, Page, pages_of, whole

Damage = Callable[[random.Random, bytes, bytes], bytes]
"""Takes a source of chance, a good file and another good one of the same rate; gives what became of the first."""

HEADERS = 2


def cut_anywhere(chance: random.Random, content: bytes, _: bytes) -> bytes:
    return content[: chance.randrange(len(content))]


def cut_between_pages(chance: random.Random, content: bytes, _: bytes) -> bytes:
    pages = pages_of(content)
    return whole(pages[: chance.randrange(1, len(pages))])


def flip_bits(chance: random.Random, content: bytes, _: bytes) -> bytes:
    hurt = bytearray(content)
    for place in chance.sample(range(8 * len(content)), min(chance.choice((1, 1, 2, 20, 100, 500)), 8 * len(content))):
        hurt[place // 8] ^= 1 << place % 8
    return bytes(hurt)


def alter_bytes(chance: random.Random, content: bytes, _: bytes) -> bytes:
    hurt = bytearray(content)
    for place in chance.sample(range(len(content)), min(chance.randint(1, 500), len(content))):
        hurt[place] ^= chance.randrange(1, 256)
    return bytes(hurt)


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


def splice(chance: random.Random, content: bytes, other: bytes) -> bytes:
    """The beginning of one call and the rest of another, anywhere."""
    return content[: chance.randrange(len(content))] + other[chance.randrange(len(other)) :]


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


def put_after_another(_: random.Random, content: bytes, other: bytes) -> bytes:
    return content + other


def zero_a_block(chance: random.Random, content: bytes, _: bytes) -> bytes:
    begin = chance.randrange(len(content))
    end = min(len(content), begin + chance.choice((16, 512, 4_096)))
    return content[:begin] + bytes(end - begin) + content[end:]


def zero_the_end(chance: random.Random, content: bytes, _: bytes) -> bytes:
    begin = chance.randrange(len(content))
    return content[:begin].ljust(len(content), b"\0")


def insert_bytes(chance: random.Random, content: bytes, _: bytes) -> bytes:
    at = chance.randrange(len(content) + 1)
    return content[:at] + chance.randbytes(chance.choice((1, 1, 2, 700))) + content[at:]


def remove_bytes(chance: random.Random, content: bytes, _: bytes) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + content[at + chance.choice((1, 1, 2, 700)) :]


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
    pages, at = _page_between(chance, content)
    packets = pages[at].packets
    del packets[chance.randrange(len(packets))]
    pages[at] = pages[at].holding(packets)
    return whole(pages)


def double_a_packet(chance: random.Random, content: bytes, _: bytes) -> bytes:
    pages, at = _page_between(chance, content)
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
    pages, at = _page_between(chance, content)
    packets = pages[at].packets
    index = chance.randrange(len(packets))
    packets[index] = bytes([packets[index][0] ^ 1]) + packets[index][1:]
    pages[at] = pages[at].holding(packets)
    return whole(pages)


def empty_a_packet(chance: random.Random, content: bytes, _: bytes) -> bytes:
    pages, at = _page_between(chance, content)
    packets = pages[at].packets
    packets[chance.randrange(len(packets))] = b""
    pages[at] = pages[at].holding(packets)
    return whole(pages)


def _page_between(chance: random.Random, content: bytes) -> tuple[list[Page], int]:
    """A page of audio, but the first, before which a recorder may have joined, and the last, which may be trimmed."""
    pages = pages_of(content)
    return pages, chance.randrange(HEADERS + 1, len(pages) - 1)


def without_comments(_: random.Random, content: bytes, __: bytes) -> bytes:
    pages = pages_of(content)
    del pages[1]
    return whole(replace(page, sequence=index) for index, page in enumerate(pages))


def garbage_before(chance: random.Random, content: bytes, _: bytes) -> bytes:
    return chance.randbytes(chance.choice((1, 40))) + content


def garbage_behind(chance: random.Random, content: bytes, _: bytes) -> bytes:
    return content + chance.choice((b"\0", b"OggS", chance.randbytes(300), content[: chance.randrange(1, 100)]))


DAMAGES: tuple[Damage, ...] = (
    cut_anywhere,
    cut_between_pages,
    flip_bits,
    alter_bytes,
    alter_a_header,
    drop_pages,
    double_pages,
    swap_pages,
    move_a_page,
    splice,
    splice_pages,
    splice_under_one_serial,
    put_after_another,
    zero_a_block,
    zero_the_end,
    insert_bytes,
    remove_bytes,
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
    garbage_before,
    garbage_behind,
)
"""What must be found whenever it changes the sound."""


def change_payload(chance: random.Random, content: bytes, _: bytes) -> bytes:
    """A byte of sound; the table of contents in front of it stays."""
    pages, at = _page_between(chance, content)
    packets = pages[at].packets
    index = chance.randrange(len(packets))
    hurt = bytearray(packets[index])
    if len(hurt) > 1:
        hurt[chance.randrange(1, len(hurt))] ^= chance.randrange(1, 256)
    packets[index] = bytes(hurt)
    pages[at] = pages[at].holding(packets)
    return whole(pages)


def swap_packets(chance: random.Random, content: bytes, _: bytes) -> bytes:
    pages, at = _page_between(chance, content)
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
"""What someone may do who makes checksums, numbers and clock right again: the file is another whole recording then."""
