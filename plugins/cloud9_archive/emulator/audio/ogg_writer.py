"""Ogg/Opus written packet by packet: a sample's speech, looped to any duration, as a stream of its own."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

OPUS_RATE = 48_000
BEGIN, END = 2, 4
PACKETS_A_PAGE = 50
_LONGEST_LACING = 255
_HEADER = struct.Struct("<4sBBQIIIB")
_HEADER_BYTES = _HEADER.size
_CRC_AT = 22
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
# Samples at 48 kHz in one Opus frame, by the configuration number in a packet's first byte (RFC 6716, table 2).
_SILK, _HYBRID, _CELT = (480, 960, 1920, 2880), (480, 960), (120, 240, 480, 960)
_FRAME_SAMPLES = _SILK * 3 + _HYBRID * 2 + _CELT * 4


@dataclass(frozen=True, slots=True)
class OpusSample:
    """
    The packets of an Ogg/Opus file.

    :param head: the OpusHead packet
    :param packets: the audio packets, in order
    :param pre_skip: samples at 48 kHz that a decoder drops at the start
    """

    head: bytes
    packets: tuple[bytes, ...]
    pre_skip: int


def page_crc(page: bytes) -> int:
    """
    The checksum of an Ogg page whose own checksum field is zero.

    Ogg's CRC-32 shifts the other way than zlib's; mirroring the bits of input and result lets zlib do the work in C.
    """
    mirrored = zlib.crc32(page.translate(_MIRRORED), 0xFFFF_FFFF) ^ 0xFFFF_FFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_MIRRORED), "big")


def read_sample(content: bytes) -> OpusSample:
    """The packets of a whole, single-stream Ogg/Opus file."""
    packets = list(_packets(content))
    head = packets[0]
    return OpusSample(head=head, packets=tuple(packets[2:]), pre_skip=int.from_bytes(head[10:12], "little"))


def _packets(content: bytes) -> Iterator[bytes]:
    at, partial = 0, bytearray()
    while at < len(content):
        count = content[at + _HEADER_BYTES - 1]
        lacing = content[at + _HEADER_BYTES : at + _HEADER_BYTES + count]
        at += _HEADER_BYTES + count
        for size in lacing:
            partial += content[at : at + size]
            at += size
            if size < _LONGEST_LACING:
                yield bytes(partial)
                partial.clear()


def packet_samples(packet: bytes) -> int:
    """Length of an Opus packet, in samples at 48 kHz."""
    code = packet[0] & 3
    frames = (1, 2, 2, packet[1] & 63 if code == 3 else 0)[code]  # noqa: PLR2004 - code 3 counts its frames in byte 1
    return _FRAME_SAMPLES[packet[0] >> 3] * frames


def looped(sample: OpusSample, *, milliseconds: int, serial: int, comment: str) -> bytes:
    """
    An Ogg/Opus file that plays the sample over and over and ends after exactly ``milliseconds``.

    :param milliseconds: length of the audio after pre-skip, at least one
    :param serial: the stream's serial number, 32 bits
    :param comment: kept in the OpusTags header, so that no two recordings share their bytes
    """
    end = sample.pre_skip + milliseconds * OPUS_RATE // 1000
    pages = [
        _page([sample.head], granule=0, serial=serial, sequence=0, flags=BEGIN),
        _page([_tags(comment)], granule=0, serial=serial, sequence=1, flags=0),
    ]
    lengths = [packet_samples(packet) for packet in sample.packets]
    waiting: list[bytes] = []
    granule, index, lacings = 0, 0, 0
    while granule < end:
        packet = sample.packets[index]
        need = len(packet) // _LONGEST_LACING + 1
        if len(waiting) == PACKETS_A_PAGE or lacings + need > _LONGEST_LACING:
            pages.append(_page(waiting, granule=granule, serial=serial, sequence=len(pages), flags=0))
            waiting, lacings = [], 0
        waiting.append(packet)
        lacings += need
        granule += lengths[index]
        index = (index + 1) % len(lengths)
    pages.append(_page(waiting, granule=end, serial=serial, sequence=len(pages), flags=END))
    return b"".join(pages)


def _tags(comment: str) -> bytes:
    vendor, text = b"Cloud9 emulator", f"RECORDING={comment}".encode()
    return b"OpusTags" + struct.pack("<I", len(vendor)) + vendor + struct.pack("<II", 1, len(text)) + text


def _page(packets: list[bytes], *, granule: int, serial: int, sequence: int, flags: int) -> bytes:
    lacing = bytearray()
    for packet in packets:
        lacing += b"\xff" * (len(packet) // _LONGEST_LACING)
        lacing.append(len(packet) % _LONGEST_LACING)
    if len(lacing) > _LONGEST_LACING:
        raise ValueError(
            f"Ogg page {sequence}: {len(lacing)} segments, more than {_LONGEST_LACING} – give it fewer packets"
        )
    header = _HEADER.pack(b"OggS", 0, flags, granule, serial, sequence, 0, len(lacing))
    page = bytearray(header + lacing + b"".join(packets))
    struct.pack_into("<I", page, _CRC_AT, page_crc(bytes(page)))
    return bytes(page)
