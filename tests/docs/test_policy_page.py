from __future__ import annotations

import re
from pathlib import Path

from cloud9_archive.domain.decision import Rule
from cloud9_archive.domain.policy import NOT_OFFERED_YET
from cloud9_archive.pipeline.policy_reference import key_table

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "policy.md").read_text(encoding="utf-8")


def between(begin: str, end: str) -> str:
    return PAGE.partition(begin)[2].partition("-->\n")[2].partition(f"<!-- {end}")[0]


def test_the_table_of_keys_is_the_models() -> None:
    assert between("<!-- keys", "end of keys") == key_table(), "write it anew: cloud9-archive policy schema --markdown"


def test_every_rule_and_planned_key_is_explained() -> None:
    glossary = (DOCS / "glossary.md").read_text(encoding="utf-8")
    assert all(f"`{rule}`" in glossary for rule in Rule)
    named = re.findall(r"`(archive\.\w+|alerts)`", PAGE.partition("also when it is planned")[2])
    assert set(named) - {"archive.target"} <= set(NOT_OFFERED_YET)


def test_the_glossary_is_in_order() -> None:
    table = (DOCS / "glossary.md").read_text(encoding="utf-8").partition("|---|---|\n")[2].partition("\n\n")[0]
    words = [line.split("|")[1].strip() for line in table.splitlines()]
    assert words == sorted(words)
