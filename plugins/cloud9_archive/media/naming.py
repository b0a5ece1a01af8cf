"""Names of files that are still being written."""

from __future__ import annotations

from pathlib import Path


def unfinished(target: Path, writer: int) -> Path:
    """
    Where a derivative stands until it is complete: beside its target, hidden, one name per writer.

    :param target: its final path
    :param writer: id of the operating system process that writes
    """
    return target.with_name(f".{target.name}.{writer}.part")
