"""What a file is, by content and never by name; no decoder is loaded for it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

from cloud9_archive.media.mp4 import read_m4a
from cloud9_archive.media.ogg import OggScan, scan_ogg
from cloud9_archive.media.ogg_pages import CAPTURE, OggFaultCode
from cloud9_archive.media.opus_packets import OPUS_RATE, read_opus_head
from cloud9_archive.media.profiles import MAX_CHANNELS
from cloud9_archive.media.riff import read_wav
from cloud9_archive.media.structure import Structure, StructureFault, damaged, unsupported
from cloud9_archive.media.verdicts import Examination, Verdict

INTACT_CODE: Final = "INTACT"
_MAX_RATE: Final = 192_000
_LOOK: Final = 512
_STRANGERS: Final = (
    (b"PK\x03\x04", "NOT_AUDIO_ZIP", "a ZIP archive"),
    (b"PK\x05\x06", "NOT_AUDIO_ZIP", "an empty ZIP archive"),
    (b"\x1f\x8b", "NOT_AUDIO_GZIP", "gzip-compressed bytes"),
    (b"\x89PNG", "NOT_AUDIO_IMAGE", "a PNG image"),
    (b"\xff\xd8\xff", "NOT_AUDIO_IMAGE", "a JPEG image"),
    (b"GIF8", "NOT_AUDIO_IMAGE", "a GIF image"),
    (b"%PDF", "NOT_AUDIO_PDF", "a PDF document"),
    (b"ID3", "OTHER_AUDIO_MPEG", "MPEG audio (MP3), which Cloud9 is not known to deliver"),
    (b"fLaC", "OTHER_AUDIO_FLAC", "FLAC audio, which Cloud9 is not known to deliver"),
    (b"#!AMR", "OTHER_AUDIO_AMR", "AMR audio, which Cloud9 is not known to deliver"),
    (b"\x1aE\xdf\xa3", "OTHER_AUDIO_MATROSKA", "Matroska or WebM, which Cloud9 is not known to deliver"),
    (b"RF64", "OTHER_AUDIO_RF64", "a WAVE file of more than 4 GiB, which is not read here"),
)
# A chain plays on in some players only, and several streams at once are not one recording; both may be whole.
_NOT_DAMAGE: Final = {OggFaultCode.CHAINED, OggFaultCode.MULTIPLEXED}


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
        container = None
        try:
            container = recognise(stream.read(_LOOK))
            stream.seek(0)
            return _judge(container, _read(container, stream, size), size)
        except StructureFault as fault:
            return Examination(fault.verdict, fault.code, fault.words, size, container)


def recognise(head: bytes) -> str:
    """
    The container that the first bytes show: ``ogg``, ``m4a`` or ``wav``.

    :param head: the first 512 bytes, or all of a shorter file
    :raises StructureFault: ``unsupported`` for anything else, saying what it looks like
    """
    if head.startswith(CAPTURE):
        return "ogg"
    if head[4:8] == b"ftyp":
        return "m4a"
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "wav"
    for magic, code, words in _STRANGERS:
        if head.startswith(magic):
            raise unsupported(code, f"this is {words}")
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:  # noqa: PLR2004 - the sync bits of MPEG audio
        raise unsupported("OTHER_AUDIO_MPEG", "this is MPEG audio (MP3 or ADTS), which Cloud9 is not known to deliver")
    raise _text_or_noise(head)


def _text_or_noise(head: bytes) -> StructureFault:
    if not any(head):
        return damaged("ONLY_ZEROS", "the file begins with zeros only: it was never written, or a disk lost it")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] == b"<":
        return unsupported("NOT_AUDIO_HTML", "this is an HTML or XML page instead of audio")
    if text[:1] in (b"{", b"["):
        return unsupported("NOT_AUDIO_JSON", "this is JSON instead of audio, perhaps an error message")
    if all(byte >= 0x20 or byte in b"\t\r\n\f" for byte in head):  # noqa: PLR2004 - below are control characters
        return unsupported("NOT_AUDIO_TEXT", "this is text instead of audio")
    return unsupported("NOT_AUDIO", f"these bytes are of no known kind; they begin with {head[:8].hex(' ')}")


def _read(container: str, stream: BinaryIO, size: int) -> Structure:
    if container == "ogg":
        return _promise_of_scan(scan_ogg(stream))
    return read_m4a(stream, size) if container == "m4a" else read_wav(stream, size)


def _promise_of_scan(scan: OggScan) -> Structure:
    worst = next((fault for fault in scan.faults if fault.code not in _NOT_DAMAGE), None)
    if worst is not None:
        others = f" ({len(scan.faults) - 1} more faults)" if len(scan.faults) > 1 else ""
        raise damaged(worst.code, f"at byte {worst.offset}: {worst.words}{others}")
    if scan.faults:
        raise unsupported(scan.faults[0].code, f"at byte {scan.faults[0].offset}: {scan.faults[0].words}")
    head = read_opus_head(scan.head)
    if head is None:
        raise unsupported("OGG_CODEC", f"the Ogg stream is not Opus; it begins with {scan.head[:8].hex(' ')}")
    played = scan.last_granule - scan.first_granule - head.pre_skip
    return Structure("opus", head.channels, OPUS_RATE, max(0, played) / OPUS_RATE)


def _judge(container: str, promise: Structure, size: int) -> Examination:
    verdict, code, words = Verdict.INTACT, INTACT_CODE, "every part of the file is accounted for"
    if promise.duration <= 0:
        verdict, code, words = Verdict.EMPTY, "NO_AUDIO", "the file is whole but holds no audio"
    elif not 1 <= promise.channels <= MAX_CHANNELS:
        verdict, code = Verdict.UNSUPPORTED, "CHANNELS"
        words = f"{promise.channels} channels, a recording has 1 or {MAX_CHANNELS}"
    elif not 0 < promise.sample_rate <= _MAX_RATE:
        verdict, code, words = Verdict.UNSUPPORTED, "SAMPLE_RATE", f"a sample rate of {promise.sample_rate} Hz"
    return Examination(
        verdict, code, words, size, container, promise.codec, promise.channels, promise.sample_rate, promise.duration
    )
