"""The table of outcomes: each way to fail has its class, its family and a hint."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta

import pytest
import requests
import urllib3.exceptions
from requests.structures import CaseInsensitiveDict

from cloud9_archive.api.outcomes import outcomes_table, status_error, transport_error
from cloud9_archive.api.server_clock import clock_skew, retry_after
from cloud9_archive.api.signature import http_date
from cloud9_archive.errors import (
    AddressNotAllowedError,
    ConnectionFieldError,
    CredentialsError,
    IncompleteBodyError,
    ProxyRefusedError,
    RateLimitedError,
    ServerFaultError,
    TlsError,
    UnreachableError,
    WireFormatError,
)

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ASKED = "POST /v1.1/calls/metadata"


def headers(**given: str) -> CaseInsensitiveDict[str]:
    return CaseInsensitiveDict({name.replace("_", "-"): value for name, value in given.items()})


@pytest.mark.parametrize(
    ("status", "kind", "word"),
    [
        (401, CredentialsError, "swapped"),
        (403, AddressNotAllowedError, "allow-list"),
        (404, WireFormatError, "no such endpoint"),
        (408, UnreachableError, "tried again"),
        (429, RateLimitedError, "per minute"),
        (302, ConnectionFieldError, "redirect"),
        (400, WireFormatError, "does not understand"),
        (418, WireFormatError, "does not understand"),
        (500, ServerFaultError, "failed"),
        (503, ServerFaultError, "failed"),
        (599, ServerFaultError, "failed"),
        (202, WireFormatError, "pending.statuses"),
        (204, WireFormatError, "pending.statuses"),
        (999, WireFormatError, "does not foresee"),
    ],
)
def test_each_status_has_its_class_and_advice(status: int, kind: type[Exception], word: str) -> None:
    error = status_error(status, headers(), asked=ASKED, now=NOW)
    assert type(error) is kind
    assert word in str(error)
    assert error.subject == ASKED
    assert error.hint


@pytest.mark.parametrize(("ahead", "words"), [(400, "400 s behind"), (-400, "400 s ahead of")])
def test_a_401_says_how_far_the_clocks_are_apart(ahead: int, words: str) -> None:
    error = status_error(401, headers(date=http_date(NOW + timedelta(seconds=ahead))), asked=ASKED, now=NOW)
    assert f"this host's clock is {words} the server's: set it first" in str(error)


@pytest.mark.parametrize("date", ["", "yesterday", http_date(NOW + timedelta(seconds=5))])
def test_a_401_does_not_blame_a_clock_that_is_right_or_unknown(date: str) -> None:
    assert "set it first" not in str(status_error(401, headers(date=date), asked=ASKED, now=NOW))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        (http_date(NOW + timedelta(seconds=90)), 90.0),
        (http_date(NOW - timedelta(seconds=90)), 0.0),
        ("9" * 400, 86400.0),
        ("soon", None),
        ("-1", None),
        ("٣", None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(text: str, seconds: float | None) -> None:
    assert retry_after(headers(Retry_After=text), now=NOW) == seconds


def test_no_headers_say_nothing_about_time() -> None:
    assert retry_after({}, now=NOW) is None
    assert clock_skew({}, now=NOW) is None


def wrapped(reason: Exception) -> urllib3.exceptions.MaxRetryError:
    return urllib3.exceptions.MaxRetryError(None, "/x", reason)  # type: ignore[arg-type]  # as urllib3 raises it


def proxy_error(reason: Exception) -> urllib3.exceptions.ProxyError:
    return urllib3.exceptions.ProxyError("Unable to connect to proxy", reason)


def alert(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}]")
    error.reason = reason
    return error


def certificate_error() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "certificate has expired"
    return error


@pytest.mark.parametrize(
    ("error", "kind", "word"),
    [
        (
            requests.exceptions.SSLError(wrapped(urllib3.exceptions.SSLError(certificate_error()))),
            TlsError,
            "certificate has expired",
        ),
        (requests.exceptions.SSLError(wrapped(urllib3.exceptions.SSLError(ssl.SSLError("version")))), TlsError, "1.2"),
        (
            requests.exceptions.SSLError(wrapped(urllib3.exceptions.SSLError(ssl.SSLEOFError(8, "EOF")))),
            UnreachableError,
            "cut",
        ),
        (
            requests.ConnectionError(
                wrapped(urllib3.exceptions.NameResolutionError("h", None, socket.gaierror()))  # type: ignore[arg-type]
            ),
            UnreachableError,
            "looked up",
        ),
        (
            requests.exceptions.ProxyError(wrapped(proxy_error(OSError("Tunnel connection failed: 407 Who?")))),
            ProxyRefusedError,
            "credentials",
        ),
        (
            urllib3.exceptions.ProtocolError("aborted", OSError("Tunnel connection failed: 403 No")),
            ProxyRefusedError,
            "403",
        ),
        (
            requests.exceptions.ProxyError(wrapped(proxy_error(OSError("Tunnel connection failed: 503 Later")))),
            UnreachableError,
            "opened no tunnel",
        ),
        (
            requests.exceptions.ProxyError(
                wrapped(
                    proxy_error(urllib3.exceptions.NameResolutionError("h", None, socket.gaierror()))  # type: ignore[arg-type]
                )
            ),
            UnreachableError,
            "proxy_host",
        ),
        (
            requests.exceptions.SSLError(
                wrapped(urllib3.exceptions.SSLError(alert("TLSV13_ALERT_CERTIFICATE_REQUIRED")))
            ),
            TlsError,
            "wants a client certificate",
        ),
        (requests.exceptions.SSLError(alert("SSLV3_ALERT_BAD_CERTIFICATE")), TlsError, "tls_certificate"),
        (requests.exceptions.SSLError(alert("TLSV1_ALERT_PROTOCOL_VERSION")), TlsError, "1.2"),
        # What a server writes into its answer is not the proxy's word.
        (requests.ConnectionError("Tunnel connection failed: 407"), UnreachableError, "cut"),
        (requests.ConnectTimeout(), UnreachableError, "in the time"),
        (requests.ReadTimeout(), UnreachableError, "in the time"),
        (requests.ConnectionError(ConnectionResetError()), UnreachableError, "cut"),
        (urllib3.exceptions.ProtocolError("broken", ConnectionResetError()), UnreachableError, "cut"),
        (urllib3.exceptions.IncompleteRead(1, 2), IncompleteBodyError, "broke off"),
        (requests.exceptions.InvalidHeader("x"), ConnectionFieldError, "formed"),
    ],
)
def test_each_failure_of_the_transport_has_its_class(error: Exception, kind: type[Exception], word: str) -> None:
    found = transport_error(error, asked=ASKED)
    assert type(found) is kind
    assert word in str(found)


def test_the_table_has_a_row_for_each_outcome() -> None:
    rows = outcomes_table().splitlines()
    assert all(row.count("|") == 6 for row in rows)
    assert any("`CREDENTIALS`" in row and "a person acts first" in row for row in rows)
    assert any("awaiting media" in row for row in rows)
