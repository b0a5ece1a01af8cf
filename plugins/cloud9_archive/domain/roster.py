"""A roster: which logins belong to whom, and whether and when their calls are recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from types import MappingProxyType

from cloud9_archive.domain.call import canonical_json
from cloud9_archive.errors import RosterError


class ExtensionType(StrEnum):
    """What kind of value an extension is."""

    USER_AGENT_ID = "user_agent_id"


class RecordingMode(StrEnum):
    """What an extension says about the calls of its user."""

    FULL = "full"
    DO_NOT_RECORD = "do_not_record"
    NEVER_RECORD = "never_record"


@dataclass(frozen=True, slots=True)
class Extension:
    """
    One login, the user it belongs to, and how that user's calls are treated while it is valid.

    :param value: the Cloud9 login name, compared exactly
    :param valid_from: first day, from midnight UTC on; None: since ever
    :param valid_to: first day on which it is valid no more, from midnight UTC on; None: for ever
    :param line: where it stands in its file; not part of its meaning
    """

    value: str
    user: str
    mode: RecordingMode
    display_name: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    type: ExtensionType = ExtensionType.USER_AGENT_ID
    line: int | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """It is valid on one day at least."""
        if self.valid_from and self.valid_to and self.valid_from >= self.valid_to:
            raise RosterError(
                f"extension {self.value!r} is never valid: from {self.valid_from}, until {self.valid_to} (exclusive)",
                hint="give a valid_to that lies after valid_from",
            )

    def valid_at(self, moment: datetime) -> bool:
        """
        Whether the moment lies in ``[valid_from, valid_to)``.

        :param moment: aware datetime
        """
        day = moment.astimezone(UTC).date()
        return self._first <= day and (self.valid_to is None or day < self.valid_to)

    def overlaps(self, other: Extension) -> bool:
        """Whether there is a moment at which both would match the same call."""
        if (self.type, self.value) != (other.type, other.value):
            return False
        return (other.valid_to is None or self._first < other.valid_to) and (
            self.valid_to is None or other._first < self.valid_to
        )

    @property
    def validity(self) -> str:
        """The validity in words."""
        if self.valid_from is None and self.valid_to is None:
            return "without limit of time"
        begin = f"from {self.valid_from} " if self.valid_from else ""
        return begin + (f"until {self.valid_to} (exclusive)" if self.valid_to else "on")

    @property
    def _first(self) -> date:
        return self.valid_from or date.min


@dataclass(frozen=True, slots=True)
class Roster:
    """
    The extensions of one roster file; finding one takes the same time whatever their number.

    :param extensions: at least one; no two with the same value are valid at the same time
    :raises RosterError: if that does not hold
    """

    extensions: tuple[Extension, ...]
    version: str = field(init=False)
    _by_value: Mapping[str, tuple[Extension, ...]] = field(init=False, repr=False, compare=False)
    _by_folded: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """The extensions are in an order that does not depend on the file's, and indexed."""
        if not self.extensions:
            raise RosterError("the roster names no extension", hint="add at least one row: nobody would be recorded")
        clash = next(overlapping(self.extensions), None)
        if clash:
            raise RosterError(
                f"extension {clash[0].value!r} stands twice in the roster for the same time (lines {clash[0].line} and {clash[1].line})",
                hint="let the first one end, with valid_to, on the day on which the second begins",
            )
        ordered = tuple(sorted(self.extensions, key=lambda each: (each.value, each._first)))  # noqa: SLF001 - same room
        index = {value: tuple(group) for value, group in groupby(ordered, key=attrgetter("value"))}
        object.__setattr__(self, "extensions", ordered)
        object.__setattr__(self, "version", _digest(ordered))
        object.__setattr__(self, "_by_value", MappingProxyType(index))
        object.__setattr__(self, "_by_folded", MappingProxyType({_folded(value): value for value in reversed(index)}))

    def matching(self, login: str, at: datetime) -> Extension | None:
        """
        The extension with exactly this login that is valid at that moment.

        :param at: aware datetime, a call's start
        """
        return next((each for each in self._by_value.get(login, ()) if each.valid_at(at)), None)

    def entries(self, login: str) -> tuple[Extension, ...]:
        """Every extension with exactly this login, whenever valid, oldest first."""
        return self._by_value.get(login, ())

    def near_miss(self, login: str) -> str | None:
        """A login of the roster that differs from this one only in case or in blanks around it."""
        return self._by_folded.get(_folded(login)) if login not in self._by_value else None


def overlapping(extensions: Iterable[Extension]) -> Iterator[tuple[Extension, Extension]]:
    """Pairs of extensions with the same value that are valid at the same time, neighbours in time only."""
    by_value: dict[tuple[str, str], list[Extension]] = {}
    for extension in extensions:
        by_value.setdefault((extension.type, extension.value), []).append(extension)
    for group in by_value.values():
        if len(group) > 1:
            yield from _clashes(sorted(group, key=attrgetter("_first")))


def _clashes(group: list[Extension]) -> Iterator[tuple[Extension, Extension]]:
    """Each extension that begins before the longest-lived of its predecessors has ended, with that one."""
    longest = group[0]
    for extension in group[1:]:
        if longest.overlaps(extension):
            yield longest, extension
        if longest.valid_to is not None and (extension.valid_to is None or extension.valid_to > longest.valid_to):
            longest = extension


def _folded(login: str) -> str:
    return login.strip().casefold()


def _digest(extensions: Iterable[Extension]) -> str:
    rows = [
        [
            each.type.value,
            each.value,
            each.user,
            each.display_name,
            each.mode.value,
            each.valid_from.isoformat() if each.valid_from else None,
            each.valid_to.isoformat() if each.valid_to else None,
        ]
        for each in extensions
    ]
    return hashlib.sha256(canonical_json(rows)).hexdigest()
