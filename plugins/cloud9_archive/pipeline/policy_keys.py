"""Which groups of keys a policy has, read off its model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from cloud9_archive.domain.policy import Policy

Path = tuple[str | int, ...]


def group_of(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - any annotation of a field
    """The model whose keys stand in a field: in the field itself, in each entry of its list, or where it may be absent."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := group_of(each))), None)


def is_list_of_groups(annotation: Any) -> bool:  # noqa: ANN401 - as above
    """Whether the field is a list whose entries are groups of keys."""
    return get_origin(annotation) is tuple and group_of(annotation) is not None


def is_map_of_groups(annotation: Any) -> bool:  # noqa: ANN401 - as above
    """Whether the field has groups of keys under names that the policy's author chooses."""
    return get_origin(annotation) is dict and group_of(annotation) is not None


def model_at(path: Path) -> type[BaseModel]:
    """The model whose keys stand at this place of a policy."""
    model: type[BaseModel] = Policy
    names = iter(part for part in path if isinstance(part, str))
    for name in names:
        annotation = model.model_fields[name].annotation
        model = group_of(annotation) or model
        if is_map_of_groups(annotation):
            next(names, None)
    return model


def pattern_of(path: Iterable[str | int]) -> str:
    """The place with ``[]`` for any entry of a list, such as ``recording_rules.sections[].name``."""
    return "".join("[]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
