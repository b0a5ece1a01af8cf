"""What every store promises: sealed bytes go in once, durably, and never change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from cloud9_archive.errors import ArchiveConflictError

READ_LIMIT = 64 * 1024 * 1024
PARALLEL = 8

Item = TypeVar("Item")
Result = TypeVar("Result")


class LockMode(StrEnum):
    """Who may lift a lock before its time: privileged accounts, or nobody."""

    GOVERNANCE = "governance"
    COMPLIANCE = "compliance"


@dataclass(frozen=True, slots=True)
class HeldLock:
    """
    The lock that a store was seen to hold a file under.

    :param mode: None when only a legal hold keeps the file
    :param retain_until: aware UTC; None without a mode
    :param legal_hold: whether it is kept until somebody lifts the hold, whatever the date
    """

    mode: LockMode | None = None
    retain_until: datetime | None = None
    legal_hold: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    """
    A file of the archive.

    :param key: relative POSIX path
    :param size: bytes
    :param sha256: hex
    :param created: False if the same bytes were there already
    :param version_id: what the store itself calls these bytes, where it keeps versions
    :param lock: as read back from the store, where it locks
    :param proven: whether the store itself read the bytes back and compared them
    """

    key: str
    size: int
    sha256: str
    created: bool
    version_id: str | None = None
    lock: HeldLock | None = None
    proven: bool = False


@dataclass(frozen=True, slots=True)
class Put:
    """
    One file to put.

    :param content: the bytes, or the path of a file that holds them
    :param sha256: hex digest that the content must have
    :param retain_until: aware moment until which it is to be kept at least; see :meth:`Store.put`
    """

    key: str
    content: bytes | Path
    sha256: str
    retain_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hidden:
    """
    A key of which the store keeps more than the one version that it should have.

    :param versions: how many of them hold bytes
    :param deleted: whether a delete marker stands among them
    :param same: whether all of them hold the same bytes
    """

    key: str
    versions: int
    deleted: bool
    same: bool


class Store(Protocol):
    """
    A store of files under relative POSIX keys, of which each is created once.

    Keys are refused with :class:`~cloud9_archive.errors.ConfigurationError` if they are absolute, or have an empty
    segment, a segment that begins with a dot, a backslash or a control character. Nothing here overwrites, and
    only :meth:`remove` removes. A file is visible under its key whole or not at all. All methods may be called from several threads and
    several hosts at once.

    **First bytes win.** Where others can put newer versions or delete markers over a file, which no lock prevents,
    every method goes on to see the first version; :meth:`hidden` tells what was put over it.

    **Retention only grows.** A store that locks, locks each file at its put, and reads the lock back. A put of bytes
    that stand there already lengthens a lock that is too short, and never shortens one. A file system does not lock:
    what is to be kept until when is recorded in the bags, and enforced by whoever removes files.

    Of the errors, a :class:`~cloud9_archive.errors.TransientError` may go away by itself, a
    :class:`~cloud9_archive.errors.ConfigurationError` needs a person.
    """

    def check(self) -> None:
        """
        The place can take files as it is set up to: nothing is written to learn that.

        :raises ConfigurationError: if it keeps no versions, or locks otherwise than it is to
        """
        ...

    def put(self, key: str, content: bytes | Path, *, sha256: str, retain_until: datetime | None = None) -> Stored:
        """
        The content is in the archive under the key, on stable storage, when this returns.

        A put that failed or was cut off anywhere may be repeated.

        :param content: the bytes, or the path of a file that holds them
        :param sha256: hex digest that the content must have
        :param retain_until: aware moment until which a store that locks keeps it at least; None for as long as the
            store's own rule says. What should have expired by now is locked for a day
        :returns: ``created=False`` if the same bytes stood there already
        :raises ArchiveConflictError: if other bytes stand there, which are left as they are, or other bytes than
            these are read back
        :raises LockNotProvenError: if the lock is not read back as it was asked for
        :raises StagingLostError: if the content is not there, or does not have the digest; nothing becomes visible
        """
        ...

    def put_all(self, items: Iterable[Put], *, parallel: int = PARALLEL) -> tuple[Stored, ...]:
        """
        All items are in the archive, in no particular order of time; the answer is in the order of the items.

        :param parallel: how many puts run at once
        :raises Cloud9ArchiveError: the first error in the order of the items, or, where a store does several together,
            in that of its steps; puts not yet begun are dropped, others may have been done
        """
        ...

    def lock_of(self, key: str) -> HeldLock | None:
        """
        The lock that the store itself tells; None where it does not lock.

        :raises ConfigurationError: if there is no such file
        """
        ...

    def keep(
        self, key: str, *, retain_until: datetime | None = None, legal_hold: bool | None = None
    ) -> HeldLock | None:
        """
        The file is locked until then at least, as the store itself tells afterwards; a lock is never shortened.

        :param retain_until: aware moment; None to leave that as it is
        :param legal_hold: whether it is under legal hold afterwards; None to leave that as it is
        :returns: the lock as read back; None where the store does not lock
        :raises LockNotProvenError: if the lock is not read back as it was asked for
        :raises ConfigurationError: if there is no such file
        """
        ...

    def remove(self, key: str, *, sha256: str) -> bool:
        """
        Nothing of the file is left, in no version. A lock is never got around, whatever rights the account has.

        :param sha256: hex digest that it must have
        :returns: False if there was no such file
        :raises StillLockedError: if a lock keeps it
        :raises ArchiveConflictError: if it has other bytes; nothing is removed then
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

    def versions(self, prefix: str = "") -> Iterator[tuple[str, str | None]]:
        """
        What :meth:`keys` lists, each with what the store itself calls the bytes that were put first.

        :returns: key and version id; None where a store keeps no versions
        """
        ...

    def hidden(self, prefix: str = "") -> Iterator[Hidden]:
        """
        Keys below the folder ``prefix`` that somebody put newer bytes or a delete marker over, sorted.

        Nothing where a store keeps no versions, and so cannot know.

        :param prefix: as for :meth:`keys`
        """
        ...


def require_read_back(key: str, found: str, *, expected: str) -> None:
    """
    What stands in the archive is what was put there.

    :param found: hex digest of what was read back
    :param expected: that of what was put
    :raises ArchiveConflictError: if it is not
    """
    if found != expected:
        raise ArchiveConflictError(
            f"{key} reads back as {found}, and {expected} was put there",
            subject=key,
            hint="the archive's disk alters what it is given: take it out of use and check it",
        )


def put_in_parallel(store: Store, items: Iterable[Put], *, parallel: int) -> tuple[Stored, ...]:
    """Every item went through ``store.put``; see :meth:`Store.put_all`."""

    def put(item: Put) -> Stored:
        return store.put(item.key, item.content, sha256=item.sha256, retain_until=item.retain_until)

    return in_parallel(put, items, parallel=parallel)


def in_parallel(
    act: Callable[[Item], Result], items: Iterable[Item], *, parallel: int = PARALLEL
) -> tuple[Result, ...]:
    """
    What was done with every item, in the order of the items.

    :param parallel: how many threads do it
    :raises Exception: the first error in the order of the items; what was not begun yet is not done
    """
    with ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="archive") as pool:
        futures = [pool.submit(act, item) for item in items]
        try:
            return tuple(future.result() for future in futures)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
