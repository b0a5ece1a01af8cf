"""One table from what came back to what it means: error class, family, hint."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from datetime import datetime

import requests
import urllib3.exceptions

from cloud9_archive.api.media_outcomes import MEDIA_OUTCOMES
from cloud9_archive.api.outcome import Outcome
from cloud9_archive.api.server_clock import clock_skew, retry_after
from cloud9_archive.errors import (
    AddressNotAllowedError,
    Cloud9ArchiveError,
    ConfigurationError,
    ConnectionFieldError,
    CredentialsError,
    IncompleteBodyError,
    RateLimitedError,
    ServerFaultError,
    TlsError,
    TransientError,
    UnreachableError,
    WireFormatError,
)

NOTICEABLE_SKEW = 60.0


_OUTCOMES: dict[str, Outcome] = {
    "401": Outcome(
        "401",
        CredentialsError,
        "the key, its secret or the time in the signature was not accepted",
        "check in the portal that the key has not expired; that Login holds the API key and Password the secret, not "
        "swapped and without blanks around them; and that this host's clock is right",
    ),
    "403": Outcome(
        "403",
        AddressNotAllowedError,
        "this worker's public IP address is not on the key's allow-list, or the scope of the key lacks this endpoint",
        "add the egress address of every worker that talks to Cloud9 to the key, or run this task on a queue whose "
        "workers are on the list; the key needs the scopes metadata and recordings",
    ),
    "404": Outcome(
        "404 to a listing",
        WireFormatError,
        "there is no such endpoint on this host",
        "check the connection's host, and the path in the wire format file",
    ),
    "awaiting": Outcome(
        "404 or 204 to a recording",
        None,
        "the desktop has not uploaded the audio yet",
        "nothing: it is asked for again until the policy's media.deadline",
    ),
    "408": Outcome("408", UnreachableError, "the server gave up waiting for the request", "nothing: it is tried again"),
    "429": Outcome(
        "429",
        RateLimitedError,
        "the key's requests per minute are used up",
        "nothing: it is tried again after Retry-After; if it stays, let fewer tasks share the key",
    ),
    "3xx": Outcome(
        "3xx",
        ConnectionFieldError,
        "the host answered with a redirect, which is never followed",
        "check the connection's host: it is not the Call Data API, or something stands in between",
    ),
    "4xx": Outcome(
        "any other 4xx",
        WireFormatError,
        "the server does not understand the request",
        "compare the request section of the wire format file with Cloud9's documentation",
    ),
    "5xx": Outcome("5xx", ServerFaultError, "the server failed", "nothing: it is tried again; ask Cloud9 if it stays"),
    "other": Outcome(
        "any other status",
        WireFormatError,
        "an answer that the wire format does not foresee",
        "if it means that audio is not uploaded yet, add it to recording.pending.statuses in the wire format file",
    ),
    "name": Outcome(
        "the name is not found",
        UnreachableError,
        "the host name cannot be looked up from this worker",
        "check the connection's host, and DNS on this worker",
    ),
    "timeout": Outcome(
        "timeout",
        UnreachableError,
        "no connection, or no further bytes, in the time that the connection allows",
        "check the firewall between this worker and the host; the timeouts are fields of the connection",
    ),
    "unreachable": Outcome(
        "refused or reset",
        UnreachableError,
        "the connection could not be made, or was cut",
        "check host and port of the connection, and the firewall between this worker and the host",
    ),
    "short": Outcome(
        "fewer or more bytes than announced",
        IncompleteBodyError,
        "the answer broke off, or its length was wrong or not announced",
        "nothing: it is tried again, and nothing of it is kept",
    ),
    "certificate": Outcome(
        "certificate not accepted",
        TlsError,
        "the server's certificate is not signed by a trusted authority, has expired, or is for another name",
        "if your network inspects TLS or the host is private, set the connection's CA file; else check its host and "
        "the ca-certificates of this worker",
    ),
    "tls": Outcome(
        "TLS not agreed",
        TlsError,
        "the server does not speak TLS 1.2 or newer on this port",
        "check host and port of the connection",
    ),
    "request": Outcome(
        "not sent",
        ConnectionFieldError,
        "the request could not be formed",
        "check host, API key and wire format of the connection",
    ),
}


def status_error(status: int, headers: Mapping[str, str], *, asked: str, now: datetime) -> Cloud9ArchiveError:
    """
    The error that an answer's status stands for.

    :param headers: the answer's headers, by case-insensitive name
    :param asked: method and path of the request
    :param now: when the answer came, aware; tells how far the clocks are apart
    """
    outcome = _OUTCOMES.get(str(status)) or _OUTCOMES[_family_of(status)]
    found = f"{asked} was answered {status}: {outcome.meaning}"
    hint = outcome.hint
    if status == requests.codes.unauthorized:
        hint = f"{_clock_advice(clock_skew(headers, now=now))}{hint}"
    delay = retry_after(headers, now=now)
    if delay is not None:
        found = f"{found}; the server asks to wait {delay:.0f} s"
    return (outcome.error or WireFormatError)(found, subject=asked, hint=hint)


def transport_error(error: Exception, *, asked: str) -> Cloud9ArchiveError:
    """
    The error that a failure of requests or urllib3 stands for.

    :param asked: method and path of the request
    """
    outcome = _OUTCOMES[_kind_of(error)]
    detail = _certificate_detail(error)
    found = f"{asked}: {outcome.meaning}{detail}"
    return (outcome.error or UnreachableError)(found, subject=asked, hint=outcome.hint)


def incomplete_body(found: str, *, asked: str) -> IncompleteBodyError:
    """The error for an answer of which not all bytes came; ``found`` says what was missing."""
    return IncompleteBodyError(f"{asked}: {found}", subject=asked, hint=_OUTCOMES["short"].hint)


def outcomes_table() -> str:
    """The table in Markdown, for ``docs/connection.md``."""
    head = "| Seen | Code | Family | Meaning | What to do |\n|---|---|---|---|---|\n"
    return head + "".join(
        f"| {o.seen} | {f'`{o.error.code}`' if o.error else '–'} | {_family_name(o.error)} | {o.meaning} | {o.hint} |\n"
        for o in (*_OUTCOMES.values(), *MEDIA_OUTCOMES.values())
    )


def _family_name(error: type[Cloud9ArchiveError] | None) -> str:
    if error is None:
        return "awaiting media"
    if issubclass(error, TransientError):
        return "transient: tried again"
    return "configuration: a person acts first" if issubclass(error, ConfigurationError) else "record: quarantined"


def _family_of(status: int) -> str:
    family = f"{status // 100}xx"
    return family if family in _OUTCOMES else "other"


def _clock_advice(skew: float | None) -> str:
    if skew is None or abs(skew) < NOTICEABLE_SKEW:
        return ""
    where = "behind" if skew > 0 else "ahead of"
    return f"this host's clock is {abs(skew):.0f} s {where} the server's: set it first; then "


def _kind_of(error: BaseException) -> str:
    causes = list(_causes(error))
    kinds: tuple[tuple[str, tuple[type[BaseException], ...]], ...] = (
        ("certificate", (ssl.SSLCertVerificationError, ssl.CertificateError)),
        # A connection that is cut within the handshake looks like a TLS fault, but is none.
        ("unreachable", (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError, BrokenPipeError)),
        ("name", (urllib3.exceptions.NameResolutionError,)),
        # urllib3 derives this one from its timeout, though nothing timed out.
        ("unreachable", (urllib3.exceptions.NewConnectionError,)),
        ("timeout", (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)),
        ("tls", (ssl.SSLError, requests.exceptions.SSLError, urllib3.exceptions.SSLError)),
        (
            "short",
            (http.client.IncompleteRead, urllib3.exceptions.IncompleteRead, requests.exceptions.ChunkedEncodingError),
        ),
        ("unreachable", (requests.ConnectionError, urllib3.exceptions.HTTPError)),
    )
    for kind, classes in kinds:
        if any(isinstance(cause, classes) for cause in causes):
            return kind
    return "request"


def _certificate_detail(error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f" ({cause.verify_message})"
    return ""


def _causes(error: BaseException) -> list[BaseException]:
    """The error and everything wrapped in it: requests and urllib3 put reasons into arguments and attributes."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and not any(one is known for known in found):
            found.append(one)
            waiting += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
    return found
