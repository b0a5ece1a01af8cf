"""Rosters as CSV files, as :mod:`cloud9_archive.pipeline.roster_files` reads them."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from cloud9_archive.domain.roster import DIRECTIONS, Extension
from cloud9_archive.pipeline.roster_columns import NAMES


def write_rows(path: Path, rows: Iterable[Iterable[str]]) -> None:
    """
    The file holds the header and these rows, whole and on stable storage, or is as it was.

    :param rows: cells in the order of :data:`~cloud9_archive.pipeline.roster_columns.NAMES`
    :raises OSError: if it cannot be written
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, scratch = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(NAMES)
            writer.writerows(rows)
            stream.flush()
            os.fsync(stream.fileno())
        Path(scratch).replace(path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise


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
