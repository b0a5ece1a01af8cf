"""docs/archive-format.md names every field of the documents of custody, and its recipe gives their names."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud9_archive.domain.custody import (
    AnyDocument,
    HeldCounts,
    LegalHold,
    Release,
    ReleaseRequest,
    RetentionExtension,
    Tombstone,
    parse_custody,
)
from cloud9_archive.domain.custody_parts import DisposedFile, DisposedRecord, ExtendedRecord
from cloud9_archive.domain.selection import RecordKind, Selection
from cloud9_archive.errors import ConfigurationError

TEXT = (Path(__file__).parents[2] / "docs" / "archive-format.md").read_text(encoding="utf-8")
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
BY = {"policy": "emea_rates", "at": NOW, "actor": "Änna Smith", "reason": "case 7"}
CHOSEN = Selection(users=("jsmith",), begin=NOW, calls=("c1",))
RECORD = {"bag": "b1", "path": "data/calls/c1.json", "kind": RecordKind.CALL, "source": "cloud9_emea", "id": "c1"}
DOCUMENTS: dict[str, AnyDocument] = {
    "a retention extension": RetentionExtension(
        **BY, selection=CHOSEN, until=NOW, records=(ExtendedRecord(**RECORD, before=None, after=NOW),)
    ),
    "a legal hold": LegalHold(**BY, label="case 7", selection=CHOSEN, held=HeldCounts(recordings=1, calls=1)),
    "a release request": ReleaseRequest(**BY, label="case 7", hold="h"),
    "a release": Release(**BY, label="case 7", hold="h", request="q", requested_by="Ben Jones"),
    "a tombstone": Tombstone(
        **BY,
        bag="b1",
        prefix="emea_rates/bags/2026/11/22/b1",
        seal_sha256="0" * 64,
        records=(
            DisposedRecord(
                **RECORD,
                retain_until=NOW,
                files=(DisposedFile(path="data/calls/c1.json", sha256="1" * 64, size=1),),
            ),
        ),
    ),
}


def told(what: str) -> list[str]:
    block = TEXT.partition(f"<!-- fields of {what} -->\n")[2].partition("<!-- end of")[0]
    return re.findall(r"^\| `([^`]+)`", block, re.MULTILINE)


def fields(value: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, content in value.items():
            path = f"{prefix}.{name}" if prefix else name
            yield path
            if path != "selection":
                yield from fields(content, path)
    elif isinstance(value, list):
        for each in value:
            yield from fields(each, f"{prefix}[]")


@pytest.mark.parametrize("what", DOCUMENTS)
def test_every_field_is_told_and_no_other(what: str) -> None:
    written = set(fields(json.loads(DOCUMENTS[what].content())))
    assert sorted([*told("every document of custody"), *told(what)]) == sorted(written)


def test_the_conditions_of_a_selection_are_told() -> None:
    assert told("a selection") == list(CHOSEN.model_dump(by_alias=True))


@pytest.mark.parametrize("what", DOCUMENTS)
def test_the_recipe_gives_the_name_and_what_is_written_is_read(what: str, tmp_path: Path) -> None:
    (tmp_path / "DOCUMENT.json").write_bytes(DOCUMENTS[what].content())
    (recipe,) = re.findall(r"^    (jq -cSj .*)$", TEXT, re.MULTILINE)
    printed = subprocess.run(["bash", "-c", recipe], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert DOCUMENTS[what].document_id == f"20261122-{printed.strip()}"
    assert parse_custody(DOCUMENTS[what].content()) == DOCUMENTS[what]


def test_a_reader_takes_further_fields_if_the_name_goes_with_them() -> None:
    from cloud9_archive.domain.custody import name_of  # noqa: PLC0415 - a later writer's

    document = {**json.loads(DOCUMENTS["a legal hold"].content()), "colour": "red"}
    with pytest.raises(ConfigurationError, match="its content makes it"):
        parse_custody(json.dumps(document))
    read = parse_custody(json.dumps({**document, "document_id": name_of(document)}))
    assert isinstance(read, LegalHold)


CHANGES: list[dict[str, Any]] = [
    {"kind": "pardon"},
    {"format": "2"},
    {"actor": ""},
    {"actor": "a\nb"},
    {"at": "2026-11-22T09:00:00"},
    {"records": []},
    {"seal_sha256": "0"},
    {"records": [{**RECORD, "retain_until": "2026-11-23T00:00:00Z", "files": []}]},
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_no_document_of_custody_is_refused(change: dict[str, Any]) -> None:
    document = {**json.loads(DOCUMENTS["a tombstone"].content()), **change}
    with pytest.raises(ConfigurationError, match="custody document refused"):
        parse_custody(json.dumps(document))


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("data/calls/c1.json", "data/calls/c1.json-0123.json"),
        ("data/calls/c1.json", "data/calls/c2.json"),
        ("data/recordings/r1", "data/recordings/r10/original.ogg"),
        ("data/recordings/r1", "data/recordings/r1.b/original.ogg"),
        ("data/recordings/r1", "data/../bagit.txt"),
    ],
)
def test_a_tombstone_cannot_list_files_that_are_not_the_records_own(path: str, file: str) -> None:
    with pytest.raises((ValueError, ConfigurationError)):
        DisposedRecord(
            **{**RECORD, "path": path},
            retain_until=NOW,
            files=(DisposedFile(path=file, sha256="1" * 64, size=1),),
        )


def test_a_tombstone_cannot_list_what_has_not_expired_and_an_extension_cannot_shorten() -> None:
    later = NOW + timedelta(seconds=1)
    stone = DOCUMENTS["a tombstone"]
    assert isinstance(stone, Tombstone)
    record = stone.records[0].model_copy(update={"retain_until": later})
    with pytest.raises(ValueError, match="had not expired"):
        Tombstone(**BY, bag="b1", prefix=stone.prefix, seal_sha256="0" * 64, records=(record,))
    with pytest.raises(ValueError, match="would not grow"):
        ExtendedRecord(**RECORD, before=NOW, after=NOW)
