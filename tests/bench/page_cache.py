"""A disk that forgets at a power cut what nobody flushed: a page cache around the calls that a local archive makes."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

TRACES = ("open", "write", "fchmod", "fsync", "mkdir", "link", "unlink")
"""Calls that leave a trace on the disk, or make one last."""


class PowerCutError(BaseException):
    """Nothing in the code under test may catch it, as nothing survives a power cut."""


class Forgets(Enum):
    """What becomes of names and bytes that were not flushed; a file system may do any of these."""

    NAMES = "names that were not flushed are gone"
    BYTES = "names are there, and bytes that were not flushed are not"
    SOME = "some names and some bytes are gone"


class PageCache:
    """
    Watches what is written below one folder, and undoes at the end what would not have reached the disk.

    :param root: nothing else is watched
    :param nth: at which trace, from 1, something happens; 0 for never
    :param fault: raised there and at every later trace in place of a power cut, such as a full disk's
    """

    def __init__(self, root: Path, *, nth: int = 0, fault: OSError | None = None) -> None:
        self.root = os.path.realpath(root)
        self.nth = nth
        self.fault = fault
        self.traces: list[str] = []
        self.names: list[str] = []
        self.flushed: dict[int, bytes] = {}
        self.written: set[int] = set()

    @property
    def struck(self) -> bool:
        """Whether it has happened."""
        return 0 < self.nth <= len(self.traces)

    @contextmanager
    def watching(self) -> Iterator[PageCache]:
        """The calls are watched while the block runs."""
        with pytest.MonkeyPatch.context() as patch:
            for name in TRACES:
                patch.setattr(os, name, self._watched(name, getattr(os, name)))
            yield self

    def lose(self, forgets: Forgets, *, seed: int = 0) -> None:
        """The power comes back: what nobody flushed is as the kind of file system has it."""
        chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        for inode in self.written:
            if forgets is not Forgets.NAMES and (forgets is Forgets.BYTES or chance.random() < 0.5):
                self._empty(inode)
        for path in reversed(self.names):
            if forgets is Forgets.NAMES or (forgets is Forgets.SOME and chance.random() < 0.5):
                shutil.rmtree(path) if Path(path).is_dir() else Path(path).unlink(missing_ok=True)

    def _empty(self, inode: int) -> None:
        """Every name of the file leads to the bytes that were flushed, if any were."""
        for folder, _, names in os.walk(self.root):
            for name in names:
                if (path := Path(folder, name)).lstat().st_ino == inode:
                    path.chmod(0o600)
                    path.write_bytes(self.flushed.get(inode, b""))

    def _watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            path = _place(name, args, kwargs)
            leaves = self._is_ours(name, path) and (name != "open" or args[1] & os.O_CREAT)
            if not leaves:
                if self.struck and self.fault is None:
                    raise PowerCutError
                return real(*args, **kwargs)
            self.traces.append(name)
            if self.struck and (self.fault is None or name not in {"unlink", "fchmod"}):
                if name == "write" and len(self.traces) == self.nth:
                    real(args[0], bytes(args[1])[: len(args[1]) // 2])
                    self.written.add(os.fstat(args[0]).st_ino)
                raise self.fault or PowerCutError
            answer = real(*args, **kwargs)
            self._note(name, args, path)
            return answer

        return call

    def _is_ours(self, name: str, path: str) -> bool:
        """Whether it is done below the root, or brings the root's own name to the disk."""
        return f"{path}/".startswith(f"{self.root}/") or (name == "fsync" and path == str(Path(self.root).parent))

    def _note(self, name: str, args: tuple[Any, ...], path: str) -> None:
        if name in {"open", "mkdir", "link"}:
            self.names.append(path)
        elif name == "unlink" and path in self.names:
            self.names.remove(path)
        elif name == "write":
            self.written.add(os.fstat(args[0]).st_ino)
        elif name == "fsync" and Path(path).is_dir():
            self.names = [each for each in self.names if each.rpartition("/")[0] != path]
        elif name == "fsync":
            inode = os.fstat(args[0]).st_ino
            self.written.discard(inode)
            self.flushed[inode] = Path(path).read_bytes()


def _place(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """The path of what is called for: of a descriptor, or of a name in a folder that is given as one."""
    if name in {"write", "fchmod", "fsync"}:
        return _of_descriptor(args[0])
    target = args[1] if name == "link" else args[0]
    folder = kwargs.get("dst_dir_fd" if name == "link" else "dir_fd")
    above = Path.cwd() if folder is None else _of_descriptor(folder)
    return str(Path(above, os.fsdecode(target)))


def _of_descriptor(descriptor: int) -> str:
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())
