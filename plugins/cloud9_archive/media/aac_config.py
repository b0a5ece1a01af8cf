"""How many channels an AAC track has, from its decoder configuration (ISO/IEC 14496-1 and 14496-3)."""

from __future__ import annotations

from typing import Final

_ES, _DECODER, _SPECIFIC = 0x03, 0x04, 0x05
_FIELDS: Final = {_ES: 3, _DECODER: 13}  # bytes of fixed fields before the descriptors inside
_PARAMETRIC_STEREO = 29
_ESCAPE = 31
_FREE_RATE = 15
_MOST_CHANNELS = 7
_STEREO = 2


def configured_channels(esds: bytes) -> int | None:
    """
    Channels that the decoder will deliver; the sample entry's own count is a fixed 2 in most files.

    :param esds: content of an ``esds`` box, version and flags included
    :returns: None if there is no configuration that can be read, or it leaves the number to the stream
    """
    place, end = 4, len(esds)
    while place < end:
        tag = esds[place]
        length, place = _length(esds, place + 1)
        end = min(end, place + length)
        if tag == _SPECIFIC:
            return _channels(esds[place:end])
        if tag not in _FIELDS:
            return None
        place += _FIELDS[tag]
    return None


def _length(content: bytes, place: int) -> tuple[int, int]:
    """A descriptor's length, seven bits to a byte, and where its content begins."""
    length = 0
    for byte in content[place : place + 4]:
        place += 1
        length = length << 7 | byte & 0x7F
        if not byte & 0x80:
            break
    return length, place


def _channels(config: bytes) -> int | None:
    bits = int.from_bytes(config[:8].ljust(8, b"\0"), "big")
    left = 64

    def take(count: int) -> int:
        nonlocal left
        left -= count
        return bits >> left & (1 << count) - 1

    kind = take(5)
    if kind == _ESCAPE:
        kind = 32 + take(6)
    if take(4) == _FREE_RATE:
        take(24)
    channels = take(4)
    if kind == _PARAMETRIC_STEREO:
        return _STEREO
    return channels if 1 <= channels < _MOST_CHANNELS else None
