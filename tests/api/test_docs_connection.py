"""docs/connection.md says what the code does; that its tables are the code's own is tested with all pages."""

from __future__ import annotations

import json
import re
from pathlib import Path

from cloud9_archive.api.attempts import LONGEST_ALTOGETHER, MOST_ATTEMPTS

PAGE = Path(__file__).parents[2] / "docs" / "connection.md"


def test_figures_in_the_text_are_the_codes() -> None:
    assert (MOST_ATTEMPTS, LONGEST_ALTOGETHER) == (5, 300.0)
    assert "at most five times within five minutes" in PAGE.read_text(encoding="utf-8")


def test_examples_in_json_are_json() -> None:
    examples = re.findall(
        r"'(\{\"conn_type.*?\})'|^    (\{\"cloud9_emea.*?\}\})", PAGE.read_text(), re.DOTALL | re.MULTILINE
    )
    assert len(examples) == 2
    for example in examples:
        json.loads("".join(example))
