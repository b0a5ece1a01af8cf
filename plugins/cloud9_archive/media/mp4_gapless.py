"""What iTunes and its kin note of an encoder's priming, in a tag of the file and not in the edit list."""

from __future__ import annotations

import re
from typing import Final

from cloud9_archive.media.mp4_boxes import Box, Index
from cloud9_archive.media.structure import Reading

_TAG: Final = b"iTunSMPB"
_FIELDS: Final = re.compile(rb"[0-9A-Fa-f]{8} ([0-9A-Fa-f]{8}) ([0-9A-Fa-f]{8}) ([0-9A-Fa-f]{16})")
_VERSION_BYTES: Final = 4
_VALUE_HEADER_BYTES: Final = 8
# The mov reader of FFmpeg takes a larger one for nonsense, and so leaves nothing out.
_MOST_PRIMING: Final = 16_384
_FRAME: Final = 1024


def noted_priming(index: Index, samples: int, reading: Reading) -> int:
    """
    Samples before the audio that players leave out for the tag ``iTunSMPB``; 0 without it.

    The tag has, after a zero, the samples before and after the audio and those of the audio; together they are whole
    frames, as many as the track has.

    :param samples: of the whole track, at the rate that its frames count
    :param reading: takes note of a tag that contradicts itself or the track
    """
    # Tags are optional, and a file without this one is not searched through for what else is in them.
    if _TAG not in index.content and not _FIELDS.search(index.content):
        return 0
    value = _value(index)
    fields = _FIELDS.match(value.strip()) if value is not None else None
    if fields is None:
        reading.note("M4A_EDITS", "the tag iTunSMPB, which tells how much players leave out, cannot be read")
        return 0
    before, after, audio = (int(field, 16) for field in fields.groups())
    total = before + after + audio
    # With band replication the tag may count in samples of twice the rate, and a track may have a frame more than it says.
    if total % _FRAME or not any(abs(total - times * samples) <= 2 * times * _FRAME for times in (1, 2)):
        words = f"the tag iTunSMPB counts {before}, {audio} and {after} samples, the track has {samples}"
        reading.note("M4A_EDITS", words)
    return before if before < _MOST_PRIMING else 0


def _value(index: Index) -> bytes | None:
    tags = index.find(index.root, b"udta", b"meta")
    if tags is None:
        return None
    # QuickTime writes this box without version and flags.
    bare = index.content[tags.start + 4 : tags.start + 8] == b"hdlr"
    items = index.find(Box(tags.kind, tags.start + (0 if bare else _VERSION_BYTES), tags.end), b"ilst")
    for item in index.boxes(items) if items else ():
        if item.kind == b"----" and _text(index, item, b"name", _VERSION_BYTES) == _TAG:
            # Players pass over a tag that does not say whose it is.
            return _text(index, item, b"data", _VALUE_HEADER_BYTES) if index.find(item, b"mean") else None
    return None


def _text(index: Index, item: Box, kind: bytes, header: int) -> bytes | None:
    box = index.find(item, kind)
    return index.content[box.start + header : box.end] if box else None
