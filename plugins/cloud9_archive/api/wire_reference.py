"""The keys of a wire format file, from the models themselves: the tables of ``docs/wire-format.md``."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cloud9_archive.api.wire_model import WireFormat
from cloud9_archive.api.wire_requests import Endpoint, Parameter
from cloud9_archive.api.wire_values import FieldRule, models_in

_HEAD = "| key | default | meaning |\n|---|---|---|"
# What stands in several places is told once.
_SHORT = {FieldRule: "a field", Parameter: "a parameter"}


def wire_key_table() -> str:
    """Every key of a wire format file, group by group, as Markdown tables."""
    return "\n\n".join(f"**{title}**\n\n{_table(model, names)}" for title, model, names in _groups())


def _groups() -> Iterator[tuple[str, type[BaseModel], list[str]]]:
    """Title, model and keys of each table."""
    yield "top level", WireFormat, _own(WireFormat)
    yield "a field (or a bare expression, short for its `path`)", FieldRule, _own(FieldRule)
    yield "a parameter (or a bare name)", Parameter, _own(Parameter)
    yield "any endpoint: `listing`, `recordings.listing`, `recording`", Endpoint, _own(Endpoint)
    yield from _inner(WireFormat, "", told=set())


def _inner(
    model: type[BaseModel], prefix: str, *, told: set[type[BaseModel]]
) -> Iterator[tuple[str, type[BaseModel], list[str]]]:
    """The groups within a model, in the order of the file; ways of paging once, though two listings have them."""
    for name, field in model.model_fields.items():
        for inner in models_in(field.annotation):
            many = "[]" if "tuple[" in str(field.annotation) else ""
            place = f"{prefix}{name}{many}"
            if inner in _SHORT or inner in told:
                continue
            told.add(inner)
            way = inner.model_fields.get("by")
            title = f"any `paging` by {way.description}" if way else f"`{place}`"
            yield title, inner, _own(inner)
            yield from _inner(inner, f"{place}.", told=told)


def _own(model: type[BaseModel]) -> list[str]:
    """The keys of a model, but those that every endpoint has."""
    common = Endpoint.model_fields if issubclass(model, Endpoint) and model is not Endpoint else {}
    names = [name for name in model.model_fields if name not in common and name != "origin"]
    return sorted(names, key=lambda name: name != "by")


def _table(model: type[BaseModel], names: list[str]) -> str:
    rows = [
        f"| `{name}` | {_default(model.model_fields[name])} | {_meaning(model.model_fields[name])} |" for name in names
    ]
    return "\n".join([_HEAD, *rows])


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**needed**"
    if field.default_factory is not None or field.default in (None, ()) or isinstance(field.default, BaseModel):
        return "–"
    return f"`{json.dumps(field.default)}`"


def _meaning(field: FieldInfo) -> str:
    kinds = models_in(field.annotation)
    text = (field.description or " ".join((kinds[0].__doc__ or "").split()).rstrip(".")).replace("``", "`")
    short = next((word for kind, word in _SHORT.items() if kind in kinds), None)
    return f"{short}: {text}" if short else text
