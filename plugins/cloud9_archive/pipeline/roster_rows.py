"""Rows of a roster as its file has them: CSV, JSON or YAML, read one at a time, each with the line it begins on."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Generator, Iterator, Mapping
from itertools import chain
from typing import BinaryIO, NamedTuple, TextIO

from cloud9_archive.domain.words import shown as word
from cloud9_archive.pipeline.checked_bytes import UnreadableError, checked_text
from cloud9_archive.pipeline.problems import Problem, shown

LARGEST_FILE = 256 * 1024 * 1024
"""Bytes; a million extensions take about 100 MB."""

LONGEST_LINE = 64 * 1024
"""Characters of a line of CSV, or of one object of JSON."""


class Row(NamedTuple):
    """
    One row as it stands in its file.

    :param line: where it begins, counted from 1; of a query's answer, its number
    :param cells: column → text without blanks around it; empty text and an absent column mean the same
    """

    line: int
    cells: Mapping[str, str]


class Columns(NamedTuple):
    """The header of a CSV file, or the names that a query's answer has."""

    line: int
    names: list[str]


Rows = Generator[Columns | Row, None, None]
ReadRows = Callable[[TextIO, list[Problem]], Rows]


def csv_rows(text: TextIO, problems: list[Problem]) -> Rows:
    """The header, then every row that holds anything; rows with too few or too many cells become problems."""
    begun = list(_until_first_words(_bounded_lines(text)))
    first = begun[-1] if begun else ""
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(chain(begun, _bounded_lines(text, after=len(begun))), delimiter=delimiter, strict=True)
    names: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if not any(stripped):
                pass
            elif names is None:
                names = stripped
                yield Columns(line, names)
            elif len(stripped) == len(names):
                yield Row(line, dict(zip(names, stripped, strict=True)))
            else:
                wanted = f"{len(names)} are wanted, as in the header; put a cell that has the delimiter in it in quotes"
                problems.append(Problem(line, "", f"{len(cells)} cells", wanted))
            line = reader.line_num + 1
        if names is None:
            yield Columns(1, [])
    except csv.Error as error:
        raise UnreadableError(Problem(line, "", f"a broken row ({error})", "valid CSV is wanted")) from None


def _until_first_words(lines: Iterator[str]) -> Iterator[str]:
    """The lines up to the first that is not blank, that one included."""
    for line in lines:
        yield line
        if line.strip():
            return


def _bounded_lines(text: TextIO, *, after: int = 0) -> Iterator[str]:
    number = after
    while line := text.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            found = f"a line that begins {shown(line)}"
            raise UnreadableError(Problem(number, "", found, f"lines of at most {LONGEST_LINE} characters are wanted"))
        yield line


def cell_text(value: object) -> str | None:
    """
    A plain value as a cell of CSV would have it; None if it cannot stand in one.

    Lists of text become what CSV writes with semicolons. A number is the text that it was written as.
    """
    match value:
        case None:
            return ""
        case str():
            return value.strip()
        case list() if all(isinstance(part, str) and ";" not in part for part in value):
            return ";".join(part.strip() for part in value)
        case _:
            return None


def object_row(pairs: list[tuple[str, object]], *, line: int, problems: list[Problem]) -> Row | None:
    """The row that one object of JSON or YAML says; None, and problems, if it says something else."""
    cells: dict[str, str] = {}
    known = len(problems)
    for name, value in pairs:
        text = cell_text(value)
        if name in cells:
            problems.append(Problem(line, word(name), "the key a second time", "each key is wanted once"))
        elif text is None:
            problems.append(
                Problem(line, word(name), shown(value), "text, or a list of texts without semicolons, is wanted")
            )
        else:
            cells[name] = text
    return Row(line, cells) if len(problems) == known else None


def read_rows(
    content: BinaryIO, problems: list[Problem], *, read: ReadRows, utf8_wanted: str = "UTF-8 is wanted"
) -> Rows:
    """
    The rows of a file in one of the formats.

    :param problems: takes what is wrong with single rows
    :raises UnreadableError: if the file cannot be read on
    """
    text = checked_text(content, largest=LARGEST_FILE, utf8_wanted=utf8_wanted)
    try:
        yield from read(text, problems)
    finally:
        _let_go(text)


def _let_go(text: io.TextIOWrapper) -> None:
    """The wrapper does not close what it reads from when it is forgotten: whoever opened that closes it."""
    text.detach()
