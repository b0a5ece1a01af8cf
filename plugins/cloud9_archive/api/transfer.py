"""Moving an answer's bytes: within a deadline and a bound, complete or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import requests
import urllib3.exceptions

from cloud9_archive.api.outcomes import incomplete_body, transport_error
from cloud9_archive.errors import Cloud9ArchiveError, UnreachableError, WireFormatError

HEAD = 512
_CHUNK = 256 * 1024

TooLarge = Callable[[int], Cloud9ArchiveError]


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
    :param received_sha256: hexadecimal digest of the ZIP or JSON that they were taken out of, if they were
    """

    size: int
    sha256: str
    received_sha256: str | None = None


class Arriving:
    """
    Bytes on their way, the first of which may be looked at before it is decided how many are wanted.

    :param chunks: ends only when all bytes have come, else it raises
    :param announced: bytes, as far as somebody said so
    :param origin: where they come from, for messages
    """

    def __init__(self, chunks: Iterator[bytes], *, announced: int | None = None, origin: str = "") -> None:
        self._chunks = chunks
        self._seen = b""
        self.announced = announced
        self.origin = origin

    def head(self, size: int = HEAD) -> bytes:
        """The first ``size`` bytes, or all if there are fewer; they will come again in :meth:`chunks`."""
        while len(self._seen) < size:
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            self._seen += chunk
        return self._seen[:size]

    def expect(self, *, most: int, too_large: TooLarge) -> None:
        """
        No more than ``most`` bytes are announced.

        :param too_large: makes the error for more
        """
        if self.announced is not None and self.announced > most:
            raise too_large(self.announced)

    def chunks(self, *, most: int, too_large: TooLarge) -> Iterator[bytes]:
        """
        All bytes, once.

        :param most: bytes; no more than these are taken
        :param too_large: makes the error for more bytes, announced or come
        """
        self.expect(most=most, too_large=too_large)
        received = 0
        for chunk in self.unbounded():
            received += len(chunk)
            if received > most:
                raise too_large(received)
            yield chunk

    def unbounded(self) -> Iterator[bytes]:
        """All bytes, once, however many; for who bounds them elsewhere."""
        seen, self._seen = self._seen, b""
        return chain([seen] if seen else [], self._chunks)


def arriving_body(response: requests.Response, *, asked: str, deadline: Deadline) -> Arriving:
    """
    The body of an answer, byte for byte as it was sent.

    :param response: opened with ``stream=True``
    :param asked: method and path of the request, for messages
    :raises IncompleteBodyError: when read, if the bytes are not as many as announced, or nothing was announced
    """
    announced = _announced_length(response, asked)
    chunks = _body_chunks(response, announced, asked=asked, deadline=deadline)
    return Arriving(chunks, announced=announced, origin=asked)


@contextmanager
def scratch_beside(into: Path) -> Iterator[Path]:
    """A name beside ``into`` that nobody else uses; what stands there when the block ends is removed."""
    scratch = into.with_name(f".{into.name[:200]}.{secrets.token_hex(8)}.part")
    try:
        yield scratch
    finally:
        scratch.unlink(missing_ok=True)


def store_chunks(chunks: Iterator[bytes], into: Path) -> Stored:
    """
    All bytes durably in ``into``, which appears at once and complete, or not at all.

    :param into: file in an existing folder; one that is there is replaced
    """
    digest, size = hashlib.sha256(), 0
    with scratch_beside(into) as part:
        with part.open("xb") as file:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        part.replace(into)
    _flush_folder(into.parent)
    return Stored(size, digest.hexdigest())


def _body_chunks(
    response: requests.Response, announced: int | None, *, asked: str, deadline: Deadline
) -> Iterator[bytes]:
    received = 0
    while chunk := _next_chunk(response, _CHUNK if announced is None else announced - received, asked):
        received += len(chunk)
        yield chunk
        deadline.check(asked)
    if announced is not None and received != announced:
        raise incomplete_body(f"{received} of {announced} bytes arrived", asked=asked)


def _next_chunk(response: requests.Response, left: int, asked: str) -> bytes:
    """
    What has arrived; unlike ``read``, ``read1`` does not wait for a full chunk, so the deadline is looked at often.

    The last byte comes alone: what stands behind it then shows that the length was too small, and the audio cut.
    """
    try:
        if left == 1 and _has_surplus(response):
            raise incomplete_body("more bytes came than were announced", asked=asked)
        return response.raw.read1(max(1, min(_CHUNK, left - 1)), decode_content=False) or b""
    except (urllib3.exceptions.HTTPError, requests.RequestException, OSError) as error:
        raise transport_error(error, asked=asked) from error


def _has_surplus(response: requests.Response) -> bool:
    """Whether there is more than the one byte that is left, as far as it has come; the connection is still ours here."""
    reader = getattr(getattr(response.raw, "_fp", None), "fp", None)
    # Waits until the last byte is here, so that what the socket has beyond this buffer is surplus.
    if isinstance(reader, io.BufferedReader) and len(reader.peek(1)) > 1:
        return True
    connection = getattr(response.raw.connection, "sock", None)
    return connection is not None and _has_more(connection)


def _has_more(connection: socket.socket) -> bool:
    """Whether bytes that nobody asked for have come already; an end of the connection is none."""
    patience = connection.gettimeout()
    try:
        connection.settimeout(0)
        return bool(connection.recv(1))
    except OSError:
        return False
    finally:
        with contextlib.suppress(OSError):
            connection.settimeout(patience)


def _announced_length(response: requests.Response, asked: str) -> int | None:
    """Bytes announced; none when the body comes in chunks, whose end is marked."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        raise WireFormatError(
            f"{asked} was answered with Content-Encoding {encoding[:20]!r}, though only identity was accepted",
            subject=asked,
            hint="find out what stands between this worker and Cloud9 and changes answers",
        )
    transfer = response.headers.get("Transfer-Encoding", "").strip().lower()
    if transfer == "chunked":
        return None
    if transfer:
        raise incomplete_body(
            f"the answer has the Transfer-Encoding {transfer[:20]!r}, which has no marked end", asked=asked
        )
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
