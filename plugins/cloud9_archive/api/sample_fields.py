"""What each field rule of a wire format finds in the rows of a sample answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jmespath.parser import ParsedResult

from cloud9_archive.api.answer_json import shown
from cloud9_archive.api.row_values import RowValues
from cloud9_archive.api.unmapped import Path, found_by
from cloud9_archive.api.wire_model import WireFormat
from cloud9_archive.api.wire_rows import PartyRules
from cloud9_archive.api.wire_values import FieldRule, Part
from cloud9_archive.errors import WireFormatError

_SHOWN = 40
_ALWAYS_NEEDED = {"call.call_id", "call.started_at", "recordings.recording_id", "recordings.call_id"}


class FieldVerdict(StrEnum):
    """What a sample says of a field; ``not seen`` when it has nothing that the field could be in."""

    OK = "ok"
    NOT_SEEN = "not seen"
    MISSING = "missing"
    NEEDED = "required and missing"
    UNKNOWN_WORD = "word unknown"
    UNFIT = "does not fit"


@dataclass(frozen=True, slots=True)
class FieldSeen:
    """
    A field of the format, held against a sample.

    :param field: its name in the format file
    :param expression: where it looks in a row
    :param found: in how many rows, or ends, or users, there was a value
    :param looked: how many there are
    :param example: the first value, shortened
    :param words: words that the format does not translate
    :param fault: what is wrong, in words
    """

    field: str
    expression: str
    found: int
    looked: int
    example: str | None
    verdict: FieldVerdict
    words: tuple[str, ...] = ()
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """
    Where rules look: the values that they are relative to.

    :param name: of the group in the format file
    :param path: where those values are in a row
    """

    name: str
    rules: Part
    parents: tuple[Any, ...]
    path: Path = ()


def call_grounds(wire: WireFormat, rows: list[Any]) -> Iterator[Ground]:
    """The groups of rules that read a call's row."""
    yield Ground("call", wire.call, tuple(rows))
    for number, rules in enumerate(wire.parties):
        yield from _party_grounds(f"parties[{number}]", rules, rows)
    if wire.recordings.listing is None:
        inner = _each(wire.recordings.rows, rows)
        yield Ground("recordings", wire.recordings, inner, found_by(wire.recordings.rows))


def _party_grounds(name: str, rules: PartyRules, rows: list[Any]) -> Iterator[Ground]:
    ends: tuple[Any, ...] = tuple(rows)
    path: Path = ()
    if rules.at is not None:
        ends = tuple(end for row in rows if (end := _quiet(rules.at, row)) is not None)
        path = found_by(rules.at)
    users, users_path = ends, path
    if rules.users is not None:
        users, users_path = _each(rules.users, ends), found_by(rules.users, path)
    apart = rules.side_at is not None
    yield Ground(name, rules, users, users_path)
    yield Ground(f"{name}.end", rules.end, users if apart else ends, users_path if apart else path)
    if rules.user is not None:
        yield Ground(f"{name}.user", rules.user, users, users_path)


def fields_on(ground: Ground) -> Iterator[tuple[str, FieldRule]]:
    """The field rules of a group, by their names in the format file."""
    for name in type(ground.rules).model_fields:
        rule = getattr(ground.rules, name)
        if isinstance(rule, FieldRule):
            yield f"{ground.name}.{name}", rule


def seen_fields(wire: WireFormat, ground: Ground) -> list[FieldSeen]:
    """What each rule of a group finds."""
    return [_seen(wire, name, rule, ground) for name, rule in fields_on(ground)]


def _seen(wire: WireFormat, name: str, rule: FieldRule, ground: Ground) -> FieldSeen:
    parents = ground.parents
    found = [value for parent in parents if (value := _quiet(rule.path, parent)) not in (None, "")]
    values, fault = RowValues(wire), None
    verdict = FieldVerdict.OK if found else FieldVerdict.MISSING if parents else FieldVerdict.NOT_SEEN
    for number, parent in enumerate(parents):
        try:
            _read(values, name, rule, parent)
        except WireFormatError as error:
            absent = _quiet(rule.path, parent) in (None, "", [])
            verdict = FieldVerdict.NEEDED if absent else FieldVerdict.UNFIT
            fault = f"in number {number + 1} of {len(parents)}: {error.message.partition(': ')[2]}"
            break
    words = tuple(word.word for word in values.unknown_words())
    if words and fault is None:
        verdict = FieldVerdict.UNKNOWN_WORD
    example = _shortened(found[0]) if found else None
    expression = ".".join([*ground.path, str(rule.path.expression)])
    return FieldSeen(name, expression, len(found), len(parents), example, verdict, words, fault)


def _read(values: RowValues, name: str, rule: FieldRule, parent: object) -> None:
    """The value is read as the listing would read it."""
    needed = FieldRule(**{**rule.__dict__, "required": True}) if name in _ALWAYS_NEEDED else rule
    match name.rpartition(".")[2]:
        case "started_at" | "ended_at":
            values.moment(needed, parent, "")
        case "offset" if values.wire.recordings.call_id is not None:
            found = _quiet(rule.path, parent)
            values.seconds_of_each(needed, parent, "", number=len(found) if isinstance(found, list) else 1)
        case "duration" | "offset":
            values.seconds(needed, parent, "")
        case "call_type" | "direction":
            values.word(needed, parent, "")
        case "side_at":
            values.needed_word(needed, parent, "")
        case "call_id" if name.startswith("recordings."):
            values.needed_texts(needed, parent, "")
        case _:
            values.text(needed, parent, "")


def _each(expression: ParsedResult, parents: list[Any] | tuple[Any, ...]) -> tuple[Any, ...]:
    lists = (_quiet(expression, parent) for parent in parents)
    return tuple(one for found in lists if isinstance(found, list) for one in found)


def _quiet(expression: ParsedResult, parent: object) -> Any:  # noqa: ANN401 - any JSON value
    """What an expression finds; none where it cannot be evaluated, which reading the sample complains of."""
    try:
        return expression.search(parent)
    except (ValueError, TypeError):
        return None


def _shortened(value: object) -> str:
    if isinstance(value, (dict, list)):
        return shown(value)
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
