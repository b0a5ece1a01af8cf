"""A roster: which logins and numbers belong to whom, and whether and when their calls are recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from types import MappingProxyType

from cloud9_archive.domain.call import Direction, canonical_json
from cloud9_archive.domain.patterns import PatternIndex, has_wildcard, literal
from cloud9_archive.domain.retention import Retention
from cloud9_archive.errors import RosterError


class ExtensionType(StrEnum):
    """What kind of value an extension is."""

    USER_AGENT_ID = "user_agent_id"
    NUMBER_ADDRESS = "number_address"


class RecordingMode(StrEnum):
    """What an extension says about the calls of its user."""

    FULL = "full"
    DO_NOT_RECORD = "do_not_record"
    NEVER_RECORD = "never_record"


DIRECTIONS = (Direction.INCOMING, Direction.OUTGOING, Direction.INTERNAL)
"""What an extension may be narrowed to; ``unknown`` is nothing that one could want."""


@dataclass(frozen=True, slots=True)
class Extension:
    """
    One login or number, the user it belongs to, and how that user's calls are treated while it is valid.

    :param value: a Cloud9 login name, or the number or address of an end of a call
    :param valid_from: first day, from midnight UTC on; None: since ever
    :param valid_to: first day on which it is valid no more, from midnight UTC on; None: for ever
    :param line: where it stands in its file; not part of its meaning
    :param directions: calls that it holds for, seen from its user; empty: all
    :param groups: groups of the firm's own that the user is in
    :param retention: how long the user's calls must be kept; None: as long as policy or section say
    """

    value: str
    user: str
    mode: RecordingMode
    display_name: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    type: ExtensionType = ExtensionType.USER_AGENT_ID
    line: int | None = field(default=None, compare=False)
    directions: frozenset[Direction] = frozenset()
    groups: frozenset[str] = frozenset()
    retention: Retention | None = None

    def __post_init__(self) -> None:
        """It is valid on one day at least, and for calls in a direction that there is."""
        if self.valid_from and self.valid_to and self.valid_from >= self.valid_to:
            raise RosterError(
                f"extension {self.value!r} is never valid: from {self.valid_from}, until {self.valid_to} (exclusive)",
                hint="give a valid_to that lies after valid_from",
            )
        if Direction.UNKNOWN in self.directions:
            raise RosterError(
                f"extension {self.value!r} is narrowed to calls of unknown direction",
                hint="name incoming, outgoing or internal; calls of unknown direction count as each of them",
            )

    def valid_at(self, moment: datetime) -> bool:
        """
        Whether the moment lies in ``[valid_from, valid_to)``.

        :param moment: aware datetime
        """
        return self.valid_on(utc_day(moment))

    def valid_on(self, day: date) -> bool:
        """
        Whether it is valid on that day.

        :param day: a UTC day
        """
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)

    def overlaps(self, other: Extension) -> bool:
        """Whether there is a moment at which both are valid."""
        return (other.valid_to is None or self.first_day < other.valid_to) and (
            self.valid_to is None or other.first_day < self.valid_to
        )

    @property
    def validity(self) -> str:
        """The validity in words."""
        return _validity(self.valid_from, self.valid_to)

    @property
    def first_day(self) -> date:
        """The day that its validity begins on; the calendar's first when it has no beginning."""
        return self.valid_from or date.min


@dataclass(frozen=True, slots=True)
class Roster:
    """
    The extensions of one roster; finding one takes the same time whatever their number.

    :param extensions: at least one; no two of a type with the same value are valid at the same time
    :param fold_case: whether values match without regard to case
    :param wildcards: whether ``*`` and ``?`` in values stand for any characters, as in ``domain/patterns.py``
    :raises RosterError: if that does not hold
    """

    extensions: tuple[Extension, ...]
    fold_case: bool = False
    wildcards: bool = False
    version: str = field(init=False)
    _exact: Mapping[ExtensionType, Mapping[str, tuple[Extension, ...]]] = field(init=False, repr=False, compare=False)
    _patterns: Mapping[ExtensionType, PatternIndex[Extension]] = field(init=False, repr=False, compare=False)
    _near: dict[str, str] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        """The extensions are in an order that does not depend on the file's, and indexed."""
        if not self.extensions:
            raise RosterError("the roster names no extension", hint="add at least one row: nobody would be recorded")
        clash = next(overlapping(self.extensions, fold_case=self.fold_case, wildcards=self.wildcards), None)
        if clash:
            raise RosterError(
                f"extension {clash[0].value!r} stands twice in the roster for the same time (lines {clash[0].line} and {clash[1].line})",
                hint="let the first one end, with valid_to, on the day on which the second begins",
            )
        ordered = tuple(sorted(self.extensions, key=_place))
        object.__setattr__(self, "extensions", ordered)
        object.__setattr__(self, "version", self._digest())
        exact: dict[ExtensionType, dict[str, tuple[Extension, ...]]] = {kind: {} for kind in ExtensionType}
        patterns: dict[ExtensionType, dict[str, tuple[Extension, ...]]] = {kind: {} for kind in ExtensionType}
        for extension in ordered:
            wild, value = _matched_text(extension.value, fold_case=self.fold_case, wildcards=self.wildcards)
            index = (patterns if wild else exact)[extension.type]
            index[value] = (*index.get(value, ()), extension)
        indexes = {kind: PatternIndex(found) for kind, found in patterns.items() if found}
        object.__setattr__(self, "_exact", MappingProxyType(exact))
        object.__setattr__(self, "_patterns", MappingProxyType(indexes))

    def matching(
        self, value: str, at: datetime, *, kind: ExtensionType = ExtensionType.USER_AGENT_ID
    ) -> tuple[Extension, ...]:
        """
        The extensions that match this value and are valid at that moment, sorted; several only with wildcards.

        :param value: a login, or a number
        :param at: aware datetime, a call's start
        """
        day = utc_day(at)
        return tuple(each for each in self.entries(value, kind=kind) if each.valid_on(day))

    def entries(self, value: str, *, kind: ExtensionType = ExtensionType.USER_AGENT_ID) -> tuple[Extension, ...]:
        """Every extension that matches this value, whenever valid, sorted by value and first day."""
        if self.fold_case:
            value = value.casefold()
        exact = self._exact[kind].get(value, ())
        if kind not in self._patterns:
            return exact
        return tuple(sorted((*exact, *self._patterns[kind].matching(value)), key=_place))

    def finder(self, kind: ExtensionType) -> Callable[[str], tuple[Extension, ...] | None]:
        """:meth:`entries` for one type, as fast as it can be asked; None may stand for nothing."""
        if self.fold_case or kind in self._patterns:
            return lambda value: self.entries(value, kind=kind)
        return self._exact[kind].get

    def lists(self, kind: ExtensionType) -> bool:
        """Whether it has any extension of that type."""
        return bool(self._exact[kind]) or kind in self._patterns

    def near_miss(self, login: str) -> str | None:
        """A login of the roster that differs from this one only in case or in blanks around it."""
        if not self._near:
            # Made when first asked for: it costs as much room as the roster's own index.
            self._near.update(
                (_folded(each.value), each.value)
                for each in reversed(self.extensions)
                if each.type is ExtensionType.USER_AGENT_ID
            )
        near = self._near.get(_folded(login))
        return None if near is None or near == login or self.entries(login) else near

    def _digest(self) -> str:
        """SHA-256 over a line of canonical JSON for the options and for each extension, without building it whole."""
        digest = hashlib.sha256(canonical_json([self.fold_case, self.wildcards]))
        for each in self.extensions:
            digest.update(b"\n" + canonical_json(_meaning(each)))
        return digest.hexdigest()


def overlapping(
    extensions: Iterable[Extension], *, fold_case: bool = False, wildcards: bool = False
) -> Iterator[tuple[Extension, Extension]]:
    """Pairs of extensions with the same type and value that are valid at the same time, neighbours in time only."""
    by_value: dict[tuple[str, bool, str], list[Extension]] = {}
    for extension in extensions:
        matched = _matched_text(extension.value, fold_case=fold_case, wildcards=wildcards)
        by_value.setdefault((extension.type, *matched), []).append(extension)
    for group in by_value.values():
        if len(group) > 1:
            yield from _clashes(sorted(group, key=attrgetter("first_day")))


def utc_day(moment: datetime) -> date:
    """
    The UTC day of the moment.

    :param moment: aware datetime
    """
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).date()


@lru_cache(maxsize=1024)
def _validity(first: date | None, end: date | None) -> str:
    if first is None and end is None:
        return "without limit of time"
    return (f"from {first} " if first else "") + (f"until {end} (exclusive)" if end else "on")


def _clashes(group: list[Extension]) -> Iterator[tuple[Extension, Extension]]:
    """Each extension that begins before the longest-lived of its predecessors has ended, with that one."""
    latest = group[0]
    for extension in group[1:]:
        if latest.overlaps(extension):
            yield latest, extension
        if latest.valid_to is not None and (extension.valid_to is None or extension.valid_to > latest.valid_to):
            latest = extension


def _matched_text(value: str, *, fold_case: bool, wildcards: bool) -> tuple[bool, str]:
    """Whether the value is a pattern, and the pattern or the text that it matches."""
    folded = value.casefold() if fold_case else value
    wild = wildcards and has_wildcard(folded)
    return wild, folded if wild or not wildcards else literal(folded)


def _place(extension: Extension) -> tuple[str, str, date]:
    """Where it stands among others: by type, value and first day."""
    return extension.type, extension.value, extension.first_day


def _folded(login: str) -> str:
    return login.strip().casefold()


def _meaning(each: Extension) -> list[object]:
    return [
        each.type.value,
        each.value,
        each.user,
        each.display_name,
        each.mode.value,
        each.valid_from.isoformat() if each.valid_from else None,
        each.valid_to.isoformat() if each.valid_to else None,
        sorted(each.directions),
        sorted(each.groups),
        str(each.retention) if each.retention else None,
    ]
