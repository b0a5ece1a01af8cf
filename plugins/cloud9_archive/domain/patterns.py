"""
Text patterns with ``*`` and ``?``, and finding what matches a text without asking every pattern.

``*`` stands for any characters or none, ``?`` for exactly one; a pattern matches the whole text or not at all. A
backslash takes the meaning from a ``*``, ``?`` or backslash after it, and is itself before anything else. Matching takes
time in proportion to the text's length, whatever the pattern: no part of a text is gone over again and again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

_PART = re.compile(r"\\[\\*?]|[*?]|[^*?\\]+|\\", re.DOTALL)
_SPECIAL = {"*", "?"}

T = TypeVar("T")


def has_wildcard(pattern: str) -> bool:
    """Whether the pattern can match more than one text."""
    return any(part in _SPECIAL for part in _PART.findall(pattern))


def literal(pattern: str) -> str:
    """The one text that a pattern without wildcards matches."""
    return "".join(map(_plain, _PART.findall(pattern)))


def literal_start(pattern: str) -> str:
    """The text with which everything begins that the pattern matches; empty if it begins with a wildcard."""
    parts = _PART.findall(pattern)
    wild = next((place for place, part in enumerate(parts) if part in _SPECIAL), len(parts))
    return "".join(map(_plain, parts[:wild]))


def matcher(pattern: str) -> Callable[[str], object]:
    """A function that gives something true for texts that the pattern matches, and None for all others."""
    segments = [""]
    for part in _PART.findall(pattern):
        if part == "*":
            segments.append("")
        else:
            segments[-1] += "." if part == "?" else re.escape(_plain(part))
    first, *others = segments
    if not others:
        return re.compile(rf"{first}\Z", re.DOTALL).match
    # Each segment is taken where it first occurs and never looked for again: that keeps the time linear.
    middle = "".join(f"(?>.*?{segment})" for segment in others[:-1] if segment)
    return re.compile(rf"{first}{middle}.*{others[-1]}\Z", re.DOTALL).match


class TextChoice:
    """
    Whether a text is one of several, each given as a pattern.

    :param patterns: at least one
    """

    __slots__ = ("_matchers", "exact")

    def __init__(self, patterns: Iterable[str]) -> None:
        listed = tuple(patterns)
        self.exact = frozenset(literal(each) for each in listed if not has_wildcard(each))
        self._matchers = tuple(matcher(each) for each in listed if has_wildcard(each))

    def __contains__(self, text: object) -> bool:
        """Whether any of the patterns matches; nothing that is no text matches."""
        if text in self.exact:
            return True
        if isinstance(text, str):
            for matches in self._matchers:
                if matches(text):
                    return True
        return False


class PatternIndex(Generic[T]):
    """
    What belongs to the patterns that match a text.

    A pattern is found by the text before its first wildcard, or else by the text behind its last one; only patterns
    that begin and end with a wildcard are asked one after the other.

    :param patterns: what belongs to each pattern
    """

    __slots__ = ("_by_prefix", "_by_suffix", "_loose", "_prefix_lengths", "_suffix_lengths")

    def __init__(self, patterns: Mapping[str, Sequence[T]]) -> None:
        self._by_prefix: dict[str, list[tuple[Callable[[str], object], Sequence[T]]]] = {}
        self._by_suffix: dict[str, list[tuple[Callable[[str], object], Sequence[T]]]] = {}
        self._loose: list[tuple[Callable[[str], object], Sequence[T]]] = []
        for pattern, members in patterns.items():
            prefix, suffix = _ends(pattern)
            entry = (matcher(pattern), members)
            if prefix:
                self._by_prefix.setdefault(prefix, []).append(entry)
            elif suffix:
                self._by_suffix.setdefault(suffix, []).append(entry)
            else:
                self._loose.append(entry)
        self._prefix_lengths = sorted({len(prefix) for prefix in self._by_prefix})
        self._suffix_lengths = sorted({len(suffix) for suffix in self._by_suffix})

    def matching(self, text: str) -> list[T]:
        """What belongs to any pattern that matches the text, in no order."""
        # A text that is shorter than a prefix has no such prefix; its slice would be the text itself, once again.
        prefixes = [text[:length] for length in self._prefix_lengths if length <= len(text)]
        suffixes = [text[-length:] for length in self._suffix_lengths if length <= len(text)]
        asked = [
            *(entry for prefix in prefixes for entry in self._by_prefix.get(prefix, ())),
            *(entry for suffix in suffixes for entry in self._by_suffix.get(suffix, ())),
            *self._loose,
        ]
        return [member for matches, members in asked if matches(text) for member in members]


def _ends(pattern: str) -> tuple[str, str]:
    """The literal text before the first wildcard, and behind the last."""
    parts = _PART.findall(pattern)
    last = max(place for place, part in enumerate(parts) if part in _SPECIAL)
    return literal_start(pattern), "".join(map(_plain, parts[last + 1 :]))


def _plain(part: str) -> str:
    """The text that a part stands for; a backslash before what it protects is not in it."""
    return part[1] if re.fullmatch(r"\\[\\*?]", part) else part
