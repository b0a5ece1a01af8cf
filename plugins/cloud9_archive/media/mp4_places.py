"""Whether the media box of an MPEG-4 file holds just the samples that its tracks name."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Sequence
from heapq import merge
from typing import BinaryIO, Final

from cloud9_archive.media.mp4_boxes import Box
from cloud9_archive.media.mp4_samples import Samples
from cloud9_archive.media.structure import Reading

_PIECE: Final = 65_536
_LARGE_SIZE_BYTES: Final = 8


def check_places(
    stream: BinaryIO, tracks: Sequence[Samples], media: Sequence[Box], *, whole: bool, reading: Reading
) -> None:
    """
    Each chunk of any track lies in a media box, no two share a byte, and no byte that is not zero is left over.

    :param stream: of the file, seekable
    :param tracks: all that lie in the file
    :param media: its media boxes, as they follow each other
    :param whole: whether each media box is as long as it claims, so that nothing of it is expected to be missing
    """
    starts = [box.start for box in media]
    place = 0
    for begin, end in merge(*(samples.extents() for samples in tracks)):
        box = media[max(0, bisect_right(starts, begin) - 1)]
        if whole and not (box.start <= begin and end <= box.end):
            words = f"the index names audio up to byte {end}, which is not in the media box"
            reading.note("M4A_SAMPLES", words, offset=begin)
        if begin < place:
            reading.note("M4A_OVERLAP", f"the index gives {place - begin} bytes to two samples", offset=begin)
        place = max(place, end)
    nothing = (sys.maxsize, sys.maxsize)
    upcoming = merge(*(samples.extents() for samples in tracks))
    begin, end = next(upcoming, nothing)
    for box in media:
        place = box.start + _kept_for_size(stream, box, begin)
        while begin < box.end:
            _check_rest(stream, place, begin, reading)
            place = max(place, end)
            begin, end = next(upcoming, nothing)
        _check_rest(stream, place, box.end, reading)


def _kept_for_size(stream: BinaryIO, box: Box, first: int) -> int:
    """
    Bytes in front of a media box's first sample that its writer kept for a size of 64 bits, in case it should need one.

    Writers in JavaScript (mp4-muxer, mediabunny) leave the number in there that they began with: 16, an empty box.
    """
    if min(first, box.end) - box.start != _LARGE_SIZE_BYTES:
        return 0
    stream.seek(box.start)
    kept = int.from_bytes(stream.read(_LARGE_SIZE_BYTES), "big")
    return _LARGE_SIZE_BYTES if kept in {2 * _LARGE_SIZE_BYTES, box.end - box.start + _LARGE_SIZE_BYTES} else 0


def _check_rest(stream: BinaryIO, start: int, end: int, reading: Reading) -> None:
    """What no sample claims is nothing but zeros."""
    if start >= end:
        return
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
