"""Rosters as CSV files, as :mod:`cloud9_archive.pipeline.roster_files` reads them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from cloud9_archive.domain.roster import DIRECTIONS, Extension
from cloud9_archive.pipeline.roster_columns import NAMES
from cloud9_archive.pipeline.text_files import written_whole


def write_rows(path: Path, rows: Iterable[Iterable[str]]) -> None:
    """
    The file holds the header and these rows, whole and on stable storage, or is as it was.

    :param rows: cells in the order of :data:`~cloud9_archive.pipeline.roster_columns.NAMES`
    :raises OSError: if it cannot be written
    """
    with written_whole(path) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(NAMES)
        writer.writerows(rows)


def roster_row(extension: Extension) -> tuple[str, ...]:
    """The cells of an extension's row."""
    return (
        extension.type.value,
        extension.value,
        extension.user,
        extension.mode.value,
        extension.display_name,
        ";".join(each.value for each in DIRECTIONS if each in extension.directions),
        ";".join(sorted(extension.groups)),
        extension.valid_from.isoformat() if extension.valid_from else "",
        extension.valid_to.isoformat() if extension.valid_to else "",
        str(extension.retention) if extension.retention else "",
    )
