"""Locks on objects: what is asked for, what the bucket must offer for it, and what a server says that it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from cloud9_archive.domain.retention import Retention, RetentionUnit
from cloud9_archive.errors import ConfigurationError
from cloud9_archive.storage.s3_client import code_of, s3_errors
from cloud9_archive.storage.store import HeldLock, LockMode

LEAST = timedelta(days=1)
"""What should have expired by now is locked for so long: a server takes no date that has passed."""

_NONE = frozenset(["ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration", "404", "NotImplemented"])
_STRONGER = {None: 0, LockMode.GOVERNANCE: 1, LockMode.COMPLIANCE: 2}


@dataclass(frozen=True, slots=True)
class LockRule:
    """
    How every file of an archive is locked.

    :param retention: of files that nothing else is said of: from their put on
    :param legal_hold: whether each is also put under legal hold
    """

    mode: LockMode
    retention: Retention
    legal_hold: bool = False

    def asked(self, retain_until: datetime | None, *, since: datetime, now: datetime | None) -> HeldLock:
        """
        The lock that a file is to have.

        :param retain_until: what is said of it, or None
        :param since: when it was put; from then the rule's own retention counts
        :param now: from which the lock lasts a day at least; None for a file that was locked before
        """
        until = retain_until or self.retention.until(since)
        return HeldLock(self.mode, whole_seconds(max(until, now + LEAST) if now else until), self.legal_hold)


def covers(held: HeldLock, asked: HeldLock) -> bool:
    """Whether the lock that is held keeps a file as surely and as long as the one that was asked for."""
    return (
        _STRONGER[held.mode] >= _STRONGER[asked.mode]
        and (asked.retain_until is None or (held.retain_until is not None and held.retain_until >= asked.retain_until))
        and (held.legal_hold or not asked.legal_hold)
    )


def lengthened(held: HeldLock, asked: HeldLock) -> HeldLock:
    """What holds as long and as surely as both: a lock is never shortened or weakened."""
    ends = [each for each in (held.retain_until, asked.retain_until) if each is not None]
    mode = held.mode if _STRONGER[held.mode] > _STRONGER[asked.mode] else asked.mode
    return HeldLock(mode, max(ends, default=None), held.legal_hold or asked.legal_hold)


def put_headers(lock: HeldLock) -> dict[str, Any]:
    """What ``put_object`` is told of a lock."""
    told: dict[str, Any] = {}
    if lock.mode is not None:
        told |= {"ObjectLockMode": lock.mode.value.upper(), "ObjectLockRetainUntilDate": lock.retain_until}
    return told | ({"ObjectLockLegalHoldStatus": "ON"} if lock.legal_hold else {})


def held_lock(answer: Mapping[str, Any]) -> HeldLock:
    """The lock of an object, as the answer to a read of it tells."""
    mode, until = answer.get("ObjectLockMode"), answer.get("ObjectLockRetainUntilDate")
    return HeldLock(
        LockMode(mode.lower()) if mode else None,
        until.astimezone(UTC) if until else None,
        answer.get("ObjectLockLegalHoldStatus") == "ON",
    )


def lock_words(lock: HeldLock) -> str:
    """The lock in words."""
    held = f"{lock.mode.value} until {lock.retain_until:%Y-%m-%dT%H:%M:%SZ}" if lock.mode else "not locked"
    return f"{held}, under legal hold" if lock.legal_hold else held


def check_bucket(client: Any, bucket: str, rule: LockRule | None, *, now: datetime) -> bool:  # noqa: ANN401 - botocore's
    """
    The bucket keeps versions, and can lock as the rule says and no longer.

    :returns: whether the bucket locks by itself what is put without a lock
    :raises ConfigurationError: naming what to set on the bucket or in the policy
    """
    with s3_errors(f"s3://{bucket}"):
        if client.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
            raise ConfigurationError(
                f"bucket {bucket} does not keep versions: what is put over a file would replace it",
                subject="archive.target",
                hint="switch versioning on, or make a bucket with Object Lock, which includes it",
            )
        configuration = _lock_configuration(client, bucket)
    if rule is not None and configuration.get("ObjectLockEnabled") != "Enabled":
        raise ConfigurationError(
            f"bucket {bucket} has no Object Lock, and the policy asks for archive.lock: {rule.mode.value}",
            subject="archive.lock",
            hint="make a bucket with Object Lock switched on (most servers cannot add it later), or remove archive.lock",
        )
    default = configuration.get("Rule", {}).get("DefaultRetention")
    if not default:
        return False
    _check_default(bucket, default, rule, now=now)
    return True


def _lock_configuration(client: Any, bucket: str) -> Mapping[str, Any]:  # noqa: ANN401 - botocore's
    try:
        found: Mapping[str, Any] = client.get_object_lock_configuration(Bucket=bucket).get(
            "ObjectLockConfiguration", {}
        )
    except ClientError as error:
        if code_of(error) in _NONE:
            return {}
        raise
    return found


def _check_default(bucket: str, default: Mapping[str, Any], rule: LockRule | None, *, now: datetime) -> None:
    years, days = default.get("Years"), default.get("Days")
    keeps = Retention(years, RetentionUnit.YEARS) if years else Retention(days or 1, RetentionUnit.DAYS)
    words = f"bucket {bucket} locks everything for {keeps} by default ({str(default.get('Mode')).lower()})"
    if rule is None:
        raise ConfigurationError(
            f"{words}, and the policy states no archive.lock",
            subject="archive.lock",
            hint="state archive.lock and archive.retention, or remove the bucket's default retention",
        )
    if keeps.until(now) > rule.retention.until(now):
        raise ConfigurationError(
            f"{words}, longer than archive.retention: {rule.retention}",
            subject="archive.retention",
            hint="remove the bucket's default retention, shorten it, or lengthen archive.retention",
        )


def whole_seconds(moment: datetime) -> datetime:
    """Not before the moment; servers keep whole seconds, and must not cut a retention short."""
    whole = moment.astimezone(UTC).replace(microsecond=0)
    if whole < moment and whole < datetime.max.replace(tzinfo=UTC, microsecond=0):
        whole += timedelta(seconds=1)
    return whole
