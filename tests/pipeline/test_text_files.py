"""Text files of a bounded size in UTF-8."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud9_archive.pipeline.problems import Problem
from cloud9_archive.pipeline.text_files import read_text


def read(path: Path, content: bytes) -> str | Problem:
    path.write_bytes(content)
    return read_text(path, largest=8, utf8_wanted="save it as UTF-8")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ""),
        (b"12345678", "12345678"),
        (b"\xef\xbb\xbfbom", "bom"),
        (b"123456789", Problem(1, "", "a very large file", "at most 8 bytes are wanted")),
        (b"a\nb\n\xff", Problem(3, "", "bytes that are not UTF-8", "save it as UTF-8")),
    ],
)
def test_text_or_what_is_wrong_with_it(tmp_path: Path, content: bytes, expected: str | Problem) -> None:
    assert read(tmp_path / "file.txt", content) == expected


def test_a_missing_file_is_the_operating_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "none.txt", largest=8, utf8_wanted="")
