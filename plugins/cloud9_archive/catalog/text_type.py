"""Text from a source in the database: any text at all, also where the database cannot hold NUL."""

from __future__ import annotations

import re

from sqlalchemy import Dialect, Text, TypeDecorator

_ESCAPE = "\x10"
_UNSAFE = re.compile("[\x00\x10\ud800-\udfff]")
_ESCAPED = re.compile("\x10([0-9a-f]{4})")


def stored_form(text: str) -> str:
    """The text with NUL and half surrogate pairs written as an escape character (U+0010) and four hex digits."""
    if text.isascii() and _ESCAPE not in text and "\0" not in text:
        return text
    return _UNSAFE.sub(lambda found: f"{_ESCAPE}{ord(found[0]):04x}", text)


def original_form(stored: str) -> str:
    """The text that :func:`stored_form` made this of."""
    # Documents are long, and looking for one character is many times quicker than for a pattern.
    if _ESCAPE not in stored:
        return stored
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), stored)


class SourceText(TypeDecorator[str]):
    """
    Any text in Python; in the database a form of it that every database can hold.

    Different texts have different forms, so keys stay keys. Nearly all texts are their own form.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The form that is stored."""
        del dialect
        return None if value is None else stored_form(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """The text itself."""
        del dialect
        return None if value is None else original_form(value)
