"""The way to an S3 or S3-compatible server, and its refusals in this package's own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's, and no subclass of Python's
    HTTPClientError,
    IncompleteReadError,
    ResponseStreamingError,
    SSLError,
)
from urllib3.exceptions import HTTPError

from cloud9_archive.errors import (
    Cloud9ArchiveError,
    ConfigurationError,
    RateLimitedError,
    ServerFaultError,
    TlsError,
    TransientError,
    UnreachableError,
)
from cloud9_archive.storage.store import PARALLEL

_OURS = Config(
    connect_timeout=10,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 5},
    max_pool_connections=2 * PARALLEL,
    # Digests are given with each put and computed from what is read back; servers other than AWS stumble over more.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
_LONGEST_REASON = 300
_SERVER_FAULT, _TOO_MANY = 500, 429


@dataclass(frozen=True, slots=True)
class S3Access:
    """
    How a server is reached, and as whom. A session renews credentials that expire, which plain ones could not.

    :param session: a boto3 session; None for boto3's default chain: environment, profile, the host's own role
    :param region: of the bucket; None for the session's
    :param endpoint_url: of an S3-compatible server; None for the session's, which is AWS unless it says otherwise
    :param verify: False, or the path of a CA bundle; None for the usual authorities
    :param config: a botocore ``Config`` whose settings go before ours
    """

    session: Any = field(default=None, repr=False)
    region: str | None = None
    endpoint_url: str | None = None
    verify: bool | str | None = None
    config: Any = field(default=None, repr=False)

    def client(self) -> Any:  # noqa: ANN401 - botocore makes its clients' classes at run time
        """
        A client that may be used by several threads.

        :raises ConfigurationError: if the settings are no settings
        """
        session = self.session or boto3.session.Session()
        with s3_errors("archive.target"):
            try:
                return session.client(
                    "s3",
                    region_name=self.region or session.region_name or "us-east-1",
                    endpoint_url=self.endpoint_url,
                    verify=self.verify,
                    config=_OURS.merge(self.config) if self.config else _OURS,
                )
            except ValueError as error:
                raise ConfigurationError(
                    f"the archive's connection cannot be used: {_reason(error)}",
                    subject="archive.conn_id",
                    hint="check its endpoint_url, region_name and config_kwargs",
                ) from None


def is_aws(client: Any) -> bool:  # noqa: ANN401 - see above
    """Whether the client talks to AWS itself, which is known to create only where it is told to."""
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn"))


_REFUSALS = {
    "NoSuchBucket": "make the bucket with Object Lock, or correct archive.target",
    "NoSuchKey": "run cloud9-archive verify to learn what else is missing",
    "NoSuchVersion": "run cloud9-archive verify to learn what else is missing",
    "404": "run cloud9-archive verify to learn what else is missing",
    "AccessDenied": "give the connection's account the rights that docs/storage.md lists; a lock refuses this way too",
    "403": "give the connection's account the rights that docs/storage.md lists",
    "InvalidAccessKeyId": "correct the login of the connection that archive.conn_id names",
    "SignatureDoesNotMatch": "correct the password of the connection that archive.conn_id names",
    "InvalidToken": "renew the credentials of the connection that archive.conn_id names",
    "ExpiredToken": "renew the credentials of the connection that archive.conn_id names",
    "RequestTimeTooSkewed": "set this host's clock right",
    "PermanentRedirect": "give the bucket's region as region_name in the connection's extra",
    "AuthorizationHeaderMalformed": "give the bucket's region as region_name in the connection's extra",
    "InvalidRequest": "make the bucket with Object Lock, and see docs/storage.md",
}
_MAY_PASS = frozenset(
    ["RequestTimeout", "OperationAborted", "ConditionalRequestConflict", "BadDigest", "IncompleteBody", "QuotaExceeded"]
)


def code_of(error: ClientError) -> str:
    """The server's code for a refusal, or the HTTP status where it gives none."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", "")
    return str(error.response.get("Error", {}).get("Code") or status)


@contextmanager
def s3_errors(key: str) -> Iterator[None]:
    """
    What boto3 and the server say comes out as this package's own errors; credentials never do.

    :param key: of the file that it concerns
    :raises ConfigurationError: for what only a person can change: rights, credentials, bucket, a missing file
    :raises TransientError: for an outage, a server's own fault, and whatever else a retry may find mended
    """
    try:
        yield
    except Cloud9ArchiveError:
        raise
    except ClientError as error:
        raise _refused(key, error) from None
    except SSLError as error:
        raise TlsError(
            f"{_shown(key)}: the archive's server was not trusted: {_reason(error)}",
            subject=key,
            hint="check verify in the connection's extra: it may name a CA bundle",
        ) from None
    except (ConnectionError, HTTPClientError, IncompleteReadError, ResponseStreamingError, HTTPError) as error:
        raise UnreachableError(
            f"{_shown(key)}: the archive's server gave no complete answer: {_reason(error)}", subject=key
        ) from None
    except BotoCoreError as error:
        raise ConfigurationError(
            f"{_shown(key)}: {_reason(error)}",
            subject=key,
            hint="check the connection that archive.conn_id names, or the credentials of this host",
        ) from None


def _refused(key: str, error: ClientError) -> Cloud9ArchiveError:
    code = code_of(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0
    said = error.response.get("Error", {}).get("Message") or "no reason given"
    words = f"{_shown(key)}: {error.operation_name} was refused with {code}: {str(said)[:_LONGEST_REASON]}"
    if status == _TOO_MANY or code in ("SlowDown", "TooManyRequests"):
        return RateLimitedError(words, subject=key)
    if status >= _SERVER_FAULT and code != "NotImplemented":
        return ServerFaultError(words, subject=key)
    if code in _MAY_PASS:
        return TransientError(words, subject=key)
    return ConfigurationError(words, subject=key, hint=_REFUSALS.get(code, "see docs/storage.md for what is needed"))


def _shown(key: str) -> str:
    return ascii(key)[1:-1]


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:_LONGEST_REASON]}"
