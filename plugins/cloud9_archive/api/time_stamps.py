"""Time stamps after RFC 3161: asked for at one authority, and checked before anybody keeps them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from urllib.parse import urlsplit

import requests
from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from cloud9_archive.errors import ConfigurationError, ServerFaultError, UnreachableError

CONNECT_TIMEOUT = 5.0
TOTAL_TIMEOUT = 20.0
_LARGEST = 64 * 1024
_OK = 200
_SERVER_FAULTS = 500
_HINT = "a run asks again; if it stays, check timestamp_url and timestamp_ca_file, or ask the authority"


class TimestampAuthority:
    """
    A time-stamping authority, asked directly: no proxy, no redirect, nothing from the environment.

    :param url: http or https; the answer is signed, so that http is no weaker
    :param roots: what its answers are checked against
    :param monotonic: seconds, for the limit on an answer's time
    :raises ConfigurationError: if the address is none of that kind, or carries credentials
    """

    def __init__(
        self, url: str, roots: Sequence[x509.Certificate], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        address = urlsplit(url)
        if address.scheme not in {"http", "https"} or not address.hostname or "@" in address.netloc:
            raise ConfigurationError(
                "[cloud9_archive] timestamp_url is not an http or https address without user and password",
                subject="timestamp_url",
                hint="write it like http://tsa.example.com/tsr",
            )
        self._url = url
        self._host = address.hostname
        self._roots = roots
        self._monotonic = monotonic

    def stamp(self, content: bytes) -> bytes:
        """
        A time stamp on the SHA-256 of the content, checked: DER of the authority's whole answer.

        :raises TransientError: if the authority cannot be reached, or fails
        :raises ConfigurationError: if it refuses, or its answer does not hold against the certificates
        """
        request = (
            TimestampRequestBuilder().data(content).hash_algorithm(HashAlgorithm.SHA256).cert_request(cert_request=True)
        ).build()
        answer = self._ask(request.as_bytes())
        check_timestamp(answer, content, roots=self._roots, nonce=request.nonce)
        return answer

    def _ask(self, question: bytes) -> bytes:
        until = self._monotonic() + TOTAL_TIMEOUT
        body = b""
        try:
            with requests.Session() as session:
                session.trust_env = False
                with session.post(
                    self._url,
                    data=question,
                    headers={"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"},
                    allow_redirects=False,
                    stream=True,
                    timeout=(CONNECT_TIMEOUT, TOTAL_TIMEOUT),
                ) as answer:
                    self._check_status(answer.status_code)
                    for chunk in answer.iter_content(4096):
                        body += chunk
                        if len(body) > _LARGEST or self._monotonic() > until:
                            raise UnreachableError(
                                f"{self._host} did not end its answer within {_LARGEST} bytes and {TOTAL_TIMEOUT:.0f} s",
                                subject=self._host,
                                hint=_HINT,
                            )
        except requests.RequestException as error:
            raise UnreachableError(
                f"{self._host} gave no time stamp: {type(error).__name__}", subject=self._host, hint=_HINT
            ) from None
        return body

    def _check_status(self, status: int) -> None:
        if status == _OK:
            return
        kind = ServerFaultError if status >= _SERVER_FAULTS else ConfigurationError
        raise kind(f"{self._host} answered {status} to a request for a time stamp", subject=self._host, hint=_HINT)


def read_roots(content: bytes, *, name: str) -> list[x509.Certificate]:
    """
    The certificates of a PEM file, all of which are trusted.

    :param name: what to call the file in a message
    :raises ConfigurationError: if there is none in it
    """
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError:
        raise ConfigurationError(
            f"{name} holds no certificates in PEM", subject=name, hint="ask the authority for its root certificate"
        ) from None


def check_timestamp(
    token: bytes, content: bytes, *, roots: Sequence[x509.Certificate], nonce: int | None = None
) -> datetime:
    """
    The moment at which, according to an authority below the roots, the content was there.

    Certificates need to have been valid at that moment, not now.

    :param token: DER of an authority's answer
    :param nonce: of the request, if it is at hand
    :raises ConfigurationError: if the time stamp does not hold
    """
    answer = _decoded(token)
    try:
        builder = VerifierBuilder(roots=list(roots))
        verifier = (builder if nonce is None else builder.nonce(nonce)).build()
        verifier.verify_message(answer, content)
    except (VerificationError, ValueError) as error:
        raise ConfigurationError(f"the time stamp does not hold: {error}", subject="timestamp", hint=_HINT) from None
    return answer.tst_info.gen_time


def claimed_time(token: bytes, digest: bytes) -> datetime:
    """
    The moment that a time stamp on this digest states; who states it is not checked.

    :param digest: SHA-256 of the content
    :raises ConfigurationError: if it is no time stamp on the digest
    """
    answer = _decoded(token)
    if answer.tst_info.message_imprint.message != digest:
        raise ConfigurationError("it is a time stamp on other bytes", subject="timestamp", hint=_HINT)
    return answer.tst_info.gen_time


def _decoded(token: bytes) -> TimeStampResponse:
    """The answer, read; one that refuses has no time stamp, which is told as well."""
    try:
        answer = decode_timestamp_response(token)
        _ = answer.tst_info.gen_time
    except (ValueError, TypeError, OverflowError) as error:
        raise ConfigurationError(
            f"it is no answer with a time stamp: {error}", subject="timestamp", hint=_HINT
        ) from None
    return answer
