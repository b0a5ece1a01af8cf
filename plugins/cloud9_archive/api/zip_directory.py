"""The directory of a ZIP archive, believed only where the archive bears it out; nothing is unpacked here."""

from __future__ import annotations

import re
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO, Final

from cloud9_archive.domain.words import shown
from cloud9_archive.errors import DamagedMediaError, MediaLimitError, RecordError, UnsupportedMediaError

MOST_MEMBERS: Final = 1000
MOST_RATIO: Final = 200
# Below this, a high ratio costs nothing: a short silence is small whatever it is packed to.
RATIO_COUNTS_ABOVE: Final = 1024**2
STORED, DEFLATED = 0, 8

_END, _END_MAGIC = struct.Struct("<4s4H2LH"), b"PK\x05\x06"
_LOCATOR, _LOCATOR_MAGIC = struct.Struct("<4sLQL"), b"PK\x06\x07"
_END_64, _END_64_MAGIC = struct.Struct("<4sQ2H2L4Q"), b"PK\x06\x06"
_ENTRY, _ENTRY_MAGIC = struct.Struct("<4s6H3L5H2L"), b"PK\x01\x02"
_LOCAL, _LOCAL_MAGIC = struct.Struct("<4s5H3L2H"), b"PK\x03\x04"
_LONGEST_COMMENT: Final = 0xFFFF
_MOST_DIRECTORY: Final = 16 * 1024**2
_IN_EXTRA: Final = 0xFFFFFFFF
_ZIP_64_EXTRA: Final = 1
_ENCRYPTED: Final = 0x2041
_UTF_8_NAME: Final = 0x0800
_OUTSIDE = re.compile(r"[/\\]|[A-Za-z]:|(?:.*[/\\])?\.\.(?:[/\\]|$)", re.DOTALL)


class ZipFault(Exception):  # noqa: N818 - it is turned into an error of the house by who knows the recording
    """
    What is wrong with an archive.

    :param kind: the error that it amounts to
    """

    def __init__(self, kind: type[RecordError], words: str) -> None:
        super().__init__(words)
        self.kind = kind
        self.words = words


@dataclass(frozen=True, slots=True)
class Member:
    """
    One file of an archive.

    :param name: as the archive spells it; never a path of ours
    :param method: ``STORED`` or ``DEFLATED``
    :param packed: bytes in the archive, from ``start`` on
    :param size: bytes once unpacked, as announced
    """

    name: str
    method: int
    crc: int
    packed: int
    size: int
    start: int


@dataclass(frozen=True, slots=True)
class _Entry:
    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int

    @property
    def text(self) -> str:
        return self.name.decode("utf-8" if self.flags & _UTF_8_NAME else "cp437", errors="replace")


@dataclass(frozen=True, slots=True)
class _Directory:
    entries: int
    offset: int
    size: int


def read_directory(stream: BinaryIO, size: int) -> tuple[Member, ...]:
    """
    The files of an archive, folders left out; each lies in the archive, beside all others.

    :param size: bytes of the archive
    :raises ZipFault: if it is damaged, too large, encrypted, packed in a way that is not read here, or names places
    """
    directory = _find_directory(stream, size)
    entries = tuple(_entries(_at(stream, directory.offset, directory.size), directory.entries))
    for entry in entries:
        _check(entry)
    spans = sorted(_span(stream, entry) for entry in entries)
    for (_, end), (begin, _) in pairwise([*spans, (directory.offset, directory.offset)]):
        if end > begin:
            raise ZipFault(DamagedMediaError, "its members overlap each other or its directory")
    return tuple(
        Member(entry.text, entry.method, entry.crc, entry.packed, entry.size, _span(stream, entry)[1] - entry.packed)
        for entry in entries
        if not entry.name.endswith((b"/", b"\\"))
    )


def _find_directory(stream: BinaryIO, size: int) -> _Directory:
    tail_at = max(0, size - _LONGEST_COMMENT - _END.size)
    tail = _at(stream, tail_at, size - tail_at)
    found = tail.rfind(_END_MAGIC)
    # A comment may hold the mark too; the real one has a comment that ends with the file.
    while found >= 0 and found + _END.size <= len(tail):
        _, disk, begins_on, here, entries, length, offset, comment = _END.unpack_from(tail, found)
        if found + _END.size + comment == len(tail):
            break
        found = tail.rfind(_END_MAGIC, 0, found)
    else:
        raise ZipFault(DamagedMediaError, "its end is not there: it was cut")
    end = tail_at + found
    if _IN_EXTRA in (length, offset) or 0xFFFF in (here, entries):  # noqa: PLR2004 - the mark of larger archives
        disk, begins_on, here, entries, length, offset, end = _find_directory_64(stream, end)
    if (disk, begins_on) != (0, 0) or here != entries:
        raise ZipFault(UnsupportedMediaError, "it is one part of several")
    if offset + length > end:
        raise ZipFault(DamagedMediaError, "its directory does not lie where its end says")
    if entries > MOST_MEMBERS or length > _MOST_DIRECTORY:
        raise ZipFault(MediaLimitError, f"it has {entries} members; {MOST_MEMBERS} are allowed")
    return _Directory(entries, offset, length)


def _find_directory_64(stream: BinaryIO, end: int) -> tuple[int, int, int, int, int, int, int]:
    damage = ZipFault(DamagedMediaError, "its end speaks of a larger directory (ZIP64), which is not there")
    if end < _LOCATOR.size:
        raise damage
    magic, _, at, _ = _LOCATOR.unpack(_at(stream, end - _LOCATOR.size, _LOCATOR.size))
    if magic != _LOCATOR_MAGIC or at + _END_64.size > end - _LOCATOR.size:
        raise damage
    magic, _, _, _, disk, begins_on, here, entries, length, offset = _END_64.unpack(_at(stream, at, _END_64.size))
    if magic != _END_64_MAGIC:
        raise damage
    return disk, begins_on, here, entries, length, offset, at


def _entries(directory: bytes, count: int) -> Iterator[_Entry]:
    at = 0
    for _ in range(count):
        if len(directory) - at < _ENTRY.size:
            raise ZipFault(DamagedMediaError, "its directory is shorter than it says")
        fields = _ENTRY.unpack_from(directory, at)
        magic, _, _, flags, method, _, _, crc, packed, size, name, extra, comment, _, _, attributes, offset = fields
        names_at, extra_at = at + _ENTRY.size, at + _ENTRY.size + name
        at = extra_at + extra + comment
        if magic != _ENTRY_MAGIC or at > len(directory):
            raise ZipFault(DamagedMediaError, "its directory is damaged")
        size, packed, offset = _with_extra([size, packed, offset], directory[extra_at : extra_at + extra])
        yield _Entry(directory[names_at:extra_at], flags, method, crc, packed, size, offset, attributes >> 16)
    if at != len(directory):
        raise ZipFault(DamagedMediaError, "its directory holds more than the members that it announces")


def _with_extra(numbers: list[int], extra: bytes) -> list[int]:
    """Numbers that are too large for their place are in the extra field, in the same order."""
    if _IN_EXTRA not in numbers:
        return numbers
    while len(extra) >= 4:  # noqa: PLR2004 - kind and length
        kind, length = struct.unpack_from("<2H", extra)
        if kind == _ZIP_64_EXTRA:
            larger = iter(struct.unpack_from(f"<{min(length, len(extra) - 4) // 8}Q", extra, 4))
            numbers = [next(larger, -1) if number == _IN_EXTRA else number for number in numbers]
            break
        extra = extra[4 + length :]
    if -1 in numbers or _IN_EXTRA in numbers:
        raise ZipFault(DamagedMediaError, "a size in its directory is announced elsewhere (ZIP64) and is not there")
    return numbers


def _check(entry: _Entry) -> None:
    name = shown(entry.text)
    if b"\x00" in entry.name or _OUTSIDE.match(entry.text):
        raise ZipFault(UnsupportedMediaError, f"its member {name} names a place outside of it")
    if entry.flags & _ENCRYPTED:
        raise ZipFault(UnsupportedMediaError, f"its member {name} is encrypted")
    if stat.S_IFMT(entry.mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ZipFault(UnsupportedMediaError, f"its member {name} is a link or a device, no file")
    if entry.method not in (STORED, DEFLATED):
        raise ZipFault(UnsupportedMediaError, f"its member {name} is packed by method {entry.method}; 0 and 8 are read")
    if entry.method == STORED and entry.packed != entry.size:
        raise ZipFault(DamagedMediaError, f"its member {name} has two sizes")
    if entry.size > max(RATIO_COUNTS_ABOVE, MOST_RATIO * entry.packed):
        raise ZipFault(
            MediaLimitError,
            f"its member {name} would grow from {entry.packed} to {entry.size} bytes; {MOST_RATIO} times is allowed",
        )


def _span(stream: BinaryIO, entry: _Entry) -> tuple[int, int]:
    """Where the member lies, by its own header, which must agree with the directory."""
    head = _at(stream, entry.offset, _LOCAL.size)
    magic, _, _, method, _, _, _, _, _, name, extra = _LOCAL.unpack(head)
    if magic != _LOCAL_MAGIC or method != entry.method:
        raise ZipFault(DamagedMediaError, f"its member {shown(entry.text)} is not where its directory says")
    if _at(stream, entry.offset + _LOCAL.size, name) != entry.name:
        raise ZipFault(DamagedMediaError, f"its member {shown(entry.text)} has two names")
    return entry.offset, entry.offset + _LOCAL.size + name + extra + entry.packed


def _at(stream: BinaryIO, offset: int, length: int) -> bytes:
    stream.seek(min(offset, 2**62))
    found = stream.read(length)
    if len(found) != length:
        raise ZipFault(DamagedMediaError, "its directory points behind its end")
    return found
