"""Everything that somebody may do to a single file of an archive: the acts, and a copy of an archive to do them to."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cloud9_archive.domain.bag import SEAL

KINDS = ("README.txt", "tag file", "seal", "payload", "report", "link", "signature", "time stamp", "public key")
_OF_CHAIN = {"json": "link", "sig": "signature", "tsr": "time stamp"}
_BAG_DEPTH = 6


def kind_of(key: str) -> str:
    """What kind of file it is, by its place in the layout."""
    parts = key.split("/")
    if len(parts) == 1:
        return "README.txt"
    if parts[0] == "keys":
        return "public key"
    if parts[1] == "chain":
        return _OF_CHAIN[key.rpartition(".")[2]]
    if parts[1] == "reports":
        return "report"
    if parts[_BAG_DEPTH] == "data":
        return "payload"
    return "seal" if parts[_BAG_DEPTH] == SEAL else "tag file"


def bag_of(key: str) -> str | None:
    """The folder of the bag that it lies in."""
    parts = key.split("/")
    return "/".join(parts[:_BAG_DEPTH]) if len(parts) > _BAG_DEPTH and parts[1] == "bags" else None


class Tree:
    """
    A copy of an archive that may be tampered with; its files are the good ones' own until somebody replaces them.

    :param good: the archive's folder, which nobody touches
    :param root: the copy, on the same file system
    """

    def __init__(self, good: Path, root: Path) -> None:
        self.good = good
        self.root = root
        shutil.copytree(good, root, copy_function=os.link)
        self.keys = list(self._below(""))
        self.touched: set[str] = set()

    def read(self, key: str) -> bytes:
        """The good file's bytes."""
        return (self.good / key).read_bytes()

    def write(self, key: str, content: bytes) -> None:
        """Other bytes stand there, or a new file."""
        self.touched.add(key)
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(content)

    def link(self, key: str) -> None:
        """A symbolic link stands there, which leads to the good file's bytes."""
        self.touched.add(key)
        (self.root / key).unlink()
        (self.root / key).symlink_to(self.good / key)

    def rename(self, key: str, other: str) -> None:
        """The file or folder stands under another key."""
        below = list(self._below(key))
        self.touched.update(below, (other + each.removeprefix(key) for each in below))
        (self.root / other).parent.mkdir(parents=True, exist_ok=True)
        (self.root / key).rename(self.root / other)

    def remove(self, *keys: str) -> None:
        """Files are gone, and folders with all that was in them."""
        for key in keys:
            self.touched.update(self._below(key))
            path = self.root / key
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def restore(self) -> None:
        """Everything is as it was."""
        for key in self.touched:
            path = self.root / key
            if path.is_symlink() or path.exists():
                path.unlink()
            if (self.good / key).exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                os.link(self.good / key, path)
                continue
            above = path.parent
            while above.is_dir() and not any(above.iterdir()):
                above.rmdir()
                above = above.parent
        self.touched.clear()

    def _below(self, key: str) -> Iterator[str]:
        """The key itself, or those of all files in the folder."""
        if not (self.root / key).is_dir():
            yield key
        for folder, _, names in os.walk(self.root / key):
            yield from sorted(str((Path(folder) / name).relative_to(self.root)) for name in names)


@dataclass(frozen=True, slots=True)
class Case:
    """
    One thing that is done to an archive.

    :param what: the kind of tampering
    :param to: the kind of file that it is done to; empty if it is not done to one file
    :param name: tells it from others of the same kind
    """

    what: str
    to: str
    name: str
    act: Callable[[Tree], None]


Acts = Iterator[tuple[str, Callable[[Tree], None]]]


def file_cases(tree: Tree, what: str) -> Iterator[Case]:
    """The tampering of that kind with each file."""
    for key in tree.keys:
        for name, act in ACTS[what](tree, key):
            yield Case(what, kind_of(key), f"{key} {what} {name}", act)


def writes(key: str, content: bytes) -> Callable[[Tree], None]:
    """The act of putting these bytes there."""
    return lambda tree: tree.write(key, content)


def uncovered(stamp: bytes) -> set[int]:
    """
    Bytes of a local authority's time stamp that no signature covers, and nobody looks at: two numbers of CMS versions, and
    the name of the signature's algorithm, which the certificate's key tells as well.
    """
    algorithm = stamp.rindex(b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02")
    signer = stamp.rindex(b"\x02\x01\x01\x30\x1e\x30")
    return {stamp.index(b"\x02\x01\x03\x31") + 2, signer + 2, *range(algorithm + 2, algorithm + 10)}


def flipped(content: bytes, offset: int) -> bytes:
    """One bit of the byte is another."""
    return bytes([*content[:offset], content[offset] ^ 1, *content[offset + 1 :]])


def _flips(tree: Tree, key: str) -> Acts:
    content = tree.read(key)
    # Names and lengths of files differ little between two archives of this kind, so that each run flips about the same.
    seeded = random.Random(f"{kind_of(key)} {len(content)}")  # noqa: S311 - repeatable on purpose
    offsets = {0, len(content) // 2, len(content) - 1, seeded.randrange(len(content))}
    for offset in sorted(offsets - (uncovered(content) if kind_of(key) == "time stamp" else set())):
        yield f"at {offset}", writes(key, flipped(content, offset))


def _cut(tree: Tree, key: str) -> Acts:
    content = tree.read(key)
    yield "by a byte", writes(key, content[:-1])
    yield "by half", writes(key, content[: len(content) // 2])


def _lengthened(tree: Tree, key: str) -> Acts:
    yield "", writes(key, tree.read(key) + b"\n")


def _emptied(_: Tree, key: str) -> Acts:
    yield "", writes(key, b"")


def _deleted(_: Tree, key: str) -> Acts:
    yield "", lambda tree: tree.remove(key)


def _swapped(*, same_kind: bool) -> Callable[[Tree, str], Acts]:
    """Exchanged with the next file of its kind, or of another kind."""

    def acts(tree: Tree, key: str) -> Acts:
        content = tree.read(key)
        for other in [*tree.keys[tree.keys.index(key) + 1 :], *tree.keys]:
            if (kind_of(other) == kind_of(key)) is same_kind and tree.read(other) != content:
                yield f"with {other}", partial(_swap, key=key, other=other)
                return

    return acts


def _swap(tree: Tree, *, key: str, other: str) -> None:
    tree.write(key, tree.read(other))
    tree.write(other, tree.read(key))


def _older(tree: Tree, key: str) -> Acts:
    """What another run of the policy left under such a name."""
    for other in tree.keys:
        same = other.split("/")[0] == key.split("/", maxsplit=1)[0] and kind_of(other) == kind_of(key)
        same = same and other.rpartition(".")[2] == key.rpartition(".")[2]
        elsewhere = bag_of(key) is None or bag_of(other) != bag_of(key)
        if same and elsewhere and tree.read(other) != tree.read(key):
            yield f"of {other}", writes(key, tree.read(other))
            return


def _renamed(_: Tree, key: str) -> Acts:
    folder, slash, name = key.rpartition("/")
    yield "", lambda tree: tree.rename(key, f"{folder}{slash}{name}.old")
    yield "by letter case", lambda tree: tree.rename(key, f"{folder}{slash}{name.swapcase()}")


def _linked(_: Tree, key: str) -> Acts:
    yield "", lambda tree: tree.link(key)


def _added_beside(_: Tree, key: str) -> Acts:
    yield "", writes(f"{key}.bak", b"x")


ACTS: Mapping[str, Callable[[Tree, str], Acts]] = {
    "a bit flipped": _flips,
    "cut short": _cut,
    "lengthened": _lengthened,
    "emptied": _emptied,
    "deleted": _deleted,
    "swapped with one of its kind": _swapped(same_kind=True),
    "swapped with one of another kind": _swapped(same_kind=False),
    "replaced by that of another run": _older,
    "renamed, or its letter case changed": _renamed,
    "replaced by a symbolic link to its bytes": _linked,
    "an unlisted file put beside it": _added_beside,
}
