"""Where the sample table of an MPEG-4 track puts its samples."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, pairwise
from typing import Final

from cloud9_archive.media.mp4_boxes import Box, Index

_COMPACT_BITS: Final = (4, 8, 16)
_MOST_SAMPLES: Final = 1 << 24


@dataclass(frozen=True, slots=True)
class Samples:
    """
    The samples of one track. Chunks are columns of numbers, as a hostile index can name millions.

    :param ends: for each sample, the bytes of all up to it; one entry more, 0, in front
    :param offsets: of each chunk, bytes from the start of the file, ascending
    :param firsts: number of each chunk's first sample, from 0; one entry more, the number of samples, at the end
    :param ticks: sum of their durations, in units of the track
    :param even_ticks: the duration that all of them but the last have; 0 if they differ
    :param last_ticks: the duration of the last
    """

    ends: Sequence[int]
    offsets: Sequence[int]
    firsts: Sequence[int]
    ticks: int
    even_ticks: int
    last_ticks: int

    @property
    def count(self) -> int:
        """Number of samples."""
        return len(self.ends) - 1

    def extents(self) -> Iterator[tuple[int, int]]:
        """First byte of each chunk that holds any, and the first after it."""
        for offset, (first, after) in zip(self.offsets, pairwise(self.firsts), strict=True):
            size = self.ends[after] - self.ends[first]
            if size:
                yield offset, offset + size

    def cut(self, at: int) -> int:
        """Samples that do not lie whole before a byte of the file."""
        absent = 0
        for offset, (first, after) in zip(self.offsets, pairwise(self.firsts), strict=True):
            room = max(0, at - offset)
            absent += after - min(after, bisect_right(self.ends, self.ends[first] + room) - 1)
        return absent


def read_samples(index: Index, track: Box) -> Samples:
    """
    The sample table of a track, after its parts have been found to count the same.

    :raises StructureFault: if the parts contradict each other
    """
    table = index.need(track, b"mdia", b"minf", b"stbl")
    ends = _ends(index, table)
    ticks, even, last = _ticks(index, table, len(ends) - 1)
    small = index.find(table, b"stco")
    place = small if small is not None else index.need(table, b"co64")
    offsets = index.table(place, width=4 if small is not None else 8)
    # The format allows any order, but no recorder writes a call backwards: each writes its chunks as they come.
    if any(later <= earlier for earlier, later in pairwise(offsets)):
        raise index.fault("M4A_INDEX", "the chunks of the track do not follow each other in the file", place.start)
    firsts = array("Q", [0])
    for count in _chunk_counts(index, table, len(offsets)):
        if firsts[-1] + count >= len(ends):
            words = f"the chunks hold more than the {len(ends) - 1} samples of the index"
            raise index.fault("M4A_INDEX", words, place.start)
        firsts.append(firsts[-1] + count)
    if firsts[-1] != len(ends) - 1:
        words = f"the index lists {len(ends) - 1} samples but places {firsts[-1]}"
        raise index.fault("M4A_INDEX", words, place.start)
    return Samples(ends, offsets, firsts, ticks, even, last)


def _ends(index: Index, table: Box) -> Sequence[int]:
    box = index.find(table, b"stsz")
    if box is None:
        return _compact_ends(index, table)
    fixed, count = index.numbers(">II", box, 4)
    if not fixed:
        return array("Q", accumulate(index.table(box, width=4, offset=12), initial=0))
    return range(0, fixed * (count + 1), fixed)


def _compact_ends(index: Index, table: Box) -> Sequence[int]:
    """Sizes of 4, 8 or 16 bits (ISO/IEC 14496-12, 8.7.3.3), of which the odd one out of two halves of a byte is unused."""
    box = index.find(table, b"stz2")
    if box is None:
        raise index.fault("M4A_INDEX", "the index has no table of sample sizes (stsz, stz2)", table.start)
    bits, count = index.numbers(">3xBI", box, 4)
    if bits not in _COMPACT_BITS or box.start + 12 + (count * bits + 7) // 8 != box.end:
        raise index.fault("M4A_INDEX", f"the table stz2 claims {count} rows of {bits} bits and holds others", box.start)
    if count > _MOST_SAMPLES:
        raise index.fault("M4A_INDEX_SIZE", f"the index of the MPEG-4 file has {count} samples", box.start)
    rows = index.content[box.start + 12 : box.end]
    if bits == _COMPACT_BITS[0]:
        sizes: Iterator[int] = islice((half for byte in rows for half in (byte >> 4, byte & 15)), count)
    else:
        width = bits // 8
        sizes = (int.from_bytes(rows[at : at + width], "big") for at in range(0, count * width, width))
    return array("Q", accumulate(sizes, initial=0))


def _ticks(index: Index, table: Box, samples: int) -> tuple[int, int, int]:
    box = index.need(table, b"stts")
    rows = index.table(box, width=4, columns=2)
    counted = sum(rows[0::2])
    if counted != samples:
        words = f"the index gives durations to {counted} samples and sizes to {samples}"
        raise index.fault("M4A_INDEX", words, box.start)
    ticks = sum(count * each for count, each in zip(rows[0::2], rows[1::2], strict=True))
    return ticks, rows[1] if rows and rows[0] >= samples - 1 else 0, rows[-1] if rows else 0


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
