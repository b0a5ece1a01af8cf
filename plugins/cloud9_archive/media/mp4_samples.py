"""Where the sample table of an MPEG-4 track puts its samples, and whether the media box holds just those."""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import BinaryIO, Final

from cloud9_archive.media.mp4_boxes import Box, Index
from cloud9_archive.media.structure import Reading

_PIECE: Final = 65_536


@dataclass(frozen=True, slots=True)
class Chunk:
    """
    A run of samples that lie one behind the other.

    :param offset: bytes from the start of the file
    :param first: number of its first sample, from 0
    """

    offset: int
    size: int
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Samples:
    """
    The samples of one track.

    :param ends: for each sample, the bytes of all up to it; one entry more, 0, in front
    :param ticks: sum of their durations, in units of the track
    :param even_ticks: the duration that all of them but the last have; 0 if they differ
    """

    ends: Sequence[int]
    chunks: tuple[Chunk, ...]
    ticks: int
    even_ticks: int

    @property
    def count(self) -> int:
        """Number of samples."""
        return len(self.ends) - 1

    def cut(self, chunk: Chunk, at: int) -> int:
        """Samples of a chunk that do not lie whole before a byte of the file."""
        room = max(0, at - chunk.offset)
        fitting = bisect_right(self.ends, self.ends[chunk.first] + room) - 1 - chunk.first
        return chunk.count - min(fitting, chunk.count)


def read_samples(index: Index, track: Box, *, room: int) -> Samples:
    """
    The sample table of a track, after its parts have been found to count the same.

    :param room: bytes of the whole file, which no table can describe more samples than
    :raises StructureFault: if the parts contradict each other
    """
    table = index.need(track, b"mdia", b"minf", b"stbl")
    ends = _ends(index, table, room)
    ticks, even = _ticks(index, table, len(ends) - 1)
    small = index.find(table, b"stco")
    place = small if small is not None else index.need(table, b"co64")
    offsets = index.table(place, width=4 if small is not None else 8)
    chunks, first = [], 0
    for offset, count in zip(offsets, _chunk_counts(index, table, len(offsets)), strict=True):
        if first + count >= len(ends):
            words = f"the chunks hold more than the {len(ends) - 1} samples of the index"
            raise index.fault("M4A_INDEX", words, place.start)
        chunks.append(Chunk(offset, ends[first + count] - ends[first], first, count))
        first += count
    if first != len(ends) - 1:
        raise index.fault("M4A_INDEX", f"the index lists {len(ends) - 1} samples but places {first}", place.start)
    return Samples(ends, tuple(chunks), ticks, even)


def _ends(index: Index, table: Box, room: int) -> Sequence[int]:
    box = index.need(table, b"stsz")
    fixed, count = index.numbers(">II", box, 4)
    if not fixed:
        return array("Q", accumulate(index.table(box, width=4, offset=12), initial=0))
    if fixed * count > room:
        words = f"the index claims {count} samples of {fixed} bytes, more than the file has"
        raise index.fault("M4A_INDEX", words, box.start)
    return range(0, fixed * (count + 1), fixed)


def _ticks(index: Index, table: Box, samples: int) -> tuple[int, int]:
    box = index.need(table, b"stts")
    rows = index.table(box, width=4, columns=2)
    counted = sum(rows[0::2])
    if counted != samples:
        words = f"the index gives durations to {counted} samples and sizes to {samples}"
        raise index.fault("M4A_INDEX", words, box.start)
    ticks = sum(count * each for count, each in zip(rows[0::2], rows[1::2], strict=True))
    return ticks, rows[1] if rows and rows[0] >= samples - 1 else 0


def _chunk_counts(index: Index, table: Box, chunks: int) -> Iterator[int]:
    """Samples per chunk, for each chunk in order."""
    box = index.need(table, b"stsc")
    rows = index.table(box, width=4, columns=3)
    starts = [*rows[0::3], chunks + 1]
    if starts[0] != 1 or any(later <= earlier for earlier, later in pairwise(starts)):
        raise index.fault("M4A_INDEX", "the table stsc does not count its chunks upwards", box.start)
    if any(entry != 1 for entry in rows[2::3]):
        raise index.fault("M4A_INDEX", "the table stsc names a description that there is not", box.start)
    for (start, end), count in zip(pairwise(starts), rows[1::3], strict=True):
        for _ in range(end - start):
            yield count


def check_places(
    stream: BinaryIO, chunks: Sequence[Chunk], media: Sequence[Box], *, whole: bool, reading: Reading
) -> None:
    """
    Each chunk of any track lies in a media box, no two share a byte, and no byte that is not zero is left over.

    :param whole: whether each media box is as long as it claims, so that nothing of it is expected to be missing
    """
    boxes = sorted(media, key=lambda box: box.start)
    starts = [box.start for box in boxes]
    claimed = sorted((chunk.offset, chunk.offset + chunk.size) for chunk in chunks if chunk.size)
    place = 0
    for begin, end in claimed:
        box = boxes[max(0, bisect_right(starts, begin) - 1)]
        if whole and not (box.start <= begin and end <= box.end):
            words = f"the index names audio up to byte {end}, which is not in the media box"
            reading.note("M4A_SAMPLES", words, offset=begin)
        if begin < place:
            reading.note("M4A_OVERLAP", f"the index gives {place - begin} bytes to two samples", offset=begin)
        place = max(place, end)
    upcoming = iter([*claimed, (sys.maxsize, sys.maxsize)])
    begin, end = next(upcoming)
    for box in boxes:
        place = box.start
        while begin < box.end:
            _check_rest(stream, place, begin, reading)
            place = max(place, end)
            begin, end = next(upcoming)
        _check_rest(stream, place, box.end, reading)


def _check_rest(stream: BinaryIO, start: int, end: int, reading: Reading) -> None:
    """What no sample claims is nothing but zeros."""
    place = start
    stream.seek(start)
    while place < end:
        piece = stream.read(min(_PIECE, end - place))
        if not piece:
            return
        if piece.strip(b"\0"):
            words = f"{end - start} bytes of the media box are claimed by no sample"
            reading.note("M4A_UNCLAIMED", words, offset=start)
            return
        place += len(piece)
