"""The trail of one listing's pages: it must lead on, to this host, and to every row that was announced."""

from __future__ import annotations

from urllib.parse import SplitResult, urljoin, urlsplit

from cloud9_archive.api.page_marks import PageMarks
from cloud9_archive.api.wire_model import WireFormat
from cloud9_archive.api.wire_request import PageStep, first_step
from cloud9_archive.api.wire_requests import LinkPaging, OffsetPaging, PageNumberPaging, Paging, TokenPaging

MOST_EMPTY_PAGES = 100
# A page may come again when calls are added while it is read; the catalog does not mind. More often is a circle.
MOST_REPEATS = 3
_PORT = 443


class PageTrail:
    """
    One pass over a listing: how to ask for each page, and what must be true of them.

    :param wire: named in complaints
    :param base: address that the listing is asked at, of which links may name other paths
    """

    def __init__(self, wire: WireFormat, paging: Paging, *, base: str) -> None:
        self.step: PageStep | None = first_step(paging)
        self.ids: set[str] = set()
        self._wire = wire
        self._paging = paging
        self._base = base
        self._asked: set[str] = {paging.first} if isinstance(paging, TokenPaging) and paging.first else set()
        self._last: tuple[str, ...] = ()
        self._rows: set[bytes] = set()
        self._pages = self._empty = self._repeats = self._given = 0
        self._fullest = getattr(paging, "size", None) or 0
        self._short: tuple[int, int] | None = None
        self._leanest: tuple[int, int] | None = None
        self._total: int | None = None

    @property
    def may_have_shifted(self) -> bool:
        """Whether rows may have moved from one page to another while they were read, so that one was passed over."""
        if not isinstance(self._paging, (PageNumberPaging, OffsetPaging)) or not self._rows:
            return False
        size = self._paging.size
        return not (self._paging.full_pages and size is not None and self._given < size)

    def follow(self, marks: PageMarks) -> None:
        """
        The page is behind us; ``step`` asks for the next one, if there is one.

        :raises WireFormatError: if the trail leads back or elsewhere, or the page is shorter than it may be
        """
        self._pages += 1
        self._given += len(marks.rows)
        self.ids.update(marks.ids)
        self._rows.update(marks.rows)
        self._empty = 0 if marks.rows else self._empty + 1
        self._repeats = self._repeats + 1 if marks.ids and marks.ids == self._last else 0
        self._last = marks.ids
        if marks.total is not None:
            # The least of all: calls may be added while pages are read.
            self._total = marks.total if self._total is None else min(self._total, marks.total)
        self.step = self._next(marks)
        self._refuse_short(marks)
        self._refuse_circle()

    def check_total(self) -> None:
        """
        As many rows came as the answers announced.

        :raises WireFormatError: if there were fewer
        """
        if self._total is not None and self._paging.total is not None and len(self._rows) < self._total:
            raise self._wire.misfit(
                str(self._paging.total.expression),
                f"says {self._total} rows, but {len(self._rows)} came",
                change="remove paging.total if that number counts something else",
            )

    def _next(self, marks: PageMarks) -> PageStep | None:
        sent = self.step.sent if self.step else None
        match self._paging:
            case TokenPaging():
                return None if marks.lead is None else PageStep(self._new(marks.lead))
            case LinkPaging():
                return None if marks.lead is None else PageStep(target=self._new(self._linked(marks.lead)))
            case PageNumberPaging() if self._goes_on(marks):
                return PageStep(int(sent or 0) + 1)
            case OffsetPaging() if self._goes_on(marks):
                if not marks.rows:
                    raise self._wire.misfit(self._place(), "promises more, but the page was empty")
                return PageStep(int(sent or 0) + len(marks.rows))
            case _:
                return None

    def _goes_on(self, marks: PageMarks) -> bool:
        return bool(marks.rows) if marks.more is None else marks.more

    def _new(self, lead: str) -> str:
        if lead in self._asked:
            raise self._wire.misfit(self._place(), "repeats: the listing would never end")
        self._asked.add(lead)
        return lead

    def _linked(self, link: str) -> str:
        """Path and query of a link, which may be relative to the address of the page that holds it."""
        here = self._base if self.step is None or self.step.target is None else urljoin(self._base, self.step.target)
        try:
            there, ours = urlsplit(urljoin(here, link)), urlsplit(self._base)
            stays = _authority(there) == _authority(ours)
        except ValueError:
            raise self._wire.misfit(self._place(), "is no address") from None
        if not stays:
            raise self._wire.misfit(
                self._place(), "leads to another host, where nothing is asked for that is signed for this one"
            )
        target = there.path or "/"
        if there.query:
            target += f"?{there.query}"
        if not target.isprintable() or " " in target or "\\" in target:
            raise self._wire.misfit(self._place(), "is no address")
        return target

    def _refuse_short(self, marks: PageMarks) -> None:
        """A page that is not the last has as many rows as any other, or the format says that it need not."""
        certain = isinstance(self._paging, (TokenPaging, LinkPaging)) or marks.more is not None
        if self._short and marks.rows:
            self._complain_of_short(*self._short)
        # A row that stands twice fills no page.
        number, rows = self._pages, len(set(marks.rows))
        if self._paging.full_pages and self._leanest and rows > self._leanest[1]:
            self._fullest = rows
            self._complain_of_short(*self._leanest)
        if self._paging.full_pages and self.step is not None and rows < self._fullest:
            if certain:
                self._complain_of_short(number, rows)
            self._short = number, rows
        self._fullest = max(self._fullest, rows)
        self._leanest = min(self._leanest or (number, rows), (number, rows), key=lambda page: page[1])

    def _complain_of_short(self, number: int, rows: int) -> None:
        raise self._wire.misfit(
            f"page {number} of the listing",
            f"holds {rows} rows, though it is not the last and {self._fullest} belong on a page: rows may be missing",
            change="write paging.full_pages: false in the copy if your API may do that",
        )

    def _refuse_circle(self) -> None:
        if self.step is None:
            return
        if self._repeats > MOST_REPEATS:
            raise self._wire.misfit(self._place(), f"changes, but the same {len(self._last)} rows came again and again")
        if self._empty > MOST_EMPTY_PAGES:
            raise self._wire.misfit(self._place(), f"promises more, but {self._empty} pages in a row were empty")

    def _place(self) -> str:
        match self._paging:
            case TokenPaging() | LinkPaging():
                at = self._paging.at
                return str(at.expression) if at else f"the header {self._paging.header}"
            case PageNumberPaging() | OffsetPaging():
                return str(self._paging.more.expression) if self._paging.more else f"the {self._paging.by}"
            case _:
                return "the page"


def _authority(url: SplitResult) -> tuple[str, str | None, int]:
    return url.scheme, url.hostname, url.port or _PORT
