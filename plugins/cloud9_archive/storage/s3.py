"""The archive in a bucket of S3 or an S3-compatible server: each file created once, read back and locked."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

from cloud9_archive.domain.keys import MAX_KEY_BYTES, check_archive_key
from cloud9_archive.errors import (
    ArchiveConflictError,
    ConfigurationError,
    LockNotProvenError,
    ServerFaultError,
    TransientError,
)
from cloud9_archive.storage.s3_body import arriving, measured
from cloud9_archive.storage.s3_client import is_aws, s3_errors
from cloud9_archive.storage.s3_keeping import kept, removed_unlocked
from cloud9_archive.storage.s3_lock import LEAST, LockRule, check_bucket, covers, lengthened, lock_words
from cloud9_archive.storage.s3_objects import Objects
from cloud9_archive.storage.s3_versions import Version, Versions
from cloud9_archive.storage.store import PARALLEL, READ_LIMIT, HeldLock, Hidden, Put, Stored, put_in_parallel

_REMEMBERED = 20_000


def utc_now() -> datetime:
    """The present moment, aware."""
    return datetime.now(UTC)


class S3Store:
    """
    A :class:`~cloud9_archive.storage.store.Store` below one prefix of a bucket that keeps versions.

    A put goes in one of two ways. Where the server is known to create only (AWS), one request with ``If-None-Match``
    carries bytes, checksum and lock. Elsewhere, since some servers ignore that condition, the bytes are put without a
    lock, the versions are listed, and only the first of them is kept and then locked; whoever came second takes their
    own version away again. Either way the version is read back whole before a put returns.

    :param prefix: of every object's name, without a slash at its ends; empty for the whole bucket
    :param client: a boto3 client
    :param rule: how files are locked; None for not at all
    :param creates_only: whether the server keeps to ``If-None-Match: *``; None to tell by its address
    :param clock: the present moment, aware
    """

    def __init__(
        self,
        bucket: str,
        prefix: str,
        client: Any,  # noqa: ANN401 - botocore makes its clients' classes at run time
        *,
        rule: LockRule | None = None,
        creates_only: bool | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.bucket = bucket
        self.prefix = f"{prefix}/" if prefix else ""
        self._objects = Objects(client, bucket)
        self._rule = rule
        self._told_to_create_only = is_aws(client) if creates_only is None else creates_only
        self._clock = clock
        self._locks_by_itself: bool | None = None
        self._remembered: OrderedDict[str, Version] = OrderedDict()
        self._guard = Lock()

    def __repr__(self) -> str:
        """Where it is."""
        return f"S3Store('s3://{self.bucket}/{self.prefix}')"

    def check(self) -> None:
        """See :meth:`Store.check`."""
        self._locks_by_itself = check_bucket(self._objects.client, self.bucket, self._rule, now=self._clock())

    def put(self, key: str, content: bytes | Path, *, sha256: str, retain_until: datetime | None = None) -> Stored:
        """See :meth:`Store.put`."""
        name = self._name(key)
        if self._locks_by_itself is None:
            self.check()
        now = self._clock()
        with s3_errors(key):
            standing = self._objects.versions(name).first
            if standing is None:
                lock = self._rule.asked(retain_until, since=now, now=now) if self._rule else None
                with measured(key, content, sha256=sha256) as body:
                    told = lock if self._creates_only or self._locks_by_itself else None
                    mine = self._objects.send(key, name, body, sha256=sha256, lock=told)
                standing = self._first_but(mine, key, name)
                if mine is not None and standing is None:
                    return self._settled(key, name, mine, sha256=sha256, lock=lock)
            if standing is None:
                raise TransientError(f"{key} was there and is not there any more", subject=key)
            return self._same_or_conflict(key, name, standing, sha256=sha256, retain_until=retain_until)

    def put_all(self, items: Iterable[Put], *, parallel: int = PARALLEL) -> tuple[Stored, ...]:
        """See :meth:`Store.put_all`."""
        return put_in_parallel(self, items, parallel=parallel)

    def read(self, key: str, *, limit: int = READ_LIMIT) -> bytes:
        """See :meth:`Store.read`."""
        with s3_errors(key), self.open(key) as file:
            content = file.read(limit + 1)
        if len(content) > limit:
            raise ConfigurationError(f"{key} is larger than {limit} bytes, which is not expected here", subject=key)
        return content

    def open(self, key: str) -> BinaryIO:
        """See :meth:`Store.open`."""
        name = self._name(key)
        with s3_errors(key):
            return arriving(key, self._objects.get(name, self._first(key, name).version_id)["Body"])

    def digest(self, key: str) -> str:
        """See :meth:`Store.digest`."""
        with self.open(key) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # a buffered reader

    def size(self, key: str) -> int:
        """See :meth:`Store.size`."""
        with s3_errors(key):
            return self._first(key, self._name(key)).size

    def exists(self, key: str) -> bool:
        """See :meth:`Store.exists`."""
        with s3_errors(key):
            return self._objects.versions(self._name(key)).first is not None

    def keys(self, prefix: str = "") -> Iterator[str]:
        """See :meth:`Store.keys`."""
        yield from (key for key, _ in self.versions(prefix))

    def versions(self, prefix: str = "") -> Iterator[tuple[str, str | None]]:
        """See :meth:`Store.versions`."""
        for key, versions in self._below(prefix):
            if versions.first is not None:
                self._remember(versions.name, versions.first)
                yield key, versions.first.version_id

    def hidden(self, prefix: str = "") -> Iterator[Hidden]:
        """See :meth:`Store.hidden`."""
        for key, versions in self._below(prefix):
            if len(versions.held) > 1 or versions.deleted:
                yield Hidden(key, len(versions.held), versions.deleted, self._all_same(key, versions))

    def lock_of(self, key: str) -> HeldLock:
        """
        The lock that the server holds the file under.

        :raises ConfigurationError: if there is no such file
        """
        name = self._name(key)
        with s3_errors(key):
            return self._objects.lock_of(name, self._first(key, name).version_id)

    def keep(
        self, key: str, *, retain_until: datetime | None = None, legal_hold: bool | None = None
    ) -> HeldLock | None:
        """See :meth:`Store.keep`; an archive that is not to lock does not."""
        name = self._name(key)
        with s3_errors(key):
            version_id = self._first(key, name).version_id
            if self._rule is None:
                return None
            # A server takes no date that has passed; there is nothing to lock until then either.
            until = retain_until if retain_until and retain_until > self._clock() else None
            return kept(self._objects, key, name, version_id, mode=self._rule.mode, until=until, hold=legal_hold)

    def remove(self, key: str, *, sha256: str) -> bool:
        """See :meth:`Store.remove`."""
        name = self._name(key)
        with s3_errors(key):
            removed = removed_unlocked(self._objects, key, name, sha256=sha256, now=self._clock())
        with self._guard:
            self._remembered.pop(name, None)
        return removed

    def _name(self, key: str) -> str:
        check_archive_key(key)
        name = f"{self.prefix}{key}"
        if len(name.encode()) > MAX_KEY_BYTES:
            raise ConfigurationError(
                f"{name} is longer than the {MAX_KEY_BYTES} bytes that S3 allows",
                subject=key,
                hint="shorten the prefix in archive.target",
            )
        return name

    def _below(self, prefix: str) -> Iterator[tuple[str, Versions]]:
        if prefix:
            check_archive_key(prefix)
        start = f"{self.prefix}{prefix}/" if prefix else self.prefix
        with s3_errors(prefix or "the archive's root"):
            for versions in self._objects.below(start):
                # The empty object that consoles make for a "folder" is the place itself, and nothing in it.
                if versions.name != self.prefix:
                    yield versions.name.removeprefix(self.prefix), versions

    def _remember(self, name: str, version: Version) -> None:
        """The first version never changes; whoever lists keys is about to read them."""
        with self._guard:
            self._remembered[name] = version
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)

    def _first(self, key: str, name: str) -> Version:
        with self._guard:
            known = self._remembered.get(name)
        first = known or self._objects.versions(name).first
        if first is None:
            raise ConfigurationError(
                f"{key} is not in the archive",
                subject=key,
                hint="run cloud9-archive verify to learn what else is missing",
            )
        return first

    def _all_same(self, key: str, versions: Versions) -> bool:
        if len({version.size for version in versions.held}) > 1:
            return False
        digests = {self._objects.read_back(key, versions.name, version.version_id).sha256 for version in versions.held}
        return len(digests) <= 1

    @property
    def _creates_only(self) -> bool:
        return self._told_to_create_only and self._objects.knows_condition

    def _first_but(self, mine: str | None, key: str, name: str) -> Version | None:
        """The first version, if it is another than ours, which is then taken away."""
        if mine is not None and self._creates_only:
            return None
        first = self._objects.versions(name).first
        if first is None or first.version_id == mine:
            return None
        if mine is not None:
            self._objects.take_away(key, name, mine)
        return first

    def _settled(self, key: str, name: str, mine: str, *, sha256: str, lock: HeldLock | None) -> Stored:
        """The version that was made holds what was sent, and is locked."""
        seen = self._objects.read_back(key, name, mine)
        if seen.sha256 != sha256:
            self._objects.take_away(key, name, mine)
            raise ServerFaultError(
                f"{key} reads back as {seen.sha256}, and {sha256} was put there",
                subject=key,
                hint="the server alters what it is given: if this comes again, take it out of use and check it",
            )
        held = self._locked(key, name, mine, held=seen.lock, asked=lock)
        return Stored(key, seen.size, sha256, created=True, version_id=mine, lock=held, proven=True)

    def _same_or_conflict(
        self, key: str, name: str, standing: Version, *, sha256: str, retain_until: datetime | None
    ) -> Stored:
        seen = self._objects.read_back(key, name, standing.version_id)
        if seen.sha256 != sha256:
            raise ArchiveConflictError(
                f"{key} already holds bytes with the digest {seen.sha256}, not {sha256}; nothing was overwritten",
                subject=key,
                hint="run cloud9-archive verify to learn which of the two the archive vouches for",
            )
        # A lock that was held and has ended is not begun again, nor one lengthened because two clocks differ.
        locked = seen.lock.mode is not None
        since = standing.written_at - LEAST if locked else standing.written_at
        now = None if locked else self._clock()
        asked = self._rule.asked(retain_until, since=since, now=now) if self._rule else None
        held = self._locked(key, name, standing.version_id, held=seen.lock, asked=asked)
        return Stored(key, seen.size, sha256, created=False, version_id=standing.version_id, lock=held, proven=True)

    def _locked(
        self, key: str, name: str, version_id: str, *, held: HeldLock, asked: HeldLock | None
    ) -> HeldLock | None:
        """The lock that the server tells, which is at least what it must be."""
        if asked is None:
            return held if held.mode or held.legal_hold else None
        if covers(held, asked):
            return held
        told = self._objects.lock(name, version_id, lengthened(held, asked), held=held)
        if not covers(told, asked):
            raise LockNotProvenError(
                f"{key} is {lock_words(told)}, and is to be {lock_words(asked)}",
                subject=key,
                hint="check that the account may read locks (s3:GetObjectRetention, s3:GetObjectLegalHold), then the bucket",
            )
        return told
