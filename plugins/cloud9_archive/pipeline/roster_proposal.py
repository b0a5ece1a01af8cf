"""A roster that a person may want, written beside the one in use: joiners are added, leavers end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from cloud9_archive.domain.people import CloudUser
from cloud9_archive.domain.roster import ExtensionType, RecordingMode, utc_day
from cloud9_archive.pipeline.csv_cells import acts
from cloud9_archive.pipeline.roster_columns import LONGEST_CELL, NAMES
from cloud9_archive.pipeline.roster_comparing import Compared
from cloud9_archive.pipeline.roster_writer import roster_row, write_rows
from cloud9_archive.pipeline.text_files import not_written


@dataclass(frozen=True, slots=True)
class Proposal:
    """
    A roster that a person may want.

    :param added: rows for joiners
    :param ended: rows of leavers that have an end now
    :param left_out: logins of joiners that cannot stand in a roster: not printable, too long, or a formula
    """

    added: int
    ended: int
    left_out: tuple[str, ...]


def propose_roster(path: Path, compared: Compared, *, mode: RecordingMode | None = None) -> Proposal:
    """
    The file holds the roster with rows for joiners and an end for leavers; the policy's own roster is untouched.

    :param mode: of joiners; without it their cell is empty, and the file is no valid roster until somebody decides
    :raises ConfigurationError: if the file cannot be written
    """
    day = utc_day(compared.comparison.at)
    leavers = set(compared.comparison.leavers)
    rows: list[tuple[str, ...]] = []
    ended = 0
    for extension in compared.roster.extensions:
        leaves = extension in leavers and extension.first_day < day
        ended += leaves
        rows.append(roster_row(replace(extension, valid_to=day) if leaves else extension))
    joining = [joiner.user for joiner in compared.comparison.joiners]
    fit = [user for user in joining if _fits(user.login)]
    rows += [_joining_row(user, mode, day) for user in fit]
    try:
        write_rows(path, rows)
    except OSError as error:
        raise not_written(path, error) from None
    return Proposal(len(fit), ended, tuple(user.login for user in joining if not _fits(user.login)))


def _fits(text: str) -> bool:
    return text.isprintable() and text == text.strip() and len(text) <= LONGEST_CELL and not acts(text)


def _joining_row(user: CloudUser, mode: RecordingMode | None, day: date) -> tuple[str, ...]:
    cells = {
        "extension_type": ExtensionType.USER_AGENT_ID.value,
        "extension": user.login,
        "user": user.login,
        "mode": mode.value if mode else "",
        "display_name": user.display_name if _fits(user.display_name) else "",
        "valid_from": day.isoformat(),
    }
    return tuple(cells.get(name, "") for name in NAMES)
