"""The connection's form as Airflow wants it described, made from the list of fields."""

from __future__ import annotations

import json
from collections.abc import Mapping

from cloud9_archive.api.fields import FIELDS, ConnectionField

_UNITS = {"seconds": " Seconds."}


def form_source(*, indent: str) -> str:
    """
    The entries ``ui-field-behaviour`` and ``conn-fields`` of a connection type, as formatted Python.

    Provider info imports nothing, so it cannot build them; they are written into it.

    :param indent: before each line
    """
    own = [field for field in FIELDS if field.stored != "extra"]
    behaviour = {
        "hidden-fields": ["schema", "extra"],
        "relabeling": {field.stored: field.label for field in own if field.stored in {"login", "password"}},
        "placeholders": {field.stored: field.placeholder for field in own if field.placeholder},
    }
    further = {field.name: _described(field) for field in FIELDS if field.stored == "extra"}
    lines = [*_entry("ui-field-behaviour", behaviour), *_entry("conn-fields", further)]
    return "\n".join(f"{indent}{line}" for line in lines)


def _described(field: ConnectionField) -> dict[str, object]:
    return {
        "label": field.label,
        "description": f"{field.meaning}{_UNITS.get(field.kind, '')}",
        "schema": _schema(field),
    }


def _schema(field: ConnectionField) -> dict[str, object]:
    """JSON Schema; null stands for an empty field."""
    match field.kind:
        case "whole number":
            return {"type": ["integer", "null"]} | ({"default": int(field.default)} if field.default else {})
        case "seconds":
            return {"type": ["number", "null"]} | ({"default": int(field.default)} if field.default else {})
        case "day":
            return {"type": ["string", "null"], "format": "date"}
        case "secret":
            return {"type": ["string", "null"], "format": "password"}
        case _:
            return {"type": ["string", "null"]} | ({"default": field.default} if field.default else {})


def _entry(name: str, content: Mapping[str, object]) -> list[str]:
    """One entry of a dict: small schemas and lists on one line, everything else one key a line."""
    lines = [f'"{name}": {{']
    for key, value in content.items():
        if isinstance(value, Mapping) and key != "schema":
            lines += [f"    {line}" for line in _entry(key, value)]
        else:
            lines.append(f'    "{key}": {json.dumps(value, ensure_ascii=False)},')
    return [*lines, "},"]
