"""What an AAC track says of its coding in its decoder configuration (ISO/IEC 14496-1 and 14496-3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_ES, _DECODER, _SPECIFIC = 0x03, 0x04, 0x05
_FIELDS: Final = {_ES: 3, _DECODER: 13}  # bytes of fixed fields before the descriptors inside
_DEPENDS, _HAS_ADDRESS, _HAS_CLOCK = 0x80, 0x40, 0x20  # flags for more fields in the first of them
_SPECTRAL_REPLICATION, _PARAMETRIC_STEREO = 5, 29
_ESCAPE = 31
_MARK = 0x2B7
_FREE_RATE = 15
_MOST_CHANNELS = 7
_STEREO = 2
_RATES: Final = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
_LOW_DELAY: Final = {23, 39}
_GENERAL: Final = {1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, 23}


@dataclass(frozen=True, slots=True)
class AacConfig:
    """
    The decoder configuration.

    :param kind: audio object type of the core; 2 is AAC-LC
    :param channels: that the decoder will deliver; None if that is left to the stream
    :param rate: of the core, Hz; None for a number that means nothing
    :param delivered_rate: Hz, with spectral band replication if it is announced
    :param frame: samples per channel that one packet stands for, at the core's rate
    :param object_type: what the descriptor around it says that the stream is; 0x40 is MPEG-4 audio
    """

    kind: int
    channels: int | None
    rate: int | None
    delivered_rate: int | None
    frame: int
    object_type: int


def configured_channels(esds: bytes) -> int | None:
    """
    Channels that the decoder will deliver; the sample entry's own count is a fixed 2 in most files.

    :param esds: content of an ``esds`` box, version and flags included
    :returns: None if there is no configuration that can be read, or it leaves the number to the stream
    """
    config = read_aac_config(esds)
    return config.channels if config else None


def read_aac_config(esds: bytes) -> AacConfig | None:
    """
    The decoder configuration in an ``esds`` box, or None if there is none.

    :param esds: content of the box, version and flags included
    """
    place, end, object_type = 4, len(esds), 0
    while place < end:
        tag = esds[place]
        length, place = _length(esds, place + 1)
        end = min(end, place + length)
        if tag == _SPECIFIC:
            return _read(esds[place:end], object_type) if end - place > 1 else None
        if tag not in _FIELDS or place + _FIELDS[tag] > end:
            return None
        if tag == _DECODER:
            object_type = esds[place]
        else:
            place += _further_fields(esds, place + 2)
        place += _FIELDS[tag]
    return None


def _further_fields(esds: bytes, place: int) -> int:
    """Bytes of the fields that the flags at a place announce: another stream, an address, a clock (14496-1, 7.2.6.5)."""
    flags = esds[place]
    more = 2 if flags & _DEPENDS else 0
    if flags & _HAS_ADDRESS and place + 1 + more < len(esds):
        more += 1 + esds[place + 1 + more]
    return more + (2 if flags & _HAS_CLOCK else 0)


def _length(content: bytes, place: int) -> tuple[int, int]:
    """A descriptor's length, seven bits to a byte, and where its content begins."""
    length = 0
    for byte in content[place : place + 4]:
        place += 1
        length = length << 7 | byte & 0x7F
        if not byte & 0x80:
            break
    return length, place


class _Bits:
    """The first sixteen bytes, taken from the left."""

    def __init__(self, content: bytes) -> None:
        self._bits = int.from_bytes(content[:16].ljust(16, b"\0"), "big")
        self._left = 128

    def take(self, count: int) -> int:
        self._left -= count
        return self._bits >> self._left & (1 << count) - 1

    def kind(self) -> int:
        kind = self.take(5)
        return 32 + self.take(6) if kind == _ESCAPE else kind

    def rate(self) -> int | None:
        number = self.take(4)
        if number == _FREE_RATE:
            return self.take(24) or None
        return _RATES[number] if number < len(_RATES) else None


def _read(content: bytes, object_type: int) -> AacConfig:
    bits = _Bits(content)
    kind = announced = bits.kind()
    rate = delivered = bits.rate()
    channels = bits.take(4)
    if announced in {_SPECTRAL_REPLICATION, _PARAMETRIC_STEREO}:
        delivered = bits.rate()
        kind = bits.kind()
    general = kind in _GENERAL or kind in _LOW_DELAY
    short = bool(bits.take(1)) if general else False
    if announced == kind and general and channels and not bits.take(1) and not bits.take(1):
        # Band replication may be announced behind the core's configuration, for old decoders to overlook.
        marked = bits.take(11) == _MARK and bits.take(5) == _SPECTRAL_REPLICATION and bits.take(1)
        delivered = bits.rate() if marked else rate
    frame = (480 if short else 512) if kind in _LOW_DELAY else (960 if short else 1024)
    known = channels if 1 <= channels < _MOST_CHANNELS else None
    return AacConfig(kind, _STEREO if announced == _PARAMETRIC_STEREO else known, rate, delivered, frame, object_type)
