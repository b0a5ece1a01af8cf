"""Base64 to bytes, strictly and piece by piece: what is not exactly right is an error, and never shorter audio."""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Iterator
from typing import Final

_BLANKS: Final = b" \t\r\n\f\v"
_ALPHABET: Final = bytes(range(65, 91)) + bytes(range(97, 123)) + bytes(range(48, 58))
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_QUAD: Final = 4


class Base64Fault(ValueError):  # noqa: N818 - it is turned into an error of the house by who knows the recording
    """The text is not Base64 from end to end; says why, and nothing of the text."""


def base64_bytes(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """
    The bytes that the text stands for, in the standard or the URL-safe alphabet; blanks and line ends do not count.

    :param pieces: the text in order; where it is cut does not matter
    :raises Base64Fault: for a foreign character, both alphabets mixed, or padding that is missing, wrong or early
    """
    held, alphabets, ended = b"", set[bytes](), False
    for piece in pieces:
        text = piece.translate(None, _BLANKS)
        alphabets |= {pair for pair in (b"+/", b"-_") if any(sign in text for sign in (pair[:1], pair[1:]))}
        if len(alphabets) > 1:
            raise Base64Fault("it mixes the standard and the URL-safe alphabet")
        if text and ended:
            raise Base64Fault("there is more behind its padding")
        held += text.translate(_URL_SAFE)
        whole, held = held[: len(held) // _QUAD * _QUAD], held[len(held) // _QUAD * _QUAD :]
        ended = whole.endswith(b"=")
        if ended and held:
            raise Base64Fault("there is more behind its padding")
        if whole:
            yield _decoded(whole)
    if held:
        raise Base64Fault("its length is no multiple of four: it is cut, or lacks its padding")


def _decoded(text: bytes) -> bytes:
    foreign = text.translate(None, _ALPHABET + b"+/=")
    if foreign:
        raise Base64Fault("it holds a character that is not of its alphabet")
    try:
        given = binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error as error:
        raise Base64Fault("its padding is wrong") from error
    if (
        binascii.b2a_base64(given[-3:] if len(given) % 3 == 0 else given[-(len(given) % 3) :], newline=False)
        != text[-4:]
    ):
        raise Base64Fault("its last character holds bits that stand for nothing: it is cut")
    return given
