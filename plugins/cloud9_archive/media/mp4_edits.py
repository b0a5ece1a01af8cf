"""How much of an MPEG-4 track is played: its edit list, held against the durations in the headers."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from cloud9_archive.media.mp4_boxes import Box, Index, named
from cloud9_archive.media.structure import Reading

SLACK_SECONDS: Final = 0.064
_NORMAL_SPEED: Final = 0x10000
_PRIMING_FRAMES: Final = 5  # band replication primes with most
_PADDING_FRAMES: Final = 2  # an encoder that is told of the end may give a frame more than the audio needs
_MOST_EDITS: Final = 1_000
_NOT_STATED: Final = frozenset({0, 0xFFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF})


@dataclass(frozen=True, slots=True)
class Track:
    """
    The times of a track as its tables and its own header have them.

    :param box: ``trak``
    :param seconds: that its header states
    :param frame: seconds of one frame; 0 if that is not known
    :param shortened: seconds that the last frame is said to be shorter than the others
    :param priming: seconds in front that a tag of the file tells players to leave out
    """

    box: Box
    seconds: float
    frame: float
    shortened: float
    priming: float


def header_times(index: Index, header: Box, *, gap: int = 0) -> tuple[int, int]:
    """
    Ticks per second, and duration in ticks, of a header box that begins as mvhd and mdhd do.

    :param gap: bytes between the two; the first is the track's number in tkhd, and no ticks
    """
    version = index.numbers(">B", header)[0]
    layout = f">I{gap}xQ" if version == 1 else f">I{gap}xI"
    timescale, ticks = index.numbers(layout, header, 20 if version == 1 else 12)
    return timescale, ticks


def edited_seconds(index: Index, track: Track, reading: Reading) -> float:
    """
    Seconds that players play, priming samples left out.

    :param reading: takes note of an edit list that hides or promises more than can be
    :raises StructureFault: if the list cannot be read
    """
    _refuse_renamed_edits(index, track.box)
    box = None if index.find(track.box, b"edts") is None else index.need(track.box, b"edts", b"elst")
    edits = _edits(index, box) if box is not None else []
    movie = index.need(index.root, b"mvhd")
    timescale, movie_ticks = header_times(index, movie)
    if not timescale:
        raise index.fault("M4A_INDEX", "the file counts its time in units of nothing", movie.start)
    ticks, _ = header_times(index, index.need(track.box, b"mdia", b"mdhd"))
    shown = [(length / timescale, begin / ticks, speed) for length, begin, speed in edits if begin >= 0]
    delay = sum(length for length, begin, _ in edits if begin < 0) / timescale
    tick = 1 / timescale + 1 / ticks
    played = sum(length for length, _, _ in shown) if shown else track.seconds
    begin = shown[0][1] if shown else 0.0
    if shown and not _fits(track, begin, played, tick, single=len(shown) == 1):
        words = f"the edit list plays {played:.3f} s from {begin:.3f} s on, of {track.seconds:.3f} s"
        reading.note("M4A_EDITS", words)
    if any(speed != _NORMAL_SPEED for _, _, speed in shown):
        reading.note("M4A_EDITS", "the edit list plays at another speed")
    if any(abs(start + length - later) > 2 * tick for (length, start, _), (_, later, _) in pairwise(shown)):
        reading.note("M4A_EDITS", "the edit list leaves parts out, or plays them twice")
    expected = (played, played + delay, track.seconds, track.seconds + delay)
    _, track_ticks = header_times(index, index.need(track.box, b"tkhd"), gap=4)
    if not _agrees(track_ticks, timescale, expected, tick, whole=not shown):
        words = f"the track says {track_ticks / timescale:.3f} s, {played:.3f} s of it are played"
        reading.note("M4A_EDITS", words)
    longest = _longest_ticks(index)
    if longest and movie_ticks not in _NOT_STATED and abs(movie_ticks - longest) > 1:
        words = f"the file says {movie_ticks / timescale:.3f} s, its longest track {longest / timescale:.3f} s"
        reading.note("M4A_EDITS", words)
    return min(begin + played, track.seconds) - max(begin, track.priming) if track.priming > begin else played


def _fits(track: Track, begin: float, played: float, tick: float, *, single: bool) -> bool:
    """Whether what the edit list hides, in front and behind, is what encoders prime and pad with."""
    frame = track.frame or SLACK_SECONDS
    rest = track.seconds - begin - played
    if (
        begin > _PRIMING_FRAMES * frame + SLACK_SECONDS
        or not -2 * frame <= rest <= _PADDING_FRAMES * frame + SLACK_SECONDS
    ):
        return False
    # With a tag beside the list, both say the same; with band replication one may count at twice the other's rate.
    if track.priming and begin and min(abs(track.priming - begin * times) for times in (0.5, 1, 2)) > tick:
        return False
    # Some makers name the length of the whole track, though they leave out its beginning.
    if not single or abs(played - track.seconds) <= tick:
        return True
    # A last frame that is shorter than the others ends where the audio does: then nothing is left for the list to hide.
    return (not begin or rest >= -tick) and (track.shortened <= 0 or rest <= tick)


def _agrees(ticks: int, timescale: int, expected: tuple[float, ...], tick: float, *, whole: bool) -> bool:
    if whole and ticks in _NOT_STATED:
        return True
    return min(abs(ticks / timescale - seconds) for seconds in expected) <= tick


def _longest_ticks(index: Index) -> int:
    """The length of the longest track, as the tracks state it; 0 if none does."""
    tracks = [box for box in index.boxes(index.root) if box.kind == b"trak"]
    stated = (header_times(index, index.need(track, b"tkhd"), gap=4)[1] for track in tracks)
    return max((ticks for ticks in stated if ticks not in _NOT_STATED), default=0)


def _refuse_renamed_edits(index: Index, track: Box) -> None:
    """An edit list whose box has another name is none any more, and players would play what it hid."""
    for box in index.boxes(track):
        if box.kind != b"edts" and index.content[box.start + 4 : box.start + 8] == b"elst":
            words = f"the edit list of the track is in a box {named(box.kind)}, where no player looks for it"
            raise index.fault("M4A_BOX", words, box.start)


def _edits(index: Index, box: Box) -> list[tuple[int, ...]]:
    version, _, _, _, rows = index.numbers(">BBBBI", box)
    layout = ">QqI" if version == 1 else ">IiI"
    width = struct.calcsize(layout)
    if rows * width != box.end - box.start - 8:
        raise index.fault("M4A_INDEX", f"the edit list claims {rows} rows and holds others", box.start)
    if rows > _MOST_EDITS:
        raise index.fault("M4A_EDITS", f"the edit list has {rows} rows", box.start)
    return [index.numbers(layout, box, 8 + row * width) for row in range(rows)]
