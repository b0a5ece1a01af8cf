"""What one signed request shows about a source, step by step, with the next action for the step that failed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cloud9_archive.api.attempts import Attempts
from cloud9_archive.api.client import PROBED_SPAN
from cloud9_archive.api.exchange import Exchange, Exchanger
from cloud9_archive.api.limits import Limiter
from cloud9_archive.api.listing import MOST_LISTING_BYTES
from cloud9_archive.api.moments import listing_windows
from cloud9_archive.api.outcomes import NOTICEABLE_SKEW
from cloud9_archive.api.rows import read_listing
from cloud9_archive.api.server_clock import clock_skew
from cloud9_archive.api.session import open_session
from cloud9_archive.api.signature import Cloud9Auth, utc_now
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.tls import trust_context
from cloud9_archive.api.trust import read_trust
from cloud9_archive.api.wire import load_wire_format
from cloud9_archive.api.wire_model import WireFormat
from cloud9_archive.api.wire_request import Asked, first_step, listing_request
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import (
    AddressNotAllowedError,
    Cloud9ArchiveError,
    CredentialsError,
    TlsError,
    UnreachableError,
)

_OK = 200


class Step(StrEnum):
    """What is checked, in this order."""

    CONNECTION = "connection"
    TRUST = "trust"
    WIRE_FORMAT = "wire format"
    REACHABILITY = "reachability"
    TLS = "TLS"
    CLOCK = "clock"
    CREDENTIALS = "credentials"
    ADDRESS_LIST = "address list"
    ANSWER = "answer"


class Verdict(StrEnum):
    """What is known of a step; ``unknown`` when an earlier fault hides it."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Checked:
    """
    One step of a diagnosis.

    :param found: what was found, as words
    :param hint: what to do, when there is something to do
    """

    step: Step
    verdict: Verdict
    found: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """
    Every step, in order, and the error that stopped it.

    :param error: None when the source can be used
    """

    steps: tuple[Checked, ...]
    error: Cloud9ArchiveError | None = None


def connection_fault(error: Cloud9ArchiveError) -> Diagnosis:
    """The diagnosis of a connection that cannot even be read."""
    return _told({}, failed=Step.CONNECTION, error=error)


def diagnose(source: SourceSettings, *, clock: Callable[[], datetime] = utc_now) -> Diagnosis:
    """
    What is known of every step after one signed listing of a single second, which is tried once.

    :param clock: the present moment, aware
    """
    known = {Step.CONNECTION: f"{source.base_url}, every field can be used"}
    at = Step.TRUST
    try:
        trust_context(source)
        known[at] = read_trust(source).words
        at = Step.WIRE_FORMAT
        wire = load_wire_format(source)
        known[at] = str(wire.origin)
    except Cloud9ArchiveError as error:
        return _told(known, failed=at, error=error)
    return _asked(source, wire, known, clock)


def _asked(
    source: SourceSettings, wire: WireFormat, known: dict[Step, str], clock: Callable[[], datetime]
) -> Diagnosis:
    window = listing_windows(wire, Window(clock() - PROBED_SPAN, clock()))[0]
    request = listing_request(wire, Asked(window), first_step(wire.listing.paging), region=source.region)
    with open_session(source, auth=Cloud9Auth(source.api_key, source.api_secret, clock=clock)) as session:
        exchanger = Exchanger(
            source,
            session=session,
            limiter=Limiter(),
            content_type=wire.content_type,
            clock=clock,
            monotonic=time.monotonic,
        )
        skew: float | None = None
        try:
            with exchanger.exchange(wire.listing, request) as exchange:
                skew = clock_skew(exchange.answer.headers, now=exchange.received_at)
                _note_answered(source, known, skew)
                known[Step.ANSWER] = _read(exchange, source, wire, known)
        except Cloud9ArchiveError as error:
            return _refused(source, known, error, skew)
    return _told(known, skew=skew)


def _note_answered(source: SourceSettings, known: dict[Step, str], skew: float | None) -> None:
    known[Step.REACHABILITY] = f"{source.authority} answers"
    known[Step.TLS] = f"the certificate is accepted for {source.host}"
    known[Step.CLOCK] = "the server does not tell the time" if skew is None else f"{abs(skew):.0f} s apart"


def _read(exchange: Exchange, source: SourceSettings, wire: WireFormat, known: dict[Step, str]) -> str:
    exchange.expect_ok(Attempts())
    known[Step.CREDENTIALS] = "the key and its signature are accepted"
    known[Step.ADDRESS_LIST] = "this host's public address is accepted"
    body = exchange.whole(
        most=MOST_LISTING_BYTES,
        too_large=lambda size: wire.misfit("the body", f"is of {size} bytes or more, too many for one second of calls"),
    )
    listed = read_listing(wire, body, exchange.answer.headers, source=source.conn_id)
    return f"fits the wire format; {len(listed.calls)} calls began in the second that was asked for"


def _refused(
    source: SourceSettings, known: dict[Step, str], error: Cloud9ArchiveError, skew: float | None
) -> Diagnosis:
    """The step that the error speaks of has failed; what came before it is known to be well."""
    if Step.REACHABILITY in known and isinstance(error, CredentialsError):
        off = skew is not None and abs(skew) >= NOTICEABLE_SKEW
        return _told(known, failed=Step.CLOCK if off else Step.CREDENTIALS, error=error)
    if isinstance(error, AddressNotAllowedError):
        return _told(known, failed=Step.ADDRESS_LIST, error=error, skew=skew)
    if isinstance(error, TlsError):
        known[Step.REACHABILITY] = f"{source.authority} answers"
        return _told(known, failed=Step.TLS, error=error)
    if isinstance(error, UnreachableError) and Step.REACHABILITY not in known:
        return _told(known, failed=Step.REACHABILITY, error=error)
    return _told(known, failed=Step.ANSWER, error=error, skew=skew)


def _told(
    known: dict[Step, str],
    *,
    failed: Step | None = None,
    error: Cloud9ArchiveError | None = None,
    skew: float | None = None,
) -> Diagnosis:
    steps = []
    for step in Step:
        if step is failed and error is not None:
            steps.append(Checked(step, Verdict.FAILED, error.message, error.hint))
        elif step is Step.CLOCK and skew is not None and abs(skew) >= NOTICEABLE_SKEW:
            steps.append(Checked(step, Verdict.WARNING, known[step], "set this host's clock by a time server"))
        elif step in known:
            steps.append(Checked(step, Verdict.OK, known[step]))
        else:
            steps.append(Checked(step, Verdict.UNKNOWN, "not known, because of what failed"))
    return Diagnosis(tuple(steps), error)
