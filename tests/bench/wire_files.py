"""Wire format files of a test's own: the shipped one, with something changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from cloud9_archive.api.wire import SHIPPED_FORMATS

SHIPPED = SHIPPED_FORMATS / "call_data_v1_1.yaml"


def edited(folder: Path, old: str, new: str) -> Path:
    """The shipped file with one text put in another's place."""
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    return _written(folder, text.replace(old, new))


def content() -> dict[str, Any]:
    """What the shipped file says, to be changed."""
    return dict(yaml.safe_load(SHIPPED.read_text(encoding="utf-8")))


def written(folder: Path, changed: dict[str, Any]) -> Path:
    """A file that says this."""
    return _written(folder, yaml.safe_dump(changed))


def _written(folder: Path, text: str) -> Path:
    path = folder / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return path
