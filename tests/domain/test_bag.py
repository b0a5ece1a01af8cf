"""Bags: our text, read by ourselves, by bagit-python and by sha256sum."""

from __future__ import annotations

import hashlib
import subprocess
from datetime import date
from pathlib import Path

import bagit
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.domain import bag
from cloud9_archive.domain.bag import BagEntry
from cloud9_archive.errors import ConfigurationError

DAY = date(2026, 11, 22)
SEGMENT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=12)
PATHS = st.lists(SEGMENT.filter(lambda s: s not in {".", ".."}), min_size=1, max_size=3).map(
    lambda s: "/".join(["data", *s])
)


def _entry(path: str, content: bytes) -> BagEntry:
    return BagEntry(path, hashlib.sha256(content).hexdigest(), len(content))


def _write(folder: Path, contents: dict[str, bytes]) -> None:
    entries = [_entry(path, content) for path, content in contents.items()]
    files = bag.tag_files(
        entries,
        bag_id="batch-7",
        policy="emea_rates",
        bagging_date=DAY,
        organization="Firm Example plc",
        tags=[("Cloud9-Archive-Retention", "7y")],
    )
    for path, content in [*contents.items(), *((file.path, file.content) for file in files)]:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    _write(
        tmp_path,
        {
            "data/recordings/a-1/original.ogg": b"OggS" * 99,
            "data/recordings/a-1/record.json": b"{}\n",
            "data/calls/c.json": b"",
        },
    )
    return tmp_path


def test_bagit_python_agrees(written: Path) -> None:
    read = bagit.Bag(str(written))
    assert read.validate()
    assert read.info["Payload-Oxum"] == "399.3"
    assert read.info["External-Identifier"] == "batch-7"
    assert read.info["Bag-Group-Identifier"] == "emea_rates"
    assert read.info["Bagging-Date"] == "2026-11-22"
    assert read.info["Cloud9-Archive-Retention"] == "7y"


@pytest.mark.parametrize("manifest", [bag.MANIFEST, bag.TAG_MANIFEST])
def test_sha256sum_agrees(written: Path, manifest: str) -> None:
    done = subprocess.run(
        ["sha256sum", "--strict", "-c", manifest], cwd=written, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": OK") == 3


def test_both_see_a_flipped_byte(written: Path) -> None:
    victim = written / "data/recordings/a-1/original.ogg"
    victim.write_bytes(b"oggS" + victim.read_bytes()[4:])
    with pytest.raises(bagit.BagValidationError):
        bagit.Bag(str(written)).validate()
    assert subprocess.run(["sha256sum", "--status", "-c", bag.MANIFEST], cwd=written, check=False).returncode == 1


def test_the_seal_is_last_and_covers_the_others() -> None:
    files = bag.tag_files([_entry("data/x", b"x")], bag_id="b", policy="p", bagging_date=DAY)
    assert [file.path for file in files] == [
        "bagit.txt",
        "bag-info.txt",
        "manifest-sha256.txt",
        "tagmanifest-sha256.txt",
    ]
    assert {line.path: line.sha256 for line in bag.parse_manifest(files[-1].content)} == {
        file.path: hashlib.sha256(file.content).hexdigest() for file in files[:-1]
    }


def test_equal_arguments_give_equal_bytes_whatever_the_order() -> None:
    entries = [_entry(f"data/{name}", name.encode()) for name in "cab"]
    one = bag.tag_files(entries, bag_id="b", policy="p", bagging_date=DAY)
    assert one == bag.tag_files(entries[::-1], bag_id="b", policy="p", bagging_date=DAY)


@given(st.dictionaries(PATHS, st.binary(max_size=4), max_size=6))
def test_a_manifest_says_what_it_was_given(contents: dict[str, bytes]) -> None:
    text = bag.manifest_text(_entry(path, content) for path, content in contents.items())
    read = {line.path: line.sha256 for line in bag.parse_manifest(text)}
    assert read == {path: hashlib.sha256(content).hexdigest() for path, content in contents.items()}
    assert list(read) == sorted(read)


def test_line_ends_and_percent_are_encoded_as_the_rfc_says() -> None:
    assert bag.manifest_text([_entry("data/a%\r\nb", b"")]).endswith(b"  data/a%25%0D%0Ab\n")


@pytest.mark.parametrize(
    "line",
    [
        "x  data/a",
        "a" * 63 + "  data/a",
        "a" * 64 + "  ../a",
        "a" * 64 + "  /a",
        "a" * 64 + "  data//a",
        "a" * 64 + "  data/%41",
        "a" * 64 + "  ~/a",
    ],
)
def test_strange_manifest_lines_are_refused(line: str) -> None:
    with pytest.raises(ConfigurationError):
        bag.parse_manifest(f"{line}\n".encode())


def test_a_path_listed_twice_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="twice"):
        bag.parse_manifest(("a" * 64 + "  data/a\n" + "b" * 64 + "  data/a\n").encode())
    with pytest.raises(ConfigurationError, match="twice"):
        bag.manifest_text([_entry("data/a", b"1"), _entry("data/a", b"2")])


@given(st.binary(max_size=200))
def test_parsers_refuse_or_answer_and_nothing_else(content: bytes) -> None:
    for parse in (bag.parse_manifest, bag.parse_bag_info):
        try:
            parse(content)
        except ConfigurationError:
            continue


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("Note", "two\nBag-Size: 9"),
        ("Note", ""),
        ("Note", " x"),
        ("No te", "x"),
        ("Note:", "x"),
        ("Payload-Oxum", "1.1"),
        ("external-identifier", "x"),
        ("Note", "\ud800"),
    ],
)
def test_a_tag_that_could_be_read_as_another_is_refused(label: str, value: str) -> None:
    with pytest.raises(ConfigurationError):
        bag.tag_files([], bag_id="b", policy="p", bagging_date=DAY, tags=[(label, value)])


def test_payload_lies_below_data_and_tag_files_do_not() -> None:
    with pytest.raises(ConfigurationError, match="wrong manifest"):
        bag.manifest_text([_entry("bagit.txt", b"")])
    with pytest.raises(ConfigurationError, match="wrong manifest"):
        bag.tag_manifest_text([_entry("data/a", b"")])


def test_bag_info_is_read_back_with_folded_values() -> None:
    assert bag.parse_bag_info(b"A: one\r\n  two\nB: x:y\n") == (("A", "one two"), ("B", "x:y"))
