"""Text files: those that a person wrote, read whole and of a bounded size; and our own, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from cloud9_archive.errors import ConfigurationError
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


@contextmanager
def written_whole(path: Path) -> Iterator[TextIO]:
    """
    Takes the file's text, line ends as they are; afterwards it is whole and on stable storage, or as it was.

    :raises OSError: if it cannot be written
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, scratch = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(scratch).replace(path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise


def not_written(path: Path, error: OSError) -> ConfigurationError:
    """The complaint about a file that could not be written."""
    return ConfigurationError(
        f"{path} cannot be written: {error.strerror}",
        subject=path.name,
        hint="name a file in a folder that you may write to",
    )
