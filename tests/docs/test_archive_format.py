"""docs/archive-format.md says what the code does."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, date, datetime
from pathlib import Path

from cloud9_archive.domain import bag
from cloud9_archive.domain.chain import LINK_FORMAT, PROVEN_LINK_FORMAT, LinkKind, Member, link_bytes, next_link
from cloud9_archive.domain.keys import recording_key
from cloud9_archive.pipeline.verify_meanings import findings_table

TEXT = (Path(__file__).parents[2] / "docs" / "archive-format.md").read_text()


def first_column(heading: str) -> list[str]:
    """The words in code type that begin the rows of the first table below a heading."""
    below = TEXT.split(f"{heading}\n", 1)[1]
    table = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    assert table is not None
    return re.findall(r"^\| `([^`]+)`", table[0], re.MULTILINE)


def test_the_table_of_findings_is_that_of_the_code() -> None:
    told = re.search(r"<!-- findings: .* -->\n(.*)<!-- end of findings -->", TEXT, re.DOTALL)
    assert told is not None
    assert told[1] == findings_table()


def test_the_tags_are_those_that_are_written() -> None:
    files = bag.tag_files([], bag_id="b", policy="p", bagging_date=date(2026, 1, 1), organization="Firm")
    info = next(file.content for file in files if file.path == bag.BAG_INFO)
    written = [label for label, _ in bag.parse_bag_info(info)]
    told = first_column("### Tags of bag-info.txt")
    assert told[: len(written)] == written


def test_the_fields_of_a_link_are_those_that_are_written() -> None:
    link = next_link(
        None,
        kind=LinkKind.REGULAR,
        policy="p",
        run_id="r",
        written_at=datetime(2026, 1, 1, tzinfo=UTC),
        members=[Member("a", "0" * 64)],
        key_id="0" * 64,
    )
    assert sorted(first_column("## Chain")) == sorted(json.loads(link_bytes(link)))
    assert f"`{LINK_FORMAT}`" in TEXT
    assert f"`{PROVEN_LINK_FORMAT}`" in TEXT


def test_the_recipe_for_keys_gives_the_keys() -> None:
    digest = hashlib.sha256(b"cloud9-archive key 1\n")
    for part in ("recording", "cloud9_emea", "a/é"):
        digest.update(len(part.encode()).to_bytes(8, "big") + part.encode())
    assert recording_key("cloud9_emea", "a/é") == f"a__-{digest.hexdigest()[:20]}"
