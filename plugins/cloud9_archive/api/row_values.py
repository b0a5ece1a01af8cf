"""Single values of a row, by the rule of their field: what fits is converted, what does not is named."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NoReturn

from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

from cloud9_archive.api.answer_json import shown
from cloud9_archive.api.moments import Readings, readings
from cloud9_archive.api.wire_model import WireFormat
from cloud9_archive.api.wire_values import FieldRule


@dataclass(frozen=True, slots=True)
class UnknownWord:
    """
    A word that the format file does not translate; the calls that carry it were kept as ``unknown``.

    :param field: path of the field within a row
    :param word: short form of the word
    :param calls: how many calls of the page carry it
    """

    field: str
    word: str
    calls: int


def searched(wire: WireFormat, expression: ParsedResult, parent: object, place: str) -> Any:  # noqa: ANN401 - any JSON value
    """What the expression finds in a value; ``place`` is where that value is."""
    try:
        return expression.search(parent)
    except (JMESPathError, TypeError, ValueError, RecursionError) as error:
        raise wire.misfit(at(expression, place), "cannot be evaluated on what came") from error


def at(expression: ParsedResult, place: str) -> str:
    """Where an expression looks, as a path from the top of the answer."""
    return f"{place}.{expression.expression}" if place else str(expression.expression)


def rows_at(wire: WireFormat, expression: ParsedResult, parent: object, place: str) -> list[tuple[dict[str, Any], str]]:
    """The objects of a list that must be there, each with its place."""
    found = searched(wire, expression, parent, place)
    where = at(expression, place)
    if not isinstance(found, list):
        raise wire.misfit(where, f"should be a list, but is {shown(found)}")
    for number, one in enumerate(found):
        if not isinstance(one, dict):
            raise wire.misfit(f"{where}[{number}]", f"should be an object, but is {shown(one)}")
    return [(one, f"{where}[{number}]") for number, one in enumerate(found)]


@dataclass(frozen=True, slots=True)
class RowValues:
    """
    Reads fields, and counts the words that the format file does not know.

    :param unknown: (path of the field, short form of the word) → rows
    """

    wire: WireFormat
    unknown: Counter[tuple[str, str]] = field(default_factory=Counter)

    def unknown_words(self) -> tuple[UnknownWord, ...]:
        """The words counted so far."""
        return tuple(UnknownWord(name, word, count) for (name, word), count in self.unknown.items())

    def text(self, rule: FieldRule | None, parent: object, place: str) -> str | None:
        """Text, or a whole number as text: ids come as either."""
        found, where = self._found(rule, parent, place)
        if found is None or isinstance(found, str):
            return found or (self.missing(where) if rule and rule.required else None)
        if isinstance(found, int) and not isinstance(found, bool):
            return str(found)
        raise self.wire.misfit(where, f"should be text, but is {shown(found)}")

    def needed_text(self, rule: FieldRule, parent: object, place: str) -> str:
        """Text that must be there."""
        return self.text(rule, parent, place) or self.missing(at(rule.path, place))

    def needed_texts(self, rule: FieldRule, parent: object, place: str) -> tuple[str, ...]:
        """At least one text: the field is one, or a list of them."""
        found, where = self._found(rule, parent, place)
        texts = []
        for one in found if isinstance(found, list) else [found]:
            if not isinstance(one, (str, int)) or isinstance(one, bool):
                if one is None:
                    self.missing(where)
                raise self.wire.misfit(where, f"should be text or a list of texts, but has {shown(one)}")
            texts.append(str(one) or self.missing(where))
        return tuple(texts) or self.missing(where)

    def word(self, rule: FieldRule | None, parent: object, place: str) -> str | None:
        """Our word for theirs; none, and counted, when the format file does not know it."""
        text = self._theirs(rule, parent, place)
        if text is None or rule is None:
            return None
        ours = (rule.values or {}).get(text)
        if ours is None:
            self.unknown[str(rule.path.expression), shown(text)] += 1
        return ours

    def needed_word(self, rule: FieldRule, parent: object, place: str) -> str:
        """Our word for theirs, which the format file must know."""
        text = self._theirs(rule, parent, place) or self.missing(at(rule.path, place))
        ours = (rule.values or {}).get(text)
        if ours is None:
            known = ", ".join(map(repr, rule.values or {}))
            raise self.wire.misfit(at(rule.path, place), f"should be one of {known}, but is {shown(text)}")
        return ours

    def seconds(self, rule: FieldRule | None, parent: object, place: str) -> float | None:
        """A number, times the rule's factor."""
        found, where = self._found(rule, parent, place)
        return None if found is None or rule is None else self._seconds(found, rule, where)

    def seconds_of_each(
        self, rule: FieldRule | None, parent: object, place: str, *, number: int
    ) -> tuple[float | None, ...]:
        """
        A number of seconds for each of several: the field is one for them all, or a list of one for each.

        :param number: how many there are
        """
        found, where = self._found(rule, parent, place)
        if not isinstance(found, list) or rule is None:
            return (self.seconds(rule, parent, place),) * number
        if len(found) != number:
            raise self.wire.misfit(where, f"should be {number} numbers, one for each call, but has {len(found)}")
        return tuple(self._seconds(one, rule, where) for one in found)

    def _seconds(self, found: object, rule: FieldRule, where: str) -> float:
        if isinstance(found, (int, float)) and not isinstance(found, bool):
            try:
                number = float(found) * rule.factor
            except OverflowError:
                number = math.inf
            if math.isfinite(number):
                return number
        raise self.wire.misfit(where, f"should be a number, but is {shown(found)}")

    def moment(self, rule: FieldRule | None, parent: object, place: str) -> Readings:
        """The instants that a time can mean; none when there is no time."""
        found, where = self._found(rule, parent, place)
        if found is None:
            return ()
        if given := readings(self.wire.time, found):
            return given
        wanted = " or ".join(repr(style) for style in self.wire.time.answer)
        raise self.wire.misfit(where, f"should be a time like {wanted}, but is {shown(found)}")

    def needed_moment(self, rule: FieldRule, parent: object, place: str) -> Readings:
        """The instants that a time can mean, which must be there."""
        return self.moment(rule, parent, place) or self.missing(at(rule.path, place))

    def missing(self, where: str) -> NoReturn:
        """The complaint that something required is not there."""
        raise self.wire.misfit(where, "is required, but absent or empty")

    def _theirs(self, rule: FieldRule | None, parent: object, place: str) -> str | None:
        """Their word: a text, a code, or true and false where the format file has words for them."""
        found, _ = self._found(rule, parent, place)
        if isinstance(found, bool) and rule and (word := str(found).lower()) in (rule.values or {}):
            return word
        return self.text(rule, parent, place)

    def _found(self, rule: FieldRule | None, parent: object, place: str) -> tuple[Any, str]:
        """What the rule finds, and where that is."""
        if rule is None:
            return None, place
        found = searched(self.wire, rule.path, parent, place)
        if found is None and rule.required:
            self.missing(at(rule.path, place))
        return found, at(rule.path, place)
