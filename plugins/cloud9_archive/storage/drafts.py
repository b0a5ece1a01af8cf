"""Files on their way into a local archive, some at a time: written as drafts, flushed, linked to their names, read back."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from io import BufferedReader
from uuid import uuid4

from cloud9_archive.domain.keys import check_archive_key
from cloud9_archive.errors import ArchiveConflictError, ConfigurationError, StagingLostError
from cloud9_archive.storage.folders import INCOMING, Folders, os_errors
from cloud9_archive.storage.store import Put, Stored, require_read_back

# Fits into a processor's cache: bytes are still there when they are written after they were hashed.
_CHUNK = 256 * 1024
_FILE_MODE = 0o444
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, opening a named pipe that somebody left in the archive would wait forever.
_READ_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class _Draft:
    """
    A file that is written and has no name yet.

    :param name: in the folder of drafts
    :param opened: its descriptor; a flush through another one would not tell of writes that failed before
    """

    name: str
    opened: int
    size: int


def put_together(folders: Folders, items: Sequence[Put]) -> list[Stored]:
    """
    The items stand under their names, on stable storage, when this returns; the answer is in their order.

    The bytes of all are flushed before the first of them gets its name: a disk that has written all of them needs
    hardly longer to flush them than for one.

    :param items: so few that a descriptor of each may be open at once
    """
    places = [_place(item.key) for item in items]
    with (
        os_errors(items[0].key),
        folders.opened([INCOMING, *(folder for folder, _ in places)], make=True) as at,
        ExitStack() as stack,
    ):
        drafts: list[_Draft | None] = []
        for item, (folder, name) in zip(items, places, strict=True):
            with os_errors(item.key):
                taken = exists(name, at=at[folder])
                drafts.append(None if taken else _written(item, at=at[INCOMING], stack=stack))
        for item, draft in zip(items, drafts, strict=True):
            if draft is not None:
                with os_errors(item.key):
                    os.fsync(draft.opened)
        stored = []
        for item, draft, (folder, name) in zip(items, drafts, places, strict=True):
            with os_errors(item.key):
                stored.append(_named(item, draft, name=name, at=at[folder], incoming=at[INCOMING]))
        # Also where the name was taken: whoever linked it may not have flushed the folder yet.
        for folder in dict.fromkeys(folder for folder, _ in places):
            os.fsync(at[folder])
    return stored


def read_back(folders: Folders, stored: Sequence[Stored]) -> list[Stored]:
    """
    Each file reads back as what was put, by its name.

    :raises ArchiveConflictError: if it does not
    """
    places = [_place(file.key) for file in stored]
    proven = []
    with os_errors(stored[0].key), folders.opened([folder for folder, _ in places], make=False) as at:
        for file, (folder, name) in zip(stored, places, strict=True):
            if file.created:
                with os_errors(file.key), open_regular(file.key, name, at=at[folder]) as opened:
                    found = hashlib.file_digest(opened, "sha256").hexdigest()
                require_read_back(file.key, found, expected=file.sha256)
            proven.append(replace(file, proven=True))
    return proven


def open_regular(key: str, name: str, *, at: int) -> BufferedReader:
    """
    The file, opened for reading; links are not followed.

    :param at: descriptor of its folder
    :raises ConfigurationError: if it is something else than a file
    """
    opened = os.open(name, _READ_FILE, dir_fd=at)
    if stat.S_ISREG(os.fstat(opened).st_mode):
        return os.fdopen(opened, "rb")
    os.close(opened)
    raise ConfigurationError(
        f"{key} is not a regular file", subject=key, hint="find out who put it there, and move it away"
    )


def exists(name: str, *, at: int) -> bool:
    """
    Whether anything has that name.

    :param at: descriptor of the folder
    """
    try:
        os.stat(name, dir_fd=at, follow_symlinks=False)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return False
        raise
    return True


def _place(key: str) -> tuple[str, str]:
    """Folder and name."""
    folder, _, name = check_archive_key(key).rpartition("/")
    return folder, name


def _written(item: Put, *, at: int, stack: ExitStack) -> _Draft:
    """
    The content is in a draft, with the right digest, and not flushed yet.

    :param stack: closes and removes it
    """
    digest = hashlib.sha256()
    size = 0
    name = f"{uuid4().hex}.part"
    opened = os.open(name, _NEW_FILE, 0o600, dir_fd=at)
    stack.callback(_removed, name, opened, at=at)
    for chunk in _chunks(item):
        digest.update(chunk)
        size += len(chunk)
        rest = chunk
        while rest:
            rest = rest[os.write(opened, rest) :]
    if digest.hexdigest() != item.sha256:
        raise StagingLostError(
            f"the bytes for {item.key} have the digest {digest.hexdigest()}, not {item.sha256}; nothing was archived",
            subject=item.key,
            hint="they changed since they were staged: fetch the recording again",
        )
    os.fchmod(opened, _FILE_MODE)
    return _Draft(name, opened, size)


def _removed(name: str, opened: int, *, at: int) -> None:
    """The draft is closed, and its name in the folder of drafts gone; another name that it has stays."""
    try:
        with suppress(OSError):
            os.unlink(name, dir_fd=at)
    finally:
        os.close(opened)


def _chunks(item: Put) -> Iterator[memoryview]:
    """The content, piece by piece; each is good until the next is asked for."""
    if isinstance(item.content, bytes):
        yield memoryview(item.content)
        return
    try:
        source = item.content.open("rb", buffering=0)
    except FileNotFoundError:
        raise StagingLostError(
            f"the staged file for {item.key} is not on this host", subject=item.key, hint="fetch the recording again"
        ) from None
    buffer = memoryview(bytearray(_CHUNK))
    with source:
        while size := source.readinto(buffer):
            yield buffer[:size]


def _named(item: Put, draft: _Draft | None, *, name: str, at: int, incoming: int) -> Stored:
    """
    The draft has its name, or the same bytes stood there already.

    :param at: descriptor of the folder that the name is in
    :param incoming: that of the folder of drafts
    """
    if draft is not None:
        with suppress(FileExistsError):
            os.link(draft.name, name, src_dir_fd=incoming, dst_dir_fd=at, follow_symlinks=False)
            return Stored(key=item.key, size=draft.size, sha256=item.sha256, created=True)
    with open_regular(item.key, name, at=at) as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
        size = os.fstat(file.fileno()).st_size
    if found != item.sha256:
        raise ArchiveConflictError(
            f"{item.key} already holds bytes with the digest {found}, not {item.sha256}; nothing was overwritten",
            subject=item.key,
            hint="run cloud9-archive verify to learn which of the two the archive vouches for",
        )
    return Stored(key=item.key, size=size, sha256=item.sha256, created=False)
