"""What becomes of an object after its put: a longer lock, a legal hold, and its end when nothing keeps it any more."""

from __future__ import annotations

from datetime import datetime

from cloud9_archive.errors import ArchiveConflictError, LockNotProvenError, ServerFaultError, StillLockedError
from cloud9_archive.storage.s3_lock import covers, lengthened, lock_words, whole_seconds
from cloud9_archive.storage.s3_objects import Objects
from cloud9_archive.storage.store import HeldLock, LockMode


def kept(
    objects: Objects,
    key: str,
    name: str,
    version_id: str,
    *,
    mode: LockMode,
    until: datetime | None,
    hold: bool | None,
) -> HeldLock:
    """
    The version is locked as :meth:`Store.keep` says; what the server tells of it.

    :param mode: of a lock that is begun
    :param until: the lock ends then at the earliest
    """
    told = objects.lock_of(name, version_id)
    asked = HeldLock(mode if until else None, whole_seconds(until) if until else None, bool(hold))
    if not covers(told, asked):
        told = objects.lock(name, version_id, lengthened(told, asked), held=told)
    if hold is False and told.legal_hold:
        told = objects.lift_legal_hold(name, version_id)
    if not covers(told, asked) or (hold is False and told.legal_hold):
        raise LockNotProvenError(
            f"{key} is {lock_words(told)}, and is to be {lock_words(asked)}",
            subject=key,
            hint="check that the account may set and read locks (docs/storage.md), then the bucket",
        )
    return told


def removed_unlocked(objects: Objects, key: str, name: str, *, sha256: str, now: datetime) -> bool:
    """
    No version of the object is left; see :meth:`Store.remove`.

    :param now: aware moment that locks are compared with before the server is asked
    """
    held = objects.versions(name).held
    for version in held:
        seen = objects.read_back(key, name, version.version_id)
        if seen.sha256 != sha256:
            raise ArchiveConflictError(
                f"{key} has a version with the digest {seen.sha256}, and {sha256} is to be removed; nothing was removed",
                subject=key,
                hint="run cloud9-archive verify before anything else",
            )
        lock = seen.lock
        if lock.legal_hold or (lock.retain_until is not None and lock.retain_until > now):
            raise StillLockedError(
                f"{key} is {lock_words(lock)}; it was not removed",
                subject=key,
                hint="wait until the lock ends: there is no way around it, and none is tried",
            )
    for version in reversed(held):
        objects.delete(name, version.version_id)
    if objects.versions(name).held:
        raise ServerFaultError(f"{key} was deleted, and the server still lists versions of it", subject=key)
    return bool(held)
