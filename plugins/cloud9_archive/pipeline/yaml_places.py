"""Hostile-proof YAML: plain values of one document, with the line of every key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

import yaml

from cloud9_archive.pipeline.checked_bytes import UnreadableError
from cloud9_archive.pipeline.problems import Problem, shown

try:
    from yaml import CSafeLoader as Loader
except ImportError:  # PyYAML without libyaml: the same language, read more slowly
    from yaml import SafeLoader as Loader  # type: ignore[assignment]

_TAG = "tag:yaml.org,2002:"
Path = tuple[str | int, ...]

_DEEPEST = 20
_LONGEST_INTEGER = 18
_BOOLEANS = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False}


class UnreadableYamlError(UnreadableError):
    """The text is not one plain YAML document; ``problem`` says where and why."""


@dataclass(slots=True)
class PlacedDocument:
    """
    The values of a document and where they stand.

    :param value: dicts with text keys, lists, text, whole numbers, booleans and None; dates and fractions stay text
    :param lines: line of each value's key (or list item), counted from 1, by its path
    :param problems: keys that stand twice, and keys that are not text
    """

    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """The line of the value, or of the nearest group around it that exists."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_placed(text: str) -> PlacedDocument:
    """
    The one document of the text.

    Anchors, aliases and tags are refused: a policy needs none, and they are how a small file becomes a large one.

    :raises UnreadableYamlError: if the text is not YAML, nests deeper than 20, or uses one of those
    """
    with _faults_told():
        for _ in plain_events(text):
            pass  # works on the stream of events, so that no depth or size is ever built
        node = yaml.compose(text, Loader=Loader)
    document = PlacedDocument()
    if node is not None:
        document.lines[()] = node.start_mark.line + 1
        document.value = _value(node, (), document)
    return document


def plain_events(text: str | TextIO) -> Iterator[yaml.Event]:
    """
    The parser's events of the one plain document, as they come.

    :raises UnreadableYamlError: as :func:`read_placed`
    """
    depth = documents = 0
    with _faults_told():
        for event in yaml.parse(text, Loader=Loader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
            if documents > 1:
                raise _unreadable(event.start_mark, "a second document", "one document per file is wanted")
            if depth > _DEEPEST:
                raise _unreadable(event.start_mark, "very deep nesting", f"at most {_DEEPEST} levels are wanted")
            if getattr(event, "anchor", None):
                raise _unreadable(event.start_mark, "an anchor or alias", "every value written out is wanted")
            tag = getattr(event, "tag", None)
            if tag:
                raise _unreadable(event.start_mark, f"the tag {shown(tag)}", "a plain value without a tag is wanted")
            yield event


@contextmanager
def _faults_told() -> Iterator[None]:
    """What the parser complains of is told as a problem with its line."""
    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _unreadable(mark, error.problem or "a fault", "text that is valid YAML is wanted") from None
    except (yaml.YAMLError, UnicodeError):
        raise _unreadable(None, "a character that YAML does not allow", "plain UTF-8 text is wanted") from None


def _unreadable(mark: Any, found: str, wanted: str) -> UnreadableYamlError:  # noqa: ANN401 - the C loader's mark is another class
    return UnreadableYamlError(Problem(mark.line + 1 if mark else 1, "", found, wanted))


def _value(node: yaml.Node, path: Path, document: PlacedDocument) -> Any:  # noqa: ANN401 - any YAML value
    if isinstance(node, yaml.MappingNode):
        return {key: _value(child, (*path, key), document) for key, child in _keys(node, path, document)}
    if isinstance(node, yaml.SequenceNode):
        items = []
        for number, child in enumerate(node.value):
            document.lines[*path, number] = child.start_mark.line + 1
            items.append(_value(child, (*path, number), document))
        return items
    return _scalar(node)


def _keys(node: yaml.MappingNode, path: Path, document: PlacedDocument) -> Iterator[tuple[str, yaml.Node]]:
    """The keys of a group with their values; a key that stands twice counts the first time only."""
    for key_node, child in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            document.problems.append(Problem(line, dotted(path), "a key that is not text", "a plain word is wanted"))
            continue
        place = (*path, key_node.value)
        if place in document.lines:
            first = document.lines[place]
            wanted = f"each key is wanted once, and line {first} has it already"
            document.problems.append(Problem(line, dotted(place), "the key a second time", wanted))
            continue
        document.lines[place] = line
        yield key_node.value, child


def _scalar(node: yaml.Node) -> str | int | bool | None:
    """The value without surprises: nothing becomes a date, a fraction, an octal or a sexagesimal number."""
    text: str = node.value
    if node.tag == _TAG + "null":
        return None
    if node.tag == _TAG + "bool":
        return _BOOLEANS[text.lower()]
    digits = text.removeprefix("-")
    if node.tag == _TAG + "int" and digits.isdecimal() and len(digits) <= _LONGEST_INTEGER:
        return int(text) if digits == "0" or not digits.startswith("0") else text
    return text


def dotted(path: Path) -> str:
    """The path as people write it: ``schedule.cron``, ``sources[0]``."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).removeprefix(".")
