"""Which of many sections ask for a text, without asking each of them; sets of sections are numbers, one bit for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import attrgetter, or_

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

    A pattern is asked only of texts that begin as it does, up to its first wildcard.

    :param asked: patterns, each with the sections that ask for it
    """

    def __init__(self, asked: Iterable[tuple[str, Bits]]) -> None:
        self._exact: dict[str, Bits] = {}
        self._patterns: dict[str, list[tuple[Callable[[str], object], Bits]]] = {}
        self._known: dict[str, Bits] = {}
        for pattern, bits in asked:
            if has_wildcard(pattern):
                self._patterns.setdefault(literal_start(pattern), []).append((matcher(pattern), bits))
            else:
                self._exact[literal(pattern)] = self._exact.get(literal(pattern), 0) | bits
        self._starts = tuple(self._patterns)
        self._lengths = sorted({len(start) for start in self._starts})
        self.of: _Of = self._with_patterns if self._patterns else self._exact.get

    def _with_patterns(self, text: str, none: Bits) -> Bits:
        if not text.startswith(self._starts):
            return self._exact.get(text, none)
        found = self._known.get(text)
        if found is None:
            found = self._exact.get(text, 0)
            for length in self._lengths:
                if length <= len(text):  # the slice of a shorter text would be the text itself, once again
                    for matches, bits in self._patterns.get(text[:length], ()):
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


@dataclass(frozen=True, slots=True)
class _Lookup:
    """
    Where one text of a participant is looked up.

    :param asking: the bits of the filters that ask for it
    :param field: takes the text from a participant, or
    :param texts: takes texts from a row of the roster that matches the participant
    """

    side: Side
    asking: Bits
    of: _Of
    field: Callable[[Party], str | None] | None = None
    texts: Callable[[Extension], Iterable[str]] | None = None


class PartyTexts:
    """
    What sections ask of participants: of each filter one key, for which some participant must have a text.

    Filters of the near end, the far end and either end have bits of their own, side by side in one number.

    :param width: number of sections
    :param asking: sections that ask anything of participants
    :param unasked: bits of filters that sections do not have
    :param lookups: where texts of participants are looked up
    """

    def __init__(self, width: int, asking: Bits, unasked: Bits, lookups: Iterable[_Lookup]) -> None:
        self.asking = asking
        self._width = width
        self._unasked = unasked
        self._lookups = tuple(lookups)
        self._of_party = {
            side: [(each.field, each.of) for each in self._lookups if each.field and each.side is side] for side in Side
        }
        self._of_row = {
            side: [(each.texts, each.of) for each in self._lookups if each.texts and each.side is side] for side in Side
        }

    def among(self, sections: Bits) -> PartyTexts:
        """The same for these sections alone: what only others ask for is not looked up."""
        wide = sections | sections << self._width | sections << 2 * self._width
        lookups = (each for each in self._lookups if each.asking & wide)
        return PartyTexts(self._width, self.asking, self._unasked, lookups)

    def possible(self, asked: Asked) -> Bits:
        """The sections that these participants do not rule out."""
        found = self._unasked
        for party, extensions in asked:
            side = party.side
            for field, of in self._of_party[side]:
                if text := field(party):
                    found |= of(text, 0)
            if extensions:
                for texts_of, of in self._of_row[side]:
                    for extension in extensions:
                        for text in texts_of(extension):
                            found |= of(text, 0)
        return found & (found >> self._width) & (found >> 2 * self._width) & ((1 << self._width) - 1)


def party_texts(sections: Sequence[Section]) -> PartyTexts:
    """What these sections ask of participants."""
    width, asking, unasked = len(sections), 0, 0
    asked: dict[Side, dict[str, list[tuple[str, Bits]]]] = {side: {} for side in Side}
    for where, (name, sides) in enumerate((("near", (Side.NEAR,)), ("far", (Side.FAR,)), ("any", tuple(Side)))):
        for place, section in enumerate(sections):
            group: PartyFilter | None = getattr(section.when, name)
            bit = 1 << (where * width + place)
            if group is None:
                unasked |= bit
                continue
            asking |= 1 << place
            key = _first_key(group)
            for side in sides:
                asked[side].setdefault(key, []).extend((text, bit) for text in getattr(group, key))
    lookups = [
        each for side, keys in asked.items() for key, wanted in keys.items() for each in _lookups(side, key, wanted)
    ]
    return PartyTexts(width, asking, unasked, lookups)


def _lookups(side: Side, key: str, wanted: Sequence[tuple[str, Bits]]) -> Iterator[_Lookup]:
    """All lookups for a key of filters at one end; they share a table."""
    asking, of = reduce(or_, (bits for _, bits in wanted)), _Texts(wanted).of
    for name in PARTY_FIELDS[key]:
        yield _Lookup(side, asking, of, field=attrgetter(name))
    if key in EXTENSION_TEXTS:
        yield _Lookup(side, asking, of, texts=EXTENSION_TEXTS[key])


def _first_key(group: PartyFilter) -> str:
    """The key that is looked up; the one that tells most participants apart comes first."""
    return next(name for name in PARTY_FIELDS if getattr(group, name))


def bits_of(flags: Iterable[bool]) -> Bits:
    """A number whose bit ``n`` is set where flag ``n`` is true."""
    return sum(1 << place for place, flag in enumerate(flags) if flag)
