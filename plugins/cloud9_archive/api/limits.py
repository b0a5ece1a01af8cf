"""Requests per minute: whoever shares a key waits for a turn instead of being refused."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol, Self, TypeVar

from cloud9_archive.api.ledger import Allowance, Ledger, Why
from cloud9_archive.errors import NoTurnError

log = logging.getLogger(__name__)

LONGEST_WAIT = 300.0
"""Seconds; a turn that is further away is not booked."""

PAUSE_WHEN_LIMITED = 20.0
"""Seconds; when a 429 does not say for how long. The limits are per minute, so a few of these outlast one."""

LONGEST_PAUSE = 600.0
"""Seconds; a limit per minute cannot mean more, whatever a 429 asks for. Then one request finds out."""

# After a longer wait it is asked whether the turn still stands: a pause may have come, or this host may have slept.
_UNQUESTIONED_WAIT = 1.0
# Milliseconds that a turn may be taken late; and seconds that a request may be under way, of the period's margin.
_MOST_LATE = 750
_MOST_UNDER_WAY = 0.75
_TOLD_FROM = 5.0
_TOLD_EVERY = 60.0

T = TypeVar("T")


class Ledgers(Protocol):
    """Keeps ledgers as text, by name; what shares a key shares one of these."""

    def change(self, name: str, change: Callable[[str, int], tuple[str, T]]) -> T:
        """
        The ledger is as ``change`` makes it, and nobody else changed it meanwhile.

        :param change: takes the ledger's text, empty when there is none, and the present moment in milliseconds of the
            clock that belongs to these ledgers; gives the new text and a result. What it raises leaves all as it was
        :return: the result
        """


class OwnLedgers:
    """
    Ledgers that only this program shares.

    :param monotonic: seconds that never go back
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._texts: dict[str, str] = {}
        self._monotonic = monotonic
        self._lock = Lock()

    def change(self, name: str, change: Callable[[str, int], tuple[str, T]]) -> T:
        """As :meth:`Ledgers.change`."""
        with self._lock:
            text, result = change(self._texts.get(name, ""), int(self._monotonic() * 1000))
            self._texts[name] = text
            return result


@dataclass(frozen=True, slots=True)
class Bucket:
    """
    Requests that fall under one limit: those of one key to one endpoint.

    :param name: of the ledger
    :param endpoint: path of the endpoint, for messages
    :param per_minute: requests per minute
    """

    name: str
    endpoint: str
    per_minute: int

    @classmethod
    def of(cls, api_key: str, endpoint: str, per_minute: int) -> Self:
        """
        The bucket of a key and an endpoint; its name tells the key to nobody.

        :param endpoint: path of the endpoint
        :param per_minute: requests per minute
        """
        digest = hashlib.sha256(f"cloud9_archive rate budget\n{api_key}".encode()).hexdigest()
        return cls(f"{digest[:32]} {endpoint}", endpoint, per_minute)


@dataclass(frozen=True, slots=True)
class Turn:
    """
    Leave to send one request.

    :param at: when, in milliseconds of the ledgers' clock
    :param due: the same in monotonic seconds of this program
    :param waited: seconds that were waited for it
    """

    bucket: Bucket
    at: int
    due: float
    waited: float = 0.0


@dataclass(frozen=True, slots=True)
class _Booking:
    at: int
    due: float
    wait: float
    why: Why


@dataclass(frozen=True, slots=True)
class Limiter:
    """
    Gives out turns, safe to be called from several threads; limiters over the same ledgers share every limit.

    pyrate-limiter was looked at for this: its SQL buckets make tables and connections of their own and let waiting tasks
    try again and again, each against all others, where here a turn is booked once, ahead; and they know neither a pause
    for all nor a share.

    :param ledgers: where turns are booked
    :param share: at most this part of each limit goes to all limiters with a share together; none for the whole limit
    :param monotonic: seconds that never go back
    :param sleep: waits for so many seconds
    :param pauses: seconds of each pause that a server asked this one for: as many as it had answers 429
    """

    ledgers: Ledgers = field(default_factory=OwnLedgers)
    share: float | None = None
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    pauses: list[float] = field(default_factory=list, compare=False)

    def wait_turn(self, bucket: Bucket) -> Turn:
        """
        Return when a request may be sent.

        :raises NoTurnError: if the next turn is further away than a task should wait
        """
        waited = 0.0
        booking = self._book(bucket)
        while booking.wait > 0:
            self._wait(bucket, booking)
            waited += booking.wait
            if booking.wait < _UNQUESTIONED_WAIT:
                break
            booking = self._book(bucket, held=booking)
        return Turn(bucket, booking.at, booking.due, waited)

    def note_answer(self, turn: Turn) -> None:
        """
        The turn counts from when its request has arrived at the latest.

        To be called when the answer's head has come, or none will. A request that was under way for longer than the
        period's margin may have arrived later than booked; the limit is kept where the server counts.
        """
        under_way = self.monotonic() - turn.due
        if under_way <= _MOST_UNDER_WAY:
            return

        def move(text: str, now: int) -> tuple[str, None]:
            ledger, allowance = Ledger.from_text(text).as_of(now), self._allowance(turn.bucket)
            return ledger.without_turn(turn.at, allowance).with_turn(now, allowance).text(), None

        self.ledgers.change(turn.bucket.name, move)

    def pause(self, bucket: Bucket, seconds: float | None) -> None:
        """
        No one sends for so long: those who wait for a turn already get a later one.

        :param seconds: as the server asks; none when it did not say
        """
        asked = PAUSE_WHEN_LIMITED if seconds is None else seconds
        pause = min(asked, LONGEST_PAUSE)
        self.pauses.append(pause)
        if pause < asked:
            log.warning(
                "source asks for a longer pause than a limit per minute can need endpoint=%s asked=%.0fs pause=%.0fs",
                bucket.endpoint,
                asked,
                pause,
            )

        def put_off(text: str, now: int) -> tuple[str, None]:
            return Ledger.from_text(text).as_of(now).paused(now + round(pause * 1000)).text(), None

        self.ledgers.change(bucket.name, put_off)

    def _book(self, bucket: Bucket, *, held: _Booking | None = None) -> _Booking:
        """The turn that is held, if it still stands; else the next one."""
        allowance = self._allowance(bucket)

        def book(text: str, now: int) -> tuple[str, _Booking]:
            read = self.monotonic()
            ledger = Ledger.from_text(text).as_of(now)
            if held is not None:
                if now - held.at <= _MOST_LATE and ledger.paused_until <= held.at:
                    return text, _Booking(held.at, held.due, 0.0, Why.FREE)
                ledger = ledger.without_turn(held.at, allowance)
            at, why = ledger.next_turn(allowance)
            wait = (at - now) / 1000
            if wait > LONGEST_WAIT:
                raise NoTurnError(
                    f"the next request to {bucket.endpoint} may be sent in {wait:.0f} s: {why}",
                    subject=bucket.endpoint,
                    hint="nothing: the task tries again; if it stays, let fewer tasks share the key",
                )
            return ledger.with_turn(at, allowance).text(), _Booking(at, read + wait, wait, why)

        return self.ledgers.change(bucket.name, book)

    def _allowance(self, bucket: Bucket) -> Allowance:
        share = None if self.share is None else max(1, int(bucket.per_minute * self.share))
        return Allowance(bucket.per_minute, share)

    def _wait(self, bucket: Bucket, booking: _Booking) -> None:
        """The booked turn has come; a long wait is told once in a while, so that the task does not look dead."""
        left = booking.wait
        while left > 0:
            if booking.wait >= _TOLD_FROM:
                log.info(
                    "waiting for a turn endpoint=%s wait=%.0fs because=%r", bucket.endpoint, left, str(booking.why)
                )
            part = min(left, _TOLD_EVERY)
            self.sleep(part)
            left -= part
