"""The request signature, as the server checks it; written apart from the client's."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

from cloud9_archive.emulator.refusal import RefusedError

SCHEME = "HmacSHA512"
_AUTHORIZATION = re.compile(rf"{SCHEME} (?P<key>[^:\s]+):(?P<nonce>[^:\s]+):(?P<signature>[A-Za-z0-9+/]+={{0,2}})")
_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Credentials:
    """The three parts of an ``Authorization`` header."""

    api_key: str
    nonce: str
    signature: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedParts:
    """
    What a signature covers, as it arrived.

    :param host: value of the Host header; the port is written out when it is the scheme's own
    :param path: without the query
    :param content_type: as sent; parameters are not signed
    :param date: value of the Date header
    """

    method: str
    scheme: str
    host: str
    path: str
    content_type: str
    api_key: str
    nonce: str
    date: str
    body: bytes


def read_authorization(header: str | None) -> Credentials:
    """
    The header's three parts.

    :raises RefusedError: 401 if there is no such header, or it is not written as it must be
    """
    if not header:
        raise RefusedError(401, "NO_AUTHORIZATION", "The Authorization header is missing.")
    found = _AUTHORIZATION.fullmatch(header)
    if found is None:
        raise RefusedError(401, "BAD_AUTHORIZATION", f"Authorization must read {SCHEME} <apiKey>:<nonce>:<signature>.")
    return Credentials(found["key"], found["nonce"], found["signature"])


def expected_signature(parts: SignedParts, *, secret: str) -> str:
    """
    The only signature that fits the request.

    :param secret: used as its UTF-8 bytes
    """
    host = parts.host if re.search(r":\d+$", parts.host) else f"{parts.host}:{_DEFAULT_PORTS[parts.scheme]}"
    media_type = parts.content_type.partition(";")[0].strip()
    head = [parts.method, parts.scheme, host, parts.path, media_type, parts.api_key, parts.nonce, parts.date]
    covered = b"\n".join([*(text.encode() for text in head), parts.body, b""])
    return base64.b64encode(hmac.new(secret.encode(), covered, hashlib.sha512).digest()).decode("ascii")


def check_signature(parts: SignedParts, *, secret: str, signature: str) -> None:
    """
    The request was signed with this secret.

    :raises RefusedError: 401 if it was not
    """
    if not hmac.compare_digest(expected_signature(parts, secret=secret), signature):
        raise RefusedError(401, "BAD_SIGNATURE", "The signature does not fit the request and the key.")


def check_date(date: str | None, *, now: datetime, skew: timedelta) -> None:
    """
    The Date header is an HTTP date near the server's time.

    :param now: the server's time, aware UTC
    :raises RefusedError: 401 otherwise
    """
    try:
        sent = parsedate_to_datetime(date or "")
        well_formed = format_datetime(sent.astimezone(UTC), usegmt=True) == date
    except (ValueError, OverflowError):
        well_formed = False
    if not well_formed:
        raise RefusedError(401, "BAD_DATE", "The Date header must be an RFC 7231 date in GMT.")
    if abs(now - sent) > skew:
        raise RefusedError(
            401, "CLOCK_SKEW", f"The Date header is more than {skew.total_seconds():.0f} s from the server's time."
        )


@dataclass(slots=True)
class UsedNonces:
    """The nonces seen while a date of theirs could still be accepted."""

    _used: OrderedDict[tuple[str, str], datetime] = field(default_factory=OrderedDict)

    def use(self, api_key: str, nonce: str, *, now: datetime, skew: timedelta) -> None:
        """
        The nonce is spent afterwards.

        :raises RefusedError: 401 if it is not a UUID of version 4, or was spent before
        """
        if not _is_uuid4(nonce):
            raise RefusedError(401, "BAD_NONCE", "The nonce must be a UUID of version 4.")
        while self._used and next(iter(self._used.values())) < now - 2 * skew:
            self._used.popitem(last=False)
        if (api_key, nonce.lower()) in self._used:
            raise RefusedError(401, "NONCE_REUSED", "The nonce was used before.")
        self._used[api_key, nonce.lower()] = now


def _is_uuid4(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower() and uuid.UUID(text).version == 4  # noqa: PLR2004 - the version itself
    except ValueError:
        return False
