"""Opus as far as its packet headers tell: RFC 7845 (in Ogg) and RFC 6716 section 3 (lengths)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

OPUS_RATE: Final = 48_000
_HEAD: Final = struct.Struct("<8sBBHIhB")
_MAGIC: Final = b"OpusHead"
_CELT_FROM, _HYBRID_FROM = 16, 12
_SILK_FRAMES: Final = (480, 960, 1920, 2880)
_HYBRID_FRAMES: Final = (480, 960)
_CELT_FRAMES: Final = (120, 240, 480, 960)
LONGEST_PACKET: Final = 5760  # 120 ms
_COUNT_BITS: Final = 0x3F
_SEGMENT_FULL: Final = 255


@dataclass(frozen=True, slots=True)
class OpusHead:
    """
    The identification header.

    :param pre_skip: samples at 48 kHz that are decoded and dropped
    """

    channels: int
    pre_skip: int


def read_opus_head(packet: bytes) -> OpusHead | None:
    """
    The header in the first packet of a stream, or None if that is no Opus stream.

    :param packet: first packet
    """
    if len(packet) < _HEAD.size or not packet.startswith(_MAGIC):
        return None
    _, version, channels, pre_skip, _, _, _ = _HEAD.unpack_from(packet)
    # The upper four bits are the major version; another major version may lay out anything differently.
    return OpusHead(channels, pre_skip) if version < 1 << 4 and channels else None


def packet_samples(packet: bytes) -> int:
    """
    Samples per channel at 48 kHz that a packet stands for; 0 for an empty one.

    :param packet: one Opus packet, or at least its first two bytes
    """
    if not packet:
        return 0
    fixed = _SAMPLES_BY_HEAD[packet[0]]
    if fixed:
        return fixed
    return _frame_samples(packet[0]) * (packet[1] & _COUNT_BITS) if len(packet) > 1 else 0


def _frame_samples(head: int) -> int:
    configuration = head >> 3
    if configuration >= _CELT_FROM:
        return _CELT_FRAMES[configuration % 4]
    if configuration >= _HYBRID_FROM:
        return _HYBRID_FRAMES[configuration % 2]
    return _SILK_FRAMES[configuration % 4]


_SAMPLES_BY_HEAD: Final = tuple(_frame_samples(head) * (1, 2, 2, 0)[head & 3] for head in range(256))


def packet_heads(lacing: bytes, body: bytes, begun: bytes) -> tuple[list[bytes], bytes]:
    """
    The first two bytes of each packet that ends on a page, and those of one that goes on to the next.

    :param lacing: sizes of the page's segments
    :param body: of the page
    :param begun: first bytes of a packet that began on an earlier page; empty if none did
    """
    heads: list[bytes] = []
    start = position = 0
    for length in lacing:
        position += length
        if length < _SEGMENT_FULL:
            heads.append((begun + body[start : min(start + 2, position)])[:2])
            begun, start = b"", position
    return heads, (begun + body[start : min(start + 2, position)])[:2]
