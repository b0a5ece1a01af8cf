"""What lies behind an exception of requests or urllib3: the kind of failure, and what there is to say of it."""

from __future__ import annotations

import http.client
import re
import ssl
from typing import Literal

import requests
import urllib3.exceptions

Kind = Literal[
    "certificate",
    "client_certificate",
    "tls",
    "proxy_407",
    "proxy_403",
    "proxy",
    "name",
    "timeout",
    "unreachable",
    "short",
    "request",
]
# What http.client says of a CONNECT that was not answered 200; the words after the status are the proxy's own.
_TUNNEL_REFUSED = re.compile(r"Tunnel connection failed: (\d{3})\b")
# OpenSSL's names for what a server says of the certificate that this client showed, or did not show.
_CLIENT_CERTIFICATE_REFUSED = re.compile(
    r"ALERT_(CERTIFICATE_REQUIRED|(BAD|UNSUPPORTED)_CERTIFICATE|CERTIFICATE_(EXPIRED|REVOKED|UNKNOWN)|UNKNOWN_CA"
    r"|ACCESS_DENIED)"
)
_KINDS: tuple[tuple[Kind, tuple[type[BaseException], ...]], ...] = (
    ("certificate", (ssl.SSLCertVerificationError, ssl.CertificateError)),
    ("proxy", (requests.exceptions.ProxyError, urllib3.exceptions.ProxyError)),
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


def kind_and_detail(error: BaseException) -> tuple[Kind, str]:
    """The kind of failure, and in brackets what OpenSSL says of a certificate or which proxy it was; else nothing."""
    causes = _causes(error)
    tunnel = _tunnel_status(causes)
    if tunnel is not None:
        # tinyproxy answers 401 to a wrong password.
        kinds: dict[int, Kind] = {401: "proxy_407", 407: "proxy_407", 403: "proxy_403"}
        return kinds.get(tunnel, "proxy"), _proxy_words(causes, tunnel)
    alerts = (getattr(cause, "reason", None) or "" for cause in causes if isinstance(cause, ssl.SSLError))
    if any(_CLIENT_CERTIFICATE_REFUSED.search(alert) for alert in alerts):
        return "client_certificate", ""
    kind = _kind_of(causes)
    if kind == "certificate":
        return kind, _certificate_words(causes)
    return kind, _proxy_words(causes) if kind == "proxy" else ""


def _kind_of(causes: list[BaseException]) -> Kind:
    for kind, classes in _KINDS:
        if any(isinstance(cause, classes) for cause in causes):
            return kind
    return "request"


def _tunnel_status(causes: list[BaseException]) -> int | None:
    """The status with which a proxy refused a tunnel."""
    for cause in causes:
        if type(cause) is OSError and (found := _TUNNEL_REFUSED.match(str(cause))):
            return int(found[1])
    return None


def _certificate_words(causes: list[BaseException]) -> str:
    found = (cause.verify_message for cause in causes if isinstance(cause, ssl.SSLCertVerificationError))
    return next((f" ({words})" for words in found), "")


def _proxy_words(causes: list[BaseException], status: int | None = None) -> str:
    """Which proxy it was and what it answered, as far as that is known; its address never holds credentials."""
    proxies = (
        getattr(cause.pool, "proxy", None) for cause in causes if isinstance(cause, urllib3.exceptions.PoolError)
    )
    words = [f"proxy {proxy.netloc}" for proxy in proxies if proxy is not None][:1]
    words += [f"which answered {status}"] if status is not None else []
    return f" ({', '.join(words)})" if words else ""


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
