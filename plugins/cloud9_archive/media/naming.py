"""Names of derivatives, of what stands beside them, and of files that are still being written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from cloud9_archive.media.profiles import MAX_CHANNELS

WAVEFORM_ENDING = ".peaks.json"
_HALF: Final = ".part"


def part_name(channel: int) -> str:
    """
    What a file with one channel of the original is called: nothing public says which channel is whose.

    :param channel: counted from 1, in the order of the original
    """
    return f"channel-{channel}"


def part_path(target: Path, part: str) -> Path:
    """
    Where a part of a derivative stands: ``alaw_8k.wav`` gives ``alaw_8k.channel-1.wav``.

    :param target: path of the whole derivative
    :param part: as :func:`part_name` gives it, or nothing for the whole
    """
    return target.with_name(f"{target.stem}.{part}{target.suffix}") if part else target


def waveform_path(target: Path) -> Path:
    """
    Where the peaks of a derivative stand: ``alaw_8k.wav`` gives ``alaw_8k.peaks.json``.

    :param target: path of the whole derivative
    """
    return target.with_name(target.stem + WAVEFORM_ENDING)


def finals(target: Path) -> Iterator[Path]:
    """
    Every file that a job may leave: the derivative or its parts, and the peaks.

    :param target: path of the whole derivative
    """
    yield target
    yield waveform_path(target)
    for channel in range(1, MAX_CHANNELS + 1):
        yield part_path(target, part_name(channel))


def unfinished(target: Path, writer: int) -> Path:
    """
    Where a derivative stands until it is complete: beside its target, hidden, one name per writer.

    :param target: its final path
    :param writer: id of the operating system process that writes
    """
    return target.with_name(f".{target.name}.{writer}{_HALF}")


def all_unfinished(target: Path, writer: int) -> Iterator[Path]:
    """
    Everything that a writer may leave behind when it is killed at work on a derivative.

    :param target: final path of the whole derivative
    :param writer: id of the operating system process that wrote
    """
    for final in finals(target):
        yield unfinished(final, writer)


class Leftovers:
    """What writers that were killed have left behind; each folder is looked into once, however many recordings it has."""

    def __init__(self) -> None:
        self._found: dict[Path, tuple[str, ...]] = {}

    def of(self, target: Path) -> Iterator[Path]:
        """
        Everything that any earlier writer left behind at work on a derivative.

        :param target: final path of the whole derivative, in a directory that need not exist
        """
        found = self._found.get(target.parent)
        if found is None:
            found = self._found[target.parent] = tuple(_half_files(target.parent))
        if not found:
            return
        beginnings = {f".{final.name}" for final in finals(target)}
        for name in found:
            beginning, _, writer = name.removesuffix(_HALF).rpartition(".")
            if beginning in beginnings and writer.isdecimal():
                yield target.with_name(name)


def _half_files(folder: Path) -> Iterator[str]:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(_HALF):
                yield entry.name
