"""The folder that calls are handed out in: a BagIt bag, made once, whose files are checked while they are written."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from datetime import date
from pathlib import Path

from cloud9_archive.domain.bag import BagEntry, check_bag_path, handed_out_tag_files
from cloud9_archive.errors import ConfigurationError
from cloud9_archive.pipeline.opening import NotOpenedError, NotRecipientError, Opener
from cloud9_archive.storage.store import Store

_CHUNK = 1024 * 1024


class ExportFolder:
    """
    A bag in the making; without :meth:`seal` it is none.

    :param root: a folder that is not there yet, or is empty
    :raises ConfigurationError: if something lies in it, or it cannot be made
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.entries: dict[str, BagEntry] = {}
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            taken = next(root.iterdir(), None)
        except OSError as error:
            raise ConfigurationError(
                f"{root} cannot be used: {error.strerror}", subject=str(root), hint="name a new folder with --out"
            ) from None
        if taken is not None:
            raise ConfigurationError(
                f"{root} is not empty: {taken.name} lies in it", subject=str(root), hint="name a new folder with --out"
            )

    def write(self, path: str, content: bytes) -> None:
        """The file is in the bag, under a path that begins with ``data/``."""
        with self._place(path).open("xb") as file:
            file.write(content)
        self.entries[path] = BagEntry(path, hashlib.sha256(content).hexdigest(), len(content))

    def copy(self, store: Store, key: str, path: str, *, sha256: str) -> bool:
        """
        The archive's file is in the bag, if it has the digest; else nothing of it is.

        :returns: whether it has
        :raises Cloud9ArchiveError: if it cannot be read
        """
        place = self._place(path)
        draft = place.with_name(f"{place.name}.part")
        digest, size = hashlib.sha256(), 0
        with store.open(key) as source, draft.open("xb") as file:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
        if digest.hexdigest() != sha256:
            draft.unlink()
            return False
        draft.rename(place)
        self.entries[path] = BagEntry(path, sha256, size)
        return True

    def decrypt(self, path: str, opened: str, opener: Opener, *, told: tuple[str, int] | None) -> str | None:
        """
        What the encrypted file of the bag holds stands beside it, for its owner alone, if it is as it was encrypted.

        Nothing of it is written anywhere else, and nothing of it stays if it is not.

        :param path: of the encrypted file, which is in the bag
        :param opened: of what it holds
        :param told: SHA-256 and size that it must have, if that is known
        :returns: why it is not there; None if it is
        :raises NotRecipientError: if it is encrypted for others than the owners of the keys
        """
        place = self._place(opened)
        draft = place.with_name(f"{place.name}.part")
        digest, size = hashlib.sha256(), 0
        mine_alone = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(mine_alone, "wb") as file, (self.root / path).open("rb") as source:
                for piece in opener.opened(source):
                    digest.update(piece)
                    size += len(piece)
                    file.write(piece)
            found = (digest.hexdigest(), size)
            if told is not None and found != told:
                return f"its record says that it is {told} when it is opened, and it is {found}"
            draft.rename(place)
        except NotRecipientError:
            raise
        except NotOpenedError as error:
            return str(error)
        finally:
            draft.unlink(missing_ok=True)
        self.entries[opened] = BagEntry(opened, *found)
        return None

    def give_up(self) -> None:
        """The folder, in which nothing was written, is gone."""
        with suppress(OSError):
            self.root.rmdir()

    def seal(self, *, bag_id: str, day: date, tags: tuple[tuple[str, str], ...]) -> str:
        """The folder is a bag; the digest of its seal."""
        files = handed_out_tag_files(list(self.entries.values()), bag_id=bag_id, bagging_date=day, tags=tags)
        for file in files:
            with (self.root / file.path).open("xb") as written:
                written.write(file.content)
        return files[-1].sha256

    def _place(self, path: str) -> Path:
        place = self.root / check_bag_path(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        return place
