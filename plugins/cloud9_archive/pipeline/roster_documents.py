"""Rosters as JSON and YAML: a list of objects with the columns' names, read one object at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TextIO

import yaml

from cloud9_archive.pipeline.checked_bytes import UnreadableError
from cloud9_archive.pipeline.problems import Problem, shown
from cloud9_archive.pipeline.roster_rows import LONGEST_LINE, Row, Rows, object_row
from cloud9_archive.pipeline.yaml_places import plain_events

_LIST_WANTED = "a list of objects is wanted, each with the names of the columns"
_BLANK = re.compile(r"[ \t\r\n]*")
_CHUNK = 1 << 20


class _Pairs(list[tuple[str, object]]):
    """The keys and values of a JSON object in the order of the file, repeated ones too."""


def json_rows(text: TextIO, problems: list[Problem]) -> Rows:
    """
    The objects of the one list in the text.

    :raises UnreadableError: if the text is anything else
    """
    ahead = _Ahead(text)
    decoder = json.JSONDecoder(object_pairs_hook=_Pairs, parse_int=str, parse_float=str, parse_constant=str)
    if not ahead.take("["):
        raise ahead.fault(_LIST_WANTED)
    first = True
    while not ahead.take("]"):
        if not first and not ahead.take(","):
            raise ahead.fault("a comma, or the end of the list, is wanted")
        first = False
        line = ahead.line
        value = ahead.decoded(decoder)
        if not isinstance(value, _Pairs):
            problems.append(Problem(line, "", shown(value), "an object with the names of the columns is wanted"))
            continue
        row = object_row(value, line=line, problems=problems)
        if row:
            yield row
    if not ahead.over:
        raise ahead.fault("nothing is wanted after the list")


class _Ahead:
    """Text of which only the next part is in memory; blanks between values are passed over."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._buffer = ""
        self._at = 0
        self._ended = False
        self.line = 1
        self._pass_blanks()

    @property
    def over(self) -> bool:
        """Nothing but blanks was left."""
        return self._at >= len(self._buffer)

    def take(self, sign: str) -> bool:
        """Whether the sign came next; it is behind us then."""
        if not self._buffer.startswith(sign, self._at):
            return False
        self._move(self._at + len(sign))
        return True

    def decoded(self, decoder: json.JSONDecoder) -> object:
        """The next value; it is behind us then."""
        try:
            value, end = decoder.raw_decode(self._buffer, self._at)
        except json.JSONDecodeError as error:
            line = self.line + self._line_ends(self._at, min(error.pos, self._at + LONGEST_LINE))
            raise UnreadableError(Problem(line, "", f"a broken item ({error.msg})", "valid JSON is wanted")) from None
        except RecursionError:
            raise self.fault("an object of plain values is wanted") from None
        if end - self._at > LONGEST_LINE:
            raise self.fault(f"items of at most {LONGEST_LINE} characters are wanted")
        self._move(end)
        return value

    def fault(self, wanted: str) -> UnreadableError:
        """What comes next is not what is wanted."""
        found = shown(self._buffer[self._at : self._at + LONGEST_LINE]) if not self.over else "nothing"
        return UnreadableError(Problem(self.line, "", found, wanted))

    def _move(self, end: int) -> None:
        self.line += self._line_ends(self._at, end)
        self._at = end
        self._pass_blanks()

    def _pass_blanks(self) -> None:
        while True:
            self._fill()
            blanks = _BLANK.match(self._buffer, self._at)
            end = blanks.end() if blanks else self._at
            self.line += self._line_ends(self._at, end)
            self._at = end
            if self._at < len(self._buffer) or self._ended:
                self._fill()
                return

    def _fill(self) -> None:
        """More than the longest item lies ahead, unless the text ends before."""
        if not self._ended and len(self._buffer) - self._at <= LONGEST_LINE:
            more = self._text.read(_CHUNK)
            self._ended = not more
            self._buffer = self._buffer[self._at :] + more
            self._at = 0

    def _line_ends(self, start: int, end: int) -> int:
        return max(self._buffer.count("\n", start, end), self._buffer.count("\r", start, end))


def yaml_rows(text: TextIO, problems: list[Problem]) -> Rows:
    """
    The mappings of the one list in the text; plain values are the text that was written.

    :raises UnreadableError: if the text is anything else, or uses anchors, aliases or tags
    """
    around = (yaml.StreamStartEvent, yaml.StreamEndEvent, yaml.DocumentStartEvent, yaml.DocumentEndEvent)
    events = (event for event in plain_events(text) if not isinstance(event, around))
    _expect(events, yaml.SequenceStartEvent)
    for event in events:
        if isinstance(event, yaml.SequenceEndEvent):
            continue  # nothing follows but a second document, which is refused on the way there
        row = _mapping_row(event, events, problems)
        if row:
            yield row


def _expect(events: Iterator[yaml.Event], kind: type[yaml.Event]) -> None:
    event = next(events, None)
    if not isinstance(event, kind):
        raise _misplaced(event, _event_shown(event), _LIST_WANTED)


def _misplaced(event: yaml.Event | None, found: str, wanted: str) -> UnreadableError:
    return UnreadableError(Problem(_line(event), "", found, wanted))


def _line(event: yaml.Event | None) -> int:
    return event.start_mark.line + 1 if event and event.start_mark else 1


def _event_shown(event: yaml.Event | None) -> str:
    if isinstance(event, yaml.ScalarEvent):
        return shown(event.value)
    return "nothing" if event is None else "a group of keys or a list"


def _mapping_row(event: yaml.Event, events: Iterator[yaml.Event], problems: list[Problem]) -> Row | None:
    line = _line(event)
    if not isinstance(event, yaml.MappingStartEvent):
        raise _misplaced(event, _event_shown(event), "a group of keys is wanted, the names of the columns")
    pairs: list[tuple[str, object]] = []
    for key in events:
        if isinstance(key, yaml.MappingEndEvent):
            break
        if not isinstance(key, yaml.ScalarEvent):
            raise _misplaced(key, "a key that is not text", "the name of a column is wanted")
        pairs.append((key.value, _value(next(events, None), events)))
    return object_row(pairs, line=line, problems=problems)


def _value(event: yaml.Event | None, events: Iterator[yaml.Event]) -> object:
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event)
    if isinstance(event, yaml.SequenceStartEvent):
        parts: list[object] = []
        for part in events:
            if isinstance(part, yaml.SequenceEndEvent):
                return parts
            if not isinstance(part, yaml.ScalarEvent):
                raise _misplaced(part, _event_shown(part), "a list of texts is wanted")
            parts.append(_scalar(part))
    raise _misplaced(event, _event_shown(event), "text, or a list of texts, is wanted")


def _scalar(event: yaml.ScalarEvent) -> str | None:
    """The text that was written; nothing for what YAML itself takes for nothing."""
    plain_null = event.implicit[0] and event.value in ("", "~", "null", "Null", "NULL")
    return None if plain_null else event.value
