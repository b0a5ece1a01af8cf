"""Bytes on their way to and from a server: measured before they leave, read as a file when they come."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from cloud9_archive.errors import ConfigurationError, StagingLostError
from cloud9_archive.storage.s3_client import s3_errors

CHUNK = 1024 * 1024
LARGEST_PUT = 5 * 1024**3
"""Bytes that one PUT may carry, by the rules of S3."""
_IN_MEMORY = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Body:
    """
    Content that has the digest it must have.

    :param content: bytes, or a file at its beginning
    """

    content: bytes | BinaryIO
    size: int


@contextmanager
def measured(key: str, content: bytes | Path, *, sha256: str) -> Iterator[Body]:
    """
    The content, read once to prove its digest; the same open file is sent afterwards.

    :raises StagingLostError: if it is not there, or does not have the digest
    :raises ConfigurationError: if it is larger than one PUT may carry
    """
    if isinstance(content, bytes):
        _check_digest(key, hashlib.sha256(content).hexdigest(), sha256)
        yield Body(content, len(content))
        return
    try:
        opened = content.open("rb")
    except FileNotFoundError:
        raise StagingLostError(
            f"the staged file for {key} is not on this host", subject=key, hint="fetch the recording again"
        ) from None
    with opened:
        size = opened.seek(0, io.SEEK_END)
        opened.seek(0)
        if size > LARGEST_PUT:
            raise ConfigurationError(
                f"{key} has {size} bytes, and one PUT carries {LARGEST_PUT} at most",
                subject=key,
                hint="archive such a recording on a file system; no call of a usual length is that large",
            )
        if size <= _IN_MEMORY:
            held = opened.read()
            _check_digest(key, hashlib.sha256(held).hexdigest(), sha256)
            yield Body(held, len(held))
            return
        _check_digest(key, hashlib.file_digest(opened, "sha256").hexdigest(), sha256)
        opened.seek(0)
        yield Body(opened, size)


def _check_digest(key: str, found: str, sha256: str) -> None:
    if found != sha256:
        raise StagingLostError(
            f"the bytes for {key} have the digest {found}, not {sha256}; nothing was archived",
            subject=key,
            hint="they changed since they were staged: fetch the recording again",
        )


class Arriving(io.RawIOBase):
    """
    An object's bytes as a file; what goes wrong on the way is told as this package's errors.

    :param body: botocore's ``StreamingBody``, which tells when fewer bytes come than were announced
    """

    def __init__(self, key: str, body: Any) -> None:  # noqa: ANN401 - botocore's
        self._key = key
        self._body = body

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        """The next bytes are in the buffer; their number."""
        with s3_errors(self._key):
            came: bytes = self._body.read(len(buffer))
        buffer[: len(came)] = came
        return len(came)

    def close(self) -> None:
        """The connection is given back."""
        self._body.close()
        super().close()


def arriving(key: str, body: Any) -> io.BufferedReader:  # noqa: ANN401 - botocore's
    """The body as a buffered file."""
    return io.BufferedReader(Arriving(key, body), buffer_size=CHUNK)
