"""Objects of one bucket, version by version: sent, read back whole, locked, and taken away where that is ours to do."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import structlog
from botocore.exceptions import ClientError

from cloud9_archive.errors import ConfigurationError
from cloud9_archive.storage.s3_body import CHUNK, Body, arriving
from cloud9_archive.storage.s3_client import code_of
from cloud9_archive.storage.s3_lock import held_lock, put_headers
from cloud9_archive.storage.s3_versions import Versions, versions_below, versions_of
from cloud9_archive.storage.store import HeldLock

log = structlog.get_logger(__name__)

_TAKEN = frozenset(["PreconditionFailed", "412"])
_UNKNOWN_CONDITION = frozenset(["NotImplemented", "501"])


@dataclass(frozen=True, slots=True)
class Seen:
    """What a version turned out to be when it was read back."""

    sha256: str
    size: int
    lock: HeldLock


class Objects:
    """
    The objects of a bucket; errors are botocore's.

    :param client: a boto3 client
    """

    def __init__(self, client: Any, bucket: str) -> None:  # noqa: ANN401 - botocore makes its classes at run time
        self.client = client
        self.bucket = bucket
        self.knows_condition = True

    def versions(self, name: str) -> Versions:
        """All versions of one object."""
        return versions_of(self.client, self.bucket, name)

    def below(self, prefix: str) -> Iterator[Versions]:
        """All objects whose name begins with the prefix, by name."""
        return versions_below(self.client, self.bucket, prefix)

    def get(self, name: str, version_id: str) -> Any:  # noqa: ANN401 - botocore's
        """The answer to a read of one version."""
        return self.client.get_object(Bucket=self.bucket, Key=name, VersionId=version_id)

    def read_back(self, key: str, name: str, version_id: str) -> Seen:
        """The digest and size of all bytes that the server gives back, and the lock that it tells."""
        answer = self.get(name, version_id)
        digest, size = hashlib.sha256(), 0
        with arriving(key, answer["Body"]) as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
        return Seen(digest.hexdigest(), size, held_lock(answer))

    def lock_of(self, name: str, version_id: str) -> HeldLock:
        """The lock that the server tells."""
        return held_lock(self.client.head_object(Bucket=self.bucket, Key=name, VersionId=version_id))

    def send(self, key: str, name: str, body: Body, *, sha256: str, lock: HeldLock | None) -> str | None:
        """
        The bytes are in the bucket as a version of their own.

        :param lock: told with them, if it is not None
        :returns: the version's id; None if the name was taken meanwhile
        :raises ConfigurationError: if the bucket keeps no versions any more
        """
        told: dict[str, Any] = {
            "Bucket": self.bucket,
            "Key": name,
            "Body": body.content,
            "ContentLength": body.size,
            "ChecksumAlgorithm": "SHA256",
            "ChecksumSHA256": base64.b64encode(bytes.fromhex(sha256)).decode(),
            **(put_headers(lock) if lock else {}),
        }
        if self.knows_condition:
            told["IfNoneMatch"] = "*"
        try:
            answer = self.client.put_object(**told)
        except ClientError as error:
            if code_of(error) in _TAKEN:
                return None
            if code_of(error) not in _UNKNOWN_CONDITION or not self.knows_condition:
                raise
            self.knows_condition = False
            if not isinstance(body.content, bytes):
                body.content.seek(0)
            return self.send(key, name, body, sha256=sha256, lock=lock)
        version_id: str | None = answer.get("VersionId")
        if not version_id or version_id == "null":
            raise ConfigurationError(
                f"{key} got no version id: bucket {self.bucket} does not keep versions any more",
                subject="archive.target",
                hint="switch versioning on again, and find out who switched it off",
            )
        return version_id

    def lock(self, name: str, version_id: str, wanted: HeldLock, *, held: HeldLock) -> HeldLock:
        """
        The lock was asked for.

        :returns: the lock that the server tells afterwards
        """
        target = {"Bucket": self.bucket, "Key": name, "VersionId": version_id}
        if wanted.mode is not None and (wanted.mode, wanted.retain_until) != (held.mode, held.retain_until):
            retention = {"Mode": wanted.mode.value.upper(), "RetainUntilDate": wanted.retain_until}
            self.client.put_object_retention(**target, Retention=retention)
        if wanted.legal_hold and not held.legal_hold:
            self.client.put_object_legal_hold(**target, LegalHold={"Status": "ON"})
        return self.lock_of(name, version_id)

    def lift_legal_hold(self, name: str, version_id: str) -> HeldLock:
        """
        The legal hold was asked to end.

        :returns: the lock that the server tells afterwards
        """
        target = {"Bucket": self.bucket, "Key": name, "VersionId": version_id}
        self.client.put_object_legal_hold(**target, LegalHold={"Status": "OFF"})
        return self.lock_of(name, version_id)

    def delete(self, name: str, version_id: str) -> None:
        """One version is gone for good. BypassGovernanceRetention is never sent: a lock is not got around."""
        self.client.delete_object(Bucket=self.bucket, Key=name, VersionId=version_id)

    def take_away(self, key: str, name: str, version_id: str) -> None:
        """A version that must not stay is gone, if the server lets us; verify names what is left."""
        try:
            self.delete(name, version_id)
        except ClientError as error:
            log.warning("a second version stays in the archive", key=key, version=version_id, reason=code_of(error))
