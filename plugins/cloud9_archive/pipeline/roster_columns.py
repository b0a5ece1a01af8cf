"""The columns of a roster: what each means, what is wrong with a row, and the extension that a row says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from cloud9_archive.domain.call import Direction
from cloud9_archive.domain.retention import RETENTION_WANTED, Retention, parse_retention
from cloud9_archive.domain.roster import DIRECTIONS, Extension, ExtensionType, RecordingMode
from cloud9_archive.domain.words import nearest
from cloud9_archive.pipeline.problems import Problem, shown
from cloud9_archive.pipeline.roster_rows import Columns, Row

LONGEST_CELL = 400


@dataclass(frozen=True, slots=True)
class Column:
    """
    A column of a roster.

    :param needed: whether every row has a value in it
    :param meaning: for people, in Markdown
    """

    name: str
    needed: bool
    meaning: str


COLUMNS = (
    Column(
        "extension_type",
        needed=True,
        meaning="`user_agent_id`: the extension is a Cloud9 login name. `number_address`: it is the number or address of an end of a call",
    ),
    Column(
        "extension",
        needed=True,
        meaning="the login name or number; it matches exactly, unless the policy says otherwise",
    ),
    Column("user", needed=True, meaning="whose login it is; a user may have several"),
    Column("mode", needed=True, meaning="`full`, `do_not_record` or `never_record`"),
    Column("display_name", needed=False, meaning="for people"),
    Column(
        "directions",
        needed=False,
        meaning="`incoming`, `outgoing`, `internal`, several with `;` between; empty: calls of every direction",
    ),
    Column(
        "groups",
        needed=False,
        meaning="the user's groups, several with `;` between; sections of the rules may ask for them",
    ),
    Column("valid_from", needed=False, meaning="first day of validity, from midnight UTC on; empty: since ever"),
    Column("valid_to", needed=False, meaning="first day **without** validity, from midnight UTC on; empty: for ever"),
    Column(
        "retention",
        needed=False,
        meaning="how long the user's calls must be kept, such as `7y` or `90d`; empty: as the policy says",
    ),
)

NAMES = tuple(column.name for column in COLUMNS)
NEEDED = tuple(column.name for column in COLUMNS if column.needed)

_NO_LIVE_CONTROL = (
    "full, do_not_record or never_record is wanted: this mode asks somebody during the call, "
    "and an import only sees calls that are over"
)
_REFUSED_MODES = {"on_demand": _NO_LIVE_CONTROL, "controlled": _NO_LIVE_CONTROL}
_TYPES = {kind.value: kind for kind in ExtensionType}
_MODES = {mode.value: mode for mode in RecordingMode}
_DIRECTIONS = {direction.value: direction for direction in DIRECTIONS}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def columns_table() -> str:
    """The columns as a Markdown table, for the documentation."""
    rows = ["| column | | meaning |", "|---|---|---|"]
    rows += [f"| `{each.name}` | {'needed' if each.needed else ''} | {each.meaning} |" for each in COLUMNS]
    return "\n".join(rows)


def header_faults(header: Columns) -> Iterator[Problem]:
    """What is wrong with the names of the columns."""
    if not set(header.names) & set(NAMES):
        wanted = f"a first line is wanted that names the columns {','.join(NEEDED)}"
        yield Problem(header.line, "", "no header", wanted)
        return
    yield from _unknown_names(header.line, header.names)
    for name in dict.fromkeys(header.names):
        if header.names.count(name) > 1:
            yield Problem(header.line, name, "the column twice", "each column is wanted once")
    for name in NEEDED:
        if name not in header.names:
            yield Problem(header.line, name, "nothing", "this column is wanted")


def _unknown_names(line: int, names: Iterable[str]) -> Iterator[Problem]:
    for name in dict.fromkeys(names):
        if name not in NAMES:
            wanted = f"only the columns {', '.join(NAMES)} are wanted{nearest(name, NAMES)}"
            yield Problem(line, "", f"the column {shown(name)}", wanted)


def read_extension(row: Row, problems: list[Problem]) -> Extension | None:
    """The extension that the row says; None, and its faults, if it says none."""
    cells = row.cells
    try:
        begin, end = _day(cells.get("valid_from", "")), _day(cells.get("valid_to", ""))
        if _sound(cells) and (begin is None or end is None or begin < end):
            return Extension(
                value=cells["extension"],
                user=cells["user"],
                mode=_MODES[cells["mode"]],
                display_name=cells.get("display_name", ""),
                valid_from=begin,
                valid_to=end,
                type=_TYPES[cells["extension_type"]],
                line=row.line,
                directions=_directions(cells.get("directions", "")),
                groups=_groups(cells.get("groups", "")),
                retention=_retention(cells.get("retention", "")),
            )
    except (KeyError, ValueError):
        pass  # told below, with every other fault of the row
    problems.extend(_row_faults(row.line, cells))
    return None


def _sound(cells: Mapping[str, str]) -> bool:
    """Whether every cell belongs there, is short and printable, and what is needed stands there."""
    whole = "".join(cells.values())
    return (
        cells.keys() <= _KNOWN
        and whole.isprintable()
        and (len(whole) <= LONGEST_CELL or max(map(len, cells.values())) <= LONGEST_CELL)
        and bool(cells["extension"] and cells["user"])
    )


_KNOWN = frozenset(NAMES)


def _row_faults(line: int, cells: Mapping[str, str]) -> Iterator[Problem]:
    yield from _unknown_names(line, cells)
    for name, cell in cells.items():
        if len(cell) > LONGEST_CELL or not cell.isprintable():
            yield Problem(line, name, shown(cell), f"at most {LONGEST_CELL} printable characters are wanted")
    for name in NEEDED:
        if not cells.get(name):
            yield Problem(line, name, "nothing", "a value is wanted")
    yield from _word_faults(line, "extension_type", [cells.get("extension_type", "")], known=_TYPES)
    yield from _word_faults(line, "mode", [cells.get("mode", "")], known=_MODES, refused=_REFUSED_MODES)
    yield from _word_faults(line, "directions", _parts(cells.get("directions", "")), known=_DIRECTIONS)
    retention = cells.get("retention", "")
    if retention and not _is_retention(retention):
        yield Problem(line, "retention", shown(retention), RETENTION_WANTED)
    yield from _validity_faults(line, cells.get("valid_from", ""), cells.get("valid_to", ""))


def _word_faults(
    line: int,
    column: str,
    words: Iterable[str],
    *,
    known: Mapping[str, object],
    refused: Mapping[str, str] | None = None,
) -> Iterator[Problem]:
    for word in words:
        if refused and word in refused:
            yield Problem(line, column, word, refused[word])
        elif word and word not in known:
            yield Problem(line, column, shown(word), f"one of {', '.join(known)} is wanted{nearest(word, known)}")


def _validity_faults(line: int, begin: str, end: str) -> Iterator[Problem]:
    days: list[date | None] = []
    for name, cell in (("valid_from", begin), ("valid_to", end)):
        try:
            days.append(_day(cell))
        except ValueError:
            yield Problem(line, name, shown(cell), "a date that exists is wanted, such as 2024-01-01, or nothing")
    if len(days) == 2 and days[0] and days[1] and days[0] >= days[1]:  # noqa: PLR2004 - both days
        wanted = f"a date after valid_from ({begin}) is wanted: it is the first day without validity"
        yield Problem(line, "valid_to", shown(end), wanted)


# A million rows repeat a few days, groups and retentions: each is read once, and stands in memory once.


@lru_cache(maxsize=4096)
def _day(cell: str) -> date | None:
    if not cell:
        return None
    if not _DATE.fullmatch(cell):
        raise ValueError(cell)
    return date.fromisoformat(cell)


@lru_cache(maxsize=64)
def _directions(cell: str) -> frozenset[Direction]:
    return frozenset(_DIRECTIONS[word] for word in _parts(cell))


@lru_cache(maxsize=4096)
def _groups(cell: str) -> frozenset[str]:
    return frozenset(_parts(cell))


@lru_cache(maxsize=256)
def _retention(cell: str) -> Retention | None:
    return parse_retention(cell) if cell else None


def _is_retention(cell: str) -> bool:
    try:
        return _retention(cell) is not None
    except ValueError:
        return False


def _parts(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(";") if part.strip()] if cell else []
