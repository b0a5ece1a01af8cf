"""What a policy may say, derived from the model: the JSON schema for editors, the table for people, the skeleton."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema

from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.policy_words import SLUG, SLUG_WANTED
from cloud9_archive.domain.schedule import duration_text
from cloud9_archive.errors import PolicyError
from cloud9_archive.pipeline.policy_keys import group_of, is_list_of_groups, is_map_of_groups
from cloud9_archive.pipeline.problems import shown

_SKELETON = """\
# yaml-language-server: $schema=../policy.schema.json
# Every key is explained in docs/policy.md; check this file with: cloud9-archive policy lint
policy: {name}
description: Say in one sentence whose calls these are

# Airflow connections of type cloud9.
sources: [cloud9_default]

# Each run takes the calls between two of these times.
schedule:
  cron: "0 2 * * *"
  timezone: UTC

# true: only calls of the people on the roster, a CSV file below include/; docs/recording-rules.md has sections too.
#   enabled: true
#   roster: rosters/{name}.csv
# false: every call that the sources list.
recording_rules:
  enabled: false

# A second copy beside the original: none, alaw_8k, opus_24k or another profile.
media:
  profile: none
  deadline: 72h

# A folder below the deployment's archive base.
archive:
  target: archive
"""


class _WithReadableDefaults(GenerateJsonSchema):
    """Defaults stand in the schema as a person writes them: 2h, not PT2H."""

    def encode_default(self, dft: Any) -> Any:  # noqa: ANN401 - pydantic's signature
        if isinstance(dft, BaseModel):
            return dft.model_dump(mode="json")
        return duration_text(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key of a policy as the documentation shows it."""

    key: str
    default: str
    meaning: str


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(schema_generator=_WithReadableDefaults)


def schema_text() -> str:
    """The JSON schema of a policy file, as it stands in ``include/policy.schema.json``."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": "Made by: cloud9-archive policy schema",
        **_schema(Policy),
    }
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def skeleton(name: str) -> str:
    """
    A commented policy file that is valid as it stands.

    :raises PolicyError: if the name cannot be a policy's
    """
    if SLUG.fullmatch(name) is None:
        raise PolicyError(f"{shown(name)} cannot be the name of a policy", hint=SLUG_WANTED)
    return _SKELETON.format(name=name)


def key_table() -> str:
    """Every key of a policy as a Markdown table."""
    rows = [f"| `{row.key}` | {row.default} | {row.meaning} |" for row in key_rows(Policy)]
    return "\n".join(["| key | default | meaning |", "|---|---|---|", *rows]) + "\n"


def key_rows(model: type[BaseModel], *, prefix: str = "") -> Iterator[KeyRow]:
    """
    The keys of the model and of the groups in it, in the order of the model.

    A group that may stand in several places has its keys listed at the first of them.
    """
    yield from _key_rows(model, prefix, set())


def _key_rows(model: type[BaseModel], prefix: str, listed: set[type[BaseModel]]) -> Iterator[KeyRow]:
    for name, field in model.model_fields.items():
        group = group_of(field.annotation)
        if group is None:
            yield KeyRow(f"{prefix}{name}", _default(model, name, field), field.description or "")
            continue
        if field.description:
            yield KeyRow(f"{prefix}{name}", _default(model, name, field), field.description)
        if group not in listed:
            listed.add(group)
            entry = "[]" if is_list_of_groups(field.annotation) else ""
            entry = ".<name>" if is_map_of_groups(field.annotation) else entry
            yield from _key_rows(group, f"{prefix}{name}{entry}.", listed)


def _default(model: type[BaseModel], name: str, field: FieldInfo) -> str:
    if field.is_required():
        return "**needed**"
    value = _schema(model)["properties"][name].get("default")
    return "–" if value in (None, "", [], {}) else f"`{json.dumps(value).strip(chr(34))}`"
