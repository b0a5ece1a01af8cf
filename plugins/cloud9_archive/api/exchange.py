"""One request and its answer: sent in its turn, read within its deadline, complete or an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import requests
import urllib3.exceptions

from cloud9_archive.api.attempts import Attempts
from cloud9_archive.api.limits import Bucket, Limiter
from cloud9_archive.api.outcomes import status_error, transport_error
from cloud9_archive.api.server_clock import retry_after
from cloud9_archive.api.session import StrictSession
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.transfer import Arriving, Deadline, TooLarge, arriving_body
from cloud9_archive.api.wire_request import WireRequest
from cloud9_archive.api.wire_requests import Endpoint


@dataclass(frozen=True, slots=True)
class Exchange:
    """
    An answer whose head has come.

    :param asked: method and path of the request, for messages
    :param deadline: for the body
    :param received_at: when the head came, aware
    """

    answer: requests.Response
    asked: str
    deadline: Deadline
    received_at: datetime

    @property
    def status(self) -> int:
        """The answer's status."""
        return self.answer.status_code

    @property
    def content_type(self) -> str | None:
        """What the server calls the body, lower case, without parameters."""
        return self.answer.headers.get("Content-Type", "").partition(";")[0].strip().lower() or None

    def expect_ok(self, attempts: Attempts) -> None:
        """
        The status is 200.

        :param attempts: told how long the server asks to wait
        :raises Cloud9ArchiveError: the one that stands for the status
        """
        if self.status != requests.codes.ok:
            headers = self.answer.headers
            if self.status != requests.codes.too_many_requests:  # then the limiter makes everybody wait
                attempts.asked_to_wait = retry_after(headers, now=self.received_at)
            raise status_error(self.status, headers, asked=self.asked, now=self.received_at)

    def whole(self, *, most: int, too_large: TooLarge) -> bytes:
        """The body, of at most ``most`` bytes."""
        return b"".join(self.arriving().chunks(most=most, too_large=too_large))

    def arriving(self) -> Arriving:
        """The body, while it comes."""
        return arriving_body(self.answer, asked=self.asked, deadline=self.deadline)


@dataclass(frozen=True, slots=True)
class Exchanger:
    """
    Makes exchanges with one source.

    :param session: signs and sends
    :param limiter: gives turns to send, to all that share the key
    :param content_type: of every request body
    :param clock: the present moment, aware
    :param monotonic: seconds that never go back
    """

    source: SourceSettings
    session: StrictSession
    limiter: Limiter
    content_type: str
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]

    @contextmanager
    def exchange(self, endpoint: Endpoint, request: WireRequest) -> Iterator[Exchange]:
        """
        The exchange, open until the block ends; a 429 makes everybody who shares the key wait.

        :raises NoTurnError: if its turn is too far away
        :raises UnreachableError: if no answer came
        :raises TlsError: if the server was not trusted
        """
        bucket = Bucket.of(self.source.api_key, endpoint.path, endpoint.per_minute)
        turn = self.limiter.wait_turn(bucket)
        allowed = self.source.total_timeout
        deadline = Deadline(allowed, self.monotonic() + allowed, self.monotonic)
        asked = f"{endpoint.method} {endpoint.path}"
        try:
            answer = self.session.request(
                endpoint.method,
                self.source.base_url + request.target,
                data=request.body,
                headers={"Content-Type": self.content_type},
                stream=True,
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise transport_error(error, asked=asked) from error
        finally:
            self.limiter.note_answer(turn)
        with answer:
            received_at = self.clock()
            if answer.status_code == requests.codes.too_many_requests:
                self.limiter.pause(bucket, retry_after(answer.headers, now=received_at))
            yield Exchange(answer, asked, deadline, received_at)
