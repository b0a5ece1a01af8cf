"""The archive on a local or mounted file system: whole files appear at once, are never replaced, survive a power cut."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from io import BufferedReader
from pathlib import Path
from uuid import uuid4

from cloud9_archive.domain.keys import check_archive_key
from cloud9_archive.errors import ArchiveConflictError, ConfigurationError, StagingLostError
from cloud9_archive.storage.folders import INCOMING, Folders, os_errors, walk
from cloud9_archive.storage.store import PARALLEL, READ_LIMIT, HeldLock, Hidden, Put, Stored, in_parallel

_CHUNK = 1024 * 1024
_FILE_MODE = 0o444
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, opening a named pipe that somebody left in the archive would wait forever.
_READ_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class LocalStore:
    """
    A :class:`~cloud9_archive.storage.store.Store` below one folder.

    Files are written in ``.incoming`` on the same file system, flushed, given mode 0444, and linked to their name,
    which fails if the name is taken; then the folder is flushed. The mode guards against accidents, not against root.
    Symbolic links below the root are never followed.

    :param root: folder of the archive; made at the first put
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        self._folders = Folders(self.root)

    def __repr__(self) -> str:
        """Where it is."""
        return f"LocalStore({str(self.root)!r})"

    def check(self) -> None:
        """See :meth:`Store.check`; what a folder cannot take shows at the first put."""

    def put(
        self,
        key: str,
        content: bytes | Path,
        *,
        sha256: str,
        retain_until: datetime | None = None,  # noqa: ARG002 - see Store: recorded in the bag, not enforced here
    ) -> Stored:
        """See :meth:`Store.put`; a file system does not lock."""
        return self._put(key, content, sha256=sha256, flush=True)

    def put_all(self, items: Iterable[Put], *, parallel: int = PARALLEL) -> tuple[Stored, ...]:
        """See :meth:`Store.put_all`; each folder is flushed once, when all its files are linked."""
        items = tuple(items)
        folders = sorted({check_archive_key(item.key).rpartition("/")[0] for item in items} - {""})
        if folders:
            with os_errors(folders[0]):
                self._folders.make_all(folders)
        stored = in_parallel(
            lambda item: self._put(item.key, item.content, sha256=item.sha256, flush=False), items, parallel=parallel
        )
        in_parallel(self._flush, folders, parallel=parallel)
        return stored

    def _put(self, key: str, content: bytes | Path, *, sha256: str, flush: bool) -> Stored:
        """
        The content is on stable storage, and stands under its name.

        :param flush: whether the name is on stable storage as well; else the caller flushes the folder
        """
        check_archive_key(key)
        folder, _, name = key.rpartition("/")
        with os_errors(key), ExitStack() as stack:
            there = self._folders.open_for_writing(folder)
            stack.callback(os.close, there)
            if _exists(name, at=there):
                return _same_or_conflict(key, name, at=there, sha256=sha256)
            incoming = self._folders.open_for_writing(INCOMING)
            stack.callback(os.close, incoming)
            draft = f"{uuid4().hex}.part"
            try:
                size = _write_draft(key, content, draft=draft, at=incoming, sha256=sha256)
                try:
                    os.link(draft, name, src_dir_fd=incoming, dst_dir_fd=there, follow_symlinks=False)
                except FileExistsError:
                    return _same_or_conflict(key, name, at=there, sha256=sha256)
                if flush:
                    os.fsync(there)
            finally:
                with suppress(OSError):
                    os.unlink(draft, dir_fd=incoming)
        return Stored(key=key, size=size, sha256=sha256, created=True)

    def _flush(self, folder: str) -> None:
        """The names in the folder are on stable storage."""
        with os_errors(folder or "the archive's root"):
            opened = self._folders.open_for_reading(folder)
            try:
                os.fsync(opened)
            finally:
                os.close(opened)

    def lock_of(self, key: str) -> HeldLock | None:
        """See :meth:`Store.lock_of`; a file system does not lock."""
        self.size(key)
        return None

    def keep(
        self,
        key: str,
        *,
        retain_until: datetime | None = None,  # noqa: ARG002 - see Store
        legal_hold: bool | None = None,  # noqa: ARG002 - as above
    ) -> HeldLock | None:
        """See :meth:`Store.keep`; a file system does not lock."""
        return self.lock_of(key)

    def remove(self, key: str, *, sha256: str) -> bool:
        """See :meth:`Store.remove`; folders that are empty then are gone too."""
        if not self.exists(key):
            return False
        if (found := self.digest(key)) != sha256:
            raise ArchiveConflictError(
                f"{key} has the digest {found}, and {sha256} is to be removed; nothing was removed",
                subject=key,
                hint="run cloud9-archive verify before anything else",
            )
        with os_errors(key):
            self._folders.unlink(key)
        return True

    def read(self, key: str, *, limit: int = READ_LIMIT) -> bytes:
        """See :meth:`Store.read`."""
        with os_errors(key), self.open(key) as file:
            content = file.read(limit + 1)
        if len(content) > limit:
            raise ConfigurationError(f"{key} is larger than {limit} bytes, which is not expected here", subject=key)
        return content

    def open(self, key: str) -> BufferedReader:
        """See :meth:`Store.open`."""
        check_archive_key(key)
        folder, _, name = key.rpartition("/")
        with os_errors(key), ExitStack() as stack:
            there = self._folders.open_for_reading(folder)
            stack.callback(os.close, there)
            return _open_regular(key, name, at=there)

    def digest(self, key: str) -> str:
        """See :meth:`Store.digest`."""
        with os_errors(key), self.open(key) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def size(self, key: str) -> int:
        """See :meth:`Store.size`."""
        with os_errors(key), self.open(key) as file:
            return os.fstat(file.fileno()).st_size

    def exists(self, key: str) -> bool:
        """See :meth:`Store.exists`."""
        check_archive_key(key)
        folder, _, name = key.rpartition("/")
        with os_errors(key):
            try:
                there = self._folders.open_for_reading(folder)
            except (FileNotFoundError, NotADirectoryError):
                return False
            try:
                return _exists(name, at=there)
            finally:
                os.close(there)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """See :meth:`Store.keys`."""
        if prefix:
            check_archive_key(prefix)
        yield from walk(self.root, prefix)

    def versions(self, prefix: str = "") -> Iterator[tuple[str, str | None]]:
        """See :meth:`Store.versions`; a file system keeps none."""
        yield from ((key, None) for key in self.keys(prefix))

    def hidden(self, prefix: str = "") -> Iterator[Hidden]:
        """See :meth:`Store.hidden`; a file system keeps no versions."""
        if prefix:
            check_archive_key(prefix)
        yield from ()

    def remove_leftovers(self, *, older_than: timedelta, now: datetime) -> int:
        """
        Drafts that a cut-off put left in ``.incoming`` are gone; nothing else is touched.

        :param older_than: age from which a draft cannot belong to a put that still runs
        :param now: aware datetime
        :returns: how many were removed
        """
        removed = 0
        with os_errors(INCOMING), ExitStack() as stack:
            try:
                incoming = self._folders.open_for_reading(INCOMING)
            except FileNotFoundError:
                return 0
            stack.callback(os.close, incoming)
            with os.scandir(incoming) as entries:
                names = [entry.name for entry in entries]
            for name in names:
                with suppress(FileNotFoundError):
                    found = os.stat(name, dir_fd=incoming, follow_symlinks=False)
                    written = datetime.fromtimestamp(found.st_mtime, UTC)
                    if stat.S_ISREG(found.st_mode) and name.endswith(".part") and now - written >= older_than:
                        os.unlink(name, dir_fd=incoming)
                        removed += 1
        return removed


def _write_draft(key: str, content: bytes | Path, *, draft: str, at: int, sha256: str) -> int:
    """The content is on disk under the draft's name, with the right digest; its size in bytes."""
    digest = hashlib.sha256()
    size = 0
    written = os.open(draft, _NEW_FILE, 0o600, dir_fd=at)
    try:
        for chunk in _chunks(key, content):
            digest.update(chunk)
            size += len(chunk)
            rest = memoryview(chunk)
            while rest:
                rest = rest[os.write(written, rest) :]
        if digest.hexdigest() != sha256:
            raise StagingLostError(
                f"the bytes for {key} have the digest {digest.hexdigest()}, not {sha256}; nothing was archived",
                subject=key,
                hint="they changed since they were staged: fetch the recording again",
            )
        os.fchmod(written, _FILE_MODE)
        os.fsync(written)
    finally:
        os.close(written)
    return size


def _chunks(key: str, content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    try:
        source = content.open("rb")
    except FileNotFoundError:
        raise StagingLostError(
            f"the staged file for {key} is not on this host", subject=key, hint="fetch the recording again"
        ) from None
    with source:
        while chunk := source.read(_CHUNK):
            yield chunk


def _same_or_conflict(key: str, name: str, *, at: int, sha256: str) -> Stored:
    """What stands there, made durable, if it is the same; whoever linked it may not have flushed the folder yet."""
    with _open_regular(key, name, at=at) as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
        size = os.fstat(file.fileno()).st_size
    if found != sha256:
        raise ArchiveConflictError(
            f"{key} already holds bytes with the digest {found}, not {sha256}; nothing was overwritten",
            subject=key,
            hint="run cloud9-archive verify to learn which of the two the archive vouches for",
        )
    os.fsync(at)
    return Stored(key=key, size=size, sha256=sha256, created=False)


def _open_regular(key: str, name: str, *, at: int) -> BufferedReader:
    opened = os.open(name, _READ_FILE, dir_fd=at)
    if stat.S_ISREG(os.fstat(opened).st_mode):
        return os.fdopen(opened, "rb")
    os.close(opened)
    raise ConfigurationError(
        f"{key} is not a regular file", subject=key, hint="find out who put it there, and move it away"
    )


def _exists(name: str, *, at: int) -> bool:
    try:
        os.stat(name, dir_fd=at, follow_symlinks=False)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return False
        raise
    return True
