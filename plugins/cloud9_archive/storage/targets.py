"""From the text of a policy's archive target to the store that it names."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from cloud9_archive.errors import ConfigurationError
from cloud9_archive.storage.local import LocalStore
from cloud9_archive.storage.store import Store

_HINT = "write a path, or file:///… with an absolute path"


def open_store(target: str, *, base: Path) -> Store:
    """
    The store that the target names; nothing is read or made yet.

    :param target: a path below ``base``, an absolute path, or a ``file://`` URL
    :param base: folder that relative targets begin at
    :raises ConfigurationError: if the target is none of these, or a relative one leads out of ``base``
    """
    scheme, separator, _ = target.partition("://")
    if not separator:
        return LocalStore(_path(target, base=base))
    if scheme.lower() == "file":
        return LocalStore(_file_url_path(target))
    if scheme.lower() == "s3":
        raise ConfigurationError(
            f"archive target {target!r}: object storage is not offered yet", subject="archive.target", hint=_HINT
        )
    raise ConfigurationError(
        f"archive target {target!r}: the scheme {scheme[:40]!r} is unknown", subject="archive.target", hint=_HINT
    )


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
