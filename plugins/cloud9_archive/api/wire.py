"""Wire format files: found by the name in a connection, and read with every fault named."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.wire_model import WireFormat
from cloud9_archive.api.wire_values import models_in
from cloud9_archive.errors import WireFormatError

SHIPPED_FORMATS = Path(__file__).parent / "formats"


class _EachKeyOnce(yaml.SafeLoader):
    """Refuses a key that stands twice: YAML would take the last, and the first would be believed."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - yaml's signature
        found = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and found.count(key.value) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands twice", key.start_mark
                )
        return super().construct_mapping(node, deep)


def shipped_formats() -> dict[str, Path]:
    """The formats that come with the package, by name."""
    return {path.stem: path for path in sorted(SHIPPED_FORMATS.glob("*.yaml"))}


def load_wire_format(source: SourceSettings) -> WireFormat:
    """
    The wire format that a connection names.

    :raises ConnectionFieldError: if there is no such format
    :raises WireFormatError: if the file is not a valid format
    """
    name = source.wire_format
    if Path(name).is_absolute():
        return read_wire_format(Path(name))
    shipped = shipped_formats()
    if name not in shipped:
        near = difflib.get_close_matches(name, shipped, n=1) or sorted(shipped)
        hint = f"write {near[0]}, or the absolute path of a format file"
        raise source.fault("wire_format", f"there is no shipped format {name[:80]!r}", hint=hint)
    return read_wire_format(shipped[name])


def read_wire_format(path: Path) -> WireFormat:
    """
    The wire format in a file.

    :raises WireFormatError: naming the file and every field of it that is wrong
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_EachKeyOnce)  # noqa: S506 - a SafeLoader
        if not isinstance(content, dict):
            raise WireFormatError(f"wire format file {path} holds no mapping", subject=str(path))
        return WireFormat.model_validate({**content, "origin": path})
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise WireFormatError(f"wire format file {path} cannot be read: {error}", subject=str(path)) from error
    except ValidationError as error:
        faults = "; ".join(_fault(one) for one in error.errors(include_url=False, include_input=False))
        raise WireFormatError(
            f"wire format file {path} is not valid: {faults}",
            subject=str(path),
            hint="docs/wire-format.md explains every key; cloud9-archive wire check tells when the file is valid",
        ) from error


def _fault(fault: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    """Field and fault on one line, with the nearest right word for one that is not known."""
    *outer, last = fault["loc"] or ("",)
    place = ".".join(str(step) for step in _without_tags(fault["loc"]))
    text = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        known = _keys_at(outer)
        near = difflib.get_close_matches(str(last), known, n=1)
        wanted = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
        text = f"there is no such key ({wanted})"
    elif fault["type"] == "missing":
        text = "is needed"
    elif fault["type"] == "union_tag_not_found":
        text = f"by is needed, one of {', '.join(_tags())}"
    elif fault["type"] == "union_tag_invalid":
        found = str(fault["ctx"]["tag"])
        near = difflib.get_close_matches(found, _tags(), n=1)
        text = f"by is {found[:40]!r}: " + (
            f"did you mean {near[0]}?" if near else f"write one of {', '.join(_tags())}"
        )
    return f"{place}: {text}" if place else text


def _without_tags(loc: tuple[str | int, ...]) -> list[str | int]:
    """The place without the word that only tells which way of paging it is."""
    return [step for before, step in zip(("", *loc), loc, strict=False) if not (before == "paging" and step in _tags())]


def _tags() -> list[str]:
    listing: Any = WireFormat.model_fields["listing"].annotation
    kinds = typing.get_args(listing.model_fields["paging"].annotation)
    return [typing.get_args(kind.model_fields["by"].annotation)[0] for kind in kinds]


def _keys_at(loc: list[str | int]) -> list[str]:
    """The keys that are known at a place of the file."""
    models: list[type[BaseModel]] = [WireFormat]
    for step in loc:
        if isinstance(step, int):
            continue
        tagged = [model for model in models if step in _literal(model)]
        models = tagged or [
            inner
            for model in models
            if step in model.model_fields
            for inner in models_in(model.model_fields[step].annotation)
        ]
    return sorted({name for model in models for name in model.model_fields} - {"origin"})


def _literal(model: type[BaseModel]) -> tuple[Any, ...]:
    return typing.get_args(model.model_fields["by"].annotation) if "by" in model.model_fields else ()
