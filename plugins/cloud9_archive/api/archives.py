"""A recording out of a ZIP archive: which member it is, and its bytes; nothing is written but the one file we name."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from cloud9_archive.api.naming import called_like, is_named
from cloud9_archive.api.payload import Payload, recognised
from cloud9_archive.api.transfer import HEAD, Stored, TooLarge, store_chunks
from cloud9_archive.api.zip_directory import STORED, Member, ZipFault, read_directory
from cloud9_archive.domain.run import WantedRecording
from cloud9_archive.domain.words import shown
from cloud9_archive.errors import DamagedMediaError, MediaLimitError, RecordError, UnsupportedMediaError

MOST_ALTOGETHER: Final = 4
"""All members together, unpacked, may be so many times as large as one recording may be."""

_CHUNK: Final = 256 * 1024
_NAMES_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Absent:
    """The source does not have the recording yet; ``reason`` is how that was seen."""

    reason: str


def unpack_recording(
    archive: Path, wanted: WantedRecording, into: Path, *, most: int, too_large: TooLarge, only_named: bool
) -> Stored | Absent:
    """
    The wanted recording's bytes, as they were before they were packed, durably in ``into``; or that it is not there.

    A member is it by its file name, or by a name that is its id, whatever the case and the extension; or by being the
    only audio. Members that are JSON or text do not count, nor pages, unless one has the recording's very file name.

    :param most: bytes that a member may have
    :param too_large: makes the error for a larger one
    :param only_named: other recordings may be in the archive, so the only audio must have the right name too
    :raises RecordError: if the archive cannot be unpacked safely, or several members could be it
    """
    try:
        with archive.open("rb") as stream:
            members = read_directory(stream, archive.stat().st_size)
            _check_sizes(members, most, too_large)
            chosen = _chosen(stream, members, wanted, only_named=only_named)
            if isinstance(chosen, Absent):
                return chosen
            return store_chunks(_unpacked(stream, chosen), into)
    except ZipFault as fault:
        raise fault.kind(
            f"recording {shown(wanted.recording_id)!r} came in a ZIP archive, but {fault.words}",
            subject=wanted.recording_id,
            hint="have it delivered anew, and ask Cloud9 if it stays",
        ) from fault


def _check_sizes(members: tuple[Member, ...], most: int, too_large: TooLarge) -> None:
    for member in members:
        if member.size > most:
            raise too_large(member.size)
    altogether = sum(member.size for member in members)
    if altogether > MOST_ALTOGETHER * most:
        raise ZipFault(MediaLimitError, f"its members have {altogether} bytes; {MOST_ALTOGETHER * most} are allowed")


def _chosen(
    stream: BinaryIO, members: tuple[Member, ...], wanted: WantedRecording, *, only_named: bool
) -> Member | Absent:
    if not members:
        return Absent("empty ZIP")
    kinds = {member: recognised(_head(stream, member)) for member in members}
    for member, kind in kinds.items():
        if kind is Payload.ZIP:
            raise ZipFault(UnsupportedMediaError, f"its member {shown(member.name)} is a ZIP archive itself")
    audio = [member for member, kind in kinds.items() if kind is Payload.AUDIO]
    # What carries the name but is no known audio is evidence: it is kept, and judged where audio is judged.
    carriers = [member for member, kind in kinds.items() if kind in (Payload.AUDIO, Payload.OTHER, Payload.EMPTY)]
    found = called_like(carriers, wanted, name_of=lambda member: member.name)
    # A page is nobody's companion file: in the audio's place, under its whole name, it is what the source kept of it.
    found = found or [
        member for member, kind in kinds.items() if kind is Payload.PAGE and is_named(member.name, wanted.filename)
    ]
    if len(found) > 1:
        raise ZipFault(RecordError, f"several of its members could be it: {_listed(found)}")
    if found:
        return found[0]
    if len(audio) == 1 and not only_named:
        return audio[0]
    return Absent(f"no member of its own among {len(members)} in the ZIP: {_listed(members)}")


def _listed(members: Sequence[Member]) -> str:
    names = ", ".join(shown(member.name, longest=40) for member in members[:_NAMES_SHOWN])
    return names + (f" and {len(members) - _NAMES_SHOWN} more" if len(members) > _NAMES_SHOWN else "")


def _head(stream: BinaryIO, member: Member) -> bytes:
    """The first bytes of a member; of a damaged one nothing is known, so that it does not spoil the others."""
    head = b""
    try:
        for chunk in _unpacked(stream, member, step=HEAD):
            head += chunk
            if len(head) >= HEAD:
                break
    except ZipFault:
        return head or b"\x00"
    return head


def _unpacked(stream: BinaryIO, member: Member, *, step: int = _CHUNK) -> Iterator[bytes]:
    """
    The member's bytes.

    :raises ZipFault: if they are not as many as announced, or not the ones that were packed
    """
    crc = size = 0
    for chunk in _stored(stream, member, step) if member.method == STORED else _inflated(stream, member, step):
        crc, size = zlib.crc32(chunk, crc), size + len(chunk)
        if size > member.size:
            raise ZipFault(DamagedMediaError, f"its member {shown(member.name)} is larger than it says")
        yield chunk
    if size != member.size or crc != member.crc:
        raise ZipFault(
            DamagedMediaError, f"its member {shown(member.name)} is damaged: size or checksum is not the one it says"
        )


def _stored(stream: BinaryIO, member: Member, step: int) -> Iterator[bytes]:
    stream.seek(member.start)
    left = member.packed
    while chunk := stream.read(min(step, left)):
        left -= len(chunk)
        yield chunk


def _inflated(stream: BinaryIO, member: Member, step: int) -> Iterator[bytes]:
    inflater, packed = zlib.decompressobj(-zlib.MAX_WBITS), b""
    for chunk in _stored(stream, member, step):
        packed = chunk
        while packed and not inflater.eof:
            given = _decompressed(inflater, packed, step, member)
            packed = inflater.unconsumed_tail
            if given:
                yield given
    while not inflater.eof and (given := _decompressed(inflater, b"", step, member)):
        yield given
    if not inflater.eof or inflater.unused_data or packed:
        raise ZipFault(DamagedMediaError, f"its member {shown(member.name)} does not end where it says")


def _decompressed(inflater: zlib._Decompress, packed: bytes, step: int, member: Member) -> bytes:
    try:
        return inflater.decompress(packed, step)
    except zlib.error as error:
        raise ZipFault(DamagedMediaError, f"its member {shown(member.name)} is damaged") from error
