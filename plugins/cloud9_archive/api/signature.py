"""Cloud9's request signature: HMAC-SHA512 over the exact bytes that go out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import urlsplit

from requests import PreparedRequest
from requests.auth import AuthBase

from cloud9_archive.errors import ConfigurationError

DEFAULT_CONTENT_TYPE = "application/json"
DEFAULT_PORTS = {"https": 443, "http": 80}


def string_to_sign(  # noqa: PLR0913 - the scheme signs nine things, all named at the call
    *,
    method: str,
    scheme: str,
    authority: str,
    path: str,
    content_type: str,
    api_key: str,
    nonce: str,
    date: str,
    body: bytes,
) -> bytes:
    """
    The ten lines that Cloud9 signs; the tenth is empty, so the text ends with a line feed.

    :param authority: ``host:port``, the port always written out
    :param path: path without the query
    :param content_type: media type without parameters
    :param date: IMF-fixdate in GMT, the same text as in the ``Date`` header
    :param body: the bytes that are sent, empty when there are none
    """
    head = f"{method}\n{scheme}\n{authority}\n{path}\n{content_type}\n{api_key}\n{nonce}\n{date}"
    return head.encode() + b"\n" + body + b"\n"


def signature(secret: str, message: bytes) -> str:
    """
    Standard Base64 of the HMAC-SHA512 of ``message``.

    :param secret: the API secret; its UTF-8 bytes are the key as they are, never decoded from Base64
    """
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha512).digest()).decode()


def http_date(moment: datetime) -> str:
    """
    The moment as an IMF-fixdate (RFC 7231).

    :param moment: aware datetime
    """
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def utc_now() -> datetime:
    """The present moment, aware UTC."""
    return datetime.now(UTC)


def random_nonce() -> str:
    """A new UUID, version 4."""
    return str(uuid.uuid4())


class Cloud9Auth(AuthBase):
    """
    Signs a prepared request in place; each call takes a new nonce and a new date.

    requests calls it once while it prepares a request. The strict session calls it again for every attempt, so that
    a request that is sent twice never repeats a nonce.

    :param api_key: the key's id, sent in clear
    :param api_secret: the key's secret, never sent and never shown
    :param clock: returns the present moment, aware
    :param nonce: returns a text that was never used before
    """

    def __init__(
        self,
        api_key: str,
        api_secret: str,
        *,
        clock: Callable[[], datetime] = utc_now,
        nonce: Callable[[], str] = random_nonce,
    ) -> None:
        self._api_key = api_key
        self._api_secret = api_secret
        self._clock = clock
        self._nonce = nonce

    def __repr__(self) -> str:
        """Neither key nor secret."""
        return f"{type(self).__name__}(…)"

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """
        The request, signed.

        :param request: prepared, with a body of bytes, text or nothing
        :raises ConfigurationError: if the body is a stream, whose bytes cannot be signed beforehand
        """
        body = _exact_body(request)
        content_type = request.headers.setdefault("Content-Type", DEFAULT_CONTENT_TYPE)
        url = urlsplit(request.url or "")
        nonce, date = self._nonce(), http_date(self._clock())
        message = string_to_sign(
            method=(request.method or "").upper(),
            scheme=url.scheme,
            authority=_authority(url.scheme, url.hostname or "", url.port),
            path=url.path or "/",
            content_type=content_type.partition(";")[0].strip(),
            api_key=self._api_key,
            nonce=nonce,
            date=date,
            body=body,
        )
        request.headers["Date"] = date
        request.headers["Authorization"] = f"HmacSHA512 {self._api_key}:{nonce}:{signature(self._api_secret, message)}"
        return request


def _authority(scheme: str, hostname: str, port: int | None) -> str:
    host = f"[{hostname}]" if ":" in hostname else hostname
    return f"{host}:{port or DEFAULT_PORTS.get(scheme, 443)}"


def _exact_body(request: PreparedRequest) -> bytes:
    """The body as bytes, put back into the request, so that what is signed is what is sent."""
    body = request.body
    if body is None:
        return b""
    if isinstance(body, str):
        body = body.encode()
        request.body = body
        request.headers["Content-Length"] = str(len(body))
    if not isinstance(body, bytes):
        raise ConfigurationError(
            f"a request body of type {type(body).__name__} cannot be signed",
            hint="give the body as text or bytes, not as a stream",
        )
    return body
