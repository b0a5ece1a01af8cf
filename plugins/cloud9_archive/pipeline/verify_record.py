"""What record.json says of the files beside it, checked against the bag's manifest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloud9_archive.domain.bag import ARCHIVE_FORMAT, ManifestLine
from cloud9_archive.pipeline.bag_documents import ENCRYPTED_ENDING
from cloud9_archive.pipeline.verify_codes import Code
from cloud9_archive.pipeline.verify_encrypted import Opened, Reader, open_documents, open_folder

_FOLDER = "data/recordings/"
_RECORD = "/record.json"


@dataclass(frozen=True, slots=True)
class _Told:
    """What a record says of a file: its digest in the bag, and, of an encrypted one, what it is without that."""

    stored: str
    plain: tuple[str, int] | None


def verify_records(checker: Reader, folder: str, payload: Sequence[ManifestLine], *, there: set[str]) -> None:
    """
    Each record.json of the bag names all files in its folder, by the digests that the manifest has for them.

    Of an encrypted bag this needs a key; without one its files are counted as unopened.

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
        encrypted = record not in paths and record + ENCRYPTED_ENDING in paths
        if encrypted:
            record += ENCRYPTED_ENDING
        if record not in paths:
            checker.found(Code.RECORD_CONTRADICTED, f"{folder}/{place}", "its files have no record.json")
            continue
        expected = {path: digests[path] for path in paths - {record}}
        opened: Mapping[str, Opened] = {}
        if encrypted:
            opened = open_folder(checker, folder, paths & there, whole=record)
            content = opened[record].content if record in opened else None
        else:
            content = checker.read(f"{folder}/{record}") if record in there else None
        if content is None:
            continue
        for words in contradictions(content, expected, opened):
            checker.found(Code.RECORD_CONTRADICTED, f"{folder}/{record}", words)
    open_documents(checker, folder, sorted({line.path for line in payload} & there - set(digests)))


def contradictions(content: bytes, expected: Mapping[str, str], opened: Mapping[str, Opened]) -> Iterator[str]:
    """
    What a record.json says otherwise than its bag does.

    :param expected: digest by path, of every other file in its folder
    :param opened: files of an encrypted bag that were opened, by path
    """
    try:
        record = json.loads(content)
        if record["format"] != ARCHIVE_FORMAT:
            yield f"it is of format {record['format']!r}, and this software knows format {ARCHIVE_FORMAT}"
            return
        told = dict(_named(record))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        yield "it is not a document of this format"
        return
    for path, said in sorted(told.items()):
        if path not in expected:
            yield f"it names {path}, which the bag does not have in this folder"
        elif expected[path] != said.stored:
            yield f"it says that {path} has the digest {said.stored}, its bag lists {expected[path]}"
        elif path in opened and said.plain != (opened[path].sha256, opened[path].size):
            yield f"it says that {path} is {said.plain} when it is opened, and it is {opened[path].sha256}"
    for path in sorted(set(expected) - set(told)):
        yield f"it does not name {path}"


def _named(record: Any) -> Iterator[tuple[str, _Told]]:  # noqa: ANN401 - anything may stand in a file
    """Path and digests of each file that the record names."""
    # A record of the days before a recording could have several derivatives has one, or none.
    made = record["derivatives"] if "derivatives" in record else [record["derivative"]]
    files = [record["original"], *made, record.get("waveform")]
    for file in filter(None, files):
        plain = str(file["sha256"])
        stored = file.get("encrypted")
        told = _Told(str(stored["sha256"]), (plain, int(file["size"]))) if stored else _Told(plain, None)
        yield str(file["path"]), told
