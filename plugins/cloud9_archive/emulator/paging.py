"""A window's rows in pages: tokens, numbers and links, and how an answer tells where the next page is."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from cloud9_archive.emulator.asking import PAGE_TOKEN, AskedPage
from cloud9_archive.emulator.dialect import Dialect
from cloud9_archive.emulator.refusal import RefusedError

NEXT_PAGE = "Next-Page-Token"
NUMBERED = frozenset({"page", "offset"})
_LINKS = frozenset({"link_body", "link_header"})


@dataclass(frozen=True, slots=True)
class Entry:
    """
    What may stand in a listing.

    :param call_ids: the calls that it tells of
    :param listed: whether it is shown by now
    :param row: makes its row, as the wire spells it
    """

    call_ids: tuple[str, ...]
    listed: bool
    row: Callable[[], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Place:
    """
    A page asked for, found.

    :param at: how many entries lie before it: of all by token, of those that are listed by number
    :param before: the same of the page before it
    :param size: most rows on a page
    """

    at: int
    before: int
    size: int


@dataclass(frozen=True, slots=True)
class Page:
    """
    Entries in listing order.

    :param next_at: where the next page begins, None at the end
    """

    entries: tuple[Entry, ...]
    next_at: int | None


@dataclass(frozen=True, slots=True)
class Told:
    """What an answer says of the next page: headers, and further keys of the body."""

    headers: dict[str, str] = field(default_factory=dict)
    keys: dict[str, Any] = field(default_factory=dict)


def find_place(asked: AskedPage, *, dialect: Dialect, largest: int) -> Place:
    """
    Where the page that is asked for begins.

    :param largest: most rows on a page; whoever asks for more gets this many
    :raises RefusedError: 400 if the token is none of ours, or belongs to another window
    """
    size = min(asked.size or largest, largest)
    if dialect.paging in NUMBERED:
        return Place(asked.offset, max(0, asked.offset - size), size)
    if not asked.token:
        return Place(0, 0, size)
    try:
        first, last, place, before, _ = json.loads(base64.urlsafe_b64decode(asked.token))
        places = int(place), int(before)
    except (ValueError, TypeError):
        raise RefusedError(400, "BAD_PAGE_TOKEN", "nextPageToken is none of ours.") from None
    if (first, last) != (asked.begin.timestamp(), asked.end.timestamp()) or min(places) < 0:
        raise RefusedError(400, "BAD_PAGE_TOKEN", "nextPageToken belongs to another window.")
    return Place(*places, size)


def page_token(asked: AskedPage, *, at: int, before: int) -> str:
    """A token that leads to a place of this window and no other; never the same twice."""
    content = [asked.begin.timestamp(), asked.end.timestamp(), at, before, secrets.token_hex(4)]
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode("ascii")


def read_page(entries: Sequence[Entry], *, at: int, size: int) -> Page:
    """The entries listed by now, from that place on, up to a page full."""
    shown: list[Entry] = []
    for index in range(at, len(entries)):
        if not entries[index].listed:
            continue
        if len(shown) == size:
            return Page(tuple(shown), index)
        shown.append(entries[index])
    return Page(tuple(shown), None)


def tell_next(asked: AskedPage, *, dialect: Dialect, token: str | None, total: int, url: str) -> Told:
    """
    How the dialect says where the next page is.

    :param token: of the next page, None at the end
    :param total: rows of the whole window
    :param url: of this listing without query, absolute
    """
    ends: dict[str, dict[str, Any]] = {
        "empty_page": {},
        "has_more": {"hasMore": token is not None},
        "total": {"total": total},
    }
    end = ends[dialect.page_end]
    if dialect.paging in NUMBERED:
        return Told(keys=end)
    if dialect.paging == "token_body":
        return Told(keys={PAGE_TOKEN: token, **end})
    if dialect.paging in _LINKS:
        link = None if token is None else _link(asked, dialect=dialect, token=token, url=url)
        if dialect.paging == "link_body":
            return Told(keys={"next": link, **end})
        return Told(headers={} if link is None else {"Link": f'<{link}>; rel="next"'}, keys=end)
    return Told(headers={} if token is None else {NEXT_PAGE: token}, keys=end)


def _link(asked: AskedPage, *, dialect: Dialect, token: str, url: str) -> str:
    """The next page's URL: all fields of a GET; of a POST only the token, for the body is sent again as it was."""
    kept = asked.fields if dialect.listing_method == "GET" else {}
    query = urlencode({**kept, PAGE_TOKEN: token})
    base = url if dialect.link == "absolute" else "/" + url.split("/", 3)[3]
    return f"{base}?{query}"
