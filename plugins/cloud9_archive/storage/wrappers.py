"""Stores around stores: today one that fails on cue, to prove that what is above it recovers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Literal, TypeVar

from cloud9_archive.storage.store import PARALLEL, READ_LIMIT, Put, Store, Stored, put_in_parallel

Result = TypeVar("Result")


class Operation(StrEnum):
    """What a store can be told to fail at."""

    PUT = "put"
    READ = "read"
    OPEN = "open"
    DIGEST = "digest"
    SIZE = "size"
    EXISTS = "exists"
    KEYS = "keys"


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


class FaultyStore:
    """
    Another store that raises where the script says so, and otherwise answers as that store does.

    :param script: faults; a put within ``put_all`` counts as a put
    """

    def __init__(self, store: Store, *, script: Iterable[Fault]) -> None:
        self._store = store
        self._script = {(fault.operation, fault.nth, fault.when): fault.error for fault in script}
        self._calls: Counter[Operation] = Counter()
        self._lock = Lock()

    def put(self, key: str, content: bytes | Path, *, sha256: str) -> Stored:
        """See :meth:`Store.put`."""
        return self._do(Operation.PUT, lambda: self._store.put(key, content, sha256=sha256))

    def put_all(self, items: Iterable[Put], *, parallel: int = PARALLEL) -> tuple[Stored, ...]:
        """See :meth:`Store.put_all`."""
        return put_in_parallel(self, items, parallel=parallel)

    def read(self, key: str, *, limit: int = READ_LIMIT) -> bytes:
        """See :meth:`Store.read`."""
        return self._do(Operation.READ, lambda: self._store.read(key, limit=limit))

    def open(self, key: str) -> BinaryIO:
        """See :meth:`Store.open`."""
        return self._do(Operation.OPEN, lambda: self._store.open(key))

    def digest(self, key: str) -> str:
        """See :meth:`Store.digest`."""
        return self._do(Operation.DIGEST, lambda: self._store.digest(key))

    def size(self, key: str) -> int:
        """See :meth:`Store.size`."""
        return self._do(Operation.SIZE, lambda: self._store.size(key))

    def exists(self, key: str) -> bool:
        """See :meth:`Store.exists`."""
        return self._do(Operation.EXISTS, lambda: self._store.exists(key))

    def keys(self, prefix: str = "") -> Iterator[str]:
        """See :meth:`Store.keys`."""
        return self._do(Operation.KEYS, lambda: self._store.keys(prefix))

    def _do(self, operation: Operation, act: Callable[[], Result]) -> Result:
        with self._lock:
            self._calls[operation] += 1
            nth = self._calls[operation]
        if before := self._script.get((operation, nth, "before")):
            raise before
        result = act()
        if after := self._script.get((operation, nth, "after")):
            raise after
        return result
