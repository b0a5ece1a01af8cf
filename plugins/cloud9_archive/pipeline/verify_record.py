"""What record.json says of the files beside it, checked against the bag's manifest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from cloud9_archive.domain.bag import ManifestLine
from cloud9_archive.pipeline.verify_report import Code

_FOLDER = "data/recordings/"
_RECORD = "/record.json"


class _Reader(Protocol):
    def read(self, key: str) -> bytes | None:
        """All bytes of a small file, or None with a finding."""

    def found(self, code: Code, subject: str, words: str) -> None:
        """One more finding."""


def verify_records(checker: _Reader, folder: str, payload: Sequence[ManifestLine], *, there: set[str]) -> None:
    """
    Each record.json of the bag names all files in its folder, by the digests that the manifest has for them.

    :param folder: key of the bag
    :param payload: lines of its manifest
    :param there: paths in the bag that exist
    """
    digests = {line.path: line.sha256 for line in payload if line.path.startswith(_FOLDER)}
    folders: dict[str, set[str]] = {}
    for path in digests:
        folders.setdefault(path.rpartition("/")[0], set()).add(path)
    for place, paths in sorted(folders.items()):
        record = place + _RECORD
        if record not in paths:
            checker.found(Code.RECORD_CONTRADICTED, f"{folder}/{place}", "its files have no record.json")
            continue
        content = checker.read(f"{folder}/{record}") if record in there else None
        if content is None:
            continue
        expected = {path: digests[path] for path in paths - {record}}
        for words in contradictions(content, expected):
            checker.found(Code.RECORD_CONTRADICTED, f"{folder}/{record}", words)


def contradictions(content: bytes, expected: Mapping[str, str]) -> Iterator[str]:
    """
    What a record.json says otherwise than its bag does.

    :param expected: digest by path, of every other file in its folder
    """
    try:
        told = dict(_named(json.loads(content)))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        yield "it is not a document of this format"
        return
    for path, digest in sorted(told.items()):
        if path not in expected:
            yield f"it names {path}, which the bag does not have in this folder"
        elif expected[path] != digest:
            yield f"it says that {path} has the digest {digest}, its bag lists {expected[path]}"
    for path in sorted(set(expected) - set(told)):
        yield f"it does not name {path}"


def _named(record: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - anything may stand in a file
    """Path and digest of each file that the record names."""
    # A record of the days before a recording could have several derivatives has one, or none.
    made = record["derivatives"] if "derivatives" in record else [record["derivative"]]
    files = [record["original"], *made, record.get("waveform")]
    for file in filter(None, files):
        yield str(file["path"]), str(file["sha256"])
