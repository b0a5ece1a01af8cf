"""From an answer's bytes to calls, by the wire format: strictly, so that an unknown shape is never taken for no calls."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

from cloud9_archive.api.answer_json import decoded, keys_shown, shown
from cloud9_archive.api.wire_model import FieldRule, PartyRules, WireFormat
from cloud9_archive.domain.call import Call, CallType, Direction, Party, RecordingLink
from cloud9_archive.errors import WireFormatError


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


@dataclass(frozen=True, slots=True)
class Listed:
    """
    What one answer to a listing says.

    :param next_token: asks for the next page; none at the end
    """

    calls: tuple[Call, ...]
    next_token: str | None
    unknown_words: tuple[UnknownWord, ...]


def read_listing(wire: WireFormat, body: bytes, headers: Mapping[str, str], *, source: str) -> Listed:
    """
    The calls of one page, in the order given.

    :param body: the answer as it came
    :param headers: the answer's headers, by case-insensitive name
    :param source: connection id, kept with every call
    :raises WireFormatError: naming the place that does not fit
    """
    answer = decoded(wire, body)
    rows = _searched(wire, wire.listing.rows, answer, "")
    place = wire.listing.rows.expression
    if not isinstance(rows, list):
        raise wire.misfit(
            place, f"should be a list of calls, but is {shown(rows)} in an answer that is {keys_shown(answer)}"
        )
    unknown: Counter[tuple[str, str]] = Counter()
    reader = _RowReader(wire, source, unknown)
    calls = tuple(reader.call(row, f"{place}[{number}]") for number, row in enumerate(rows))
    words = tuple(UnknownWord(name, word, count) for (name, word), count in unknown.items())
    return Listed(calls, _next_token(wire, answer, headers), words)


def pending_reason(wire: WireFormat, body: bytes) -> str | None:
    """Why a recording is not there yet, in the server's own word; none when it gave no such word."""
    expression = wire.recording.pending.reason
    if expression is None:
        return None
    try:
        word = _searched(wire, expression, decoded(wire, body), "")
    except WireFormatError:
        return None
    return word if isinstance(word, str) and re.fullmatch(r"[A-Za-z0-9_. -]{1,80}", word) else None


@dataclass(frozen=True, slots=True)
class _RowReader:
    """Reads the rows of one page, and counts the words that it does not know."""

    wire: WireFormat
    source: str
    unknown: Counter[tuple[str, str]]

    def call(self, row: object, place: str) -> Call:
        if not isinstance(row, dict):
            raise self.wire.misfit(place, f"should be an object, but is {shown(row)}")
        rules = self.wire.call
        return Call(
            source=self.source,
            call_id=self.needed_text(rules.call_id, row, place),
            started_at=self.needed_moment(rules.started_at, row, place),
            ended_at=self.moment(rules.ended_at, row, place),
            duration=self.seconds(rules.duration, row, place),
            call_type=CallType(self.word(rules.call_type, row, place) or CallType.UNKNOWN),
            direction=Direction(self.word(rules.direction, row, place) or Direction.UNKNOWN),
            parties=tuple(party for end in self.wire.parties for party in self.parties(end, row, place)),
            recordings=self.recordings(row, place),
            button_label=self.text(rules.button_label, row, place),
            connection=self.text(rules.connection, row, place),
            raw=row,
        )

    def parties(self, rules: PartyRules, row: dict[str, Any], place: str) -> list[Party]:
        """The users at one end, or the end itself when no user is named there."""
        end = _searched(self.wire, rules.at, row, place)
        at = f"{place}.{rules.at.expression}"
        if end is None and not rules.required:
            return []
        if not isinstance(end, dict):
            raise self.wire.misfit(at, f"should be an object, but is {shown(end)}")
        own = {name: self.text(getattr(rules.end, name), end, at) for name in type(rules.end).model_fields}
        users = self.rows(rules.users, end, at)
        return [
            Party(
                rules.side,
                login=self.text(rules.user.login, user, place_of_user),
                user_id=self.text(rules.user.user_id, user, place_of_user),
                display_name=self.text(rules.user.display_name, user, place_of_user),
                **own,
            )
            for user, place_of_user in users
        ] or [Party(rules.side, **own)]

    def recordings(self, row: dict[str, Any], place: str) -> tuple[RecordingLink, ...]:
        rules = self.wire.recordings
        return tuple(
            RecordingLink(
                self.needed_text(rules.recording_id, one, at),
                offset=self.seconds(rules.offset, one, at),
                duration=self.seconds(rules.duration, one, at),
                filename=self.text(rules.filename, one, at),
            )
            for one, at in self.rows(rules.rows, row, place)
        )

    def rows(self, expression: ParsedResult, parent: object, place: str) -> list[tuple[dict[str, Any], str]]:
        """The objects of a list that must be there, each with its place."""
        found = _searched(self.wire, expression, parent, place)
        at = f"{place}.{expression.expression}"
        if not isinstance(found, list):
            raise self.wire.misfit(at, f"should be a list, but is {shown(found)}")
        for number, one in enumerate(found):
            if not isinstance(one, dict):
                raise self.wire.misfit(f"{at}[{number}]", f"should be an object, but is {shown(one)}")
        return [(one, f"{at}[{number}]") for number, one in enumerate(found)]

    def text(self, rule: FieldRule | None, parent: object, place: str) -> str | None:
        """Text, or a whole number as text: ids come as either."""
        found, at = self.found(rule, parent, place)
        if found is None or isinstance(found, str):
            return found or (self.missing(at) if rule and rule.required else None)
        if isinstance(found, int) and not isinstance(found, bool):
            return str(found)
        raise self.wire.misfit(at, f"should be text, but is {shown(found)}")

    def needed_text(self, rule: FieldRule, parent: object, place: str) -> str:
        return self.text(rule, parent, place) or self.missing(_at(rule, place))

    def word(self, rule: FieldRule | None, parent: object, place: str) -> str | None:
        """Our word for theirs; none, and counted, when the format file does not know it."""
        text = self.text(rule, parent, place)
        if text is None or rule is None:
            return None
        ours = (rule.values or {}).get(text)
        if ours is None:
            self.unknown[rule.path.expression, shown(text)] += 1
        return ours

    def seconds(self, rule: FieldRule | None, parent: object, place: str) -> float | None:
        found, at = self.found(rule, parent, place)
        if found is None or rule is None:
            return None
        if isinstance(found, (int, float)) and not isinstance(found, bool):
            try:
                number = float(found) * rule.factor
            except OverflowError:
                number = math.inf
            if math.isfinite(number):
                return number
        raise self.wire.misfit(at, f"should be a number, but is {shown(found)}")

    def moment(self, rule: FieldRule | None, parent: object, place: str) -> datetime | None:
        found, at = self.found(rule, parent, place)
        if found is None:
            return None
        if isinstance(found, str):
            for pattern in self.wire.time.answer:
                try:
                    moment = datetime.strptime(found, pattern)  # noqa: DTZ007 - the zone is the format file's, next line
                    return (moment if moment.tzinfo else moment.replace(tzinfo=self.wire.time.zone)).astimezone(UTC)
                except (ValueError, OverflowError):
                    continue
        wanted = " or ".join(repr(pattern) for pattern in self.wire.time.answer)
        raise self.wire.misfit(at, f"should be a time like {wanted}, but is {shown(found)}")

    def needed_moment(self, rule: FieldRule, parent: object, place: str) -> datetime:
        return self.moment(rule, parent, place) or self.missing(_at(rule, place))

    def found(self, rule: FieldRule | None, parent: object, place: str) -> tuple[Any, str]:
        """What the rule finds, and where that is."""
        if rule is None:
            return None, place
        found = _searched(self.wire, rule.path, parent, place)
        if found is None and rule.required:
            self.missing(_at(rule, place))
        return found, _at(rule, place)

    def missing(self, at: str) -> NoReturn:
        raise self.wire.misfit(at, "is required, but absent or empty")


def _at(rule: FieldRule, place: str) -> str:
    return f"{place}.{rule.path.expression}"


def _next_token(wire: WireFormat, answer: object, headers: Mapping[str, str]) -> str | None:
    paging = wire.listing.paging
    if paging.next_token is None:
        return headers.get(paging.next_token_header or "") or None
    token = _searched(wire, paging.next_token, answer, "")
    if token is not None and not isinstance(token, str):
        raise wire.misfit(paging.next_token.expression, f"should be text, but is {shown(token)}")
    return token or None


def _searched(wire: WireFormat, expression: ParsedResult, parent: object, place: str) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return expression.search(parent)
    except JMESPathError as error:
        at = f"{place}.{expression.expression}" if place else expression.expression
        raise wire.misfit(at, "cannot be evaluated on what came") from error
