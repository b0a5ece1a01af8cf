"""Rosters from rows: each becomes one roster, or an error that names every fault and its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cloud9_archive.domain.roster import Extension, Roster, overlapping
from cloud9_archive.errors import RosterError
from cloud9_archive.pipeline.checked_bytes import UnreadableError
from cloud9_archive.pipeline.problems import Problem, listed, shown
from cloud9_archive.pipeline.roster_columns import header_faults, read_extension
from cloud9_archive.pipeline.roster_documents import json_rows, yaml_rows
from cloud9_archive.pipeline.roster_rows import Columns, ReadRows, Rows, csv_rows, read_rows

MOST_EXTENSIONS = 1_000_000

MOST_FAULTS = 1000
"""After so many faults nothing more is read: the file is another one than was meant."""

FORMATS: dict[str, ReadRows] = {".csv": csv_rows, ".json": json_rows, ".yaml": yaml_rows, ".yml": yaml_rows}
"""How the rows are read, by the end of a file's name."""

_UTF8_WANTED = 'UTF-8 is wanted; in Excel, save as "CSV UTF-8"'
_NAMED = 10


@dataclass(frozen=True, slots=True)
class Origin:
    """
    Where a roster comes from, for messages.

    :param name: path, address, or the connection of a query
    :param unit: what stands between the name and the number of a line or row
    """

    name: str
    unit: str = ":"


@dataclass(frozen=True, slots=True)
class Matching:
    """How the values of a roster match, as :class:`~cloud9_archive.domain.roster.Roster` takes it."""

    fold_case: bool = False
    wildcards: bool = False


EXACTLY = Matching()


@dataclass(frozen=True, slots=True)
class LoadedRoster:
    """
    A roster that was read whole.

    :param notes: what a person may want to tidy up, as sentences
    """

    roster: Roster
    origin: str
    notes: tuple[str, ...] = ()


def load_roster(path: Path, *, matching: Matching = EXACTLY) -> Roster:
    """
    As :func:`read_roster`, the roster alone.

    :raises RosterError: likewise
    """
    return read_roster(path, matching=matching).roster


def read_roster(path: Path, *, matching: Matching = EXACTLY) -> LoadedRoster:
    """
    The roster that the file holds.

    :param path: CSV, JSON or YAML in UTF-8, with or without a byte order mark
    :raises RosterError: if it cannot be read, names nobody, or is not valid; the message lists every fault as
        ``file:line: column: found …: what is wanted``
    """
    try:
        with path.open("rb") as content:
            return roster_from_bytes(content, Origin(str(path)), matching=matching)
    except OSError as error:
        raise RosterError(
            f"the roster {path} cannot be read: {error.strerror}",
            subject=path.name,
            hint="recording_rules.roster is a path below include/, such as rosters/emea.csv",
        ) from None


def roster_from_bytes(content: BinaryIO, origin: Origin, *, matching: Matching = EXACTLY) -> LoadedRoster:
    """
    The roster in these bytes, whose format the end of the origin's name tells.

    :raises RosterError: as :func:`read_roster`
    """
    ending = Path(origin.name).suffix.lower()
    if ending not in FORMATS:
        raise RosterError(
            f"the roster {origin.name} is of no known format",
            subject=origin.name,
            hint=f"a name that ends in {', '.join(FORMATS)} is wanted",
        )
    problems: list[Problem] = []
    with closing(read_rows(content, problems, read=FORMATS[ending], utf8_wanted=_UTF8_WANTED)) as rows:
        return roster_from_rows(rows, problems, origin, matching=matching)


def roster_from_rows(
    rows: Rows, problems: list[Problem], origin: Origin, *, matching: Matching = EXACTLY
) -> LoadedRoster:
    """
    The roster that the rows say; rows that say the same again are passed over with a note.

    :param problems: takes what is wrong with single rows while they are read
    :raises RosterError: as :func:`read_roster`
    """
    try:
        extensions = list(_extensions(rows, problems))
    except UnreadableError as error:
        raise _refusal([*problems, error.problem], origin) from None
    repeated = set()
    for first, second in overlapping(extensions, fold_case=matching.fold_case, wildcards=matching.wildcards):
        earlier, later = sorted((first, second), key=_line)
        if earlier == later:
            repeated.add(_line(later))
        else:
            problems.append(_clash(earlier, later, origin))
    if problems:
        raise _refusal(problems, origin)
    if not extensions:
        raise RosterError(
            f"the roster {origin.name} has no rows",
            subject=Path(origin.name).name,
            hint="add the recorded users, or switch recording_rules off: an empty roster would exclude every call",
        )
    kept = tuple(each for each in extensions if _line(each) not in repeated) if repeated else tuple(extensions)
    del extensions
    roster = Roster(kept, fold_case=matching.fold_case, wildcards=matching.wildcards)
    return LoadedRoster(roster, origin.name, tuple(_notes(sorted(repeated), origin)))


def _extensions(rows: Rows, problems: list[Problem]) -> Iterator[Extension]:
    number = 0
    for row in rows:
        if isinstance(row, Columns):
            faults = list(header_faults(row))
            if faults:
                problems.extend(faults)
                return
            continue
        number += 1
        if number > MOST_EXTENSIONS:
            wanted = f"at most {MOST_EXTENSIONS} rows are wanted"
            raise UnreadableError(Problem(row.line, "", "one row more", wanted))
        extension = read_extension(row, problems)
        if extension is not None:
            yield extension
        elif len(problems) >= MOST_FAULTS:
            raise UnreadableError(Problem(row.line, "", f"{len(problems)} faults so far", "the rest was not read"))


def _clash(earlier: Extension, later: Extension, origin: Origin) -> Problem:
    place = "line" if origin.unit == ":" else "row"
    wanted = (
        f"one row at a time is wanted for an extension, and {place} {earlier.line} has it, valid {earlier.validity}"
    )
    if earlier.value != later.value:
        wanted = wanted.replace("has it", f"has it as {shown(earlier.value)}")
    return Problem(_line(later), "extension", f"{shown(later.value)}, valid {later.validity}", wanted)


def _notes(repeated: Sequence[int], origin: Origin) -> Iterator[str]:
    if repeated:
        named = ", ".join(map(str, repeated[:_NAMED]))
        more = f" and {len(repeated) - _NAMED} more" if len(repeated) > _NAMED else ""
        yield f"{origin.name}{origin.unit}{named}{more}: says again what an earlier row says; once is enough"


def _line(extension: Extension) -> int:
    return extension.line or 1


def _refusal(problems: Sequence[Problem], origin: Origin) -> RosterError:
    return RosterError(listed(problems, path=origin.name, unit=origin.unit), subject=Path(origin.name).name)
