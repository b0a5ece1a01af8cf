"""The Call Data API as the archive uses it: list calls, fetch recordings."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from cloud9_archive.api.archives import Absent
from cloud9_archive.api.attempts import Attempts
from cloud9_archive.api.exchange import Exchanger
from cloud9_archive.api.follow import MediaFollower
from cloud9_archive.api.limits import Limiter, OwnLedgers
from cloud9_archive.api.listing import CallLister, CallPage
from cloud9_archive.api.outcomes import expect_given
from cloud9_archive.api.receiving import receive_recording
from cloud9_archive.api.rows import pending_reason
from cloud9_archive.api.session import open_session
from cloud9_archive.api.signature import Cloud9Auth, utc_now
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.wire import load_wire_format
from cloud9_archive.api.wire_model import WireFormat
from cloud9_archive.api.wire_request import WireRequest, recording_requests
from cloud9_archive.domain.run import WantedRecording
from cloud9_archive.domain.window import Window
from cloud9_archive.domain.words import shown
from cloud9_archive.errors import WireFormatError

log = logging.getLogger(__name__)

MOST_PENDING_BYTES = 64 * 1024


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


class Cloud9Client:
    """
    Reads one import source; a context manager that keeps its connections open in between.

    Requests wait for their turn under the limits of the wire format, and are tried again after transient errors.

    :param source: where, who, how patiently
    :param wire: the wire format; by default the one that the source names
    :param clock: the present moment, aware
    :param sleep: waits for so many seconds
    :param monotonic: seconds that never go back
    :param limiter: gives turns; by default this client keeps to the limits on its own
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
        self._follower = MediaFollower(source)
        self._exchanger = Exchanger(
            source,
            session=open_session(source, auth=Cloud9Auth(source.api_key, source.api_secret, clock=clock)),
            limiter=limiter or Limiter(OwnLedgers(monotonic), monotonic=monotonic, sleep=sleep),
            content_type=self.wire.content_type,
            clock=clock,
            monotonic=monotonic,
        )
        self._lister = CallLister(self._exchanger, self.wire, self._attempts)

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Connections are closed."""
        self.close()

    @property
    def key_expires(self) -> date | None:
        """The day on which the API key expires, when the connection says it."""
        return self.source.key_expires

    def close(self) -> None:
        """Connections are closed."""
        self._exchanger.session.close()
        self._follower.close()

    def list_calls(self, window: Window) -> Iterator[CallPage]:
        """
        Every page of calls that the source lists for the window, oldest span first.

        Bounds are widened to whole seconds, so rows from just outside may be among them. What is given is kept:
        telling repeated rows apart is the catalog's business. Recordings that have a listing of their own come as
        pages without calls, before the page of the calls that they belong to.

        :raises WireFormatError: if an answer does not fit, or paging does not get on
        :raises TransientError: if rows keep moving from page to page
        """
        return self._lister.pages(window)

    def fetch_recording(self, wanted: WantedRecording, into: Path) -> FetchedRecording | PendingRecording:
        """
        The recording's bytes in ``into``, complete and durable; or why they are not to be had yet.

        A format that asks by call asks for each of the recording's calls in turn, until one has the audio.

        :param wanted: all that is known to ask by
        :param into: file to make, in an existing folder; what stands there is replaced
        :raises RecordingRefusedError: if the source refuses this one for good
        :raises RecordError: if it is larger than the source allows, cannot be taken out of what came, or the format asks by
            something it does not have
        :raises WireFormatError: if the answer is a page, or JSON in which no recording is found
        :raises MediaHostError: if the answer gives an address that may not be followed
        """
        answer: FetchedRecording | PendingRecording | None = None
        for request in recording_requests(self.wire, wanted, region=self.source.region):
            answer = self._attempts().until_done(partial(self._fetch_once, wanted, request, into))
            if isinstance(answer, FetchedRecording):
                break
        return answer or PendingRecording(wanted.recording_id, "not asked for")

    def _attempts(self) -> Attempts:
        return Attempts(sleep=self._sleep)

    def _fetch_once(
        self, wanted: WantedRecording, request: WireRequest, into: Path, attempts: Attempts
    ) -> FetchedRecording | PendingRecording:
        pending, recording_id = self.wire.recording.pending, wanted.recording_id
        with self._exchanger.exchange(self.wire.recording, request) as exchange:
            if exchange.status in pending.statuses:
                body = exchange.whole(most=MOST_PENDING_BYTES, too_large=self._answer_too_large)
                reason = f"{exchange.status} {pending_reason(self.wire, body) or ''}".rstrip()
                return PendingRecording(recording_id, reason)
            expect_given(exchange.status, wanted, asked=exchange.asked)
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
