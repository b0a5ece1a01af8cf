"""A page of a listing, and what a fault makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from cloud9_archive.emulator.answers import Answer, json_answer, refusal_answer
from cloud9_archive.emulator.asking import AskedPage, window_too_long
from cloud9_archive.emulator.fault_kinds import Endpoint, FaultKind
from cloud9_archive.emulator.fault_orders import FaultDetails
from cloud9_archive.emulator.listing import Row
from cloud9_archive.emulator.paging import NUMBERED, Entry, Page, Place, find_place, page_token, read_page, tell_next
from cloud9_archive.emulator.state import Cloud

EARLIER_EDITION = "(before it was edited)"
_FIRST_PAGE_ONLY = frozenset({FaultKind.ROWS_INSERTED})
_LATER_PAGES_ONLY = frozenset({FaultKind.ROWS_REMOVED})
_SHIFTING = frozenset({FaultKind.ROWS_REMOVED, FaultKind.ROWS_EDITED})
_RENAMED_KEY = "callRecords"
_UNKNOWN_CODE = 987


@dataclass(frozen=True, slots=True)
class Window:
    """
    A listing that is asked for.

    :param entries: all that the window will ever hold, in order
    :param earlier: the latest entries of the time before the window, in order
    :param key: under which the rows stand in the answer
    :param url: of the listing, absolute, without query
    """

    endpoint: Endpoint
    asked: AskedPage
    entries: Sequence[Entry]
    earlier: Sequence[Entry]
    key: str
    url: str
    desk: str

    @property
    def name(self) -> tuple[str, ...]:
        """What a client's way through its pages is remembered by."""
        return (self.desk, self.endpoint, self.asked.begin.isoformat(), self.asked.end.isoformat())


def listing_answer(cloud: Cloud, window: Window) -> Answer:
    """
    A page of the listing, and the fault that struck it if one did.

    :raises RefusedError: 400 if the page's token is none of ours
    """
    place = find_place(window.asked, dialect=cloud.dialect, largest=cloud.limits.page_size)
    numbered = cloud.dialect.paging in NUMBERED
    counted = [entry for entry in window.entries if entry.listed] if numbered else list(window.entries)
    if place.at == 0:
        cloud.shifts.pop(window.name, None)
    page = read_page(counted, at=place.at + cloud.shifts.get(window.name, 0), size=place.size)
    fault = cloud.take_fault(
        window.endpoint,
        subjects=frozenset(call_id for entry in page.entries for call_id in entry.call_ids),
        barred=_LATER_PAGES_ONLY if place.at == 0 else _FIRST_PAGE_ONLY,
    )
    kind = fault.kind if fault else None
    if kind is FaultKind.WINDOW_TOO_LONG:
        return refusal_answer(window_too_long(timedelta(hours=cloud.limits.longest_window_hours)), fault=fault)
    if fault is not None:
        if numbered and kind in _SHIFTING:
            cloud.shifts[window.name] = fault.rows if kind is FaultKind.ROWS_REMOVED else -1
        page = _struck_page(page, counted=counted, place=place, fault=fault, numbered=numbered)
    told = tell_next(
        window.asked,
        dialect=cloud.dialect,
        token=_next_token(window.asked, page, place=place, fault=fault),
        total=_told_total(_listed(window) - cloud.shifts.get(window.name, 0), place=place, fault=fault),
        url=window.url,
    )
    rows = struck_rows(
        [entry.row() for entry in page.entries],
        call_ids=[entry.call_ids for entry in page.entries],
        fault=fault,
        earlier=window.earlier,
    )
    return Answer(json_answer({rows_key(window.key, fault=fault): rows, **told.keys}, headers=told.headers), fault)


def rows_key(key: str, *, fault: FaultDetails | None) -> str:
    """The key under which the rows stand, renamed if the fault is that."""
    return _RENAMED_KEY if fault is not None and fault.kind is FaultKind.RENAMED_FIELD else key


def _listed(window: Window) -> int:
    return sum(entry.listed for entry in window.entries)


def _told_total(total: int, *, place: Place, fault: FaultDetails | None) -> int:
    match fault.kind if fault else None:
        case FaultKind.ROWS_INSERTED if fault:
            return total - fault.rows
        case FaultKind.EMPTY_LISTING:
            return 0
        case FaultKind.ENDLESS_PAGES:
            return place.at + 2 * place.size
    return total


def _struck_page(page: Page, *, counted: Sequence[Entry], place: Place, fault: FaultDetails, numbered: bool) -> Page:
    """The page, with other entries on it or another end, as the fault has it."""
    struck = page
    match fault.kind:
        case FaultKind.DUPLICATE_PAGE:
            struck = replace(read_page(counted, at=place.before, size=place.size), next_at=place.at)
        case FaultKind.SHRINKING_PAGE:
            struck = replace(page, entries=page.entries[: len(page.entries) // 2])
        case FaultKind.REPEATED_TOKEN:
            struck = replace(page, next_at=place.at)
        case FaultKind.ENDLESS_PAGES:
            # Numbers move on all the same: the first page comes whatever is asked for.
            struck = replace(read_page(counted, at=0, size=place.size) if numbered else page, next_at=place.at)
        case FaultKind.EMPTY_LISTING:
            struck = Page((), None)
        case FaultKind.ROWS_INSERTED:
            listed = [*(index for index, entry in enumerate(counted) if entry.listed), len(counted)]
            struck = read_page(counted, at=listed[min(fault.rows, len(listed) - 1)], size=place.size)
        case FaultKind.ROWS_REMOVED if numbered:
            struck = read_page(counted, at=place.at + fault.rows, size=place.size)
        case FaultKind.ROWS_EDITED if page.entries:
            struck = replace(page, next_at=counted.index(page.entries[-1]))
        case _:
            pass  # what it does to rows is done to rows
    return struck


def _next_token(asked: AskedPage, page: Page, *, place: Place, fault: FaultDetails | None) -> str | None:
    if page.next_at is None:
        return None
    if fault is not None and fault.kind is FaultKind.REPEATED_TOKEN and asked.token:
        return asked.token
    duplicate = fault is not None and fault.kind in {FaultKind.DUPLICATE_PAGE, FaultKind.REPEATED_TOKEN}
    return page_token(asked, at=page.next_at, before=place.before if duplicate else place.at)


def struck_rows(
    rows: list[Row], *, call_ids: Sequence[tuple[str, ...]], fault: FaultDetails | None, earlier: Sequence[Entry] = ()
) -> list[Row]:
    """
    The rows as the fault lets them be seen.

    :param call_ids: the calls that each row tells of
    :param earlier: entries from before the window
    """
    if fault is None:
        return rows
    if fault.kind is FaultKind.OUTSIDE_WINDOW:
        return rows + [entry.row() for entry in earlier[-fault.rows :]]
    if not rows or fault.kind not in _OF_ROWS:
        return rows
    if fault.kind is FaultKind.DUPLICATE_ROWS:
        return [*rows, rows[-1]]
    if fault.kind is FaultKind.ROWS_EDITED:
        return [*rows[:-1], _struck_row(rows[-1], fault=fault)]
    struck = next((place for place, ids in enumerate(call_ids) if fault.match in ids), 0)
    return [*rows[:struck], _struck_row(rows[struck], fault=fault), *rows[struck + 1 :]]


# The fields that each fault strikes unless told otherwise, the first that the row has; and what stands there then.
_STRUCK_FIELDS: dict[FaultKind, tuple[tuple[str, ...], Any]] = {
    FaultKind.ROWS_EDITED: (("buttonLabel", "fileName"), EARLIER_EDITION),
    FaultKind.MISSING_FIELD: (("callId", "recordingId"), None),
    FaultKind.WRONG_TYPE: (("startTime", "fileName"), {"value": "of another type"}),
    FaultKind.UNKNOWN_WORD: (("callType",), "Hologram"),
    FaultKind.NAN: (("milliDuration",), float("nan")),
    FaultKind.HALF_SURROGATE: (("buttonLabel", "fileName"), "half \ud83d of a pair"),
}
_OF_ROWS = frozenset({FaultKind.DUPLICATE_ROWS, *_STRUCK_FIELDS})


def _struck_row(row: Row, *, fault: FaultDetails) -> Row:
    fields, value = _STRUCK_FIELDS[fault.kind]
    field = fault.field or next((name for name in fields if name in row), fields[0])
    if fault.kind is FaultKind.MISSING_FIELD:
        return {name: value for name, value in row.items() if name != field}
    if fault.kind is FaultKind.UNKNOWN_WORD and isinstance(row.get(field), int):
        value = _UNKNOWN_CODE
    return {**row, field: value}
