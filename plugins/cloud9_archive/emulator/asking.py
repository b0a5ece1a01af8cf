"""What a request asks for, read from its body or its query as the dialect has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

from pydantic import ConfigDict, TypeAdapter, ValidationError

from cloud9_archive.emulator.dialect import Dialect
from cloud9_archive.emulator.refusal import RefusedError
from cloud9_archive.emulator.wire_time import read_time

PAGE_TOKEN = "nextPageToken"  # noqa: S105 - the name of a field
_NUMBERED = {"page": ("page", "pageSize"), "offset": ("offset", "limit")}
_LARGEST_NUMBER = 10**9
_Fields = TypeAdapter(dict[str, str | int], config=ConfigDict(strict=True))

Fields = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class AskedPage:
    """
    A page of a window, as a client asks for it.

    :param begin: aware UTC
    :param end: aware UTC
    :param token: the page token, empty on the first page and where pages have numbers
    :param offset: how many rows lie before the page, where pages have numbers
    :param size: rows wanted on the page, None where the server decides
    :param fields: as they came, for the link to the next page
    """

    begin: datetime
    end: datetime
    token: str
    offset: int
    size: int | None
    fields: Fields


def read_fields(*, method: str, query: bytes, body: bytes) -> Fields:
    """
    The fields of a request: those of its JSON body and of its query; a GET has no body.

    :raises RefusedError: 400 if they cannot be read
    """
    try:
        asked = dict(parse_qsl(query.decode("ascii"), keep_blank_values=True, strict_parsing=bool(query)))
    except ValueError:
        raise RefusedError(400, "BAD_REQUEST", "The query is not understood.") from None
    if method == "GET":
        if body:
            raise RefusedError(400, "BAD_REQUEST", "A GET has no body.")
        return asked
    try:
        # json's own reader takes NaN; a field that holds it is no string and no whole number.
        told = _Fields.validate_python(json.loads(body))
    except (ValueError, RecursionError, ValidationError):
        raise RefusedError(
            400, "BAD_REQUEST", "Not understood: body must be an object of strings and numbers."
        ) from None
    return {**told, **asked}


def read_page_request(fields: Fields, *, dialect: Dialect, longest: timedelta, largest: int) -> AskedPage:
    """
    The page of a window that the fields ask for.

    :param longest: longest window that is listed
    :param largest: most rows on a page; whoever asks for more gets this many
    :raises RefusedError: 400 if it is not understood, or its window is too long
    """
    place_names = _NUMBERED.get(dialect.paging, (PAGE_TOKEN, PAGE_TOKEN))
    _check_names(fields, required=("beginDate", "endDate"), allowed=place_names)
    begin = read_time("beginDate", fields["beginDate"], dialect)
    end = read_time("endDate", fields["endDate"], dialect)
    if end < begin:
        raise RefusedError(400, "BAD_WINDOW", "endDate lies before beginDate.")
    if end - begin > longest:
        raise window_too_long(longest)
    if dialect.paging not in _NUMBERED:
        token = fields.get(PAGE_TOKEN, "")
        if not isinstance(token, str):
            raise RefusedError(400, "BAD_REQUEST", f"Not understood: {PAGE_TOKEN}.")
        return AskedPage(begin, end, token, 0, None, fields)
    place_name, size_name = place_names
    size = _number(fields, size_name, least=1) if size_name in fields else None
    if dialect.paging == "page":
        before = _number(fields, place_name, least=1) - 1
        return AskedPage(begin, end, "", before * min(size or largest, largest), size, fields)
    return AskedPage(begin, end, "", _number(fields, place_name, least=0), size, fields)


def read_wanted(fields: Fields, *, name: str) -> str:
    """
    The recording or call that the fields ask for.

    :param name: the only field there may be
    :raises RefusedError: 400 if it is not understood
    """
    wanted = fields.get(name)
    if set(fields) != {name} or not isinstance(wanted, str) or not wanted:
        raise RefusedError(400, "BAD_REQUEST", f'The request must be {{"{name}": "…"}}.')
    return wanted


def window_too_long(longest: timedelta) -> RefusedError:
    """The refusal of a window that is too long."""
    return RefusedError(400, "WINDOW_TOO_LONG", f"The window is longer than {longest.total_seconds() / 3600:g} hours.")


def _check_names(fields: Fields, *, required: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    odd = [name for name in required if name not in fields] + sorted(set(fields) - {*required, *allowed})
    if odd:
        raise RefusedError(400, "BAD_REQUEST", f"Not understood: {', '.join(name[:40] for name in odd)}.")


def _number(fields: Fields, name: str, *, least: int) -> int:
    told = str(fields.get(name, ""))
    number = int(told) if told.isascii() and told.isdigit() and len(told) <= len(str(_LARGEST_NUMBER)) else -1
    if not least <= number <= _LARGEST_NUMBER:
        raise RefusedError(400, "BAD_REQUEST", f"Not understood: {name}.")
    return number
