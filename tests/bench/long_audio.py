"""Audio of any length at the cost of writing it: Ogg Opus with packets of silence, which no encoder has seen."""

from __future__ import annotations

import struct
from pathlib import Path

from cloud9_archive.media.ogg_pages import page_checksum

RATE = 48_000
PACKET_SAMPLES = 2_880
PRE_SKIP = 312
PACKETS_A_PAGE = 200


def write_silence(path: Path, *, seconds: float, padding: int = 8, channels: int = 1) -> Path:
    """
    The file holds so many seconds of silence; with the padding of 8 bytes a packet that Opus allows, 10 hours are 11 MB.

    :param padding: bytes that make each packet of 60 ms larger and nothing else, 0 to 254
    """
    # Three frames of 20 ms in one packet, coded as silence.
    packet = bytes([0xFB, 0x43, padding]) + b"\xff\xfe" * 3 + bytes(padding)
    samples = round(seconds * RATE)
    left = -(-(samples + PRE_SKIP) // PACKET_SAMPLES)
    head = struct.pack("<8sBBHIhB", b"OpusHead", 1, channels, PRE_SKIP, RATE, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", 4) + b"test" + struct.pack("<I", 0)
    with path.open("wb") as stream:
        stream.write(_page([head], sequence=0, granule=0, flags=2))
        stream.write(_page([tags], sequence=1, granule=0))
        sequence, granule = 2, 0
        while left:
            count = min(PACKETS_A_PAGE, left)
            left -= count
            granule += count * PACKET_SAMPLES
            last = {"granule": samples + PRE_SKIP, "flags": 4} if not left else {"granule": granule}
            stream.write(_page([packet] * count, sequence=sequence, **last))
            sequence += 1
    return path


def _page(packets: list[bytes], *, sequence: int, granule: int, flags: int = 0) -> bytes:
    lacing = bytes(map(len, packets))  # all of them are shorter than a whole segment
    header = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, granule, 7, sequence, 0, len(lacing))
    page = bytearray(header + lacing + b"".join(packets))
    page[22:26] = page_checksum(bytes(page)).to_bytes(4, "little")
    return bytes(page)
