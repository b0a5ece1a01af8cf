"""Which of several things in one answer is the recording that was asked for, by what they are called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from cloud9_archive.domain.run import WantedRecording

T = TypeVar("T")


def called_like(candidates: Sequence[T], wanted: WantedRecording, *, name_of: Callable[[T], str]) -> list[T]:
    """
    Those that are called like the recording; more than one when their names do not tell.

    A name counts with and without folders and extension: first as the recording's file name, then as its id or its file
    name without extension; spelled exactly, and failing that whatever the case.

    :param name_of: the name of a candidate
    """
    for names in _own_names(wanted):
        found = [one for one in candidates if names & _names_of(name_of(one))]
        if found:
            return found
    return []


def is_named(name: str, filename: str | None) -> bool:
    """Whether the name, with or without folders, is exactly this file name."""
    return bool(filename) and _base(name) == _base(filename or "")


def _own_names(wanted: WantedRecording) -> list[set[str]]:
    """The surest first; ids that differ in case only are told apart while that is possible."""
    file = _base(wanted.filename or "")
    spelled = [{file}, {wanted.recording_id, _stem(file)}]
    return [names - {""} for names in (*spelled, *({name.casefold() for name in names} for names in spelled))]


def _names_of(name: str) -> set[str]:
    names = {name, _base(name)}
    names |= {_stem(one) for one in names}
    return names | {one.casefold() for one in names}


def _base(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def _stem(base: str) -> str:
    stem, dot, _ = base.rpartition(".")
    return stem if dot and stem else base
