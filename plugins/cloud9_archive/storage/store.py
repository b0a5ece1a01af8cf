"""What every store promises: sealed bytes go in once, durably, and never change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

READ_LIMIT = 64 * 1024 * 1024
PARALLEL = 8


@dataclass(frozen=True, slots=True)
class Stored:
    """
    A file of the archive.

    :param key: relative POSIX path
    :param size: bytes
    :param sha256: hex
    :param created: False if the same bytes were there already
    """

    key: str
    size: int
    sha256: str
    created: bool


@dataclass(frozen=True, slots=True)
class Put:
    """
    One file to put.

    :param content: the bytes, or the path of a file that holds them
    :param sha256: hex digest that the content must have
    """

    key: str
    content: bytes | Path
    sha256: str


class Store(Protocol):
    """
    A create-only store of files under relative POSIX keys.

    Keys are refused with :class:`~cloud9_archive.errors.ConfigurationError` if they are absolute, or have an empty
    segment, a segment that begins with a dot, a backslash or a control character. Nothing here overwrites or
    removes. A file is visible under its key whole or not at all. All methods may be called from several threads and
    several hosts at once.

    Of the errors, a :class:`~cloud9_archive.errors.TransientError` may go away by itself, a
    :class:`~cloud9_archive.errors.ConfigurationError` needs a person.
    """

    def put(self, key: str, content: bytes | Path, *, sha256: str) -> Stored:
        """
        The content is in the archive under the key, on stable storage, when this returns.

        A put that failed or was cut off anywhere may be repeated.

        :param content: the bytes, or the path of a file that holds them
        :param sha256: hex digest that the content must have
        :returns: ``created=False`` if the same bytes stood there already
        :raises ArchiveConflictError: if other bytes stand there; they are left as they are
        :raises StagingLostError: if the content is not there, or does not have the digest; nothing becomes visible
        """
        ...

    def put_all(self, items: Iterable[Put], *, parallel: int = PARALLEL) -> tuple[Stored, ...]:
        """
        All items are in the archive, in no particular order of time; the answer is in the order of the items.

        :param parallel: how many puts run at once
        :raises Cloud9ArchiveError: the first error in the order of the items; puts not yet begun are dropped, others
            may have been done
        """
        ...

    def read(self, key: str, *, limit: int = READ_LIMIT) -> bytes:
        """
        All bytes of a file.

        :param limit: bytes; a larger file is refused
        :raises ConfigurationError: if there is no such file, or it is larger
        """
        ...

    def open(self, key: str) -> BinaryIO:
        """
        A file, opened for reading; the caller closes it.

        :raises ConfigurationError: if there is no such file
        """
        ...

    def digest(self, key: str) -> str:
        """
        SHA-256, hex, of the bytes as they are now.

        :raises ConfigurationError: if there is no such file
        """
        ...

    def size(self, key: str) -> int:
        """
        Size in bytes.

        :raises ConfigurationError: if there is no such file
        """
        ...

    def exists(self, key: str) -> bool:
        """Whether anything stands under the key."""
        ...

    def keys(self, prefix: str = "") -> Iterator[str]:
        """
        Whatever lies below the folder ``prefix``, sorted by code point; nothing if there is no such folder.

        Names that nobody put there are listed as they are, even those that the other methods refuse.

        :param prefix: key of a folder without a slash at its end; empty for the whole store
        """
        ...


def put_in_parallel(store: Store, items: Iterable[Put], *, parallel: int) -> tuple[Stored, ...]:
    """Every item went through ``store.put``; see :meth:`Store.put_all`."""
    with ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="archive-put") as pool:
        futures = [pool.submit(store.put, item.key, item.content, sha256=item.sha256) for item in items]
        try:
            return tuple(future.result() for future in futures)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
