"""What the headers of an MPEG-4 file ask players to do with a track besides playing it as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cloud9_archive.media.mp4_boxes import Box, Index
from cloud9_archive.media.structure import Reading

_NORMAL_RATE: Final = 0x1_0000
# 1.0 is 0x0100; libquicktime writes 0x00FF. Half a decibel is what nobody hears.
_LOUD: Final = range(0xF2, 0x110)
_ENABLED: Final = 1


def check_playing(index: Index, track: Box, reading: Reading) -> None:
    """
    Nothing asks players for another speed, volume or balance, or to leave the track out (ISO/IEC 14496-12, 8.2.2, 8.3.2, 12.2.2).

    FFmpeg ignores these fields; QuickTime and its kin do not.

    :param track: ``trak``
    """
    for words in _demands(index, track):
        reading.note("M4A_PLAYING", f"{words}: some players will not play the audio as it is")


def _demands(index: Index, track: Box) -> Iterator[str]:
    movie = index.need(index.root, b"mvhd")
    later = 12 if index.numbers(">B", movie)[0] == 1 else 0
    rate, volume = index.numbers(">IH", movie, 20 + later)
    if rate != _NORMAL_RATE:
        yield f"the file asks for {rate / _NORMAL_RATE:.3f} times the speed"
    if volume not in _LOUD:
        yield f"the file asks for {volume / 0x100:.3f} times the volume"
    header = index.need(track, b"tkhd")
    version, flags = index.numbers(">B2xB", header)
    (volume,) = index.numbers(">H", header, 48 if version == 1 else 36)
    if not flags & _ENABLED:
        yield "the sound track is switched off"
    if volume not in _LOUD:
        yield f"the sound track asks for {volume / 0x100:.3f} times the volume"
    sound = index.find(track, b"mdia", b"minf", b"smhd")
    if sound is not None and index.numbers(">h", sound, 4)[0]:
        yield "the sound track asks for one side to be louder than the other"
