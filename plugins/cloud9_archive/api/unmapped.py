"""Which keys of a row no expression of the wire format looks at: they are kept in ``raw`` only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from jmespath.parser import ParsedResult

Path = tuple[str, ...]

# Left to right: what the first part finds is where the second looks.
_CHAINS = {"subexpression", "index_expression", "projection", "value_projection", "filter_projection", "pipe"}
_STAYING = {"identity", "current", "index", "slice", "literal"}


def looked_at(expressions: Iterable[tuple[ParsedResult, Path]]) -> set[Path]:
    """
    Every path that an expression of the list reads, without the numbers of list items.

    :param expressions: each with the path that it is relative to
    """
    seen: set[Path] = set()
    for expression, base in expressions:
        _walk(expression.parsed, {base}, seen)
    return seen


def found_by(expression: ParsedResult, base: Path = ()) -> Path:
    """Where an expression ends that names one place; the base, when it names several."""
    ends = _walk(expression.parsed, {base}, set())
    return next(iter(ends)) if len(ends) == 1 else base


def _walk(node: Any, bases: set[Path], seen: set[Path]) -> set[Path]:  # noqa: ANN401 - jmespath's tree
    kind, children = node["type"], node.get("children", ())
    if kind == "field":
        ends = {(*base, node["value"]) for base in bases}
        seen |= {end[:length] for end in ends for length in range(1, len(end) + 1)}
        return ends
    if kind in _CHAINS:
        ends = bases
        for child in children[:2]:
            ends = _walk(child, ends, seen)
        for child in children[2:]:
            # A filter's condition looks at the items, and leads nowhere.
            _walk(child, ends, seen)
        return ends
    if kind in _STAYING or not children:
        return bases
    return {end for child in children for end in _walk(child, bases, seen)}


def paths_in(value: object, base: Path = ()) -> Iterator[Path]:
    """Every path of a JSON value, containers before what they hold."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*base, name)
            yield from paths_in(inner, (*base, name))
    elif isinstance(value, list):
        for inner in value:
            yield from paths_in(inner, base)


def unmapped_keys(rows: Iterable[object], seen: set[Path]) -> list[str]:
    """The keys of the rows that nobody looks at, dotted; of an object that is passed over, only its own key."""
    passed: dict[Path, None] = {}
    for row in rows:
        for path in paths_in(row):
            passed_over = any(path[:length] in passed for length in range(1, len(path)))
            if path not in seen and not passed_over:
                passed[path] = None
    return [".".join(path) for path in passed]
