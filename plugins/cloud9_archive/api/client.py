"""The Call Data API as the archive uses it: list calls, fetch recordings, probe access."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from cloud9_archive.api.archives import Absent
from cloud9_archive.api.attempts import Attempts
from cloud9_archive.api.exchange import Exchanger
from cloud9_archive.api.follow import MediaFollower
from cloud9_archive.api.limits import Limiter, MinuteLimiter
from cloud9_archive.api.paging import PageTrail
from cloud9_archive.api.receiving import receive_recording
from cloud9_archive.api.rows import Listed, UnknownWord, pending_reason, read_listing
from cloud9_archive.api.server_clock import clock_skew
from cloud9_archive.api.session import open_session
from cloud9_archive.api.signature import Cloud9Auth, utc_now
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.wire import listing_body, listing_windows, load_wire_format, recording_body
from cloud9_archive.api.wire_model import WireFormat
from cloud9_archive.domain.call import Call
from cloud9_archive.domain.run import WantedRecording
from cloud9_archive.domain.window import Window
from cloud9_archive.domain.words import shown
from cloud9_archive.errors import WireFormatError

log = logging.getLogger(__name__)

MOST_LISTING_BYTES = 64 * 1024**2
MOST_PENDING_BYTES = 64 * 1024
PROBED_SPAN = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class CallPage:
    """
    One page of a listing.

    :param number: counts from 1 over the whole of :meth:`Cloud9Client.list_calls`
    :param window: the span that was asked for, in whole seconds
    :param calls: every row that was given, repeated ones included
    :param body: the answer's bytes as they came
    :param unknown_words: words that the wire format does not translate
    """

    number: int
    window: Window
    calls: tuple[Call, ...]
    body: bytes
    unknown_words: tuple[UnknownWord, ...] = ()


@dataclass(frozen=True, slots=True)
class FetchedRecording:
    """
    A recording whose bytes are on disk.

    :param path: where they are
    :param size: bytes; 0 when the server said that the recording is empty
    :param sha256: hexadecimal digest
    :param content_type: what the server calls its answer, without parameters; not to be trusted
    :param received_sha256: hexadecimal digest of the ZIP or JSON that they were taken out of, if they were
    """

    recording_id: str
    path: Path
    size: int
    sha256: str
    content_type: str | None
    received_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class PendingRecording:
    """A recording that the source does not have yet; ``reason`` is the status, and the server's word if it gave one."""

    recording_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class AccessReport:
    """
    What a signed request for nearly nothing showed.

    :param calls: how many calls began in the second that was asked for
    :param skew: seconds that the server's clock is ahead of ours; none when it did not say
    """

    calls: int
    skew: float | None


@dataclass(frozen=True, slots=True)
class _ListedPage:
    body: bytes
    listed: Listed
    skew: float | None


class Cloud9Client:
    """
    Reads one import source; a context manager that keeps its connections open in between.

    Requests wait for their turn under the limits of the wire format, and are tried again after transient errors.

    :param source: where, who, how patiently
    :param wire: the wire format; by default the one that the source names
    :param clock: the present moment, aware
    :param sleep: waits for so many seconds
    :param monotonic: seconds that never go back
    :param limiter: gives turns; by default one of this client's own
    :raises ConnectionFieldError: if the source's CA file or wire format cannot be used
    """

    def __init__(
        self,
        source: SourceSettings,
        *,
        wire: WireFormat | None = None,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        limiter: Limiter | None = None,
    ) -> None:
        self.source = source
        self.wire = wire or load_wire_format(source)
        self._sleep = sleep
        self._told: set[tuple[str, str]] = set()
        self._follower = MediaFollower(source)
        limits = {endpoint.path: endpoint.per_minute for endpoint in (self.wire.listing, self.wire.recording)}
        self._exchanger = Exchanger(
            source,
            session=open_session(source, auth=Cloud9Auth(source.api_key, source.api_secret, clock=clock)),
            limiter=limiter or MinuteLimiter(limits, monotonic=monotonic, sleep=sleep),
            content_type=self.wire.content_type,
            clock=clock,
            monotonic=monotonic,
        )

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Connections are closed."""
        self.close()

    def close(self) -> None:
        """Connections are closed."""
        self._exchanger.session.close()
        self._follower.close()

    def list_calls(self, window: Window) -> Iterator[CallPage]:
        """
        Every page of calls that the source lists for the window, oldest span first.

        Bounds are widened to whole seconds, so rows from just outside may be among them. What is given is kept:
        telling repeated rows apart is the catalog's business.

        :raises WireFormatError: if an answer does not fit, or paging does not get on
        """
        number = 0
        for part in listing_windows(self.wire, window):
            trail = PageTrail(self.wire)
            token: str | None = self.wire.listing.paging.first_token
            while token is not None:
                page = self._attempts().until_done(partial(self._list_page, part, token))
                listed = page.listed
                number += 1
                self._tell_unknown_words(listed)
                yield CallPage(number, part, listed.calls, page.body, listed.unknown_words)
                trail.follow(token, listed)
                token = listed.next_token

    def fetch_recording(self, recording_id: str, into: Path) -> FetchedRecording | PendingRecording:
        """
        The recording's bytes in ``into``, complete and durable; or why they are not to be had yet.

        :param recording_id: as a call names it
        :param into: file to make, in an existing folder; what stands there is replaced
        :raises RecordError: if it is larger than the source allows, or cannot be taken out of what came
        :raises WireFormatError: if the answer is a page, or JSON in which no recording is found
        :raises MediaHostError: if the answer gives an address that may not be followed
        """
        return self._attempts().until_done(partial(self._fetch_once, recording_id, into))

    def probe_access(self, now: datetime) -> AccessReport:
        """
        What one signed listing of a single second shows; tried once, so that a test button answers soon.

        :param now: end of the second that is asked for, aware
        :raises Cloud9ArchiveError: as the listing does
        """
        window = listing_windows(self.wire, Window(now - PROBED_SPAN, now))[0]
        page = self._list_page(window, self.wire.listing.paging.first_token, self._attempts())
        return AccessReport(len(page.listed.calls), page.skew)

    def _attempts(self) -> Attempts:
        return Attempts(sleep=self._sleep)

    def _list_page(self, window: Window, token: str, attempts: Attempts) -> _ListedPage:
        request = listing_body(self.wire, window, token=token, region=self.source.region)
        with self._exchanger.exchange(self.wire.listing, request) as exchange:
            exchange.expect_ok(attempts)
            body = exchange.whole(most=MOST_LISTING_BYTES, too_large=self._answer_too_large)
            headers = exchange.answer.headers
            skew = clock_skew(headers, now=exchange.received_at)
            return _ListedPage(body, read_listing(self.wire, body, headers, source=self.source.conn_id), skew)

    def _fetch_once(self, recording_id: str, into: Path, attempts: Attempts) -> FetchedRecording | PendingRecording:
        wanted, pending = WantedRecording(recording_id), self.wire.recording.pending
        request = recording_body(self.wire, recording_id)
        with self._exchanger.exchange(self.wire.recording, request) as exchange:
            if exchange.status in pending.statuses:
                body = exchange.whole(most=MOST_PENDING_BYTES, too_large=self._answer_too_large)
                reason = f"{exchange.status} {pending_reason(self.wire, body) or ''}".rstrip()
                return PendingRecording(recording_id, reason)
            exchange.expect_ok(attempts)
            received = receive_recording(
                exchange, wanted, into, wire=self.wire, source=self.source, follow=self._follower.follow
            )
        if isinstance(received, Absent):
            # A wrong place in the wire format looks like this too, so what was there instead is worth a line.
            log.info("answer without the recording recording=%s reason=%r", shown(recording_id), received.reason)
            return PendingRecording(recording_id, received.reason)
        return FetchedRecording(
            recording_id, into, received.size, received.sha256, exchange.content_type, received.received_sha256
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
