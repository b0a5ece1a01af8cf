"""Which of many sections ask for a text, without asking each of them; sets of sections are numbers, one bit for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

from cloud9_archive.domain.call import Party, Side
from cloud9_archive.domain.filters import EXTENSION_TEXTS, PARTY_FIELDS, Asked
from cloud9_archive.domain.patterns import has_wildcard, literal, literal_start, matcher
from cloud9_archive.domain.recording_rules import PartyFilter, Section
from cloud9_archive.domain.roster import Extension

MOST_KNOWN = 20_000
LONGEST_KNOWN = 200
"""Bounds of what is remembered of texts that patterns were asked for: number of texts, and characters of one."""

Bits = int
_Of = Callable[[str, Bits], Bits]


class _Texts:
    """
    What one key of many sections asks of a text: each text's sections, to the letter or by pattern.

    :param asked: patterns, each with the sections that ask for it
    """

    def __init__(self, asked: Iterable[tuple[str, Bits]]) -> None:
        self._exact: dict[str, Bits] = {}
        self._patterns: list[tuple[Callable[[str], object], Bits]] = []
        self._starts: tuple[str, ...] = ()
        self._known: dict[str, Bits] = {}
        for pattern, bits in asked:
            if has_wildcard(pattern):
                self._patterns.append((matcher(pattern), bits))
                self._starts = tuple({*self._starts, literal_start(pattern)})
            else:
                self._exact[literal(pattern)] = self._exact.get(literal(pattern), 0) | bits
        self.of: _Of = self._with_patterns if self._patterns else self._exact.get

    def _with_patterns(self, text: str, none: Bits) -> Bits:
        if not text.startswith(self._starts):
            return self._exact.get(text, none)
        found = self._known.get(text)
        if found is None:
            found = self._exact.get(text, 0)
            for matches, bits in self._patterns:
                if matches(text):
                    found |= bits
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            if len(text) <= LONGEST_KNOWN:
                self._known[text] = found
        return found


class CallTexts:
    """What sections ask of one text of the call itself."""

    def __init__(self, name: str, sections: Sequence[Section]) -> None:
        asked: list[tuple[str, ...] | None] = [getattr(each.when, name) for each in sections]
        self._unasked = bits_of(not each for each in asked)
        self._of = _Texts((text, 1 << place) for place, each in enumerate(asked) for text in each or ()).of
        self.asking = bits_of(bool(each) for each in asked)

    def possible(self, text: str | None) -> Bits:
        """The sections that this text does not rule out."""
        return self._unasked | self._of(text, 0) if text else self._unasked


class PartyTexts:
    """
    What sections ask of participants: of each filter one key, for which some participant must have a text.

    Filters of the near end, the far end and either end have bits of their own, side by side in one number.
    """

    def __init__(self, sections: Sequence[Section]) -> None:
        self._width = len(sections)
        self._unasked = self.asking = 0
        asked: dict[Side, dict[str, list[tuple[str, Bits]]]] = {side: {} for side in Side}
        for where, (name, sides) in enumerate((("near", (Side.NEAR,)), ("far", (Side.FAR,)), ("any", tuple(Side)))):
            for place, section in enumerate(sections):
                group: PartyFilter | None = getattr(section.when, name)
                bit = 1 << (where * self._width + place)
                if group is None:
                    self._unasked |= bit
                    continue
                self.asking |= 1 << place
                key = _first_key(group)
                for side in sides:
                    asked[side].setdefault(key, []).extend((text, bit) for text in getattr(group, key))
        self._of_party: dict[Side, list[tuple[Callable[[Party], str | None], _Of]]] = {side: [] for side in Side}
        self._of_extension: dict[Side, list[tuple[Callable[[Extension], Iterable[str]], _Of]]] = {s: [] for s in Side}
        for side, keys in asked.items():
            for key, wanted in keys.items():
                of = _Texts(wanted).of
                self._of_party[side] += [(attrgetter(field), of) for field in PARTY_FIELDS[key]]
                if key in EXTENSION_TEXTS:
                    self._of_extension[side].append((EXTENSION_TEXTS[key], of))

    def possible(self, asked: Asked) -> Bits:
        """The sections that these participants do not rule out."""
        found = self._unasked
        for party, extensions in asked:
            for field, of in self._of_party[party.side]:
                if text := field(party):
                    found |= of(text, 0)
            if extensions:
                for texts_of, of in self._of_extension[party.side]:
                    for extension in extensions:
                        for text in texts_of(extension):
                            found |= of(text, 0)
        return found & (found >> self._width) & (found >> 2 * self._width) & ((1 << self._width) - 1)


def _first_key(group: PartyFilter) -> str:
    """The key that is looked up; the one that tells most participants apart comes first."""
    return next(name for name in PARTY_FIELDS if getattr(group, name))


def bits_of(flags: Iterable[bool]) -> Bits:
    """A number whose bit ``n`` is set where flag ``n`` is true."""
    return sum(1 << place for place, flag in enumerate(flags) if flag)
