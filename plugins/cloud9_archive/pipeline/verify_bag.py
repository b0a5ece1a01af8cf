"""One bag of an archive, checked against its seal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date

from cloud9_archive.domain import bag
from cloud9_archive.domain.bag import ManifestLine
from cloud9_archive.domain.custody_parts import DisposedFile
from cloud9_archive.domain.keys import bag_folder
from cloud9_archive.errors import Cloud9ArchiveError
from cloud9_archive.pipeline.bag_documents import ENCRYPTED_ENDING
from cloud9_archive.pipeline.opening import Opener
from cloud9_archive.pipeline.verify_codes import Code
from cloud9_archive.pipeline.verify_record import verify_records
from cloud9_archive.pipeline.verify_report import Head, VerifyFinding, VerifyReport
from cloud9_archive.storage.store import Store

_CHUNK = 256 * 1024
_TAG_FILES = frozenset([bag.BAGIT, bag.BAG_INFO, bag.MANIFEST])
_NONE_DISPOSED: Mapping[str, DisposedFile] = {}


class Watch:
    """Is told how a verification goes on; this one does not care."""

    def planned(self, bags: int) -> None:
        """So many bags more are to be read, as far as it is known."""

    def bag_done(self) -> None:
        """One of them was read."""

    def read(self, size: int) -> None:
        """So many bytes more were read."""


class Checker:
    """
    A store seen through the eyes of verify: it counts what it reads and collects what it finds.

    :param store: the archive
    :param watch: is told how it goes on
    :param opener: opens encrypted files, to look into them too
    """

    def __init__(self, store: Store, watch: Watch, opener: Opener | None = None) -> None:
        self.store = store
        self.watch = watch
        self.opener = opener
        self.unopened = 0
        self.bags = 0
        self.files = 0
        self.size = 0
        self.links = 0
        self.disposed = 0
        self.findings: list[VerifyFinding] = []

    def found(self, code: Code, subject: str, words: str) -> None:
        """One more finding; names that somebody made up are shown in ASCII."""
        self.findings.append(VerifyFinding(code=code, subject=printable(subject), words=printable(words)))

    def digest(self, key: str) -> tuple[str, int] | None:
        """SHA-256 and size of a file as it is now, or None with a finding."""
        digest, size = hashlib.sha256(), 0
        try:
            with self.store.open(key) as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
                    self.watch.read(len(chunk))
        except (Cloud9ArchiveError, OSError) as error:
            self.found(Code.FILE_UNREADABLE, key, str(error))
            return None
        self.files += 1
        self.size += size
        return digest.hexdigest(), size

    def read_counted(self, key: str) -> bytes | None:
        """All bytes of a small file that is read for its own sake, or None with a finding."""
        content = self.read(key)
        if content is not None:
            self.files += 1
            self.size += len(content)
        return content

    def report(self, *, heads: tuple[Head, ...], unread: int) -> VerifyReport:
        """
        What was counted and found.

        :param unread: bags that were out of scope
        """
        return VerifyReport(
            bags=self.bags,
            files=self.files,
            size=self.size,
            links=self.links,
            heads=heads,
            findings=tuple(self.findings),
            unread=unread,
            disposed=self.disposed,
            unopened=self.unopened,
        )

    def read(self, key: str) -> bytes | None:
        """All bytes of a small file, or None with a finding."""
        try:
            return self.store.read(key)
        except (Cloud9ArchiveError, OSError) as error:
            self.found(Code.FILE_UNREADABLE, key, str(error))
            return None


def verify_bag(
    checker: Checker, folder: str, keys: Iterable[str], *, disposed: Mapping[str, DisposedFile] = _NONE_DISPOSED
) -> str | None:
    """
    All findings of one bag are collected.

    :param folder: key of the bag
    :param keys: keys of everything below it
    :param disposed: files that tombstones list, by key; those of other bags do not matter
    :returns: digest of the seal, or None if there is none to be read
    """
    prefix = f"{folder}/"
    there = {key.removeprefix(prefix) for key in keys}
    if bag.SEAL not in there:
        checker.found(Code.BAG_UNSEALED, folder, f"it has {len(there)} files and no {bag.SEAL}")
        return None
    checker.bags += 1
    seal = checker.digest(prefix + bag.SEAL)
    tags = _manifest(checker, folder, bag.SEAL, of_payload=False)
    payload = _manifest(checker, folder, bag.MANIFEST, of_payload=True) if bag.MANIFEST in there else ()
    for name in sorted(_TAG_FILES - {line.path for line in tags}):
        checker.found(Code.BAG_MALFORMED, folder, f"{bag.SEAL} does not list {name}")
    gone = {key.removeprefix(prefix): file for key, file in disposed.items() if key.startswith(prefix)}
    _check_lines(checker, folder, tags, there=there, gone={})
    size = _check_lines(checker, folder, payload, there=there, gone=_buried(checker, prefix, payload, gone))
    verify_records(checker, folder, payload, there=there)
    for name in sorted(there - {bag.SEAL} - {line.path for line in (*tags, *payload)}):
        checker.found(Code.FILE_EXTRA, prefix + name, "no manifest of its bag lists it")
    if bag.BAG_INFO in there:
        oxum = f"{size}.{len(payload)}" if size is not None else None
        _check_info(checker, folder, oxum=oxum, endings={line.path.endswith(ENCRYPTED_ENDING) for line in payload})
    return seal[0] if seal else None


def printable(text: str) -> str:
    """The text, or its ASCII form if it could upset a terminal or a log."""
    return text if text.isprintable() else ascii(text)[1:-1]


def _manifest(checker: Checker, folder: str, name: str, *, of_payload: bool) -> tuple[ManifestLine, ...]:
    content = checker.read(f"{folder}/{name}")
    if content is None:
        return ()
    try:
        lines = bag.parse_manifest(content)
    except Cloud9ArchiveError as error:
        checker.found(Code.BAG_MALFORMED, folder, f"{name}: {error.message}")
        return ()
    for line in lines:
        if line.path.startswith("data/") is not of_payload:
            checker.found(Code.BAG_MALFORMED, folder, f"{name} lists {line.path}, which belongs in the other manifest")
    return lines


def _buried(
    checker: Checker, prefix: str, payload: Iterable[ManifestLine], gone: Mapping[str, DisposedFile]
) -> dict[str, DisposedFile]:
    """What tombstones list just as the bag does."""
    listed = {line.path: line.sha256 for line in payload}
    for path, file in sorted(gone.items()):
        if listed.get(path) != file.sha256:
            words = f"a tombstone lists it with the digest {file.sha256}, its bag {listed.get(path) or 'does not'}"
            checker.found(Code.TOMBSTONE_WRONG, prefix + path, words)
    return {path: file for path, file in gone.items() if listed.get(path) == file.sha256}


def _check_lines(
    checker: Checker,
    folder: str,
    lines: Iterable[ManifestLine],
    *,
    there: set[str],
    gone: Mapping[str, DisposedFile],
) -> int | None:
    """The size of all listed files in bytes, disposed ones too, or None if one is missing or cannot be read."""
    total: int | None = 0
    for line in lines:
        key = f"{folder}/{line.path}"
        if line.path in gone and line.path in there:
            checker.found(Code.FILE_NOT_REMOVED, key, "a tombstone says that it was disposed of")
        elif line.path in gone:
            checker.disposed += 1
            total = None if total is None else total + gone[line.path].size
            continue
        if line.path not in there:
            checker.found(Code.FILE_MISSING, key, f"its bag lists it with the digest {line.sha256}")
            total = None
            continue
        measured = checker.digest(key)
        if measured is None:
            total = None
            continue
        digest, size = measured
        if digest != line.sha256:
            checker.found(Code.FILE_ALTERED, key, f"its digest is {digest}, its bag lists {line.sha256}")
        total = None if total is None else total + size
    return total


def _check_info(checker: Checker, folder: str, *, oxum: str | None, endings: set[bool]) -> None:
    """
    What bag-info.txt says of the bag is so, and the bag lies where that belongs.

    :param endings: whether the names of the payload's files say that they are encrypted
    """
    content = checker.read(f"{folder}/{bag.BAG_INFO}")
    if content is None:
        return
    try:
        tags = dict(bag.parse_bag_info(content))
    except Cloud9ArchiveError as error:
        checker.found(Code.BAG_MALFORMED, folder, error.message)
        return
    found_format = tags.get("Cloud9-Archive-Format")
    faults = (
        (
            found_format != bag.ARCHIVE_FORMAT,
            f"it is of format {found_format!r}, and this software knows format {bag.ARCHIVE_FORMAT}",
        ),
        (not endings <= {"Encryption" in tags}, "it is encrypted in part only, or not as it says"),
        (oxum not in {None, tags.get("Payload-Oxum")}, f"Payload-Oxum is not {oxum}, that of the files there"),
        (place_of(tags) != folder, "its policy, date and identifier belong to a bag elsewhere"),
    )
    for found, words in faults:
        if found:
            checker.found(Code.BAG_MALFORMED, folder, f"{bag.BAG_INFO}: {words}")


def place_of(tags: Mapping[str, str]) -> str | None:
    """The key of the folder that a bag with these tags belongs in; None if they do not say."""
    try:
        return bag_folder(
            tags["Bag-Group-Identifier"],
            day=date.fromisoformat(tags["Bagging-Date"]),
            bag_id=tags["External-Identifier"],
        )
    except (KeyError, ValueError):
        return None
