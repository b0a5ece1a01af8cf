"""The shipped wire format with some keys said otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wire_files import content

Change = Mapping[str, Any]
"""Dotted keys and what stands there."""


def changed(says: Change) -> dict[str, Any]:
    """The shipped format, saying this instead; its limits do not hold a test up."""
    whole = content()
    for endpoint in ("listing", "recording"):
        whole[endpoint]["per_minute"] = 100_000
    for dotted, value in says.items():
        *outer, last = dotted.split(".")
        inner = whole
        for key in outer:
            inner = inner[key]
        inner[last] = value
    return whole
