"""Encrypted files of a bag, opened for whoever verifies with a private key; without one they are only counted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from cloud9_archive.domain.bag import ARCHIVE_FORMAT
from cloud9_archive.errors import Cloud9ArchiveError
from cloud9_archive.pipeline.bag_documents import ENCRYPTED_ENDING
from cloud9_archive.pipeline.opening import NotOpenedError, Opener
from cloud9_archive.pipeline.verify_codes import Code
from cloud9_archive.storage.store import READ_LIMIT, Store


@dataclass(frozen=True, slots=True)
class Opened:
    """
    What an encrypted file is without its encryption.

    :param content: all of it, if that was asked for; of one that is larger than any document, its beginning
    """

    sha256: str
    size: int
    content: bytes | None = None


class Reader(Protocol):
    """What of a verification is needed here; :class:`~cloud9_archive.pipeline.verify_bag.Checker` is one."""

    store: Store
    opener: Opener | None
    unopened: int

    def read(self, key: str) -> bytes | None:
        """All bytes of a small file, or None with a finding."""

    def found(self, code: Code, subject: str, words: str) -> None:
        """One more finding."""


def open_folder(checker: Reader, folder: str, paths: Collection[str], *, whole: str) -> dict[str, Opened]:
    """
    Every encrypted file among them was opened to its end; those that do not open are findings, and not in the answer.

    :param folder: key of the bag
    :param whole: the one whose content is asked for
    """
    encrypted = sorted(path for path in paths if path.endswith(ENCRYPTED_ENDING))
    if checker.opener is None:
        checker.unopened += len(encrypted)
        return {}
    found = {path: open_file(checker, checker.opener, f"{folder}/{path}", whole=path == whole) for path in encrypted}
    return {path: opened for path, opened in found.items() if opened is not None}


def open_documents(checker: Reader, folder: str, paths: Collection[str]) -> None:
    """Every encrypted document among them opens and is a document of this format."""
    for path in paths:
        opened = open_folder(checker, folder, [path], whole=path).get(path)
        if opened is None or opened.content is None:
            continue
        try:
            known = json.loads(opened.content)["format"] == ARCHIVE_FORMAT
        except (ValueError, TypeError, KeyError, RecursionError):
            known = False
        if not known:
            checker.found(Code.RECORD_CONTRADICTED, f"{folder}/{path}", "it is not a document of this format")


def open_file(checker: Reader, opener: Opener, key: str, *, whole: bool) -> Opened | None:
    """
    The encrypted file was opened to its end, or None with a finding.

    :param whole: whether its content is asked for
    """
    digest, size = hashlib.sha256(), 0
    pieces: list[bytes] = []
    try:
        with checker.store.open(key) as file:
            for piece in opener.opened(file):
                digest.update(piece)
                size += len(piece)
                if whole and size <= READ_LIMIT:
                    pieces.append(piece)
    except NotOpenedError as error:
        checker.found(Code.FILE_NOT_OPENED, key, str(error))
        return None
    except (Cloud9ArchiveError, OSError) as error:
        checker.found(Code.FILE_UNREADABLE, key, str(error))
        return None
    return Opened(digest.hexdigest(), size, b"".join(pieces) if whole else None)
