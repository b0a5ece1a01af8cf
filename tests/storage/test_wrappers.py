"""The store that fails on cue fails there and nowhere else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from cloud9_archive.errors import UnreachableError
from cloud9_archive.storage.local import LocalStore
from cloud9_archive.storage.store import Put
from cloud9_archive.storage.wrappers import Fault, FaultyStore, Operation

EMPTY = hashlib.sha256().hexdigest()


def test_before_the_second_put_nothing_of_it_is_stored(tmp_path: Path) -> None:
    real = LocalStore(tmp_path)
    faulty = FaultyStore(real, script=[Fault(Operation.PUT, 2, UnreachableError("cue"))])
    faulty.put("a", b"", sha256=EMPTY)
    with pytest.raises(UnreachableError):
        faulty.put("b", b"", sha256=EMPTY)
    assert not real.exists("b")
    assert faulty.put("b", b"", sha256=EMPTY).created


def test_after_the_second_put_it_is_stored_and_the_caller_does_not_know(tmp_path: Path) -> None:
    real = LocalStore(tmp_path)
    faulty = FaultyStore(real, script=[Fault(Operation.PUT, 2, UnreachableError("cue"), when="after")])
    with pytest.raises(UnreachableError):
        faulty.put_all([Put("a", b"", EMPTY), Put("b", b"", EMPTY)], parallel=1)
    assert real.exists("b")
    assert not faulty.put("b", b"", sha256=EMPTY).created


def test_operations_are_counted_apart(tmp_path: Path) -> None:
    faulty = FaultyStore(LocalStore(tmp_path), script=[Fault(Operation.DIGEST, 1, UnreachableError("cue"))])
    faulty.put("a", b"", sha256=EMPTY)
    assert faulty.read("a") == b""
    with pytest.raises(UnreachableError):
        faulty.digest("a")
    assert faulty.digest("a") == EMPTY
