"""The boxes of an MPEG-4 file (ISO/IEC 14496-12): those of the file itself, and those inside its index."""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from cloud9_archive.media.structure import Reading, StructureFault

_LARGE, _TO_END = 1, 0
_HEADER_BYTES: Final = 8
_LARGE_HEADER_BYTES: Final = 16
_MOST_BOXES: Final = 10_000
_MOST_LOOKS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Box:
    """
    A box by its content.

    :param start: first byte of its content
    :param end: first byte after it
    """

    kind: bytes
    start: int
    end: int


def named(kind: bytes) -> str:
    """The kind of a box as it can be printed."""
    return ascii(kind.decode("latin-1"))


def top_boxes(stream: BinaryIO, size: int, reading: Reading) -> Iterator[Box]:
    """
    The boxes of the file; one that is cut ends where the file does, and is noted.

    :param size: of the file, bytes
    :raises StructureFault: if there are more than 10,000
    """
    position = 0
    for _ in range(_MOST_BOXES):
        if position == size:
            return
        stream.seek(position)
        header = stream.read(_LARGE_HEADER_BYTES)
        left = size - position
        kind = header[4:_HEADER_BYTES]
        if len(header) < _HEADER_BYTES or not all(0x20 <= byte < 0x7F or byte == 0xA9 for byte in kind):  # noqa: PLR2004
            reading.note("M4A_CUT", f"{left} bytes stand after the last box", offset=position)
            return
        (length,) = struct.unpack_from(">I", header)
        start = position + _HEADER_BYTES
        if length == _LARGE and len(header) == _LARGE_HEADER_BYTES:
            (length,) = struct.unpack_from(">Q", header, _HEADER_BYTES)
            start = position + _LARGE_HEADER_BYTES
        elif length == _TO_END:
            length = left
        if length < start - position or length > left:
            words = f"the box {named(kind)} claims {length} bytes, the file has {left} left"
            reading.note("M4A_CUT", words, offset=position)
            if length > left:
                yield Box(kind, start, size)
            return
        yield Box(kind, start, position + length)
        position += length
    raise StructureFault("M4A_BOXES", f"the MPEG-4 file has more than {_MOST_BOXES} boxes", position)


class Index:
    """
    The bytes of the ``moov`` box, to be read by position.

    :param content: of the box
    :param offset: where that begins in the file, for the words about it
    """

    def __init__(self, content: bytes, offset: int) -> None:
        self.content = content
        self.root = Box(b"moov", 0, len(content))
        self._offset = offset
        self._looks = 0

    def fault(self, code: str, words: str, position: int) -> StructureFault:
        """A fault at a position in the index."""
        return StructureFault(code, words, self._offset + position)

    def boxes(self, within: Box) -> Iterator[Box]:
        """
        The boxes directly inside another one.

        :raises StructureFault: if one does not fit, or a hostile index has been walked for too long
        """
        position, end = within.start, within.end
        while position + _HEADER_BYTES <= end:
            self._looks += 1
            if self._looks > _MOST_LOOKS:
                raise self.fault("M4A_BOXES", "the index of the MPEG-4 file has too many boxes", position)
            size, kind = struct.unpack_from(">I4s", self.content, position)
            header = _HEADER_BYTES
            if size == _LARGE and position + _LARGE_HEADER_BYTES <= end:
                (size,) = struct.unpack_from(">Q", self.content, position + 8)
                header = _LARGE_HEADER_BYTES
            elif size == _TO_END:
                size = end - position
            if size < header or position + size > end:
                words = f"the box {named(kind)} in the index does not fit into the box around it"
                raise self.fault("M4A_BOX", words, position)
            yield Box(kind, position + header, position + size)
            position += size

    def find(self, within: Box, *path: bytes) -> Box | None:
        """The box at a path of kinds, if there is one."""
        box: Box | None = within
        for kind in path:
            if box is None:
                return None
            box = next((inner for inner in self.boxes(box) if inner.kind == kind), None)
        return box

    def need(self, within: Box, *path: bytes) -> Box:
        """
        The box at a path of kinds.

        :raises StructureFault: if there is none
        """
        box = self.find(within, *path)
        if box is None:
            words = f"the index has no box {'/'.join(named(kind) for kind in path)}"
            raise self.fault("M4A_INDEX", words, within.start)
        return box

    def numbers(self, layout: str, box: Box, offset: int = 0) -> tuple[int, ...]:
        """
        Fixed fields of a box.

        :param layout: of :mod:`struct`
        :param offset: bytes into the box
        :raises StructureFault: if the box is too short
        """
        if box.start + offset + struct.calcsize(layout) > box.end:
            raise self.fault("M4A_INDEX", f"the box {named(box.kind)} in the index is too short", box.start)
        return struct.unpack_from(layout, self.content, box.start + offset)

    def table(self, box: Box, *, width: int, columns: int = 1, offset: int = 8) -> array[int]:
        """
        The rows of a table box, flattened; the row count stands right before the first row.

        :raises StructureFault: if the box holds fewer or more
        """
        (rows,) = self.numbers(">I", box, offset - 4)
        start, size = box.start + offset, rows * columns * width
        if start + size != box.end:
            held = (box.end - start) // (columns * width)
            words = f"the table {named(box.kind)} claims {rows} rows and holds {held}"
            raise self.fault("M4A_INDEX", words, box.start)
        values: array[int] = array("I" if width == 4 else "Q", self.content[start : start + size])  # noqa: PLR2004
        if sys.byteorder == "little":
            values.byteswap()
        return values
