"""Stores around stores: one that fails on cue, one that is slow, one that counts, to prove what is above them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Literal, TypeVar

from cloud9_archive.storage.store import PARALLEL, READ_LIMIT, HeldLock, Hidden, Put, Store, Stored, put_in_parallel

Result = TypeVar("Result")


class Operation(StrEnum):
    """What a store is asked to do."""

    CHECK = "check"
    PUT = "put"
    LOCK_OF = "lock_of"
    KEEP = "keep"
    REMOVE = "remove"
    READ = "read"
    OPEN = "open"
    DIGEST = "digest"
    SIZE = "size"
    EXISTS = "exists"
    KEYS = "keys"
    HIDDEN = "hidden"


class WrappedStore:
    """
    Another store; every operation goes through :meth:`around`, which a subclass changes.

    :param store: answers; a put within ``put_all`` counts as a put
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def __repr__(self) -> str:
        """The place is that of the store within."""
        return repr(self.store)

    def around(self, operation: Operation, act: Callable[[], Result]) -> Result:  # noqa: ARG002 - for subclasses
        """The operation was carried out."""
        return act()

    def check(self) -> None:
        """See :meth:`Store.check`."""
        self.around(Operation.CHECK, self.store.check)

    def put(self, key: str, content: bytes | Path, *, sha256: str, retain_until: datetime | None = None) -> Stored:
        """See :meth:`Store.put`."""
        return self.around(
            Operation.PUT, lambda: self.store.put(key, content, sha256=sha256, retain_until=retain_until)
        )

    def put_all(self, items: Iterable[Put], *, parallel: int = PARALLEL) -> tuple[Stored, ...]:
        """See :meth:`Store.put_all`."""
        return put_in_parallel(self, items, parallel=parallel)

    def lock_of(self, key: str) -> HeldLock | None:
        """See :meth:`Store.lock_of`."""
        return self.around(Operation.LOCK_OF, lambda: self.store.lock_of(key))

    def keep(
        self, key: str, *, retain_until: datetime | None = None, legal_hold: bool | None = None
    ) -> HeldLock | None:
        """See :meth:`Store.keep`."""
        return self.around(
            Operation.KEEP, lambda: self.store.keep(key, retain_until=retain_until, legal_hold=legal_hold)
        )

    def remove(self, key: str, *, sha256: str) -> bool:
        """See :meth:`Store.remove`."""
        return self.around(Operation.REMOVE, lambda: self.store.remove(key, sha256=sha256))

    def read(self, key: str, *, limit: int = READ_LIMIT) -> bytes:
        """See :meth:`Store.read`."""
        return self.around(Operation.READ, lambda: self.store.read(key, limit=limit))

    def open(self, key: str) -> BinaryIO:
        """See :meth:`Store.open`."""
        return self.around(Operation.OPEN, lambda: self.store.open(key))

    def digest(self, key: str) -> str:
        """See :meth:`Store.digest`."""
        return self.around(Operation.DIGEST, lambda: self.store.digest(key))

    def size(self, key: str) -> int:
        """See :meth:`Store.size`."""
        return self.around(Operation.SIZE, lambda: self.store.size(key))

    def exists(self, key: str) -> bool:
        """See :meth:`Store.exists`."""
        return self.around(Operation.EXISTS, lambda: self.store.exists(key))

    def keys(self, prefix: str = "") -> Iterator[str]:
        """See :meth:`Store.keys`."""
        return self.around(Operation.KEYS, lambda: self.store.keys(prefix))

    def versions(self, prefix: str = "") -> Iterator[tuple[str, str | None]]:
        """See :meth:`Store.versions`; it counts as a listing of keys."""
        return self.around(Operation.KEYS, lambda: self.store.versions(prefix))

    def hidden(self, prefix: str = "") -> Iterator[Hidden]:
        """See :meth:`Store.hidden`."""
        return self.around(Operation.HIDDEN, lambda: self.store.hidden(prefix))


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One failure.

    :param nth: at which call of the operation, from 1
    :param when: ``before`` the store did it, or ``after`` it did it and before the caller learns so
    """

    operation: Operation
    nth: int
    error: BaseException
    when: Literal["before", "after"] = "before"


class MeteredStore(WrappedStore):
    """
    Another store whose operations are counted.

    :param store: answers
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._calls: Counter[Operation] = Counter()
        self._lock = Lock()

    @property
    def calls(self) -> dict[Operation, int]:
        """How often each operation was asked for."""
        with self._lock:
            return dict(self._calls)

    def counted(self, operation: Operation) -> int:
        """The operation is counted; its number, from 1."""
        with self._lock:
            self._calls[operation] += 1
            return self._calls[operation]

    def around(self, operation: Operation, act: Callable[[], Result]) -> Result:
        """The operation was counted and carried out."""
        self.counted(operation)
        return act()


class FaultyStore(MeteredStore):
    """
    Another store that raises where the script says so, and otherwise answers as that store does.

    :param script: faults; a put within ``put_all`` counts as a put
    """

    def __init__(self, store: Store, *, script: Iterable[Fault]) -> None:
        super().__init__(store)
        self._script = {(fault.operation, fault.nth, fault.when): fault.error for fault in script}

    def around(self, operation: Operation, act: Callable[[], Result]) -> Result:
        """The operation was carried out, or failed on cue."""
        nth = self.counted(operation)
        if before := self._script.get((operation, nth, "before")):
            raise before
        result = act()
        if after := self._script.get((operation, nth, "after")):
            raise after
        return result


class SlowStore(WrappedStore):
    """
    Another store that waits before each operation, as a far one would.

    :param wait: is called with the operation, and returns when it may go on
    """

    def __init__(self, store: Store, *, wait: Callable[[Operation], None]) -> None:
        super().__init__(store)
        self._wait = wait

    def around(self, operation: Operation, act: Callable[[], Result]) -> Result:
        """The operation was carried out, later."""
        self._wait(operation)
        return act()
