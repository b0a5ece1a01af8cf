"""One sealed bag of an archive, opened to be read: nothing comes out of it that its seal does not vouch for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from cloud9_archive.domain import bag
from cloud9_archive.errors import Cloud9ArchiveError, ConfigurationError
from cloud9_archive.pipeline.verify_bag import Checker, place_of
from cloud9_archive.pipeline.verify_codes import Code

CALLS = "data/calls/"
RECORDINGS = "data/recordings/"
RECORD = "/record.json"
TAG_FILES = (bag.BAGIT, bag.BAG_INFO, bag.MANIFEST, bag.SEAL)


Part = TypeVar("Part")


class Reader(Checker):
    """
    A checker that tells of what is wrong, and stops at what cannot be read.

    What a disk or network does not give now may be there later; whoever takes over what an archive says must not take
    it for lost.
    """

    def read(self, key: str) -> bytes:
        """
        All bytes of a small file.

        :raises Cloud9ArchiveError: if they cannot be read
        """
        return self.store.read(key)

    def taken(self, key: str) -> bytes:
        """The same, counted."""
        content = self.read(key)
        self.files += 1
        self.size += len(content)
        self.watch.read(len(content))
        return content


@dataclass(frozen=True, slots=True)
class ArchivedBag:
    """
    A bag whose tag files are what its seal says.

    :param folder: its key
    :param seal_sha256: digest of its seal
    :param payload: digest by path, of every file that its manifest lists
    :param there: paths in the bag that exist
    :param size: bytes of all its files, as its tags say
    """

    folder: str
    bag_id: str
    policy: str
    seal_sha256: str
    payload: Mapping[str, str]
    there: frozenset[str]
    size: int

    @property
    def files(self) -> int:
        """How many files it has, tag files included."""
        return len(self.payload) + len(TAG_FILES)

    def calls(self) -> list[str]:
        """Paths of its call documents, sorted."""
        return sorted(path for path in self.payload if path.startswith(CALLS))

    def records(self) -> list[str]:
        """Paths of its recordings' own documents, sorted."""
        return sorted(path for path in self.payload if path.startswith(RECORDINGS) and path.endswith(RECORD))

    def beside(self, path: str) -> dict[str, str]:
        """Digest by path of the other files in the folder of this one."""
        folder = path.rpartition("/")[0] + "/"
        return {name: digest for name, digest in self.payload.items() if name.startswith(folder) and name != path}


def open_bag(checker: Reader, folder: str, keys: Iterable[str], *, expected: str | None) -> ArchivedBag | None:
    """
    The bag, or None with a finding if it has no seal, or is not what that says.

    :param keys: of everything below the folder
    :param expected: digest of the seal that the chain vouches for; None: no link does
    """
    there = frozenset(key.removeprefix(f"{folder}/") for key in keys)
    if bag.SEAL not in there:
        checker.found(Code.BAG_UNSEALED, folder, f"it has {len(there)} files and no {bag.SEAL}")
        return None
    seal = checker.taken(f"{folder}/{bag.SEAL}")
    digest = _sha256(seal)
    if expected is not None and digest != expected:
        words = f"its digest is {digest}, the chain vouches for {expected}"
        checker.found(Code.CHAIN_MEMBER_ALTERED, f"{folder}/{bag.SEAL}", words)
        return None
    return _opened(checker, folder, seal, there)


def read_document(checker: Reader, archived: ArchivedBag, path: str) -> bytes | None:
    """
    The bytes of one document of the bag as they were sealed, or None with a finding.

    Whoever wants to know what a bag says reads it through here.
    """
    return _listed(checker, archived.folder, path, archived.payload[path], there=archived.there)


def _opened(checker: Reader, folder: str, seal: bytes, there: frozenset[str]) -> ArchivedBag | None:
    tags: dict[str, bytes] = {}
    for line in _read_as(bag.parse_manifest, seal, checker, folder):
        content = _listed(checker, folder, line.path, line.sha256, there=there)
        if content is None:
            return None
        tags[line.path] = content
    if missing := {bag.BAGIT, bag.BAG_INFO, bag.MANIFEST} - set(tags):
        checker.found(Code.BAG_MALFORMED, folder, f"{bag.SEAL} does not list {', '.join(sorted(missing))}")
        return None
    told = dict(_read_as(bag.parse_bag_info, tags[bag.BAG_INFO], checker, folder))
    payload = {line.path: line.sha256 for line in _read_as(bag.parse_manifest, tags[bag.MANIFEST], checker, folder)}
    if "Encryption" in told:
        raise ConfigurationError(
            f"the bag {folder} is encrypted, and rebuild and export read plain bags only",
            subject=folder,
            hint="open what you need file by file: cloud9-archive decrypt; the catalog of an encrypted archive needs a "
            "backup of its own",
        )
    octets, _, count = told.get("Payload-Oxum", "").partition(".")
    if told.get("Cloud9-Archive-Format") != bag.ARCHIVE_FORMAT or place_of(told) != folder:
        checker.found(Code.BAG_MALFORMED, folder, f"{bag.BAG_INFO}: it belongs to another bag, or another format")
        return None
    if not (octets.isascii() and octets.isdigit()) or count != str(len(payload)):
        checker.found(Code.BAG_MALFORMED, folder, f"{bag.BAG_INFO}: Payload-Oxum is not that of the files listed")
        return None
    return ArchivedBag(
        folder=folder,
        bag_id=told["External-Identifier"],
        policy=told["Bag-Group-Identifier"],
        seal_sha256=_sha256(seal),
        payload=payload,
        there=there,
        size=int(octets) + len(seal) + sum(map(len, tags.values())),
    )


def _read_as(
    parse: Callable[[bytes], tuple[Part, ...]], content: bytes, checker: Reader, folder: str
) -> tuple[Part, ...]:
    """What the text says, or nothing with a finding; reading the text is no part of this, and may fail otherwise."""
    try:
        return parse(content)
    except Cloud9ArchiveError as error:
        checker.found(Code.BAG_MALFORMED, folder, error.message)
        return ()


def _listed(checker: Reader, folder: str, path: str, expected: str, *, there: frozenset[str]) -> bytes | None:
    key = f"{folder}/{path}"
    if path not in there:
        checker.found(Code.FILE_MISSING, key, f"its bag lists it with the digest {expected}")
        return None
    content = checker.taken(key)
    if (digest := _sha256(content)) != expected:
        checker.found(Code.FILE_ALTERED, key, f"its digest is {digest}, its bag lists {expected}")
        return None
    return content


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
