"""Folders of a local archive: opened segment by segment without following links, made durably, listed in order."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from cloud9_archive.errors import ConfigurationError, TransientError

INCOMING = ".incoming"
OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_ROOT_MODE = 0o750
_NEEDS_A_PERSON = {
    errno.EROFS: "the file system is read-only: mount it for writing, or name another place",
    errno.EACCES: "give the account that runs the workers the right to write there",
    errno.EPERM: "the file system must take hard links, and the account must own what it writes there",
    errno.EOPNOTSUPP: "the archive needs a file system with hard links",
    errno.EMLINK: "the archive needs a file system with hard links",
    errno.EXDEV: "the whole archive must lie on one file system",
    errno.ELOOP: "a symbolic link stands in the archive: find out who put it there, and remove it",
    errno.ENOTDIR: "a file or symbolic link stands where a folder must be: find out who put it there",
    errno.EISDIR: "a folder stands where a file must be: find out who put it there",
    errno.ENAMETOOLONG: "shorten the path of the archive target",
    errno.ENOENT: "run cloud9-archive verify to learn what else is missing",
}
# A full disk is transient: others free it or grow it while the task waits, and nothing in our configuration is wrong.
_MAY_PASS = {
    errno.ENOSPC: "the disk is full: free or add space; the task goes on by itself at its next retry",
    errno.EDQUOT: "the disk quota is used up: raise it; the task goes on by itself at its next retry",
}


@contextmanager
def os_errors(key: str) -> Iterator[None]:
    """
    Errors of the operating system come out as this package's own.

    :raises ConfigurationError: for what only a person can change: rights, links, a read-only disk, a missing file
    :raises TransientError: for a full disk, and whatever else a retry may find mended
    """
    try:
        yield
    except OSError as error:
        number = error.errno or 0
        words = f"{ascii(key)[1:-1]}: {os.strerror(number) if number else type(error).__name__}"
        if number in _NEEDS_A_PERSON:
            raise ConfigurationError(words, subject=key, hint=_NEEDS_A_PERSON[number]) from error
        raise TransientError(words, subject=key, hint=_MAY_PASS.get(number)) from error


class Folders:
    """
    The folders below one root, opened so that no symbolic link can lead elsewhere.

    :param root: an absolute path without links
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._durable: set[str] = set()

    def open_for_reading(self, folder: str) -> int:
        """
        A descriptor of an existing folder; the caller closes it.

        :param folder: key without a slash at its end; empty for the root
        :raises OSError: if it is not there, or not a folder
        """
        here = os.open(self._root, OPEN_FOLDER)
        try:
            for segment in filter(None, folder.split("/")):
                below = os.open(segment, OPEN_FOLDER, dir_fd=here)
                here, above = below, here
                os.close(above)
        except BaseException:
            os.close(here)
            raise
        return here

    @contextmanager
    def opened(self, folders: Iterable[str], *, make: bool) -> Iterator[Mapping[str, int]]:
        """
        Descriptors, by key, of the folders and of all above them, each opened once and until the block ends.

        :param folders: keys; empty for the root
        :param make: whether folders are made where they are missing, their names on stable storage
        :raises OSError: if one is not there, cannot be made, or is no folder
        """
        if make:
            self._make_root()
        with ExitStack() as stack:
            there = {"": os.open(self._root, OPEN_FOLDER)}
            stack.callback(os.close, there[""])
            for folder in folders:
                above = ""
                for segment in filter(None, folder.split("/")):
                    here = f"{above}/{segment}" if above else segment
                    if here not in there:
                        there[here] = self._opened(segment, at=there[above], walked=f"/{here}", make=make)
                        stack.callback(os.close, there[here])
                    above = here
            yield there

    def unlink(self, key: str) -> None:
        """
        The name is gone from stable storage, and so are the folders above it that hold nothing any more.

        :raises OSError: if it is not there, or may not be removed
        """
        above, _, name = key.rpartition("/")
        here = self.open_for_reading(above)
        try:
            with suppress(FileNotFoundError):  # another was first
                os.unlink(name, dir_fd=here)
            os.fsync(here)
        finally:
            os.close(here)
        while above:
            folder, _, name = above.rpartition("/")
            here = self.open_for_reading(folder)
            try:
                os.rmdir(name, dir_fd=here)
                os.fsync(here)
            except OSError:
                return  # something else lies there
            finally:
                os.close(here)
            self._durable.discard(f"/{above}")
            above = folder

    def make_all(self, folders: Iterable[str]) -> None:
        """
        The folders are there, their names on stable storage; each folder that got some is flushed once.

        :param folders: keys
        :raises OSError: if one cannot be made
        """
        self._make_root()
        made: set[str] = set()
        grown: set[str] = set()
        for folder in folders:
            above = ""
            for segment in folder.split("/"):
                here = f"{above}/{segment}" if above else segment
                if f"/{here}" not in self._durable and f"/{here}" not in made:
                    self._make_unflushed(segment, above=above)
                    made.add(f"/{here}")
                    grown.add(above)
                above = here
        for folder in sorted(grown):
            opened = self.open_for_reading(folder)
            try:
                os.fsync(opened)
            finally:
                os.close(opened)
        self._durable |= made

    def _make_unflushed(self, segment: str, *, above: str) -> None:
        opened = self.open_for_reading(above)
        try:
            with suppress(FileExistsError):
                os.mkdir(segment, 0o755, dir_fd=opened)
        finally:
            os.close(opened)

    def _opened(self, segment: str, *, at: int, walked: str, make: bool) -> int:
        if make and walked not in self._durable:
            self._make(segment, at=at, walked=walked)
        try:
            return os.open(segment, OPEN_FOLDER, dir_fd=at)
        except FileNotFoundError:
            if not make:
                raise
        # It was there once, and somebody took it away.
        self._make(segment, at=at, walked=walked)
        return os.open(segment, OPEN_FOLDER, dir_fd=at)

    def _make(self, segment: str, *, at: int, walked: str) -> None:
        """The folder is there and its name flushed; a folder that someone else made may not be flushed yet."""
        with suppress(FileExistsError):
            os.mkdir(segment, 0o755, dir_fd=at)
        os.fsync(at)
        self._durable.add(walked)

    def _make_root(self) -> None:
        if "" in self._durable and self._root.is_dir():
            return
        missing = [folder for folder in (self._root, *self._root.parents) if not folder.exists()]
        for folder in reversed(missing):
            with suppress(FileExistsError):
                folder.mkdir(_ROOT_MODE)
            _flush_folder(folder.parent)
        if not missing:
            # Whoever made it may not have flushed it yet; above a folder that an administrator made we may not look.
            with suppress(PermissionError):
                _flush_folder(self._root.parent)
        self._durable.add("")


def walk(root: Path, prefix: str) -> Iterator[str]:
    """
    Keys of all that is not a folder below ``prefix``, sorted by code point; links are listed, never followed.

    :param prefix: key of a folder; empty for the root, where the folder of drafts is left out
    """
    pending = [f"{prefix}/" if prefix else ""]
    if prefix and not _is_own_folder(root, prefix):
        return
    while pending:
        key = pending.pop()
        if key and not key.endswith("/"):
            yield key
            continue
        # A folder sorts as its name with a slash, so that keys come out in the order of the whole text.
        pending.extend(sorted(_listed(root, key), reverse=True))


def _listed(root: Path, folder: str) -> Iterator[str]:
    with os_errors(folder or "the archive's root"):
        try:
            scan = os.scandir(root / folder)
        except FileNotFoundError:
            return
        with scan:
            for entry in scan:
                if folder or entry.name != INCOMING:
                    is_folder = entry.is_dir(follow_symlinks=False)
                    yield f"{folder}{entry.name}{'/' if is_folder else ''}"


def _is_own_folder(root: Path, prefix: str) -> bool:
    """Whether the way to it leads through folders only."""
    here = root
    for segment in prefix.split("/"):
        here = here / segment
        if here.is_symlink() or not here.is_dir():
            return False
    return True


def _flush_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
