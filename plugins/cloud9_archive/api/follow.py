"""Audio that is elsewhere: fetched from a listed host, with nothing of ours that the host could use."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlsplit

import requests
import urllib3.exceptions

from cloud9_archive.api.interim import PatientConnection, PatientPool
from cloud9_archive.api.media_address import MediaAddress, media_address, refused_peer
from cloud9_archive.api.media_outcomes import media_error, media_status_error
from cloud9_archive.api.outcomes import transport_error
from cloud9_archive.api.session import UnledSession
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.tls import StrictAdapter, trust_context
from cloud9_archive.api.transfer import Arriving, Deadline, arriving_body
from cloud9_archive.domain.words import shown
from cloud9_archive.errors import Cloud9ArchiveError, IncompleteBodyError, TransientError, WireFormatError


class MediaFollower:
    """
    Fetches from media hosts, over connections that stay open in between.

    The source's trust and timeouts hold here too. Nothing identifies us: no signature, no key, no cookie, no client
    certificate. Redirects are not followed, and the environment is not consulted.

    :param source: its ``media_hosts`` are the only ones that are asked
    """

    def __init__(self, source: SourceSettings) -> None:
        self._source = source
        self._session: requests.Session | None = None

    @contextmanager
    def follow(self, url: str, *, deadline: Deadline) -> Iterator[Arriving]:
        """
        The bytes at the address, while they come.

        :param url: as Cloud9 gave it; only its host is ever shown
        :param deadline: for the bytes
        :raises MediaHostError: if the address may not be followed, or leads elsewhere
        :raises MediaHostFaultError: if the host does not give the bytes; another address may work
        """
        address = media_address(url, source=self._source)
        asked = f"GET https://{address.authority}/…"
        with self._ask(address, asked) as answer:
            if answer.status_code != requests.codes.ok:
                leads_to = _host_shown(answer.headers.get("Location", ""))
                raise media_status_error(answer.status_code, asked=asked, leads_to=leads_to)
            yield _arriving(answer, asked, deadline)

    def close(self) -> None:
        """Connections are closed."""
        if self._session is not None:
            self._session.close()

    def _ask(self, address: MediaAddress, asked: str) -> requests.Response:
        timeouts = (self._source.connect_timeout, self._source.read_timeout)
        failure: Cloud9ArchiveError
        try:
            return self._opened().get(address.url, stream=True, allow_redirects=False, timeout=timeouts)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            failure = _media_fault(transport_error(error, asked=asked), asked)
        # Not raised within the block: what requests says holds the whole address, and tracebacks show what was caught.
        raise failure

    def _opened(self) -> requests.Session:
        if self._session is None:
            self._session = _open_session(self._source)
        return self._session


def _open_session(source: SourceSettings) -> requests.Session:
    """A session of which nothing is sent but what HTTP needs."""
    session = UnledSession()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.clear()
    # Recordings are kept byte for byte, so no encoding may be laid over them on the way.
    session.headers.update({"Accept": "*/*", "Accept-Encoding": "identity"})
    session.adapters.clear()
    session.mount(
        "https://", _PeerCheckingAdapter(trust_context(source, present_certificate=False), proxy=source.proxy)
    )
    for name in ("urllib3.connectionpool", "urllib3.util.retry"):
        logging.getLogger(name).addFilter(_without_queries)
    return session


class _PeerCheckingConnection(PatientConnection):
    """Looks whom it has reached before it says a word: a name can lead anywhere, and elsewhere the next time."""

    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        address = MediaAddress(self.host.strip("[]"), self.port or 0, "/")
        peer = str(connection.getpeername()[0])
        why = refused_peer(peer) if address.is_name else None
        if why is not None:
            connection.close()
            raise media_error("media peer", f"would reach {peer}, {why}", asked=f"GET https://{address.authority}/…")
        return connection


class _PeerCheckingPool(PatientPool):
    ConnectionCls = _PeerCheckingConnection


class _PeerCheckingAdapter(StrictAdapter):
    """Direct connections are checked; behind a proxy it is the proxy that looks names up."""

    pools = _PeerCheckingPool


def _arriving(answer: requests.Response, asked: str, deadline: Deadline) -> Arriving:
    try:
        body = arriving_body(answer, asked=asked, deadline=deadline)
    except WireFormatError as error:
        raise media_error(
            "media encoding", f"was answered with {error.message.partition(' with ')[2]}", asked=asked
        ) from error
    return Arriving(_as_media_faults(body, asked), announced=body.announced, origin=asked)


def _as_media_faults(body: Arriving, asked: str) -> Iterator[bytes]:
    """The body's bytes; what cuts them off is the media host's failure and not Cloud9's."""
    try:
        yield from body.unbounded()
    except TransientError as error:
        fault = _media_fault(error, asked)
        if fault is error:
            raise
        raise fault from error


def _media_fault(error: Cloud9ArchiveError, asked: str) -> Cloud9ArchiveError:
    """The same failure as a media host's own; what a person must act on stays what it is."""
    if isinstance(error, TransientError) and not isinstance(error, IncompleteBodyError):
        return media_error("media fault", f"got no answer ({error.message.removeprefix(f'{asked}: ')})", asked=asked)
    return error


def _host_shown(location: str) -> str | None:
    """The host that a redirect names, and nothing else of it."""
    try:
        return shown(urlsplit(location).hostname or "the same host") if location else None
    except ValueError:
        return "an address that cannot be read"


def _without_queries(record: logging.LogRecord) -> bool:
    """Urllib3 logs whole targets for debugging; a query may be a right to read, so it is left out."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            arg.partition("?")[0] + "?…" if isinstance(arg, str) and "?" in arg else arg for arg in record.args
        )
    return True
