"""Files of calls, one JSON document a line, as ``policy explain`` takes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC
from pathlib import Path

from cloud9_archive.domain.call import Call, Party
from cloud9_archive.errors import ConfigurationError
from cloud9_archive.pipeline.problems import shown

_PARTY_TEXTS = tuple(name for name in Party.__dataclass_fields__ if name != "side")


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
            _check_texts(call)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
            raise ConfigurationError(
                f"{path}:{number}: this is not a call ({type(error).__name__}: {shown(str(error))})",
                hint="each line is one call document: source, call_id, started_at, parties and its other fields",
            ) from None
        yield call


def _check_texts(call: Call) -> None:
    """
    Nothing, when texts are texts, lengths are numbers and the start is in the calendar: rules are asked of nothing else.

    :raises TypeError: naming a field that is not
    :raises OverflowError: if the start lies beyond the calendar
    """
    call.started_at.astimezone(UTC)
    texts: dict[str, object] = {name: getattr(call, name) for name in ("source", "call_id")}
    texts |= {name: getattr(call, name) or "" for name in ("button_label", "connection")}
    for number, party in enumerate(call.parties):
        texts |= {f"parties[{number}].{name}": getattr(party, name) or "" for name in _PARTY_TEXTS}
    for name, text in texts.items():
        if not isinstance(text, str):
            raise TypeError(f"{name} is not text")
    if call.duration is not None and (isinstance(call.duration, bool) or not isinstance(call.duration, int | float)):
        raise TypeError("duration is not a number")
