"""From the text of a policy's archive target to the store that it names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from cloud9_archive.domain.retention import Retention
from cloud9_archive.domain.s3_place import parse_s3_target
from cloud9_archive.errors import ConfigurationError
from cloud9_archive.storage.local import LocalStore
from cloud9_archive.storage.store import LockMode, Store

if TYPE_CHECKING:
    from cloud9_archive.storage.s3_client import S3Access

_HINT = "write a path, file:///… with an absolute path, or s3://bucket/prefix"


@dataclass(frozen=True, slots=True)
class Locking:
    """
    How a bucket is to lock what is put into it.

    :param retention: of files that nothing else is said of: from their put on
    """

    mode: LockMode
    retention: Retention
    legal_hold: bool = False


def open_store(
    target: str,
    *,
    base: Path,
    access: S3Access | None = None,
    locking: Locking | None = None,
) -> Store:
    """
    The store that the target names; nothing is read or made yet.

    :param target: a path below ``base``, an absolute path, a ``file://`` URL, or ``s3://bucket/prefix``
    :param base: folder that relative targets begin at
    :param access: how a bucket is reached; by boto3's default chain when None
    :param locking: how a bucket locks; not at all when None
    :raises ConfigurationError: if the target is none of these, or a relative one leads out of ``base``
    """
    scheme, separator, _ = target.partition("://")
    if separator and scheme.lower() == "s3":
        return _bucket(target, access=access, locking=locking)
    if locking is not None:
        raise ConfigurationError(
            f"archive target {target!r} cannot lock: a file system only records retention",
            subject="archive.lock",
            hint="remove archive.lock, or archive into a bucket with Object Lock",
        )
    if not separator:
        return LocalStore(_path(target, base=base))
    if scheme.lower() == "file":
        return LocalStore(_file_url_path(target))
    raise ConfigurationError(
        f"archive target {target!r}: the scheme {scheme[:40]!r} is unknown", subject="archive.target", hint=_HINT
    )


def _bucket(target: str, *, access: S3Access | None, locking: Locking | None) -> Store:
    try:
        place = parse_s3_target(target)
    except ValueError as error:
        raise ConfigurationError(f"archive target {target!r}: {error}", subject="archive.target", hint=_HINT) from None
    try:
        from cloud9_archive.storage.s3 import S3Store  # noqa: PLC0415 - boto3 is slow, and only some have it
        from cloud9_archive.storage.s3_client import S3Access  # noqa: PLC0415 - as above
        from cloud9_archive.storage.s3_lock import LockRule  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"archive target {target!r} needs {error.name}, which is not installed here",
            subject="archive.target",
            hint="install airflow-provider-cloud9-archive[s3]",
        ) from None
    rule = LockRule(locking.mode, locking.retention, locking.legal_hold) if locking else None
    client = (access or S3Access()).client()
    return S3Store(place.bucket, place.prefix, client, rule=rule)


def _path(target: str, *, base: Path) -> Path:
    path = Path(target)
    if not target.strip() or "\0" in target or target.startswith("~"):
        raise ConfigurationError(f"archive target {target!r} is not a path", subject="archive.target", hint=_HINT)
    if not path.is_absolute() and ".." in path.parts:
        raise ConfigurationError(
            f"archive target {target!r} leads out of {base}",
            subject="archive.target",
            hint="write an absolute path for a folder elsewhere",
        )
    return base / path


def _file_url_path(target: str) -> Path:
    url = _split(target)
    path = unquote(url.path) if url else ""
    if (
        url is None
        or url.netloc not in {"", "localhost"}
        or not path.startswith("/")
        or "\0" in path
        or url.query
        or url.fragment
    ):
        raise ConfigurationError(
            f"archive target {target!r} does not name a folder of this host",
            subject="archive.target",
            hint="write file:/// and an absolute path, with ? and # percent-encoded",
        )
    return Path(path)


def _split(target: str) -> SplitResult | None:
    try:
        return urlsplit(target)
    except ValueError:
        return None
