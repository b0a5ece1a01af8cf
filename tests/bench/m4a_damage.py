"""M4A files that something has gone wrong with: what was altered, where, and what a player makes of it."""

from __future__ import annotations

import hashlib
import random
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av

CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"udta"})


@dataclass(frozen=True)
class Region:
    """A box's content; its path of kinds is the name."""

    path: str
    start: int
    end: int


def regions(content: bytes) -> list[Region]:
    """Every box of a good file that holds no others, and the whole of those that do."""
    return list(_walk(content, 0, len(content), ""))


def _walk(content: bytes, place: int, end: int, above: str) -> Iterator[Region]:
    while place + 8 <= end:
        size, kind = struct.unpack_from(">I4s", content, place)
        head = 8
        if size == 1:
            (size,), head = struct.unpack_from(">Q", content, place + 8), 16
        size = size or end - place
        path = f"{above}/{kind.decode('latin-1')}"
        yield Region(path, place + head, place + size)
        if kind in CONTAINERS:
            yield from _walk(content, place + head, place + size, path)
        place += size


def audible(path: Path) -> tuple[str, int, int, int] | None:
    """
    What a player makes of a file: digest of all samples, their number, rate and channels; None if it gives up.

    The player is FFmpeg with its usual leniency, and applies the edit list.
    """
    digest, samples, shapes = hashlib.sha256(), 0, set()
    try:
        options = {"protocol_whitelist": "file"}
        with av.open(str(path), format="mov", options=options, metadata_errors="replace") as container:
            for packet in container.demux(container.streams.audio[0]):
                try:
                    frames = packet.decode()
                except av.FFmpegError:
                    digest.update(b"skipped")
                    continue
                for frame in frames:
                    if frame.layout.nb_channels > 2:
                        return None
                    shapes.add((frame.sample_rate, frame.layout.nb_channels))
                    samples += frame.samples
                    digest.update(frame.to_ndarray().tobytes())
    except (av.FFmpegError, IndexError, ValueError, NotImplementedError, MemoryError):
        return None
    if len(shapes) != 1:
        return None
    ((rate, channels),) = shapes
    return digest.hexdigest(), samples, rate, channels


Damage = Callable[[random.Random, bytes], bytes]


def flip(chance: random.Random, content: bytes, region: Region, count: int) -> bytes:
    """So many bits of a region, each in another byte, are the other way round."""
    hurt = bytearray(content)
    room = range(region.start, region.end)
    for place in chance.sample(room, min(count, len(room))):
        hurt[place] ^= 1 << chance.randrange(8)
    return bytes(hurt)


def overwrite(chance: random.Random, content: bytes, region: Region, count: int) -> bytes:
    """So many bytes of a region are others."""
    hurt = bytearray(content)
    room = range(region.start, region.end)
    for place in chance.sample(room, min(count, len(room))):
        hurt[place] ^= 1 + chance.randrange(255)
    return bytes(hurt)


def truncate(chance: random.Random, content: bytes) -> bytes:
    return content[: chance.randrange(len(content))]


def cut_out(chance: random.Random, content: bytes) -> bytes:
    begin = chance.randrange(len(content) - 1)
    return content[:begin] + content[begin + 1 + chance.randrange(min(3000, len(content) - begin)) :]


def insert(chance: random.Random, content: bytes) -> bytes:
    begin = chance.randrange(len(content))
    return content[:begin] + chance.randbytes(1 + chance.randrange(40)) + content[begin:]


def repeat(chance: random.Random, content: bytes) -> bytes:
    begin = chance.randrange(len(content) - 1)
    end = begin + 1 + chance.randrange(min(3000, len(content) - begin))
    return content[:end] + content[begin:end] + content[end:]


def exchange(chance: random.Random, content: bytes) -> bytes:
    """Two blocks of the same size stand in each other's place."""
    size = 1 + chance.randrange(len(content) // 8)
    first, second = sorted(chance.sample(range(len(content) // size), 2))
    hurt = bytearray(content)
    first, second = first * size, second * size
    hurt[first : first + size], hurt[second : second + size] = (
        content[second : second + size],
        content[first : first + size],
    )
    return bytes(hurt)


def blank(chance: random.Random, content: bytes) -> bytes:
    """A block that was never written, or that a disk lost."""
    begin = chance.randrange(len(content))
    size = chance.choice([64, 512, 4096])
    return content[:begin] + bytes(len(content[begin : begin + size])) + content[begin + size :]


def rows(content: bytes, kind: str, *, head: int, width: int) -> tuple[Region, list[bytes]]:
    """The rows of a table of the index, as bytes."""
    region = next(region for region in regions(content) if region.path.endswith("/" + kind))
    table = content[region.start + head : region.end]
    return region, [table[at : at + width] for at in range(0, len(table), width)]


def with_rows(content: bytes, region: Region, head: int, changed: Sequence[bytes]) -> bytes:
    return content[: region.start + head] + b"".join(changed) + content[region.end :]


TABLES = {"stsz": (12, 4), "stco": (8, 4), "co64": (8, 8), "stsc": (8, 12), "stts": (8, 8), "elst": (8, 12)}


def swap_rows(chance: random.Random, content: bytes, kind: str) -> bytes:
    head, width = TABLES[kind]
    region, table = rows(content, kind, head=head, width=width)
    if len(table) > 1:
        first, second = chance.sample(range(len(table)), 2)
        table[first], table[second] = table[second], table[first]
    return with_rows(content, region, head, table)


def alter_row(chance: random.Random, content: bytes, kind: str) -> bytes:
    """One number of a table is a little or much more or less."""
    head, width = TABLES[kind]
    region, table = rows(content, kind, head=head, width=width)
    if not table:
        return content
    which = chance.randrange(len(table))
    row = bytearray(table[which])
    at = chance.randrange(0, width, 4)
    (value,) = struct.unpack_from(">I", row, at)
    change = chance.choice([1, -1, 8, -8, 100, -100, 1024, -1024, chance.randrange(1 << 32)])
    struct.pack_into(">I", row, at, (value + change) % (1 << 32))
    table[which] = bytes(row)
    return with_rows(content, region, head, table)


def spoilt_table(good: bytes, kind: bytes, table: bytes) -> bytes:
    """A good file, its index last, with another table in the place of one."""
    region = next(region for region in regions(good) if region.path.endswith("/" + kind.decode()))
    grown = len(table) - (region.end - region.start)
    content = bytearray(good[: region.start] + table + good[region.end :])
    for path in (region.path.rpartition("/")[0], "/moov/trak/mdia/minf", "/moov/trak/mdia", "/moov/trak", "/moov"):
        above = next(each for each in regions(good) if each.path == path)
        struct.pack_into(">I", content, above.start - 8, above.end - above.start + 8 + grown)
    struct.pack_into(">I", content, region.start - 8, len(table) + 8)
    return bytes(content)
