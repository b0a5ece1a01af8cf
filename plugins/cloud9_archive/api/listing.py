"""Listings from their first page to their last: calls, and the recordings that have a listing of their own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol, TypeVar

from cloud9_archive.api.attempts import Attempts
from cloud9_archive.api.exchange import Exchanger
from cloud9_archive.api.moments import listing_windows
from cloud9_archive.api.page_marks import PageMarks
from cloud9_archive.api.paging import PageTrail
from cloud9_archive.api.row_values import UnknownWord
from cloud9_archive.api.rows import (
    Listed,
    ListedRecording,
    ListedRecordings,
    read_listing,
    read_recordings,
)
from cloud9_archive.api.server_clock import clock_skew
from cloud9_archive.api.spread_calls import SpreadCalls
from cloud9_archive.api.wire_model import WireFormat
from cloud9_archive.api.wire_request import Asked, PageStep, around, listing_request, recordings_request
from cloud9_archive.api.wire_requests import Paging
from cloud9_archive.api.wire_rows import RecordingsListing
from cloud9_archive.domain.call import Call
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import TransientError, WireFormatError

log = logging.getLogger(__name__)

MOST_LISTING_BYTES = 64 * 1024**2
MOST_PASSES = 5


@dataclass(frozen=True, slots=True)
class CallPage:
    """
    One page of a listing.

    :param number: counts from 1 over the whole of :meth:`CallLister.pages`
    :param window: the span that was asked for, in whole seconds
    :param calls: every row that was given, repeated ones included; none on a page of recordings
    :param body: the answer's bytes as they came
    :param unknown_words: words that the wire format does not translate
    """

    number: int
    window: Window
    calls: tuple[Call, ...]
    body: bytes
    unknown_words: tuple[UnknownWord, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedPage:
    """
    An answer to a listing of calls, as bytes and as what they say.

    :param skew: seconds that the server's clock is ahead of ours; none when it did not say
    """

    body: bytes
    listed: Listed
    skew: float | None

    @property
    def marks(self) -> PageMarks:
        """What the page says of the listing."""
        return self.listed.marks


@dataclass(frozen=True, slots=True)
class _RecordingsPage:
    body: bytes
    listed: ListedRecordings

    @property
    def marks(self) -> PageMarks:
        return self.listed.marks


class _Marked(Protocol):
    @property
    def marks(self) -> PageMarks: ...


P = TypeVar("P", bound=_Marked)
Links = dict[str, dict[str, ListedRecording]]


@dataclass(frozen=True, slots=True)
class CallLister:
    """
    Lists calls of one source, whatever its wire format says of pages and of recordings.

    :param attempts: gives the attempts at one request
    """

    exchanger: Exchanger
    wire: WireFormat
    attempts: Callable[[], Attempts]
    _told: set[tuple[str, str]] = field(default_factory=set)

    def pages(self, window: Window) -> Iterator[CallPage]:
        """
        Every page of calls that the source lists for the window, oldest span first, and of recordings before theirs.

        :raises WireFormatError: if an answer does not fit, or paging does not get on
        :raises TransientError: if the listing keeps changing while it is read
        """
        links: Links = {}
        for number, page in enumerate(SpreadCalls().joined(self._pages(window, links)), start=1):
            self._refuse_ambiguous(page.calls)
            yield replace(page, number=number)

    def page(self, window: Window, step: PageStep, attempts: Attempts) -> ListedPage:
        """One page of calls."""
        listing, source = self.wire.listing, self.exchanger.source
        request = listing_request(self.wire, Asked(window), step, region=source.region)
        with self.exchanger.exchange(listing, request) as exchange:
            exchange.expect_ok(attempts)
            body = exchange.whole(most=MOST_LISTING_BYTES, too_large=self._answer_too_large)
            headers = exchange.answer.headers
            skew = clock_skew(headers, now=exchange.received_at)
        return ListedPage(body, read_listing(self.wire, body, headers, source=source.conn_id, asked=window), skew)

    def _pages(self, window: Window, links: Links) -> Iterator[CallPage]:
        own, seen = self.wire.recordings.listing, set[str]()
        for part in listing_windows(self.wire, window):
            if own is not None and not own.per_call:
                yield from self._recordings_of_window(own, part, links)
            for page in self._whole(self.wire.listing.paging, self.wire.listing.path, partial(self.page, part)):
                self._tell_unknown_words(page.listed)
                calls = page.listed.calls
                seen.update(call.call_id for call in calls)
                if own is not None and own.per_call:
                    for call_id in dict.fromkeys(call.call_id for call in calls):
                        yield from self._recordings_of_call(own, part, call_id, links)
                if own is not None:
                    calls = tuple(_joined(call, links.get(call.call_id, {})) for call in calls)
                yield CallPage(0, part, calls, page.body, page.listed.unknown_words)
        if strangers := links.keys() - seen:
            log.info("recordings belong to calls outside the window calls=%d window=%s", len(strangers), window)

    def _recordings_of_window(self, own: RecordingsListing, part: Window, links: Links) -> Iterator[CallPage]:
        """Pages of the recordings around a span, whose rows are noted under the calls that they name."""
        for span in listing_windows(self.wire, around(own, part), longest=own.longest_window):
            ask = partial(self._recordings_page, own, Asked(span))
            for page in self._whole(own.paging, own.path, ask):
                for one in page.listed.recordings:
                    for call_id, link in one.calls:
                        links.setdefault(call_id, {})[link.recording_id] = replace(one, link=link)
                yield CallPage(0, span, (), page.body)

    def _recordings_of_call(
        self, own: RecordingsListing, part: Window, call_id: str, links: Links
    ) -> Iterator[CallPage]:
        """Pages of the recordings of a call, unless they were asked for already."""
        if call_id in links:
            return
        links[call_id] = {}
        ask = partial(self._recordings_page, own, Asked(part, call_id))
        for page in self._whole(own.paging, own.path, ask):
            links[call_id].update({one.link.recording_id: one for one in page.listed.recordings})
            yield CallPage(0, part, (), page.body)

    def _recordings_page(
        self, own: RecordingsListing, asked: Asked, step: PageStep, attempts: Attempts
    ) -> _RecordingsPage:
        request = recordings_request(self.wire, own, asked, step, region=self.exchanger.source.region)
        with self.exchanger.exchange(own, request) as exchange:
            absent = exchange.status in own.absent
            if not absent:
                exchange.expect_ok(attempts)
            body = exchange.whole(most=MOST_LISTING_BYTES, too_large=self._answer_too_large)
            headers = exchange.answer.headers
        if absent:
            return _RecordingsPage(body, ListedRecordings((), PageMarks((), ())))
        return _RecordingsPage(body, read_recordings(self.wire, own, body, headers))

    def _whole(self, paging: Paging, path: str, ask: Callable[[PageStep, Attempts], P]) -> Iterator[P]:
        """
        Every page of one listing; where rows can move between pages, again until nothing has moved.

        A call that is taken away while pages are counted makes all later ones move up, and the first of the next page
        is passed over. Two passes in a row that name the same rows show that this did not happen.
        """
        before: set[str] | None = None
        for _ in range(MOST_PASSES):
            trail = PageTrail(self.wire, paging, base=self.exchanger.source.base_url + path)
            while trail.step is not None:
                page = self.attempts().until_done(partial(ask, trail.step))
                yield page
                trail.follow(page.marks)
            if not trail.may_have_shifted or trail.ids == before:
                trail.check_total()
                return
            before = trail.ids
        raise TransientError(
            f"{path}: rows kept moving from page to page while they were listed, {MOST_PASSES} times in a row",
            subject=path,
            hint="it is tried again; if it stays, ask for shorter windows with listing.longest_window",
        )

    def _refuse_ambiguous(self, calls: tuple[Call, ...]) -> None:
        """Where only the call is asked for, and names do not tell its recordings apart, it has one."""
        recording = self.wire.recording
        if not recording.by_call_alone or recording.only_named or recording.answer.items:
            return
        for call in calls:
            if len(call.recordings) > 1:
                raise self.wire.misfit(
                    "a call",
                    f"names {len(call.recordings)} recordings, but a recording is asked for by its call alone, and "
                    "recording.answer.only_named is false",
                    change="let recording.request name the recording_id or the filename too, or say in recording.answer how "
                    "to tell them apart: items, or only_named: true for ZIP archives",
                )

    def _answer_too_large(self, size: int) -> WireFormatError:
        return self.wire.misfit("the body", f"is of {size} bytes or more, too many for an answer of this kind")

    def _tell_unknown_words(self, listed: Listed) -> None:
        for unknown in listed.unknown_words:
            if (unknown.field, unknown.word) not in self._told:
                self._told.add((unknown.field, unknown.word))
                log.warning(
                    "wire format does not know a word field=%s word=%s calls=%d format=%s",
                    unknown.field,
                    unknown.word,
                    unknown.calls,
                    self.wire.origin,
                )


def _joined(call: Call, found: Mapping[str, ListedRecording]) -> Call:
    """The call with recordings from a listing of their own; both kinds of row are kept as they came."""
    recordings = sorted(found.values(), key=lambda one: one.link.recording_id)
    raw = {"call": call.raw, "recordings": [one.raw for one in recordings]}
    return replace(call, recordings=tuple(one.link for one in recordings), raw=raw)
