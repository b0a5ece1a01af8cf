"""Provider info: valid for Airflow, the same as the fields that are read, and nothing imported for it."""

from __future__ import annotations

import ast
import json
import runpy
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from airflow.providers_manager import ProvidersManager

import cloud9_archive.get_provider_info as info_module
from cloud9_archive.api.fields import FIELDS
from cloud9_archive.get_provider_info import get_provider_info
from cloud9_archive.hooks.cloud9 import Cloud9Hook


@pytest.fixture
def connection_type() -> dict[str, Any]:
    (found,) = get_provider_info()["connection-types"]
    return dict(found)


def test_airflows_schema_accepts_it() -> None:
    schema = json.loads(files("airflow").joinpath("provider_info.schema.json").read_text())
    jsonschema.validate(get_provider_info(), schema)


def test_airflow_finds_the_hook_and_its_form() -> None:
    providers = ProvidersManager()
    hook = providers.hooks["cloud9"]
    assert hook is not None
    assert hook.hook_class_name == f"{Cloud9Hook.__module__}.{Cloud9Hook.__qualname__}"
    assert (hook.hook_name, hook.connection_id_attribute_name) == (Cloud9Hook.hook_name, Cloud9Hook.conn_name_attr)
    prefix = "extra__cloud9__"
    shown = {name.removeprefix(prefix) for name in providers.connection_form_widgets if name.startswith(prefix)}
    assert shown == {field.name for field in FIELDS if field.stored == "extra"}
    assert providers.field_behaviours["cloud9"]["hidden_fields"] == ["schema", "extra"]


def test_the_form_is_the_one_that_make_docs_writes() -> None:
    tables = runpy.run_path(str(Path(__file__).parents[1] / "docs" / "tables.py"))
    text = Path(info_module.__file__).read_text(encoding="utf-8")
    assert tables["renewed_form"](text) == text, "run make docs"
    assert tables["renewed_form"](text.replace('"label": "TLS trust list"', '"label": "CA"')) == text


def test_the_form_says_what_the_fields_say(connection_type: dict[str, Any]) -> None:
    labels = {field.stored: field.label for field in FIELDS}
    assert connection_type["ui-field-behaviour"]["relabeling"] == {k: labels[k] for k in ("login", "password")}
    assert list(connection_type["conn-fields"]) == [field.name for field in FIELDS if field.stored == "extra"]


def test_it_imports_nothing() -> None:
    tree = ast.parse(Path(info_module.__file__).read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"__future__", "typing"}
    assert not any(isinstance(node, ast.Import) for node in ast.walk(tree))


def test_the_plugins_folder_is_not_scanned() -> None:
    ignore = Path(__file__).parents[2] / "plugins" / ".airflowignore"
    assert "*" in ignore.read_text().split()
