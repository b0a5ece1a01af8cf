"""Where a recording is in an answer that is JSON, by the wire format's ``recording.answer``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cloud9_archive.api.answer_json import keys_shown, shown
from cloud9_archive.api.archives import Absent
from cloud9_archive.api.naming import called_like
from cloud9_archive.api.row_values import at, searched
from cloud9_archive.api.wire_model import WireFormat
from cloud9_archive.domain import words
from cloud9_archive.domain.run import WantedRecording
from cloud9_archive.errors import RecordError


@dataclass(frozen=True, slots=True)
class Base64Text:
    """The audio is this text of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Address:
    """
    The audio is elsewhere.

    :param text: as the answer has it; it may carry a right to read, so it is never shown
    """

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Item:
    """One of the recordings in an answer; ``found`` is what the rules' places are relative to."""

    found: object
    place: str
    item_id: str | None
    name: str | None


def find_recording(answer: object, wanted: WantedRecording, *, wire: WireFormat) -> Base64Text | Address | Absent:
    """
    Where the wanted recording's audio is, or that it is not uploaded yet.

    :param answer: the JSON value that came
    :raises WireFormatError: if the wire format names no place that is there, naming what is
    :raises RecordError: if several items could be the recording
    """
    rules = wire.recording.answer
    if rules.items is None:
        return _place(answer, "", wire=wire)
    place, items = str(rules.items.expression), searched(wire, rules.items, answer, "")
    if not isinstance(items, list):
        if _is_pending(answer, "", wire):
            return Absent("pending, says the answer")
        raise wire.misfit(place, f"should be a list, but is {shown(items)} in an answer that is {keys_shown(answer)}")
    ours = _ours(items, wanted, place, wire)
    if len(ours) > 1:
        raise RecordError(
            f"recording {words.shown(wanted.recording_id)!r} was answered with {len(ours)} items that could be it",
            subject=wanted.recording_id,
            hint=f"look whether recording.answer.item_id of {wire.origin} tells recordings apart",
        )
    if not ours:
        return Absent(f"no item of its own among {len(items)}")
    return _place(ours[0].found, ours[0].place, wire=wire)


def _place(item: object, place: str, *, wire: WireFormat) -> Base64Text | Address | Absent:
    rules = wire.recording.answer
    if _is_pending(item, place, wire):
        return Absent("pending, says the answer")
    for rule, kind in ((rules.base64, Base64Text), (rules.url, Address)):
        found = None if rule is None else searched(wire, rule, item, place)
        if isinstance(found, str):
            return kind(found)
        if rule is not None and found is not None:
            raise wire.misfit(at(rule, place), f"should be text, but is {shown(found)}")
    what = "no audio" if rules.base64 or rules.url else "JSON, in which recording.answer names no place"
    raise wire.misfit(place or "the recording", f"should be audio, but has {what}: {keys_shown(item)}")


def _is_pending(item: object, place: str, wire: WireFormat) -> bool:
    rules = wire.recording.answer
    found = None if rules.pending is None else searched(wire, rules.pending, item, place)
    return found is True or (found is not None and _as_text(found) in rules.pending_words)


def _ours(items: list[Any], wanted: WantedRecording, place: str, wire: WireFormat) -> list[_Item]:
    """The items with the recording's id; failing that, those that are called like it."""
    listed = [_item(item, f"{place}[{number}]", wire) for number, item in enumerate(items)]
    by_id = [item for item in listed if item.item_id == wanted.recording_id]
    named = [item for item in listed if item.name is not None]
    return by_id or called_like(named, wanted, name_of=lambda item: item.name or "")


def _item(found: object, place: str, wire: WireFormat) -> _Item:
    rules = wire.recording.answer
    item_id, name = (
        None if rule is None else _as_text(searched(wire, rule, found, place))
        for rule in (rules.item_id, rules.item_name)
    )
    if item_id is None and name is None:
        raise wire.misfit(place, f"should say which recording it is, but is {keys_shown(found)}")
    return _Item(found, place, item_id, name)


def _as_text(value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    """A text as it is, and a whole number as its digits: some APIs number what others name."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else None
