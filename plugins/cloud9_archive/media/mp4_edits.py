"""How much of an MPEG-4 track is played: its edit list, held against the durations in the headers."""

from __future__ import annotations

import struct
from typing import Final

from cloud9_archive.media.mp4_boxes import Box, Index, named
from cloud9_archive.media.structure import Reading

SLACK_SECONDS: Final = 0.064
_NORMAL_SPEED: Final = 0x10000
_HIDDEN_FRAMES: Final = 5  # encoder priming; band replication primes with most
# An edit list whose name was altered is not there any more, and nothing else would tell.
_IN_TRACK: Final = frozenset(
    b"tkhd mdia edts tref trgr udta meta uuid tapt clip matt kmat load imap txas free skip wide".split()
)


def header_times(index: Index, header: Box, *, gap: int = 0) -> tuple[int, int]:
    """
    Ticks per second, and duration in ticks, of a header box that begins as mvhd and mdhd do.

    :param gap: bytes between the two; the first is the track's number in tkhd, and no ticks
    """
    version = index.numbers(">B", header)[0]
    layout = f">I{gap}xQ" if version == 1 else f">I{gap}xI"
    timescale, ticks = index.numbers(layout, header, 20 if version == 1 else 12)
    return timescale, ticks


def edited_seconds(index: Index, track: Box, whole: float, frame: float, reading: Reading) -> float:
    """
    Seconds that the edit list plays, priming samples left out; all without an edit list.

    :param whole: seconds of the track as its own header has it
    :param frame: seconds of one frame
    :param reading: takes note of an edit list that hides or promises more than can be
    :raises StructureFault: if the list cannot be read
    """
    strange = next((box for box in index.boxes(track) if box.kind not in _IN_TRACK), None)
    if strange is not None:
        raise index.fault("M4A_BOX", f"the track holds a box {named(strange.kind)}, which there is not", strange.start)
    if index.find(track, b"edts") is None:
        return whole
    box = index.need(track, b"edts", b"elst")
    edits = _edits(index, box)
    timescale, _ = header_times(index, index.need(index.root, b"mvhd"))
    if not timescale:
        raise index.fault("M4A_INDEX", "the file counts its time in units of nothing", box.start)
    shown = [(length / timescale, begin, speed) for length, begin, speed in edits if begin >= 0]
    if not shown:
        return whole
    played = sum(length for length, _, _ in shown)
    ticks, _ = header_times(index, index.need(track, b"mdia", b"mdhd"))
    begin = shown[0][1] / ticks
    tick = 1 / timescale + 1 / ticks
    rest = whole - begin - played
    fits = (
        -2 * frame <= rest <= _HIDDEN_FRAMES * frame + SLACK_SECONDS and begin <= _HIDDEN_FRAMES * frame + SLACK_SECONDS
    )
    if len(shown) == 1 and rest < -tick and begin:
        fits = False
    _, named_ticks = header_times(index, index.need(track, b"tkhd"), gap=4)
    delay = sum(length for length, start, _ in edits if start < 0) / timescale
    stated = named_ticks / timescale
    agrees = min(abs(stated - played - delay), abs(stated - played), abs(stated - whole)) <= tick
    if not fits or not agrees or any(speed != _NORMAL_SPEED for _, _, speed in shown):
        words = (
            f"the edit list plays {played:.3f} s from {begin:.3f} s on, of {whole:.3f} s; the track says {stated:.3f} s"
        )
        reading.note("M4A_EDITS", words)
    return played


def _edits(index: Index, box: Box) -> list[tuple[int, ...]]:
    version, _, _, _, rows = index.numbers(">BBBBI", box)
    layout = ">QqI" if version == 1 else ">IiI"
    width = struct.calcsize(layout)
    if rows * width != box.end - box.start - 8:
        raise index.fault("M4A_INDEX", f"the edit list claims {rows} rows and holds others", box.start)
    return [index.numbers(layout, box, 8 + row * width) for row in range(rows)]
