"""WAVE files by their chunks."""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

from cloud9_archive.media.structure import Structure, damaged, unsupported

_CODECS: Final = {1: "pcm", 3: "pcm_float", 6: "pcm_alaw", 7: "pcm_mulaw"}
_EXTENSIBLE: Final = 0xFFFE
_FORMAT: Final = struct.Struct("<HHIIHH")
_SUBFORMAT_END: Final = 26


def read_wav(stream: BinaryIO, size: int) -> Structure:
    """
    The audio that the format chunk and the length of the sample chunk promise.

    :param stream: seekable
    :param size: of the file, bytes
    :raises StructureFault: if a chunk is missing or reaches beyond the file, or the coding is not known
    """
    stream.seek(4)
    (claimed,) = struct.unpack("<I", stream.read(4).ljust(4, b"\0"))
    if claimed + 8 != size:
        raise damaged("WAV_SIZE", f"the WAVE header claims {claimed + 8} bytes, the file has {size}")
    description, position = b"", 12
    while position + 8 <= size:
        stream.seek(position)
        kind, length = struct.unpack("<4sI", stream.read(8))
        if position + 8 + length > size:
            raise damaged("WAV_CUT", f"the chunk {kind.decode('latin-1')!a} reaches beyond the end of the file")
        if kind == b"fmt ":
            description = stream.read(min(length, 64))
        elif kind == b"data":
            return _promise(description, length)
        position += 8 + length + length % 2
    raise damaged("WAV_NO_SAMPLES", "the WAVE file has no chunk of samples")


def _promise(description: bytes, length: int) -> Structure:
    if len(description) < _FORMAT.size:
        raise damaged("WAV_FORMAT", "the WAVE file does not say its coding before its samples")
    tag, channels, rate, _, block, bits = _FORMAT.unpack_from(description)
    if tag == _EXTENSIBLE and len(description) >= _SUBFORMAT_END:
        (tag,) = struct.unpack_from("<H", description, _SUBFORMAT_END - 2)
    codec = _CODECS.get(tag)
    if codec is None:
        raise unsupported("WAV_CODEC", f"the WAVE file has the coding {tag:#x}, which is not read here")
    if not channels or not rate or block * 8 != channels * bits:
        raise damaged("WAV_FORMAT", f"{channels} channels of {bits} bits do not make blocks of {block} bytes")
    return Structure(codec, channels, rate, length // block / rate)
