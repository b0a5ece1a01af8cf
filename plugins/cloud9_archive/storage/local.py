"""The archive on a local or mounted file system: whole files appear at once, are never replaced, survive a power cut."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from io import BufferedReader
from itertools import chain
from pathlib import Path

from cloud9_archive.domain.keys import check_archive_key
from cloud9_archive.errors import ArchiveConflictError, ConfigurationError
from cloud9_archive.storage.drafts import exists, open_regular, put_together, read_back
from cloud9_archive.storage.folders import INCOMING, Folders, os_errors, walk
from cloud9_archive.storage.store import PARALLEL, READ_LIMIT, HeldLock, Hidden, Put, Stored, in_parallel

# Small files share what flushing costs, and few enough are open at once; large ones keep the disk busy from the first on.
_TOGETHER, _BYTES_TOGETHER = 16, 4_000_000


class LocalStore:
    """
    A :class:`~cloud9_archive.storage.store.Store` below one folder.

    Files are written in ``.incoming`` on the same file system, flushed, given mode 0444, and linked to their name,
    which fails if the name is taken; then the folder is flushed. The mode guards against accidents, not against root.
    Symbolic links below the root are never followed. ``put_all`` reads back what it put, ``put`` does not.

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
        (stored,) = put_together(self._folders, [Put(key, content, sha256)])
        return stored

    def put_all(self, items: Iterable[Put], *, parallel: int = PARALLEL) -> tuple[Stored, ...]:
        """See :meth:`Store.put_all`; some at a time are flushed together, and read back by their names."""
        items = tuple(items)
        folders = sorted({check_archive_key(item.key).rpartition("/")[0] for item in items} - {""})
        if folders:
            with os_errors(folders[0]):
                self._folders.make_all(folders)
        groups = list(_together(items))
        return tuple(chain.from_iterable(in_parallel(self._put_and_proven, groups, parallel=parallel)))

    def _put_and_proven(self, items: Sequence[Put]) -> list[Stored]:
        return read_back(self._folders, put_together(self._folders, items))

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
            return open_regular(key, name, at=there)

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
                return exists(name, at=there)
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


def _together(items: Iterable[Put]) -> Iterator[list[Put]]:
    """The items in their order, as many together as are flushed together."""
    group: list[Put] = []
    size = 0
    for item in items:
        group.append(item)
        if isinstance(item.content, bytes):
            size += len(item.content)
        else:
            with suppress(OSError):  # whoever reads it tells
                size += item.content.stat().st_size
        if len(group) == _TOGETHER or size >= _BYTES_TOGETHER:
            yield group
            group, size = [], 0
    if group:
        yield group
