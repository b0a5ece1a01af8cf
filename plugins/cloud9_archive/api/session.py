"""The one strict HTTP session: signed, to one host, with timeouts, without redirects, never changing anything there."""

from __future__ import annotations

from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests import PreparedRequest, Response

from cloud9_archive.api.signature import DEFAULT_PORTS, Cloud9Auth
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.tls import StrictAdapter, trust_context
from cloud9_archive.errors import ConfigurationError

# PATCH v1/calls/metadata changes the source of record; no part of this package may ever reach it.
READING_METHODS = frozenset({"GET", "POST"})


class UnledSession(requests.Session):
    """
    Does not even look where an answer would lead it.

    Without ``allow_redirects`` requests still reads a redirect's whole body into memory and parses its address, and
    trips over bad ones.
    """

    def get_redirect_target(self, resp: Response) -> None:
        """Nowhere."""


class StrictSession(UnledSession):
    """
    Sends only to its source, and only requests that read.

    Whatever a caller passes: certificates are checked against the source's trust, everything goes through the source's
    proxy if it has one, redirects are not followed, the environment is not consulted, cookies are not kept, and every
    attempt is signed anew.

    :param source: where to send to, and how patiently
    :param auth: signs each attempt
    """

    def __init__(self, source: SourceSettings, auth: Cloud9Auth) -> None:
        super().__init__()
        self.auth = auth
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # Recordings are kept byte for byte, so no encoding may be laid over them on the way.
        self.headers["Accept-Encoding"] = "identity"
        self.adapters.clear()
        self.mount("https://", StrictAdapter(trust_context(source), proxy=source.proxy))
        self._auth = auth
        self._source = source

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:  # noqa: ANN401 - as in requests
        """
        The server's answer to a request that was signed for this very attempt.

        :raises ConfigurationError: if the request would go elsewhere or might change something
        """
        self._refuse_writing(request)
        self._refuse_elsewhere(request)
        kwargs.update(verify=True, cert=None, proxies={}, allow_redirects=False)
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = (self._source.connect_timeout, self._source.read_timeout)
        return super().send(self._auth(request), **kwargs)

    def _refuse_writing(self, request: PreparedRequest) -> None:
        if request.method not in READING_METHODS:
            raise ConfigurationError(
                f"a {request.method} request to Cloud9 was refused before it was sent",
                subject=self._source.conn_id,
                hint="the archive only reads; use GET or POST",
            )

    def _refuse_elsewhere(self, request: PreparedRequest) -> None:
        url = urlsplit(request.url or "")
        port = url.port or DEFAULT_PORTS.get(url.scheme)
        if (url.scheme, url.hostname, port) != (self._source.scheme, self._source.host, self._source.port):
            raise ConfigurationError(
                f"a signed request to {url.scheme}://{url.hostname}:{port} was refused before it was sent",
                subject=self._source.conn_id,
                hint=f"the connection {self._source.conn_id!r} signs for {self._source.base_url} only",
            )


def open_session(source: SourceSettings, *, auth: Cloud9Auth | None = None) -> StrictSession:
    """
    A session to the source; the caller closes it.

    :param auth: for tests; by default made from the source's key and secret
    :raises ConnectionFieldError: if a certificate or key cannot be used
    """
    return StrictSession(source, auth or Cloud9Auth(source.api_key, source.api_secret))
