"""WAVE files by their chunks."""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

from cloud9_archive.media.structure import Reading, Structure

_PCM, _FLOAT, _ALAW, _MULAW, _MS_ADPCM, _IMA_ADPCM, _GSM, _G722 = 1, 3, 6, 7, 2, 0x11, 0x31, 0x028F
_CODECS: Final = {
    _PCM: "pcm",
    _FLOAT: "pcm_float",
    _ALAW: "pcm_alaw",
    _MULAW: "pcm_mulaw",
    _MS_ADPCM: "adpcm_ms",
    _IMA_ADPCM: "adpcm_ima_wav",
    _GSM: "gsm_ms",
    _G722: "g722",
}
_PLAIN: Final = {_PCM, _FLOAT, _ALAW, _MULAW}
_IN_BLOCKS: Final = {_MS_ADPCM, _IMA_ADPCM, _GSM}
BLOCK_CODECS: Final = frozenset(_CODECS[tag] for tag in _IN_BLOCKS)
"""Codings of which a decoder gives the last block whole, though the file counts less."""
_EXTENSIBLE: Final = 0xFFFE
_FORMAT: Final = struct.Struct("<HHIIHH")
_SUBFORMAT_END: Final = 26
_SUBFORMAT_TAIL: Final = bytes.fromhex("000000001000800000aa00389b71")
_PER_BLOCK_END: Final = 20
_FACT_BYTES: Final = 4
_UNFINISHED: Final = 0x7FFF_F000  # what writers put that meant to fill in the length later
_MOST_CHUNKS: Final = 10_000


def read_wav(stream: BinaryIO, size: int) -> Reading:
    """
    The audio that the format chunk and the length of the sample chunk promise.

    :param stream: seekable
    :param size: of the file, bytes
    """
    reading = Reading()
    stream.seek(4)
    (claimed,) = struct.unpack("<I", stream.read(4).ljust(4, b"\0"))
    if claimed + 8 != size:
        reading.note("WAV_SIZE", f"the WAVE header claims {claimed + 8} bytes, the file has {size}", offset=4)
    description, fact, samples, position = b"", 0, None, 12
    for _ in range(_MOST_CHUNKS):
        if position + 8 > size:
            if position < size:
                reading.note("WAV_CUT", f"the last {size - position} bytes are no chunk", offset=position)
            break
        stream.seek(position)
        kind, length = struct.unpack("<4sI", stream.read(8))
        if kind == b"fmt ":
            description = stream.read(min(length, 64))
        elif kind == b"fact" and length >= _FACT_BYTES:
            (fact,) = struct.unpack("<I", stream.read(4).ljust(4, b"\0"))
        elif kind == b"data" and samples is None:
            samples = (position + 8, length)
        if position + 8 + length > size:
            words = f"the chunk {kind.decode('latin-1')!a} reaches {position + 8 + length - size} bytes beyond the end"
            reading.note("WAV_CUT", words, offset=position)
            break
        position += 8 + length + length % 2
    else:
        reading.note("WAV_CHUNKS", f"more than {_MOST_CHUNKS} chunks; the rest was not read", offset=position)
    if samples is None:
        reading.note("WAV_NO_SAMPLES", "the WAVE file has no chunk of samples")
        return reading
    _promise(description, fact, samples, size, reading)
    return reading


def _promise(description: bytes, fact: int, samples: tuple[int, int], size: int, reading: Reading) -> None:
    if len(description) < _FORMAT.size:
        reading.note("WAV_FORMAT", "the WAVE file does not say its coding before its samples")
        return
    tag, channels, rate, speed, block, bits = _FORMAT.unpack_from(description)
    if tag == _EXTENSIBLE and description[_SUBFORMAT_END:].startswith(_SUBFORMAT_TAIL):
        (tag,) = struct.unpack_from("<H", description, _SUBFORMAT_END - 2)
    codec = _CODECS.get(tag)
    if codec is None:
        reading.note("WAV_CODEC", f"the WAVE file has the coding {tag:#x}, which is not read here")
        return
    start, length = samples
    present = min(length, max(0, size - start))
    per_block = _per_block(tag, description)
    timed = speed or per_block
    if not channels or not rate or not timed or not block or (tag in _PLAIN and block * 8 != channels * bits):
        words = f"{channels} channels of {bits} bits at {rate} Hz do not make blocks of {block} bytes"
        reading.note("WAV_FORMAT", words)
        return
    # Writers of ADPCM put anything for the bytes in a second.
    if (tag in _PLAIN and speed != rate * block) or (tag == _GSM and abs(speed - rate * 65 / 320) > 1):
        words = f"{speed} bytes in a second do not fit {rate} Hz and blocks of {block} bytes"
        reading.note("WAV_FORMAT", words)
    if per_block and per_block != _fits_block(tag, block, channels):
        words = f"blocks of {block} bytes do not make {per_block} samples in {channels} channels"
        reading.note("WAV_FORMAT", words)
    if length % block:
        reading.note("WAV_FORMAT", f"the samples end {length % block} bytes into a block", offset=start + length)
    counted = _samples(tag, description, length, block, speed, rate)
    if tag not in _PLAIN and fact:
        if not counted - per_block - 1 <= fact <= counted + 1:
            reading.note("WAV_FORMAT", f"the file counts {fact} samples, its blocks hold {counted}")
        counted = min(fact, counted)
    reading.structure = Structure(codec, channels, rate, _present(counted / rate, present, length, reading))


def _present(seconds: float, present: int, length: int, reading: Reading) -> float:
    """Seconds that are promised; what of it is missing has been noted."""
    if present < length and length >= _UNFINISHED:
        # The length was never filled in: what is there is all that is known of.
        return seconds * present / length
    if present < length:
        reading.lose(seconds * (length - present) / length, estimated=False)
    return seconds


def _per_block(tag: int, description: bytes) -> int:
    if tag in _IN_BLOCKS and len(description) >= _PER_BLOCK_END:
        return int(struct.unpack_from("<H", description, _PER_BLOCK_END - 2)[0])
    return 0


def _fits_block(tag: int, block: int, channels: int) -> int:
    """Samples per channel that a block of bytes makes: each channel has a head, and two samples in every other byte."""
    if tag == _MS_ADPCM:
        return 2 * (block // channels - 7) + 2
    if tag == _IMA_ADPCM:
        return 2 * (block // channels - 4) + 1
    return block // 65 * 320 if tag == _GSM else 0


def _samples(tag: int, description: bytes, length: int, block: int, speed: int, rate: int) -> int:
    """Samples per channel that the sample chunk holds."""
    if tag in _PLAIN:
        return length // block
    per_block = _per_block(tag, description)
    return length // block * per_block if per_block else length * rate // speed
