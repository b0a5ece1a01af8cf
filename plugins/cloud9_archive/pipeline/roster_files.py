"""Roster files: one CSV file becomes one roster, or an error that names every fault and its line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from cloud9_archive.domain.roster import Extension, ExtensionType, RecordingMode, Roster, overlapping
from cloud9_archive.errors import RosterError
from cloud9_archive.pipeline.problems import Problem, listed, nearest, shown
from cloud9_archive.pipeline.text_files import read_text

LARGEST_FILE = 32 * 1024 * 1024
"""Bytes; about 300,000 extensions."""

NEEDED = ("extension_type", "extension", "user", "mode")
OPTIONAL = ("display_name", "valid_from", "valid_to")
NOT_OFFERED_YET = ("directions", "groups", "retention")
"""Columns that are planned. They may stand in the header, but a value in them is refused: it would do nothing."""

_COLUMNS = (*NEEDED, *OPTIONAL, *NOT_OFFERED_YET)
_NO_LIVE_CONTROL = (
    "full, do_not_record or never_record is wanted: this mode asks somebody during the call, "
    "and an import only sees calls that are over"
)
_REFUSED_MODES = {"on_demand": _NO_LIVE_CONTROL, "controlled": _NO_LIVE_CONTROL}
_REFUSED_TYPES = {
    "number_address": "user_agent_id is wanted: matching by number is not offered yet, and this row would match nothing"
}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_LONGEST_CELL = 400


def load_roster(path: Path) -> Roster:
    """
    The roster that the file holds.

    :param path: CSV in UTF-8 with a header; commas or semicolons, with or without a byte order mark
    :raises RosterError: if it cannot be read, names nobody, or is not valid; the message lists every fault as
        ``file:line: column: found …: what is wanted``
    """
    problems: list[Problem] = []
    extensions = list(_extensions(_rows(_text(path), path=path), problems, path=path))
    problems += [
        Problem(
            second.line or 1,
            "extension",
            f"{shown(second.value)}, valid {second.validity}",
            f"one row at a time is wanted for an extension, and line {first.line} has it, valid {first.validity}",
        )
        for first, second in (sorted(pair, key=_line) for pair in overlapping(extensions))
    ]
    if problems:
        raise _refusal(problems, path=path)
    if not extensions:
        raise RosterError(
            f"the roster {path} has a header and no rows",
            subject=path.name,
            hint="add the recorded users, or switch recording_rules off: an empty roster would exclude every call",
        )
    return Roster(tuple(extensions))


def _line(extension: Extension) -> int:
    return extension.line or 0


def _refusal(problems: Sequence[Problem], *, path: Path) -> RosterError:
    return RosterError(listed(problems, path=path), subject=path.name)


def _text(path: Path) -> str:
    try:
        text = read_text(path, largest=LARGEST_FILE, utf8_wanted='UTF-8 is wanted; in Excel, save as "CSV UTF-8"')
    except OSError as error:
        raise RosterError(
            f"the roster {path} cannot be read: {error.strerror}",
            subject=path.name,
            hint="recording_rules.roster is a path below include/, such as rosters/emea.csv",
        ) from None
    if isinstance(text, Problem):
        raise _refusal([text], path=path)
    return text


def _rows(text: str, *, path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows that hold anything, cells without blanks around them, each with the line it begins on."""
    first_line = text.lstrip().partition("\n")[0]
    delimiter = ";" if first_line.count(";") > first_line.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begun = 1
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                yield begun, stripped
            begun = reader.line_num + 1
    except csv.Error as error:
        raise _refusal([Problem(begun, "", f"a broken row ({error})", "valid CSV is wanted")], path=path) from None


def _extensions(rows: Iterator[tuple[int, list[str]]], problems: list[Problem], *, path: Path) -> Iterator[Extension]:
    line, header = next(rows, (1, []))
    faults = list(_header_faults(line, header))
    if faults:
        raise _refusal(faults, path=path)
    for line, cells in rows:
        if len(cells) != len(header):
            wanted = f"{len(header)} are wanted, as in the header; put a cell that has the delimiter in it in quotes"
            problems.append(Problem(line, "", f"{len(cells)} cells", wanted))
            continue
        row = dict(zip(header, cells, strict=True))
        faults = list(_row_faults(line, row))
        problems += faults
        if not faults:
            yield _extension(line, row)


def _header_faults(line: int, header: list[str]) -> Iterator[Problem]:
    if not header or not set(header) & set(_COLUMNS):
        yield Problem(line, "", "no header", f"a first line is wanted that names the columns {','.join(NEEDED)}")
        return
    for name in dict.fromkeys(header):
        if name not in _COLUMNS:
            wanted = f"only the columns {', '.join(_COLUMNS)} are wanted{nearest(name, _COLUMNS)}"
            yield Problem(line, "", f"the column {shown(name)}", wanted)
        elif header.count(name) > 1:
            yield Problem(line, name, "the column twice", "each column is wanted once")
    for name in NEEDED:
        if name not in header:
            yield Problem(line, name, "nothing", "this column is wanted")


def _row_faults(line: int, row: dict[str, str]) -> Iterator[Problem]:
    for name, cell in row.items():
        if len(cell) > _LONGEST_CELL or not (cell.isprintable() or not cell):
            yield Problem(line, name, shown(cell), f"at most {_LONGEST_CELL} printable characters are wanted")
        elif not cell and name in NEEDED:
            yield Problem(line, name, "nothing", "a value is wanted")
        elif cell and name in NOT_OFFERED_YET:
            wanted = "an empty cell is wanted: this column is not offered yet, and would have no effect"
            yield Problem(line, name, shown(cell), wanted)
    yield from _word_faults(line, "extension_type", row["extension_type"], known=ExtensionType, refused=_REFUSED_TYPES)
    yield from _word_faults(line, "mode", row["mode"], known=RecordingMode, refused=_REFUSED_MODES)
    for name in ("valid_from", "valid_to"):
        if not _is_date(row.get(name, "")):
            yield Problem(line, name, shown(row[name]), "a date that exists is wanted, such as 2024-01-01, or nothing")
    begin, end = row.get("valid_from", ""), row.get("valid_to", "")
    if begin and end and _is_date(begin) and _is_date(end) and begin >= end:
        wanted = f"a date after valid_from ({begin}) is wanted: it is the first day without validity"
        yield Problem(line, "valid_to", shown(end), wanted)


def _word_faults(
    line: int, column: str, word: str, *, known: type[ExtensionType | RecordingMode], refused: dict[str, str]
) -> Iterator[Problem]:
    words = [member.value for member in known]
    if word in refused:
        yield Problem(line, column, word, refused[word])
    elif word and word not in words:
        one_of = f"one of {', '.join(words)}" if len(words) > 1 else words[0]
        yield Problem(line, column, shown(word), f"{one_of} is wanted{nearest(word, words)}")


def _is_date(cell: str) -> bool:
    if not cell:
        return True
    try:
        return bool(_DATE.fullmatch(cell) and date.fromisoformat(cell))
    except ValueError:
        return False


def _extension(line: int, row: dict[str, str]) -> Extension:
    begin, end = row.get("valid_from"), row.get("valid_to")
    return Extension(
        value=row["extension"],
        user=row["user"],
        mode=RecordingMode(row["mode"]),
        display_name=row.get("display_name", ""),
        valid_from=date.fromisoformat(begin) if begin else None,
        valid_to=date.fromisoformat(end) if end else None,
        type=ExtensionType(row["extension_type"]),
        line=line,
    )
