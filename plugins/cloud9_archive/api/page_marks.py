"""What an answer says of its listing: which rows it holds, whether there is another page, and how many rows in all."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cloud9_archive.api.answer_json import shown
from cloud9_archive.api.row_values import searched
from cloud9_archive.api.wire_model import WireFormat
from cloud9_archive.api.wire_requests import LinkPaging, OffsetPaging, PageNumberPaging, Paging, TokenPaging
from cloud9_archive.domain.call import canonical_json

_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[\w!#$&+.^`|~*-]+\s*(?:=\s*(?:"[^"]*"|[^\s",;]+))?)*)')
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s",;]+))', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PageMarks:
    """
    What one page says beside its rows' content.

    :param ids: of the calls or recordings in it
    :param rows: a digest of each row, to tell rows apart
    :param lead: token or link to the next page; none at the end
    :param more: whether there is another page, where the answer says so
    :param total: rows in the whole listing, where the answer says so
    """

    ids: tuple[str, ...]
    rows: tuple[bytes, ...]
    lead: str | None = None
    more: bool | None = None
    total: int | None = None


def read_marks(
    wire: WireFormat,
    paging: Paging,
    answer: object,
    headers: Mapping[str, str],
    *,
    ids: Iterable[str],
    rows: Iterable[Mapping[str, Any]],
) -> PageMarks:
    """
    The marks of a page.

    :param headers: the answer's headers, by case-insensitive name
    :param ids: of the calls or recordings that were read from the rows
    :raises WireFormatError: naming the place that does not fit
    """
    digests = tuple(hashlib.sha256(canonical_json(row)).digest()[:16] for row in rows)
    more = None
    if isinstance(paging, (PageNumberPaging, OffsetPaging)):
        more = _more(wire, paging, answer)
    return PageMarks(tuple(ids), digests, _lead(wire, paging, answer, headers), more, _total(wire, paging, answer))


def _lead(wire: WireFormat, paging: Paging, answer: object, headers: Mapping[str, str]) -> str | None:
    if not isinstance(paging, (TokenPaging, LinkPaging)):
        return None
    if paging.at is None:
        found = headers.get(paging.header or "") or None
        return _next_link(found) if found and isinstance(paging, LinkPaging) else found
    found = searched(wire, paging.at, answer, "")
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    if found is not None and not isinstance(found, str):
        raise wire.misfit(str(paging.at.expression), f"should be text, but is {shown(found)}")
    return found or None


def _next_link(header: str) -> str | None:
    """The address with the relation ``next`` in a Link header (RFC 8288)."""
    for address, parameters in _LINK.findall(header):
        relation = _REL.search(parameters)
        if relation and "next" in (relation[1] or relation[2]).lower().split():
            return str(address)
    return None


def _more(wire: WireFormat, paging: PageNumberPaging | OffsetPaging, answer: object) -> bool | None:
    if paging.more is None:
        return None
    found = searched(wire, paging.more, answer, "")
    if not isinstance(found, bool):
        raise wire.misfit(str(paging.more.expression), f"should be true or false, but is {shown(found)}")
    return found


def _total(wire: WireFormat, paging: Paging, answer: object) -> int | None:
    if paging.total is None:
        return None
    found = searched(wire, paging.total, answer, "")
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise wire.misfit(str(paging.total.expression), f"should be a number of rows, but is {shown(found)}")
    return found
