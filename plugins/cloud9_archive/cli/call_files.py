"""Files of calls, one JSON document a line, as ``policy explain`` takes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from cloud9_archive.domain.call import Call
from cloud9_archive.errors import ConfigurationError
from cloud9_archive.pipeline.problems import shown


def read_calls(path: Path) -> Iterator[Call]:
    """
    The calls of the file, in its order; blank lines are passed over.

    :raises ConfigurationError: if the file cannot be read, or a line of it is not a call
    """
    try:
        with path.open(encoding="utf-8") as stream:
            yield from _calls(stream, path=path)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}", hint="give a file of calls, one JSON document a line"
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8 text", hint="give calls as UTF-8 JSON, one a line") from None


def _calls(lines: Iterable[str], *, path: Path) -> Iterator[Call]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            call = Call.from_document(json.loads(line))
            if not all(isinstance(text, str) for text in (call.call_id, *(each.login or "" for each in call.parties))):
                raise TypeError("call_id and logins are text")  # noqa: TRY301 - told below like every other fault of the line
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ConfigurationError(
                f"{path}:{number}: this is not a call ({type(error).__name__}: {shown(str(error))})",
                hint="each line is one call document: source, call_id, started_at, parties and its other fields",
            ) from None
        yield call
