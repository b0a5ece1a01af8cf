"""Names of derivatives, of what stands beside them, and of files that are still being written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from cloud9_archive.media.profiles import MAX_CHANNELS

WAVEFORM_ENDING = ".peaks.json"


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
    return target.with_name(f".{target.name}.{writer}.part")


def all_unfinished(target: Path, writer: int) -> Iterator[Path]:
    """
    Everything that a writer may leave behind when it is killed at work on a derivative.

    :param target: final path of the whole derivative
    :param writer: id of the operating system process that wrote
    """
    for final in finals(target):
        yield unfinished(final, writer)


def leftovers(target: Path) -> Iterator[Path]:
    """
    Everything that any writer left behind at work on a derivative.

    :param target: final path of the whole derivative, in a directory that need not exist
    """
    beginnings = {f".{final.name}" for final in finals(target)}
    try:
        with os.scandir(target.parent) as entries:
            names = [entry.name for entry in entries]
    except OSError:
        return
    for name in names:
        beginning, _, writer = name.removesuffix(".part").rpartition(".")
        if name.endswith(".part") and beginning in beginnings and writer.isdecimal():
            yield target.with_name(name)
