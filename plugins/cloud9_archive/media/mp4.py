"""MPEG-4 audio files by their boxes (ISO/IEC 14496-12): whether every sample that the index names is in the file."""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import BinaryIO, Final

from cloud9_archive.media.aac_config import configured_channels
from cloud9_archive.media.structure import Structure, damaged, unsupported

# An index larger than this describes weeks of audio, or nothing but a wish to fill memory.
MAX_INDEX_BYTES: Final = 64 * 1024 * 1024
CODECS: Final = {b"mp4a": "aac", b"alac": "alac", b"Opus": "opus"}
_LARGE, _TO_END = 1, 0
_MAX_TOP_BOXES: Final = 10_000
_SOUND_ENTRY_GROWTH: Final = {1: 16, 2: 36}  # QuickTime's later sample entries carry more before the boxes inside


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Index:
    """The bytes of the ``moov`` box, to be read by position."""

    content: bytes

    def boxes(self, start: int, end: int) -> Iterator[_Box]:
        position = start
        while position + 8 <= end:
            size, kind = struct.unpack_from(">I4s", self.content, position)
            header = 8
            if size == _LARGE and position + 16 <= end:
                (size,) = struct.unpack_from(">Q", self.content, position + 8)
                header = 16
            elif size == _TO_END:
                size = end - position
            if size < header or position + size > end:
                raise damaged("M4A_BOX", f"the box {_name(kind)} in the index does not fit into the box around it")
            yield _Box(kind, position + header, position + size)
            position += size

    def find(self, within: _Box, *path: bytes) -> _Box | None:
        box: _Box | None = within
        for kind in path:
            if box is None:
                return None
            box = next((inner for inner in self.boxes(box.start, box.end) if inner.kind == kind), None)
        return box

    def need(self, within: _Box, *path: bytes) -> _Box:
        box = self.find(within, *path)
        if box is None:
            raise damaged("M4A_INDEX", f"the index has no box {'/'.join(_name(kind) for kind in path)}")
        return box

    def numbers(self, layout: str, box: _Box, offset: int = 0) -> tuple[int, ...]:
        if box.start + offset + struct.calcsize(layout) > box.end:
            raise damaged("M4A_INDEX", f"the box {_name(box.kind)} in the index is too short")
        return struct.unpack_from(layout, self.content, box.start + offset)

    def table(self, box: _Box, *, width: int, columns: int = 1, offset: int = 8) -> array[int]:
        """The rows of a table box, flattened; the row count stands right before the first row."""
        (rows,) = self.numbers(">I", box, offset - 4)
        start, size = box.start + offset, rows * columns * width
        if start + size > box.end:
            raise damaged("M4A_INDEX", f"the table {_name(box.kind)} claims {rows} rows and holds fewer")
        values: array[int] = array("I" if width == 4 else "Q", self.content[start : start + size])  # noqa: PLR2004
        if sys.byteorder == "little":
            values.byteswap()
        return values


def read_m4a(stream: BinaryIO, size: int) -> Structure:
    """
    The audio that the index promises, after each of its samples has been found to lie inside the media box.

    :param stream: seekable
    :param size: of the file, bytes
    :raises StructureFault: if a box is missing or cut, or the index and the file do not fit
    """
    boxes = list(_top_boxes(stream, size))
    kinds = {box.kind for box in boxes}
    if b"moof" in kinds:
        raise unsupported("M4A_FRAGMENTED", "an MPEG-4 file in fragments, which is not read here")
    media = [box for box in boxes if box.kind == b"mdat"]
    movie = next((box for box in boxes if box.kind == b"moov"), None)
    if movie is None:
        raise damaged("M4A_NO_INDEX", "the MPEG-4 file has no index (moov box): it was cut, or never finished")
    if not media:
        raise damaged("M4A_NO_MEDIA", "the MPEG-4 file has no media box (mdat)")
    if movie.end - movie.start > MAX_INDEX_BYTES:
        raise unsupported("M4A_INDEX_SIZE", f"the index of the MPEG-4 file has {movie.end - movie.start} bytes")
    stream.seek(movie.start)
    index = _Index(stream.read(movie.end - movie.start))
    root = _Box(b"moov", 0, len(index.content))
    tracks = [box for box in index.boxes(root.start, root.end) if box.kind == b"trak" and _is_sound(index, box)]
    if len(tracks) != 1:
        raise unsupported("M4A_TRACKS", f"the MPEG-4 file has {len(tracks)} sound tracks, exactly one is read here")
    _check_samples(index, tracks[0], media)
    return _promise(index, root, tracks[0])


def _top_boxes(stream: BinaryIO, size: int) -> Iterator[_Box]:
    position = 0
    for _ in range(_MAX_TOP_BOXES):
        if position == size:
            return
        stream.seek(position)
        header = stream.read(16)
        if len(header) < 8:  # noqa: PLR2004 - a box begins with eight bytes: size and kind
            raise damaged("M4A_CUT", f"{size - position} bytes stand after the last box")
        length, kind = struct.unpack_from(">I4s", header)
        start = position + 8
        if length == _LARGE and len(header) == 16:  # noqa: PLR2004 - and eight more for a large size
            (length,) = struct.unpack_from(">Q", header, 8)
            start = position + 16
        elif length == _TO_END:
            length = size - position
        if length < start - position or position + length > size:
            raise damaged(
                "M4A_CUT",
                f"the box {_name(kind)} at byte {position} claims {length} bytes, the file has {size - position} left",
            )
        yield _Box(kind, start, position + length)
        position += length
    raise unsupported("M4A_BOXES", f"the MPEG-4 file has more than {_MAX_TOP_BOXES} boxes")


def _is_sound(index: _Index, track: _Box) -> bool:
    handler = index.find(track, b"mdia", b"hdlr")
    return handler is not None and index.content[handler.start + 8 : handler.start + 12] == b"soun"


def _check_samples(index: _Index, track: _Box, media: list[_Box]) -> None:
    """Every chunk that the sample table names lies whole in a media box."""
    table = index.need(track, b"mdia", b"minf", b"stbl")
    sizes = _sample_sizes(index, table)
    ends = array("Q", accumulate(sizes, initial=0))
    small = index.find(table, b"stco")
    offsets = index.table(small, width=4) if small is not None else index.table(index.need(table, b"co64"), width=8)
    first = 0
    for offset, count in zip(offsets, _chunk_counts(index, table, len(offsets)), strict=True):
        if first + count > len(sizes):
            raise damaged("M4A_INDEX", f"the chunks hold more than the {len(sizes)} samples of the index")
        end = offset + ends[first + count] - ends[first]
        if not any(box.start <= offset and end <= box.end for box in media):
            raise damaged("M4A_SAMPLES", f"the index names audio up to byte {end}, which is not in the media box")
        first += count
    if first != len(sizes):
        raise damaged("M4A_INDEX", f"the index lists {len(sizes)} samples but places {first}")


def _sample_sizes(index: _Index, table: _Box) -> array[int]:
    box = index.need(table, b"stsz")
    fixed, count = index.numbers(">II", box, 4)
    if not fixed:
        return index.table(box, width=4, offset=12)
    if count > MAX_INDEX_BYTES // 4:
        raise unsupported("M4A_INDEX_SIZE", f"the index of the MPEG-4 file claims {count} samples")
    return array("I", [fixed]) * count


def _chunk_counts(index: _Index, table: _Box, chunks: int) -> Iterator[int]:
    """Samples per chunk, for each chunk in order."""
    rows = index.table(index.need(table, b"stsc"), width=4, columns=3)
    starts = [*rows[0::3], chunks + 1]
    if starts[0] != 1 or any(later <= earlier for earlier, later in pairwise(starts)):
        raise damaged("M4A_INDEX", "the table stsc does not count its chunks upwards")
    for (start, end), count in zip(pairwise(starts), rows[1::3], strict=True):
        for _ in range(end - start):
            yield count


def _promise(index: _Index, movie: _Box, track: _Box) -> Structure:
    entries = index.need(track, b"mdia", b"minf", b"stbl", b"stsd")
    kind = index.content[entries.start + 12 : entries.start + 16]
    codec = CODECS.get(kind)
    if codec is None:
        raise unsupported("M4A_CODEC", f"the MPEG-4 file holds audio of the kind {_name(kind)}, which is not read here")
    channels = _channels(index, entries)
    (rate,) = index.numbers(">I", entries, 8 + 8 + 24)
    timescale, ticks = _times(index, index.need(track, b"mdia", b"mdhd"))
    if not timescale:
        raise damaged("M4A_INDEX", "the track counts its time in units of nothing")
    played = _edited_seconds(index, movie, track)
    return Structure(codec, channels, rate >> 16 or timescale, ticks / timescale if played is None else played)


def _channels(index: _Index, entries: _Box) -> int:
    """What the decoder configuration says; the sample entry's own count only where there is none."""
    (length,) = index.numbers(">I", entries, 8)
    (version,) = index.numbers(">H", entries, 8 + 8 + 8)
    fixed = 28 + _SOUND_ENTRY_GROWTH.get(version, 0)
    entry = _Box(b"mp4a", entries.start + 8 + 8 + fixed, min(entries.start + 8 + length, entries.end))
    esds = index.find(entry, b"esds")
    configured = configured_channels(index.content[esds.start : esds.end]) if esds else None
    (counted,) = index.numbers(">H", entries, 8 + 8 + 16)
    return configured or counted


def _times(index: _Index, header: _Box) -> tuple[int, int]:
    """Ticks per second, and duration in ticks, of a header box that begins as mvhd and mdhd do."""
    version = index.numbers(">B", header)[0]
    timescale, ticks = index.numbers(">IQ", header, 20) if version == 1 else index.numbers(">II", header, 12)
    return timescale, ticks


def _edited_seconds(index: _Index, movie: _Box, track: _Box) -> float | None:
    """Seconds that the edit list plays, priming samples left out; None without an edit list."""
    box = index.find(track, b"edts", b"elst")
    if box is None:
        return None
    version, _, _, _, rows = index.numbers(">BBBBI", box)
    layout = ">Qq4x" if version == 1 else ">Ii4x"
    if rows > (box.end - box.start) // struct.calcsize(layout):
        raise damaged("M4A_INDEX", f"the edit list claims {rows} rows and holds fewer")
    timescale, _ = _times(index, index.need(movie, b"mvhd"))
    edits = [index.numbers(layout, box, 8 + row * struct.calcsize(layout)) for row in range(rows)]
    played = sum(length for length, begin in edits if begin >= 0)
    return played / timescale if timescale and played else None


def _name(kind: bytes) -> str:
    return ascii(kind.decode("latin-1"))
