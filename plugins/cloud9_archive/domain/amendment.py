"""What a source changed about a call, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MOST_FIELDS = 30
_ABSENT = object()


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """
    Names of the fields of a call's document that differ, those of the source's own row after ``raw.``; no values.

    :param before: :meth:`~cloud9_archive.domain.call.Call.document`
    :param after: likewise
    """
    return tuple(sorted(_names(before, after)))[:MOST_FIELDS]


def _names(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in before.keys() | after.keys():
        old, new = before.get(name, _ABSENT), after.get(name, _ABSENT)
        if old == new:
            continue
        if name == "raw" and isinstance(old, dict) and isinstance(new, dict):
            yield from (
                f"raw.{key}" for key in old.keys() | new.keys() if old.get(key, _ABSENT) != new.get(key, _ABSENT)
            )
        else:
            yield name
