"""Text files that a person wrote: read whole, of a bounded size, as UTF-8."""

from __future__ import annotations

from pathlib import Path

from cloud9_archive.pipeline.problems import Problem


def read_text(path: Path, *, largest: int, utf8_wanted: str) -> str | Problem:
    """
    The file's text without a byte order mark, or why it cannot be one.

    :param largest: bytes that the file may have; not more than one further is read
    :param utf8_wanted: what to tell the writer of a file that is not UTF-8, as a sentence
    :raises OSError: if the file cannot be opened or read
    """
    with path.open("rb") as stream:
        content = stream.read(largest + 1)
    if len(content) > largest:
        return Problem(1, "", "a very large file", f"at most {largest} bytes are wanted")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Problem(line, "", "bytes that are not UTF-8", utf8_wanted)
