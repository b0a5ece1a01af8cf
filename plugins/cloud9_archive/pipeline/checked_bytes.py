"""Bytes of a file that somebody else wrote, read piece by piece: of a bounded size, and UTF-8 to the last byte."""

from __future__ import annotations

import codecs
import io
from typing import TYPE_CHECKING, BinaryIO

from cloud9_archive.pipeline.problems import Problem

if TYPE_CHECKING:
    from typing_extensions import Buffer


class UnreadableError(Exception):
    """The rest cannot be read; ``problem`` says where and why."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem)


class CheckedBytes(io.RawIOBase):
    """
    The same bytes; reading past the bound, or over bytes that are no UTF-8, raises :class:`UnreadableError`.

    :param source: gives the bytes; whoever opened it closes it
    :param largest: bytes that it may have
    :param utf8_wanted: what to tell the writer of something that is not UTF-8, as a sentence
    """

    def __init__(self, source: BinaryIO, *, largest: int, utf8_wanted: str) -> None:
        self._source = source
        self._largest = largest
        self._wanted = utf8_wanted
        self._size = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        # A file's lines end with one of the two, or with both: the larger count is the number of lines.
        self._ends = [0, 0]

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        """The next bytes are in the buffer; how many."""
        view = memoryview(buffer)
        chunk = self._source.read(len(view))
        self._size += len(chunk)
        if self._size > self._largest:
            raise UnreadableError(Problem(1, "", "a very large file", f"at most {self._largest} bytes are wanted"))
        self._check(chunk)
        view[: len(chunk)] = chunk
        return len(chunk)

    def _check(self, chunk: bytes) -> None:
        try:
            self._decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            place = max(error.start - (len(error.object) - len(chunk)), 0)
            line = max(ends + chunk.count(end, 0, place) for ends, end in zip(self._ends, (b"\n", b"\r"), strict=True))
            raise UnreadableError(Problem(line + 1, "", "bytes that are not UTF-8", self._wanted)) from None
        self._ends = [ends + chunk.count(end) for ends, end in zip(self._ends, (b"\n", b"\r"), strict=True)]


def checked_text(source: BinaryIO, *, largest: int, utf8_wanted: str) -> io.TextIOWrapper:
    """
    The text of the bytes, without a byte order mark, line ends as they are.

    :param largest: bytes that it may have
    :param utf8_wanted: what to tell the writer of something that is not UTF-8, as a sentence
    """
    checked = CheckedBytes(source, largest=largest, utf8_wanted=utf8_wanted)
    return io.TextIOWrapper(io.BufferedReader(checked, 1 << 16), encoding="utf-8-sig", newline="")
