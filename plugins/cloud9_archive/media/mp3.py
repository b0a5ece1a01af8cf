"""MPEG audio (MP3) by the headers of its frames, ISO/IEC 11172-3 and 13818-3; there is no checksum over the audio."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

from cloud9_archive.media.structure import Reading, Structure, StructureFault

_RATES: Final = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_SPEEDS_1: Final = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_SPEEDS_2: Final = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MPEG_1, _LAYER_3, _MONO = 3, 1, 3
_HEADER_BYTES: Final = 4
_TAG_BYTES: Final = 10
_OLD_TAG_BYTES: Final = 128
_APE_TAG: Final = struct.Struct("<8sIIII8s")
_APE_HAS_HEADER: Final = 1 << 31
_READ_AT_ONCE: Final = 65_536
_NAMES: Final = (b"Xing", b"Info")
_HAS_FRAMES, _HAS_BYTES = 1, 2
_LAME_DELAYS: Final = 21 + 120  # from the name to the encoder's delays, when all four optional fields are there
_DECODER_DELAY: Final = 529


@dataclass(frozen=True, slots=True)
class _Frame:
    size: int
    samples: int
    rate: int
    channels: int
    side: int


@dataclass(slots=True)
class _Window:
    """
    A part of the file, so that looking ahead and going back a little costs no reading.

    :param start: of the part, bytes from the start of the file
    """

    stream: BinaryIO
    start: int = 0
    part: bytes = b""

    def at(self, position: int, length: int) -> bytes:
        """
        Bytes of the file, fewer at its end.

        :param position: from the start of the file
        """
        if not self.start <= position <= position + length <= self.start + len(self.part):
            self._move(position, length)
        return self.part[position - self.start : position - self.start + length]

    def find(self, wanted: bytes, position: int, end: int) -> int:
        """
        Where one byte stands, or the end.

        :param position: from which to look, from the start of the file
        :param end: before which it must stand
        """
        while position < end:
            if not self.start <= position < self.start + len(self.part):
                self._move(position, 1)
            found = self.part.find(wanted, position - self.start, end - self.start)
            if found >= 0:
                return self.start + found
            position = self.start + len(self.part) if self.part else end
        return end

    def _move(self, position: int, length: int) -> None:
        self.stream.seek(position)
        self.start, self.part = position, self.stream.read(max(length, _READ_AT_ONCE))


def starts_mp3(head: bytes) -> bool:
    """
    Whether the first bytes are a tag or a frame header of MPEG audio, layer III.

    :param head: the first bytes of a file
    """
    return head.startswith(b"ID3") or _frame(head) is not None or _is_free(head)


def _is_free(head: bytes) -> bool:
    return len(head) >= _HEADER_BYTES and head[0] == 0xFF and head[1] & 0xE6 == 0xE2 and not head[2] & 0xF0  # noqa: PLR2004


def _frame(header: bytes) -> _Frame | None:
    if len(header) < _HEADER_BYTES or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:  # noqa: PLR2004 - sync bits
        return None
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    speed, rate, padded = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if layer != _LAYER_3 or version not in _RATES or rate >= len(_RATES[version]) or not 0 < speed < len(_SPEEDS_1):
        return None
    first = version == _MPEG_1
    hertz, bits = _RATES[version][rate], (_SPEEDS_1 if first else _SPEEDS_2)[speed] * 1000
    channels = 1 if header[3] >> 6 == _MONO else 2
    side = {(True, 2): 32, (True, 1): 17, (False, 2): 17, (False, 1): 9}[first, channels]
    size = (144 if first else 72) * bits // hertz + padded
    return _Frame(size, 1152 if first else 576, hertz, channels, side)


def read_mp3(stream: BinaryIO, size: int) -> Reading:
    """
    The audio that the frames hold, after each header was found where the one before it says.

    :param stream: seekable
    :param size: of the file, bytes
    :raises StructureFault: if the frames do not say their length
    """
    reading = Reading()
    window = _Window(stream)
    position, end = _skip_tag(stream, size), _before_last_tags(stream, size)
    begin, frames = position, 0
    first: _Frame | None = None
    counted: tuple[int | None, int | None, int] = (None, None, 0)
    while position < end:
        header = window.at(position, _HEADER_BYTES)
        frame = _frame(header)
        if frame is None:
            if not frames and _is_free(header):
                raise StructureFault("MP3_FREE_FORMAT", "the frames do not say their bit rate", position)
            found = _next_frame(window, position + 1, end)
            words = f"{found - position} bytes belong to no frame"
            reading.note("MP3_STRAY_BYTES", words, offset=position, at_seconds=_seconds(frames, first))
            position = found
            continue
        if position + frame.size > end:
            at = _seconds(frames, first)
            reading.note("MP3_CUT", "the file ends inside a frame", offset=position, at_seconds=at)
            reading.lose(frame.samples / frame.rate, estimated=True)
            break
        if first is None:
            first = frame
            counted = _count(window.at(position, frame.size)[_HEADER_BYTES:], frame)
            if counted[0] is not None or counted[1] is not None:
                position += frame.size
                continue
        elif (frame.rate, frame.channels) != (first.rate, first.channels):
            words = f"{frame.channels} channels at {frame.rate} Hz follow {first.channels} at {first.rate} Hz"
            reading.note("MP3_CHANGE", words, offset=position, at_seconds=_seconds(frames, first))
        frames += 1
        position += frame.size
    if first is not None:
        _promise(first, frames, counted, end - begin, reading)
    elif not reading.count:
        reading.note("MP3_CUT", "the file holds a tag and no frame", offset=position)
    return reading


def _promise(
    first: _Frame, frames: int, counted: tuple[int | None, int | None, int], held: int, reading: Reading
) -> None:
    announced, length, hidden = counted
    if announced is not None and announced != frames:
        reading.note("MP3_COUNT", f"the header frame counts {announced} frames, the file has {frames}")
        if announced > frames:
            reading.lost_seconds = None
            reading.lose((announced - frames) * first.samples / first.rate, estimated=False)
    if length and length != held:
        reading.note("MP3_COUNT", f"the header frame counts {length} bytes, the frames have {held}")
    samples = max(0, max(frames, announced or 0) * first.samples - hidden)
    reading.structure = Structure("mp3", first.channels, first.rate, samples / first.rate)


def _seconds(frames: int, first: _Frame | None) -> float:
    return frames * first.samples / first.rate if first else 0.0


def _skip_tag(stream: BinaryIO, size: int) -> int:
    """Where the frames begin, behind tags in front (ID3v2)."""
    position = 0
    while True:
        stream.seek(position)
        head = stream.read(_TAG_BYTES)
        if len(head) < _TAG_BYTES or not head.startswith(b"ID3") or any(byte > 0x7F for byte in head[6:]):  # noqa: PLR2004
            return position
        length = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        footer = _TAG_BYTES if head[5] & 0x10 else 0
        position = min(size, position + _TAG_BYTES + length + footer)


def _before_last_tags(stream: BinaryIO, size: int) -> int:
    """Where the frames end, before tags at the end (ID3v1, and APE before it)."""
    end = size
    if size >= _OLD_TAG_BYTES:
        stream.seek(size - _OLD_TAG_BYTES)
        end -= _OLD_TAG_BYTES if stream.read(3) == b"TAG" else 0
    if end >= _APE_TAG.size:
        stream.seek(end - _APE_TAG.size)
        name, _, length, _, flags, _ = _APE_TAG.unpack(stream.read(_APE_TAG.size))
        length += _APE_TAG.size
        # Decoders take one without a header for audio.
        end -= length if name == b"APETAGEX" and flags & _APE_HAS_HEADER and length <= end else 0
    return end


def _next_frame(window: _Window, position: int, end: int) -> int:
    """Where two frames follow each other again, or the end."""
    while True:
        position = window.find(b"\xff", position, end)
        frame = _frame(window.at(position, _HEADER_BYTES))
        if position == end or (frame is not None and _goes_on(window, position + frame.size, end)):
            return position
        position += 1


def _goes_on(window: _Window, position: int, end: int) -> bool:
    if position + _HEADER_BYTES > end:
        return position == end
    return _frame(window.at(position, _HEADER_BYTES)) is not None


def _count(body: bytes, frame: _Frame) -> tuple[int | None, int | None, int]:
    """Frames and bytes that a header frame (Xing, Info) counts, and the samples that players leave out."""
    at = frame.side
    if body[at : at + 4] not in _NAMES or len(body) < at + 16:
        return None, None, 0
    (flags,) = struct.unpack_from(">I", body, at + 4)
    place, frames, length = at + 8, 0, 0
    if flags & _HAS_FRAMES:
        (frames,) = struct.unpack_from(">I", body, place)
        place += 4
    if flags & _HAS_BYTES:
        (length,) = struct.unpack_from(">I", body, place)
    hidden = 0
    delays = body[at + _LAME_DELAYS : at + _LAME_DELAYS + 3]
    if len(delays) == 3 and body[at + 120 : at + 124] in {b"LAME", b"Lavc", b"Lavf"}:  # noqa: PLR2004
        hidden = (delays[0] << 4 | delays[1] >> 4) + ((delays[1] & 0x0F) << 8 | delays[2])
    return frames or None, length or None, hidden
