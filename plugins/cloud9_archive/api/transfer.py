"""Moving an answer's bytes: within a deadline and a bound, complete or not at all."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import requests
import urllib3.exceptions

from cloud9_archive.api.outcomes import incomplete_body, transport_error
from cloud9_archive.errors import Cloud9ArchiveError, UnreachableError, WireFormatError

_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Deadline:
    """
    The moment by which an answer must be complete.

    :param seconds: what was allowed, for the message
    :param at: reading of ``monotonic`` at which it is over
    """

    seconds: float
    at: float
    monotonic: Callable[[], float]

    def check(self, asked: str) -> None:
        """
        Nothing, while there is time.

        :raises UnreachableError: once it is over
        """
        if self.monotonic() > self.at:
            raise UnreachableError(
                f"{asked}: the answer was not complete after {self.seconds:.0f} s",
                subject=asked,
                hint="it is tried again; if it stays, raise the connection's total_timeout",
            )


@dataclass(frozen=True, slots=True)
class Stored:
    """
    Bytes that now stand in a file.

    :param size: bytes
    :param sha256: hexadecimal digest of the bytes
    """

    size: int
    sha256: str


def body_chunks(
    response: requests.Response,
    *,
    asked: str,
    deadline: Deadline,
    most: int,
    too_large: Callable[[int], Cloud9ArchiveError],
) -> Iterator[bytes]:
    """
    The body's bytes as they arrive; ends only when all that was announced has come.

    :param response: opened with ``stream=True``
    :param asked: method and path of the request, for messages
    :param most: bytes; no more than these are taken
    :param too_large: makes the error for a body of more bytes, or announced to be of more
    :raises IncompleteBodyError: if fewer bytes came than announced, or nothing was announced
    """
    announced = _announced_length(response, asked)
    if announced is not None and announced > most:
        raise too_large(announced)
    received = 0
    while chunk := _next_chunk(response, asked):
        received += len(chunk)
        if received > most:
            raise too_large(received)
        yield chunk
        deadline.check(asked)
    if announced is not None and received != announced:
        raise incomplete_body(f"{received} of {announced} bytes arrived", asked=asked)


def store_chunks(chunks: Iterator[bytes], into: Path) -> Stored:
    """
    All bytes durably in ``into``, which appears at once and complete, or not at all.

    :param into: file in an existing folder; one that is there is replaced
    """
    digest, size = hashlib.sha256(), 0
    part = into.with_name(f".{into.name[:200]}.{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        part.replace(into)
    finally:
        part.unlink(missing_ok=True)
    _flush_folder(into.parent)
    return Stored(size, digest.hexdigest())


def _next_chunk(response: requests.Response, asked: str) -> bytes:
    """What has arrived; unlike ``read``, ``read1`` does not wait for a full chunk, so the deadline is looked at often."""
    try:
        return response.raw.read1(_CHUNK, decode_content=False) or b""
    except (urllib3.exceptions.HTTPError, requests.RequestException, OSError) as error:
        raise transport_error(error, asked=asked) from error


def _announced_length(response: requests.Response, asked: str) -> int | None:
    """Bytes announced; none when the body comes in chunks, whose end is marked."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        raise WireFormatError(
            f"{asked} was answered with Content-Encoding {encoding[:20]!r}, though only identity was accepted",
            subject=asked,
            hint="find out what stands between this worker and Cloud9 and changes answers",
        )
    if "chunked" in response.headers.get("Transfer-Encoding", "").lower():
        return None
    length = response.headers.get("Content-Length", "")
    if length.isascii() and length.isdigit():
        return int(length)
    if response.status_code == requests.codes.no_content:
        return 0
    raise incomplete_body("the length of the answer was not announced, so a cut would go unnoticed", asked=asked)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
