"""What a record.json says of the files beside it is compared with the bag's manifest."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cloud9_archive.domain.bag import ManifestLine
from cloud9_archive.pipeline.verify_codes import Code
from cloud9_archive.pipeline.verify_record import verify_records

PLACE = "data/recordings/r1"
FILES = {f"{PLACE}/{name}": mark * 64 for name, mark in (("original.ogg", "a"), ("x.wav", "b"), ("x.peaks.json", "c"))}


def file(name: str, mark: str) -> dict[str, str]:
    return {"path": f"{PLACE}/{name}", "sha256": mark * 64}


GOOD = {
    "format": "1",
    "original": file("original.ogg", "a"),
    "derivatives": [file("x.wav", "b")],
    "waveform": file("x.peaks.json", "c"),
}


class Reader:
    store: Any = None
    opener = None
    unopened = 0

    def __init__(self, record: bytes) -> None:
        self.record = record
        self.told: list[tuple[Code, str, str]] = []

    def read(self, key: str) -> bytes | None:
        assert key == f"bag/{PLACE}/record.json"
        return self.record

    def found(self, code: Code, subject: str, words: str) -> None:
        self.told.append((code, subject, words))


def told(record: Any, files: dict[str, str] | None = None) -> list[str]:
    reader = Reader(record if isinstance(record, bytes) else json.dumps(record).encode())
    digests = {**(FILES if files is None else files), f"{PLACE}/record.json": "d" * 64, "data/calls/c.json": "e" * 64}
    lines = [ManifestLine(path, digest) for path, digest in digests.items()]
    verify_records(reader, "bag", lines, there=set(digests))
    assert {(code, subject) for code, subject, _ in reader.told} <= {
        (Code.RECORD_CONTRADICTED, f"bag/{PLACE}/record.json")
    }
    return [words for _, _, words in reader.told]


def test_a_record_that_names_just_what_is_there_is_accepted() -> None:
    assert told(GOOD) == []
    assert told({"format": "1", "original": None, "derivatives": [], "waveform": None}, {}) == []
    one = {"format": "1", "original": file("original.ogg", "a"), "derivative": file("x.wav", "b")}
    assert told(one, dict(list(FILES.items())[:2])) == [], "as it was written before"


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (GOOD | {"derivatives": []}, f"it does not name {PLACE}/x.wav"),
        (GOOD | {"waveform": None}, f"it does not name {PLACE}/x.peaks.json"),
        (
            GOOD | {"original": file("original.ogg", "f")},
            f"it says that {PLACE}/original.ogg has the digest {'f' * 64}",
        ),
        (
            GOOD | {"derivatives": [*GOOD["derivatives"], file("y.wav", "b")]},
            f"it names {PLACE}/y.wav, which the bag does not have in this folder",
        ),
        (GOOD | {"format": "2"}, "it is of format '2', and this software knows format 1"),
        ({name: value for name, value in GOOD.items() if name != "format"}, "it is not a document of this format"),
        (GOOD | {"derivatives": 3}, "it is not a document of this format"),
        ([], "it is not a document of this format"),
        (b"\xff", "it is not a document of this format"),
        (b"[" * 100_000, "it is not a document of this format"),
    ],
)
def test_what_contradicts_the_manifest_is_told(record: Any, words: str) -> None:
    (found,) = told(record)
    assert found.startswith(words)


def test_files_without_a_record_are_told() -> None:
    reader = Reader(b"")
    verify_records(reader, "bag", [ManifestLine(path, digest) for path, digest in FILES.items()], there=set(FILES))
    assert reader.told == [(Code.RECORD_CONTRADICTED, f"bag/{PLACE}", "its files have no record.json")]
