"""Opus as far as its packet headers tell: RFC 7845 (in Ogg) and RFC 6716 section 3 (lengths)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

OPUS_RATE: Final = 48_000
_HEAD: Final = struct.Struct("<8sBBHIhB")
_MAGIC: Final = b"OpusHead"
_CELT_FROM, _HYBRID_FROM = 16, 12
_SILK_FRAMES: Final = (480, 960, 1920, 2880)
_HYBRID_FRAMES: Final = (480, 960)
_CELT_FRAMES: Final = (120, 240, 480, 960)
_FRAME_COUNT_CODES: Final = (1, 2, 2)
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

    :param packet: one Opus packet, table-of-contents byte first
    """
    if not packet:
        return 0
    configuration, count_code = packet[0] >> 3, packet[0] & 3
    if configuration >= _CELT_FROM:
        frame = _CELT_FRAMES[configuration % 4]
    elif configuration >= _HYBRID_FROM:
        frame = _HYBRID_FRAMES[configuration % 2]
    else:
        frame = _SILK_FRAMES[configuration % 4]
    if count_code < len(_FRAME_COUNT_CODES):
        return frame * _FRAME_COUNT_CODES[count_code]
    return frame * (packet[1] & 0x3F) if len(packet) > 1 else 0


def first_sample(head: bytes, granule: int, lacing: bytes, body: bytes, *, last: bool) -> int:
    """
    The granule position before the first packet, from the first page that ends a packet.

    A recorder that joins a running stream begins above 0; players subtract that, so durations must too.

    :param head: first packet of the stream
    :param granule: position of that page, samples at 48 kHz
    :param last: whether it is also the last page, whose position may be cut short on purpose
    """
    if last or read_opus_head(head) is None:
        return 0
    held = sum(packet_samples(packet) for packet in _packets(lacing, body))
    return max(0, granule - held)


def _packets(lacing: bytes, body: bytes) -> Iterator[bytes]:
    """The packets that end on a page; a packet that goes on is left out."""
    start = position = 0
    for length in lacing:
        position += length
        if length < _SEGMENT_FULL:
            yield body[start:position]
            start = position
