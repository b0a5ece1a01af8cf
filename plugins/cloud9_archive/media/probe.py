"""What a file is, by content and never by name; no decoder is loaded for it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from cloud9_archive.media.codes import INTACT_CODE, KINDS
from cloud9_archive.media.mp3 import read_mp3, starts_mp3
from cloud9_archive.media.mp4 import read_m4a
from cloud9_archive.media.ogg import scan_ogg
from cloud9_archive.media.ogg_pages import CAPTURE
from cloud9_archive.media.profiles import MAX_CHANNELS
from cloud9_archive.media.riff import read_wav
from cloud9_archive.media.structure import Reading, StructureFault
from cloud9_archive.media.verdicts import MOST_SECONDS, Examination, Verdict

_MAX_RATE: Final = 192_000
_LOOK: Final = 512
_STRANGERS: Final = (
    (b"PK\x03\x04", "NOT_AUDIO_ZIP", "this is a ZIP archive"),
    (b"PK\x05\x06", "NOT_AUDIO_ZIP", "this is an empty ZIP archive"),
    (b"\x1f\x8b", "NOT_AUDIO_GZIP", "these are gzip-compressed bytes"),
    (b"\x89PNG", "NOT_AUDIO_IMAGE", "this is a PNG image"),
    (b"\xff\xd8\xff", "NOT_AUDIO_IMAGE", "this is a JPEG image"),
    (b"GIF8", "NOT_AUDIO_IMAGE", "this is a GIF image"),
    (b"%PDF", "NOT_AUDIO_PDF", "this is a PDF document"),
    (b"fLaC", "OTHER_AUDIO_FLAC", "this is FLAC audio, which Cloud9 is not known to deliver"),
    (b"#!AMR", "OTHER_AUDIO_AMR", "this is AMR audio, which Cloud9 is not known to deliver"),
    (b"\x1aE\xdf\xa3", "OTHER_AUDIO_MATROSKA", "this is Matroska or WebM, which Cloud9 is not known to deliver"),
    (b"RF64", "OTHER_AUDIO_RF64", "this is a WAVE file of more than 4 GiB, which is not read here"),
)
_READERS: Final[dict[str, Callable[[BinaryIO, int], Reading]]] = {
    "ogg": lambda stream, _: scan_ogg(stream),
    "m4a": read_m4a,
    "wav": read_wav,
    "mp3": read_mp3,
}


def examine(path: Path) -> Examination:
    """
    The verdict on the structure of a file: every Ogg page, MPEG-4 box or WAVE chunk has been accounted for.

    Bad bytes never raise. Audio inside intact boxes that does not decode is found by decoding only, see
    :func:`cloud9_archive.media.decode.count_samples`.

    :param path: any file
    :raises OSError: if this host cannot read the file
    """
    # Without O_NONBLOCK the mere opening of a named pipe would wait for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return Examination(Verdict.UNSUPPORTED, "NOT_A_FILE", "this is no regular file", 0)
        size = status.st_size
        if size == 0:
            return Examination(Verdict.EMPTY, "NO_BYTES", "the file has no bytes", 0)
        container, reading = None, Reading()
        try:
            container = recognise(stream.read(_LOOK))
            stream.seek(0)
            reading = _READERS[container](stream, size)
        except StructureFault as fault:
            reading.note(fault.code, fault.words, offset=fault.offset)
        _judge(reading)
        return _examination(reading, size, container)


def recognise(head: bytes) -> str:
    """
    The container that the first bytes show: ``ogg``, ``m4a``, ``wav`` or ``mp3``.

    :param head: the first 512 bytes, or all of a shorter file
    :raises StructureFault: for anything else, saying what it looks like
    """
    if head.startswith(CAPTURE):
        return "ogg"
    if head[4:8] == b"ftyp":
        return "m4a"
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "wav"
    for magic, code, words in _STRANGERS:
        if head.startswith(magic):
            raise StructureFault(code, words, 0)
    if starts_mp3(head):
        return "mp3"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:  # noqa: PLR2004 - the sync bits of ADTS
        raise StructureFault("OTHER_AUDIO_ADTS", "this is AAC without a container, which is not read here", 0)
    raise _text_or_noise(head)


def _text_or_noise(head: bytes) -> StructureFault:
    if not any(head):
        return StructureFault(
            "ONLY_ZEROS", "the file begins with zeros only: it was never written, or a disk lost it", 0
        )
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] == b"<":
        return StructureFault("NOT_AUDIO_HTML", "this is an HTML or XML page instead of audio", 0)
    if text[:1] in (b"{", b"["):
        return StructureFault("NOT_AUDIO_JSON", "this is JSON instead of audio, perhaps an error message", 0)
    if all(byte >= 0x20 or byte in b"\t\r\n\f" for byte in head):  # noqa: PLR2004 - below are control characters
        return StructureFault("NOT_AUDIO_TEXT", "this is text instead of audio", 0)
    words = f"these bytes are of no known kind; they begin with {head[:8].hex(' ')}"
    return StructureFault("NOT_AUDIO", words, 0)


def _judge(reading: Reading) -> None:
    """What a whole structure promises has been found to be a recording."""
    promise = reading.structure
    if reading.count or promise is None:
        return
    if promise.duration <= 0:
        reading.note("NO_AUDIO", "the file is whole but holds no audio")
    elif not 1 <= promise.channels <= MAX_CHANNELS:
        reading.note("CHANNELS", f"{promise.channels} channels, a recording has 1 or {MAX_CHANNELS}")
    elif not 0 < promise.sample_rate <= _MAX_RATE:
        reading.note("SAMPLE_RATE", f"a sample rate of {promise.sample_rate} Hz")
    elif promise.duration > MOST_SECONDS:
        reading.note("DURATION", f"the file promises {promise.duration / 3600:.0f} hours of audio")


def _examination(reading: Reading, size: int, container: str | None) -> Examination:
    code, words = INTACT_CODE, "every part of the file is accounted for"
    if reading.worst:
        code, words = reading.worst.code, reading.worst.words
    promise = reading.structure
    verdict, _ = KINDS[code]
    return Examination(
        verdict,
        code,
        words,
        size,
        container,
        promise.codec if promise else None,
        promise.channels if promise else None,
        promise.sample_rate if promise else None,
        promise.duration if promise else None,
        0.0 if verdict is Verdict.INTACT else reading.lost_seconds,
        reading.estimated,
        tuple(reading.faults),
        reading.count,
    )
