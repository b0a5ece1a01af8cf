"""The trail of one listing's pages: it must lead on."""

from __future__ import annotations

from cloud9_archive.api.rows import Listed
from cloud9_archive.api.wire_model import WireFormat

MOST_EMPTY_PAGES = 100
# A page may come again when calls are added while it is read; the catalog does not mind. More often is a circle.
MOST_REPEATS = 3


class PageTrail:
    """
    Notices when a listing runs in circles instead of coming to its end.

    :param wire: named in the complaint
    """

    def __init__(self, wire: WireFormat) -> None:
        self._wire = wire
        self._tokens: set[str] = set()
        self._ids: tuple[str, ...] = ()
        self._empty = 0
        self._repeats = 0

    def follow(self, token: str, listed: Listed) -> None:
        """
        The page is behind us, and the next one, if any, is new.

        :param token: what the page was asked for with
        :param listed: the page
        :raises WireFormatError: if its token was given before, or the same calls keep coming, or none do
        """
        self._tokens.add(token)
        ids = tuple(call.call_id for call in listed.calls)
        self._empty = 0 if ids else self._empty + 1
        self._repeats = self._repeats + 1 if ids and ids == self._ids else 0
        self._ids = ids
        if listed.next_token is None:
            return
        if listed.next_token in self._tokens:
            raise self._wire.misfit(self._place(), "repeats: the listing would never end")
        if self._repeats > MOST_REPEATS:
            raise self._wire.misfit(self._place(), f"changes, but the same {len(ids)} calls came again and again")
        if self._empty > MOST_EMPTY_PAGES:
            raise self._wire.misfit(self._place(), f"promises more, but {self._empty} pages in a row were empty")

    def _place(self) -> str:
        paging = self._wire.listing.paging
        return paging.next_token.expression if paging.next_token else f"the header {paging.next_token_header}"
