"""JSON that holds whole recordings as text: read without their text, which stays in its file."""

from __future__ import annotations

import mmap
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from cloud9_archive.api.answer_json import broken_off, decoded
from cloud9_archive.api.wire_model import WireFormat

LONG_TEXT: Final = 16 * 1024
MOST_WITHOUT: Final = 16 * 1024**2
"""Bytes that an answer may have besides its long texts."""

_PIECE: Final = 256 * 1024
# Possessive: whatever was taken is not given back, so that time and memory stay in proportion.
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_UNESCAPED_CONTROL = re.compile(rb"[\x00-\x1f]")
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_CUT_ESCAPE = re.compile(rb"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_SIMPLE_ESCAPES: Final = {
    b"/": b"/",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"f": b"\f",
    b"b": b"\b",
    b'"': b'"',
    b"\\": b"\\",
}
_FOREIGN: Final = b"?"
_ASCII: Final = 0x80


@dataclass(frozen=True, slots=True)
class _Span:
    begin: int
    end: int


class JsonFile:
    """
    A JSON answer in a file; a context manager, within which :attr:`answer` and its texts can be read.

    :param path: not empty
    :param wire: named in complaints
    :raises WireFormatError: when entered, if the file is no JSON, or has more in it than texts can explain
    """

    def __init__(self, path: Path, wire: WireFormat) -> None:
        self._path = path
        self._wire = wire
        self._mark = f"long-text-{secrets.token_hex(16)}-"
        self._spans: list[_Span] = []
        self.answer: Any = None

    def __enter__(self) -> Self:
        """The file, open, and its answer decoded."""
        with self._path.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            self.answer = decoded(self._wire, self._without_long_texts())
        except BaseException:
            self._bytes.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The file is closed."""
        self._bytes.close()

    def is_long(self, text: str) -> bool:
        """Whether a text of the answer stands for one that stayed in the file."""
        return text.startswith(self._mark)

    def pieces(self, text: str) -> Iterator[bytes]:
        """
        A text of the answer, piece by piece and without JSON's escapes; what is not ASCII comes as bytes that are no Base64.

        :param text: as it was found in :attr:`answer`
        """
        if not self.is_long(text):
            yield text.encode("ascii", errors="replace")
            return
        span = self._spans[int(text.removeprefix(self._mark))]
        held = b""
        for at in range(span.begin, span.end, _PIECE):
            piece = held + self._bytes[at : min(at + _PIECE, span.end)]
            cut = _cut_escape_at(piece)
            piece, held = piece[:cut], piece[cut:]
            yield _without_escapes(piece)

    def _without_long_texts(self) -> bytes:
        kept, copied, at = bytearray(), 0, 0
        while (quote := self._bytes.find(b'"', at)) >= 0:
            text = _TEXT.match(self._bytes, quote)
            if text is None:
                raise broken_off(len(self._bytes))
            at = text.end()
            if at - quote > LONG_TEXT:
                if _UNESCAPED_CONTROL.search(self._bytes, quote, at):
                    raise self._wire.misfit("the body", "should be JSON, but a text in it holds control characters")
                kept += self._bytes[copied:quote] + f'"{self._mark}{len(self._spans)}"'.encode()
                self._spans.append(_Span(quote + 1, at - 1))
                copied = at
            if len(kept) + at - copied > MOST_WITHOUT:
                break
        if len(kept) + len(self._bytes) - copied > MOST_WITHOUT:
            raise self._wire.misfit("the body", "holds too much besides long texts for an answer of this kind")
        return bytes(kept + self._bytes[copied:])


def _without_escapes(piece: bytes) -> bytes:
    if b"\\\\" not in piece:
        # The one escape that some writers put at every 64th character, and the only fast way to undo it.
        piece = piece.replace(rb"\/", b"/")
    return _ESCAPE.sub(_unescaped, piece) if b"\\" in piece else piece


def _cut_escape_at(piece: bytes) -> int:
    """Where an escape begins that goes on in the next piece; the length of the piece if there is none."""
    cut = _CUT_ESCAPE.search(piece)
    if cut:
        upto = piece[: cut.start() + 1]
        # Of an even run of backslashes, the last is the second of a pair and begins nothing.
        if (len(upto) - len(upto.rstrip(b"\\"))) % 2:
            return cut.start()
    return len(piece)


def _unescaped(escape: re.Match[bytes]) -> bytes:
    if escape[1]:
        number = int(escape[1], 16)
        return bytes([number]) if number < _ASCII else _FOREIGN
    return _SIMPLE_ESCAPES.get(escape[2], _FOREIGN)
