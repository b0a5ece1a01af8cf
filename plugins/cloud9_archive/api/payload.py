"""What an answer holds, by its first bytes and never by its headers."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from cloud9_archive.api.transfer import HEAD

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_PAGE = re.compile(rb"<(?:!doctype\s+html|html|head|body)[\s>]", re.IGNORECASE)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")

_MPEG_VERSIONS: Final = {0: 2.5, 2: 2.0, 3: 1.0}
_MPEG_RATES: Final = (44_100, 48_000, 32_000)
# Thousand bits per second of layer III; index 0 would be a free format, 15 is forbidden.
_MPEG_1_BITS: Final = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG_2_BITS: Final = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_LAYER_III: Final = 1
_MPEG_HEADER: Final = 4


class Payload(StrEnum):
    """What bytes are, as far as their beginning tells."""

    EMPTY = "nothing"
    AUDIO = "audio"
    ZIP = "a ZIP archive"
    JSON = "JSON"
    PAGE = "an HTML page"
    TEXT = "text"
    OTHER = "bytes of no known kind"


def recognised(head: bytes) -> Payload:
    """
    What the bytes are.

    Ogg, MPEG-4, WAVE and MP3 are audio. Whether audio is whole, and of a kind that can be archived, is judged later.

    :param head: the first 512 bytes, or all if there are fewer
    """
    head = head[:HEAD]
    if not head:
        return Payload.EMPTY
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return Payload.ZIP
    if _is_audio(head):
        return Payload.AUDIO
    text = head.removeprefix(_BYTE_ORDER_MARK).lstrip()
    if text[:1] in (b"{", b"["):
        return Payload.JSON
    if text[:1] == b"<" and _PAGE.search(text):
        return Payload.PAGE
    return Payload.OTHER if _CONTROL.search(head) or not _is_utf8(head) else Payload.TEXT


def _is_audio(head: bytes) -> bool:
    if head.startswith(b"OggS") or head[4:8] == b"ftyp":
        return True
    if head.startswith(b"RIFF"):
        return head[8:12] == b"WAVE"
    return _has_id3(head) or _is_mp3_frame(head)


def _has_id3(head: bytes) -> bool:
    """An ID3 tag: its version is no 0xFF, and its size is written in bytes below 0x80."""
    tag = head[:10]
    return len(tag) == 10 and tag[:3] == b"ID3" and 0xFF not in tag[3:5] and max(tag[6:]) < 0x80  # noqa: PLR2004 - the layout of the tag


def _is_mp3_frame(head: bytes) -> bool:
    """A plausible frame header of layer III, and where the next one is in sight, that one too: two bytes prove little."""
    length = _mp3_frame_length(head)
    if not length:
        return False
    following = head[length : length + _MPEG_HEADER]
    return len(following) < _MPEG_HEADER or bool(_mp3_frame_length(following))


def _mp3_frame_length(header: bytes) -> int:
    """Bytes of the frame that begins here; 0 when none does."""
    if len(header) < _MPEG_HEADER:
        return 0
    bits = int.from_bytes(header[:_MPEG_HEADER])
    version = _MPEG_VERSIONS.get(bits >> 19 & 3)
    bit_index, rate_index, padding = bits >> 12 & 15, bits >> 10 & 3, bits >> 9 & 1
    bit_rates = _MPEG_1_BITS if version == 1 else _MPEG_2_BITS
    if bits >> 21 != 0x7FF or version is None or bits >> 17 & 3 != _LAYER_III:  # noqa: PLR2004 - eleven bits of sync
        return 0
    if not 0 < bit_index < len(bit_rates) or rate_index == len(_MPEG_RATES):
        return 0
    rate = _MPEG_RATES[rate_index] / {1.0: 1, 2.0: 2, 2.5: 4}[version]
    return int((144 if version == 1 else 72) * bit_rates[bit_index] * 1000 / rate) + padding


def _is_utf8(head: bytes) -> bool:
    """Whether the head is text; a character that the cut goes through does not count against it."""
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return len(head) == HEAD and error.end >= len(head) - 3 and error.reason == "unexpected end of data"
    return True
