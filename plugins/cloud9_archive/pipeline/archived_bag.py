"""One sealed bag of an archive, opened to be read: nothing comes out of it that its seal does not vouch for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from cloud9_archive.domain import bag
from cloud9_archive.domain.custody_parts import DisposedFile
from cloud9_archive.errors import Cloud9ArchiveError, ConfigurationError
from cloud9_archive.pipeline.bag_documents import ENCRYPTED_ENDING, BagPaths
from cloud9_archive.pipeline.opening import NotOpenedError, NotRecipientError
from cloud9_archive.pipeline.verify_bag import Checker, place_of
from cloud9_archive.pipeline.verify_codes import Code

CALLS = "data/calls/"
RECORDINGS = "data/recordings/"
RECORD = "/record.json"
_NONE_DISPOSED: Mapping[str, DisposedFile] = {}
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

    def plain(self, key: str, stored: bytes) -> bytes | None:
        """
        What a file holds without its encryption, if its name says that it has one; None with a finding if it was altered.

        :param stored: all of its bytes
        :raises ConfigurationError: if no key was given, or none that it is encrypted for
        """
        if not key.endswith(ENCRYPTED_ENDING):
            return stored
        if self.opener is None:
            raise no_key(key)
        try:
            return self.opener.read(stored)
        except NotRecipientError as error:
            raise not_a_recipient(key, error) from None
        except NotOpenedError as error:
            self.found(Code.FILE_NOT_OPENED, key, str(error))
            return None


@dataclass(frozen=True, slots=True)
class ArchivedBag:
    """
    A bag whose tag files are what its seal says.

    :param folder: its key
    :param seal_sha256: digest of its seal
    :param payload: digest by path, of every file that its manifest lists
    :param there: paths in the bag that exist
    :param size: bytes of all its files, as its tags say
    :param encrypted: whether its payload is
    :param disposed: paths of files that tombstones list just as the manifest does
    """

    folder: str
    bag_id: str
    policy: str
    seal_sha256: str
    payload: Mapping[str, str]
    there: frozenset[str]
    size: int
    encrypted: bool
    disposed: frozenset[str]

    @property
    def files(self) -> int:
        """How many files it has, tag files included."""
        return len(self.payload) + len(TAG_FILES)

    @property
    def paths(self) -> BagPaths:
        """Where everything lies in it."""
        return BagPaths(encrypted=self.encrypted)

    @property
    def gone(self) -> frozenset[str]:
        """Paths of files that were disposed of and are not there."""
        return self.disposed - self.there

    def calls(self) -> list[str]:
        """Paths of its call documents, sorted, but for those that were disposed of."""
        return sorted(path for path in self.payload if path.startswith(CALLS) and path not in self.gone)

    def records(self) -> list[str]:
        """Paths of its recordings' own documents, sorted, but for those that were disposed of."""
        ending = RECORD + (ENCRYPTED_ENDING if self.encrypted else "")
        found = (path for path in self.payload if path.startswith(RECORDINGS) and path.endswith(ending))
        return sorted(path for path in found if path not in self.gone)

    def beside(self, path: str) -> dict[str, str]:
        """Digest by path of the other files in the folder of this one."""
        folder = path.rpartition("/")[0] + "/"
        return {name: digest for name, digest in self.payload.items() if name.startswith(folder) and name != path}


def no_key(subject: str) -> ConfigurationError:
    """The error for an encrypted file, or a place with some, without a key to open it."""
    return ConfigurationError(
        f"{subject} is encrypted, and no key was given",
        subject=subject,
        hint="name the private key of a recipient with --decrypt-key FILE",
    )


def not_a_recipient(subject: str, error: Exception) -> ConfigurationError:
    """The error for an encrypted file that is for others than the owners of the keys given."""
    hint = "give the keys of all recipients there ever were: --decrypt-key may be given several times"
    return ConfigurationError(f"{subject} does not open: {error}", subject=subject, hint=hint)


def open_bag(
    checker: Reader,
    folder: str,
    keys: Iterable[str],
    *,
    expected: str | None,
    disposed: Mapping[str, DisposedFile] = _NONE_DISPOSED,
) -> ArchivedBag | None:
    """
    The bag, or None with a finding if it has no seal, or is not what that says.

    :param keys: of everything below the folder
    :param expected: digest of the seal that the chain vouches for; None: no link does
    :param disposed: files that tombstones list, by key
    :raises ConfigurationError: if it is encrypted and no key was given
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
    return _opened(checker, folder, seal, there, disposed)


def read_document(checker: Reader, archived: ArchivedBag, path: str) -> bytes | None:
    """
    The bytes of one document of the bag as they were sealed, without their encryption, or None with a finding.

    Whoever wants to know what a bag says reads it through here.
    """
    stored = _listed(checker, archived.folder, path, archived.payload[path], there=archived.there)
    return None if stored is None else checker.plain(f"{archived.folder}/{path}", stored)


def _opened(
    checker: Reader, folder: str, seal: bytes, there: frozenset[str], disposed: Mapping[str, DisposedFile]
) -> ArchivedBag | None:
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
    if "Encryption" in told and checker.opener is None:
        raise no_key(f"the bag {folder}")
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
        encrypted="Encryption" in told,
        disposed=frozenset(
            path
            for path, digest in payload.items()
            if (file := disposed.get(f"{folder}/{path}")) and file.sha256 == digest
        ),
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
