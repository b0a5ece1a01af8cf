"""One table from what came back to what it means: error class, family, hint."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import requests

from cloud9_archive.api.causes import kind_and_detail
from cloud9_archive.api.media_outcomes import MEDIA_OUTCOMES
from cloud9_archive.api.outcome import Outcome
from cloud9_archive.api.server_clock import clock_skew, retry_after
from cloud9_archive.domain.run import WantedRecording
from cloud9_archive.errors import (
    AddressNotAllowedError,
    Cloud9ArchiveError,
    ConfigurationError,
    ConnectionFieldError,
    CredentialsError,
    IncompleteBodyError,
    ProxyRefusedError,
    RateLimitedError,
    RecordingRefusedError,
    ServerFaultError,
    TlsError,
    TransientError,
    UnreachableError,
    WireFormatError,
)

NOTICEABLE_SKEW = 60.0
# About the one thing that was asked for; other statuses of 4xx are about who asks, or how.
_REFUSALS = frozenset({400, 404, 409, 410, 422, 423, 451})


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
    "refused": Outcome(
        "400, 404, 409, 410, 422, 423 or 451 to a recording, unless the format says that it is pending",
        RecordingRefusedError,
        "the source refuses this recording, and says that asking again is of no use",
        "ask Cloud9 for it by its id; if every recording is answered so, compare the request section of the wire format "
        "file with Cloud9's documentation",
    ),
    "408": Outcome("408", UnreachableError, "the server gave up waiting for the request", "nothing: it is tried again"),
    "429": Outcome(
        "429",
        RateLimitedError,
        "the key's requests per minute are used up",
        "nothing: all who share the key wait as long as Retry-After says; if it stays, something else uses the key as well",
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
        "check host and port of the connection, and the firewall between this worker and the host; some servers that "
        "demand a client certificate cut the connection of who shows none",
    ),
    "proxy_407": Outcome(
        "407 or 401 from the proxy",
        ProxyRefusedError,
        "the forward proxy does not accept the credentials",
        "check the fields proxy_user and proxy_password of the connection",
    ),
    "proxy_403": Outcome(
        "403 from the proxy",
        ProxyRefusedError,
        "the forward proxy does not let this worker through to that host and port; Cloud9 was not asked",
        "have the proxy's rules allow CONNECT to the host and port of the connection, or name another in proxy_host",
    ),
    "proxy": Outcome(
        "the proxy cannot be reached, or opens no tunnel",
        UnreachableError,
        "the forward proxy could not be reached, or opened no tunnel; Cloud9 was not asked",
        "check the fields proxy_host and proxy_port of the connection, the firewall between this worker and the proxy, "
        "and whether the proxy can reach the host",
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
        "the server's certificate is not signed by a trusted authority, has expired, is for another name, or is not "
        "the pinned one",
        "if your network inspects TLS or the host is private, set the connection's TLS trust list; else check its host "
        "and the ca-certificates of this worker",
    ),
    "client_certificate": Outcome(
        "client certificate not accepted",
        TlsError,
        "the server wants a client certificate, and does not accept what it was shown, if anything",
        "check the field tls_certificate of the connection, and that the server knows the authority that signed it",
    ),
    "tls": Outcome(
        "TLS not agreed",
        TlsError,
        "the server does not speak TLS 1.2 or newer on this port, or broke the negotiation off",
        "check host and port of the connection; some servers that demand a client certificate break off when they are "
        "shown none",
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
    kind, detail = kind_and_detail(error)
    outcome = _OUTCOMES[kind]
    found = f"{asked}: {outcome.meaning}{detail}"
    return (outcome.error or UnreachableError)(found, subject=asked, hint=outcome.hint)


def expect_given(status: int, wanted: WantedRecording, *, asked: str) -> None:
    """
    The status is none with which a source refuses a single recording.

    :param asked: method and path of the request
    :raises RecordingRefusedError: if it is
    """
    if status in _REFUSALS:
        outcome = _OUTCOMES["refused"]
        raise RecordingRefusedError(
            f"{asked} was answered {status}: {outcome.meaning}",
            subject=wanted.recording_id,
            hint=outcome.hint,
            gone=status == requests.codes.gone,
        )


def incomplete_body(found: str, *, asked: str) -> IncompleteBodyError:
    """The error for an answer of which not all bytes came; ``found`` says what was missing."""
    return IncompleteBodyError(f"{asked}: {found}", subject=asked, hint=_OUTCOMES["short"].hint)


def outcomes_table() -> str:
    """The table in Markdown, for ``docs/connection.md``."""
    rows = ["| Seen | Code | Family | Meaning | What to do |", "|---|---|---|---|---|"]
    rows += [
        f"| {o.seen} | {f'`{o.error.code}`' if o.error else '–'} | {_family_name(o.error)} | {o.meaning} | {o.hint} |"
        for o in (*_OUTCOMES.values(), *MEDIA_OUTCOMES.values())
    ]
    return "\n".join(rows)


def _family_name(error: type[Cloud9ArchiveError] | None) -> str:
    if error is None:
        return "awaiting media"
    if issubclass(error, TransientError):
        return "transient: tried again"
    if issubclass(error, RecordingRefusedError):
        return "record: awaited, with a finding; configuration if it is every recording"
    return "configuration: a person acts first" if issubclass(error, ConfigurationError) else "record: quarantined"


def _family_of(status: int) -> str:
    family = f"{status // 100}xx"
    return family if family in _OUTCOMES else "other"


def _clock_advice(skew: float | None) -> str:
    if skew is None or abs(skew) < NOTICEABLE_SKEW:
        return ""
    where = "behind" if skew > 0 else "ahead of"
    return f"this host's clock is {abs(skew):.0f} s {where} the server's: set it first; then "
