"""Cells of the CSV files that people open in a spreadsheet: none acts as a formula, and none begins a row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_ACTING = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet may take for the beginning of a formula, full-width forms included."""


def acts(text: str) -> bool:
    """Whether a spreadsheet could take the text for a formula."""
    return text.startswith(_ACTING)


def harmless(text: str) -> str:
    """A cell for the text; a quote of its own at the beginning is doubled, so that the one before a formula is told apart."""
    return f"'{text}" if acts(text) or text.startswith("'") else text


def csv_text(rows: Iterable[Sequence[str]]) -> str:
    """The rows, separated by semicolons, each with a line feed at its end."""
    return "".join(f"{';'.join(map(_quoted, row))}\n" for row in rows)


def _quoted(cell: str) -> str:
    # The csv module would leave a carriage return bare when lines end with a line feed, and readers would begin a row at it.
    return '"' + cell.replace('"', '""') + '"' if set(cell) & set(';"\r\n') else cell
