"""Staging: bytes on their way to the archive, found by their digest."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cloud9_archive.domain.keys import path_segment, recording_key
from cloud9_archive.domain.run import RecordingRef
from cloud9_archive.errors import StagingLostError
from cloud9_archive.pipeline.media_work import staged_name
from cloud9_archive.storage.folders import os_errors
from cloud9_archive.storage.store import in_parallel


@dataclass(frozen=True, slots=True)
class Staging:
    """
    A folder of staged files; everything in it can be fetched or made again.

    An original's name is its SHA-256 and a derivative's names its original's, so two tasks that stage the same
    recording do not disturb each other; a half-written file never has a final name.
    """

    root: Path

    def original(self, policy: str, ref: RecordingRef, sha256: str) -> Path:
        """Where the recording's original stands."""
        return self._media(policy, ref) / sha256

    def derivative(self, policy: str, ref: RecordingRef, sha256: str, file: str) -> Path:
        """
        Where a file stands that was made from the original with this digest.

        :param file: its name in the bag
        """
        return self._media(policy, ref) / staged_name(sha256, file)

    def page(self, policy: str, run_id: str, source: str, number: int) -> Path:
        """Where a raw listing page of a run stands."""
        return self._pages(policy, run_id) / path_segment(source) / f"{number:06d}.json"

    def envelope(self, policy: str, batch_id: str, folder: str, name: str) -> Path:
        """Where an encrypted file of a batch's bag stands."""
        return self._envelopes(policy, batch_id) / folder / name

    def report(self, policy: str, run_id: str, number: int) -> Path:
        """Where folders of a run's encrypted reports of that number stand, until a link vouches for one."""
        return self._reports(policy, run_id) / f"{number:06d}"

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """
        A folder for half-written files, on the same file system, gone when the block ends.

        :raises TransientError: if the disk is full, or fails
        :raises ConfigurationError: if nothing can be written there until a person acts
        """
        with _told_of(self.root):
            parent = self.root / "scratch"
            parent.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(dir=parent))
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def keep(self, half_written: Path, final: Path) -> None:
        """The file has its final name; its bytes must be on the disk already."""
        final.parent.mkdir(parents=True, exist_ok=True)
        half_written.replace(final)
        _flush_folder(final.parent)

    def keep_page(self, policy: str, run_id: str, source: str, number: int, body: bytes) -> None:
        """The raw page is kept until its run adds up."""
        final = self.page(policy, run_id, source, number)
        with self.scratch() as folder:
            half_written = folder / "page"
            with half_written.open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            self.keep(half_written, final)

    def keep_folder(self, half_written: Path, final: Path) -> bool:
        """
        The folder has its final name; the bytes of its files must be on the disk already.

        :returns: False if another one has that name, which is left as it is
        """
        final.parent.mkdir(parents=True, exist_ok=True)
        _flush_folder(half_written)
        try:
            half_written.rename(final)
        except OSError:
            if not final.is_dir():
                raise
            return False
        _flush_folder(final.parent)
        return True

    def drop_envelopes(self, policy: str, batch_id: str, folder: str | None = None) -> None:
        """
        No encrypted file of the batch is staged any more.

        :param folder: drop this attempt's only
        """
        place = self._envelopes(policy, batch_id)
        shutil.rmtree(place / folder if folder else place, ignore_errors=True)

    def drop_reports(self, policy: str, run_id: str) -> None:
        """No encrypted report of the run is staged any more."""
        shutil.rmtree(self._reports(policy, run_id), ignore_errors=True)

    def drop_pages(self, policy: str, run_id: str) -> None:
        """The run's raw pages are gone."""
        shutil.rmtree(self._pages(policy, run_id), ignore_errors=True)

    def drop_media(self, policy: str, refs: Iterable[RecordingRef]) -> None:
        """Nothing of the recordings is staged any more; each removal waits for the disk, and many wait at once."""
        in_parallel(lambda ref: shutil.rmtree(self._media(policy, ref), ignore_errors=True), refs)

    def _media(self, policy: str, ref: RecordingRef) -> Path:
        key = recording_key(*ref)
        return self.root / "media" / path_segment(policy) / key[-2:] / key

    def _envelopes(self, policy: str, batch_id: str) -> Path:
        return self.root / "envelopes" / path_segment(policy) / path_segment(batch_id)

    def _reports(self, policy: str, run_id: str) -> Path:
        return self.root / "reports" / path_segment(policy) / path_segment(run_id)

    def _pages(self, policy: str, run_id: str) -> Path:
        return self.root / "pages" / path_segment(policy) / path_segment(run_id)


def require(path: Path, sha256: str, *, subject: str) -> Path:
    """
    The staged file, when its bytes are those that the catalog remembers.

    :raises StagingLostError: if it is gone or altered
    """
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        found = "no file"
    if found != sha256:
        raise staging_lost(subject, f"expected {sha256}, found {found}")
    return path


def staging_lost(subject: str, words: str) -> StagingLostError:
    """
    The complaint about staged bytes that are gone or altered.

    :param words: what was expected and what was found
    """
    return StagingLostError(
        f"the staged bytes of {subject} are not those that were fetched: {words}",
        subject=subject,
        hint="they are fetched again; on several hosts, staging must be a folder that all of them see",
    )


@contextmanager
def _told_of(root: Path) -> Iterator[None]:
    """What the disk refuses is told as this package's errors; a file that is gone is the caller's to judge."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno is None:  # not of the operating system
            raise
        with os_errors(f"staging folder {root}"):
            raise


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
