"""Answers as JSON values: decoded strictly, and shown in complaints without their content."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Protocol

from cloud9_archive.errors import IncompleteBodyError, WireFormatError

_SHOWN = 40
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_CUT_TOKEN = re.compile(r"\s*|t(ru?)?|f(a(ls?)?)?|n(ul?)?|-|\.|[eE][+-]?|\\?u?[0-9a-fA-F]{0,4}")
"""What may be left where the decoder gave up, if the text was cut there."""
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class AnswerFormat(Protocol):
    """Says how an answer should be, and complains when it is not."""

    def misfit(self, place: str, found: str) -> WireFormatError:
        """The complaint that the answer is not as it should be at this place."""


def decoded(wire: AnswerFormat, body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """
    The JSON value in an answer's body, safe to be written as UTF-8 again.

    :raises IncompleteBodyError: if the body begins as an object or a list and breaks off; another attempt may bring all
    :raises WireFormatError: if the body is anything else
    """
    try:
        answer = json.loads(body, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        if _broke_off(body, error):
            raise broken_off(len(body)) from error
        raise wire.misfit("the body", f"should be JSON, but {len(body)} bytes of something else came") from error
    return _writable(answer) if _ESCAPED_SURROGATE.search(body) else answer


def broken_off(size: int) -> IncompleteBodyError:
    """
    The error for JSON whose end is missing.

    :param size: bytes that came
    """
    return IncompleteBodyError(
        f"the JSON of an answer breaks off after {size} bytes",
        subject="the body",
        hint="it is tried again; if it goes on, a proxy or the server cuts answers off",
    )


def _broke_off(body: bytes, error: Exception) -> bool:
    """Whether all that is wrong with an object or a list is that its end is missing, wherever it was cut."""
    if body.lstrip()[:1] not in (b"{", b"["):
        return False
    match error:
        case UnicodeDecodeError():
            return error.end == len(error.object) and error.reason == "unexpected end of data"
        case json.JSONDecodeError():
            return error.msg.startswith("Unterminated string") or bool(_CUT_TOKEN.fullmatch(error.doc[error.pos :]))
        case _:
            return False


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large a number")
    return number


def _writable(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The value with half surrogate pairs replaced: JSON can carry them, UTF-8 cannot."""
    match value:
        case str():
            return _LONE_SURROGATE.sub("\ufffd", value)
        case list():
            return [_writable(one) for one in value]
        case dict():
            return {_writable(name): _writable(one) for name, one in value.items()}
        case _:
            return value


def shown(value: object) -> str:
    """The type of a value, with its beginning when it is plain; enough to recognise, too little to leak."""
    match value:
        case None:
            return "absent or null"
        case list() | dict():
            return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value)}"
        case _:
            text = repr(value)
            return f"{type(value).__name__} {text[:_SHOWN]}{'…' if len(text) > _SHOWN else ''}"


def keys_shown(answer: object) -> str:
    """The names that an object has at its top: what changed is mostly visible there."""
    if not isinstance(answer, dict):
        return shown(answer)
    return f"an object with {', '.join(sorted(map(repr, answer))[:10])[:200] or 'no keys'}"
