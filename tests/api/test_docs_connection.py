"""docs/connection.md says what the code does: its tables are the code's own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cloud9_archive.api.attempts import LONGEST_ALTOGETHER, MOST_ATTEMPTS
from cloud9_archive.api.fields import connection_table
from cloud9_archive.api.outcomes import outcomes_table

PAGE = Path(__file__).parents[2] / "docs" / "connection.md"


@pytest.mark.parametrize(("name", "table"), [("fields", connection_table()), ("outcomes", outcomes_table())])
def test_tables_are_generated(name: str, table: str) -> None:
    """To renew one, paste what the function returns between its two marks."""
    section = re.search(
        rf"<!-- {name}: [^>]*-->\n(.*?)<!-- end of {name} -->", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    assert section is not None
    assert section[1] == table


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
