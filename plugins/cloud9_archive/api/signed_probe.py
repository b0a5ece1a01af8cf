"""Two signed requests that ask for nearly nothing, and what their answers show of key, address, scope and wire format."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import requests

from cloud9_archive.api.attempts import Attempts
from cloud9_archive.api.causes import kind_and_detail
from cloud9_archive.api.diagnosis import Findings, Step
from cloud9_archive.api.exchange import Exchanger
from cloud9_archive.api.limits import Limiter
from cloud9_archive.api.listing import CallLister
from cloud9_archive.api.moments import listing_windows
from cloud9_archive.api.outcomes import NOTICEABLE_SKEW
from cloud9_archive.api.server_clock import clock_skew
from cloud9_archive.api.session import open_session
from cloud9_archive.api.signature import Cloud9Auth
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.wire import load_wire_format
from cloud9_archive.api.wire_model import WireFormat
from cloud9_archive.api.wire_request import first_step, recording_requests
from cloud9_archive.domain.key_expiry import key_expiry
from cloud9_archive.domain.run import WantedRecording
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import (
    AddressNotAllowedError,
    Cloud9ArchiveError,
    CredentialsError,
    ProxyRefusedError,
    ScopeError,
    TlsError,
    UnreachableError,
)

PROBED_SPAN = timedelta(seconds=1)
_MADE_UP = "cloud9-archive-check"
_NO_SUCH_RECORDING = WantedRecording(_MADE_UP, f"{_MADE_UP}.ogg", (_MADE_UP,))


@dataclass(slots=True)
class SignedProbe:
    """
    A listing of one second, then a recording that does not exist.

    :param findings: learns of each step
    :param clock: the present moment, aware
    :param egress: the address that this host uses, for a person
    """

    source: SourceSettings
    findings: Findings
    clock: Callable[[], datetime]
    egress: str
    skew: float | None = None

    def ask(self) -> tuple[Step, Cloud9ArchiveError | None]:
        """Both requests were made; the step that failed and its error, if one did."""
        source, wire = self.source, load_wire_format(self.source)
        with open_session(source, auth=Cloud9Auth(source.api_key, source.api_secret, clock=self.clock)) as session:
            session.hooks["response"].append(self._note_answered)
            exchanger = Exchanger(
                source,
                session=session,
                limiter=Limiter(),
                content_type=wire.content_type,
                clock=self.clock,
                monotonic=time.monotonic,
            )
            try:
                self._list(exchanger, wire)
            except Cloud9ArchiveError as error:
                return self._refused(error, exchanger, wire)
            return Step.SCOPE, self._scope(exchanger, wire)

    def _list(self, exchanger: Exchanger, wire: WireFormat) -> None:
        now = self.clock()
        window = listing_windows(wire, Window(now - PROBED_SPAN, now))[0]
        page = CallLister(exchanger, wire, Attempts).page(window, first_step(wire.listing.paging), Attempts())
        self.findings.well(
            Step.LISTING, f"fits the wire format; {len(page.listed.calls)} calls began in the second that was asked for"
        )

    def _note_answered(self, answer: requests.Response, **_: object) -> None:
        """Somebody answered, so the way there is open; what the answer says of time is noted."""
        proxy = self.source.proxy
        if proxy is not None:
            self.findings.well(Step.PROXY, f"{proxy.url} opens a tunnel to {self.source.authority}")
            self.findings.well(Step.TLS, f"the certificate is accepted for {self.source.host}")
        if answer.status_code == requests.codes.ok:
            self._accepted()
        self.skew = clock_skew(answer.headers, now=self.clock())
        if self.skew is None:
            self.findings.well(Step.CLOCK, "the server does not tell the time")
        elif abs(self.skew) < NOTICEABLE_SKEW:
            self.findings.well(Step.CLOCK, f"{abs(self.skew):.0f} s apart")
        else:
            self.findings.warn(Step.CLOCK, f"{abs(self.skew):.0f} s apart", "set this host's clock by a time server")

    def _accepted(self) -> None:
        self.findings.well(Step.SIGNATURE, "key and secret are accepted")
        self.findings.well(Step.ADDRESS_LIST, f"the address that Cloud9 sees is accepted; this host used {self.egress}")

    def _refused(
        self, error: Cloud9ArchiveError, exchanger: Exchanger, wire: WireFormat
    ) -> tuple[Step, Cloud9ArchiveError]:
        """The step that a refused listing speaks of, and the error with all that is known here."""
        answered = self.findings.knows(Step.CLOCK)
        if isinstance(error, CredentialsError):
            clock_is_off = self.skew is not None and abs(self.skew) >= NOTICEABLE_SKEW
            return (Step.CLOCK, error) if clock_is_off else (Step.SIGNATURE, self._credentials(error))
        if isinstance(error, AddressNotAllowedError):
            return self._not_allowed(error, exchanger, wire)
        if isinstance(error, ProxyRefusedError) or _is_of_proxy(error):
            return Step.PROXY, error
        if isinstance(error, TlsError) or (isinstance(error, UnreachableError) and not answered):
            return Step.TLS, error
        return Step.LISTING, error

    def _credentials(self, error: CredentialsError) -> CredentialsError:
        """The refusal, with the likeliest causes first; the secret itself is never tried as a key."""
        likely = []
        due = key_expiry(self.source.key_expires, now=self.clock())
        if due is not None and due.expired:
            likely.append(f"{due.words}: make a new one")
        if len(self.source.api_key) > len(self.source.api_secret):
            likely.append(
                "the text in API key is longer than the one in API secret, which is unusual: see whether they are swapped"
            )
        hint = "; ".join([*likely, error.hint or ""])
        return CredentialsError(error.message, subject=error.subject, hint=hint)

    def _not_allowed(
        self, error: AddressNotAllowedError, exchanger: Exchanger, wire: WireFormat
    ) -> tuple[Step, Cloud9ArchiveError]:
        """A 403 to the listing: of the key's scope, if recordings may be asked for; else of this host's address."""
        if self._recordings_status(exchanger, wire) not in {None, 401, 403}:
            self._accepted()
            return Step.SCOPE, _scope_error(wire.listing.path, "metadata")
        hint = f"this host used {self.egress}; behind address translation Cloud9 sees another; {error.hint}"
        return Step.ADDRESS_LIST, AddressNotAllowedError(error.message, subject=error.subject, hint=hint)

    def _scope(self, exchanger: Exchanger, wire: WireFormat) -> Cloud9ArchiveError | None:
        """Whether recordings may be asked for."""
        status = self._recordings_status(exchanger, wire)
        if status in {401, 403}:
            return _scope_error(wire.recording.path, "recordings")
        if status is None or status == requests.codes.too_many_requests or status >= requests.codes.server_error:
            found = f"recordings could not be asked for just now ({status or 'no answer'})"
            self.findings.warn(Step.SCOPE, found, "run the check again")
        else:
            found = f"calls may be listed, and recordings asked for (one that does not exist was answered {status})"
            self.findings.well(Step.SCOPE, found)
        return None

    def _recordings_status(self, exchanger: Exchanger, wire: WireFormat) -> int | None:
        """How a request for a recording that does not exist is answered; none if it is not."""
        request = next(recording_requests(wire, _NO_SUCH_RECORDING, region=self.source.region))
        try:
            with exchanger.exchange(wire.recording, request) as exchange:
                return exchange.status
        except Cloud9ArchiveError:
            return None


def _is_of_proxy(error: Cloud9ArchiveError) -> bool:
    return error.__cause__ is not None and kind_and_detail(error.__cause__)[0] == "proxy"


def _scope_error(path: str, scope: str) -> ScopeError:
    return ScopeError(
        f"{path} refuses the key, though it is accepted from this host elsewhere",
        subject=path,
        hint=f"give the key the scope {scope} in the portal, read-only; it needs metadata and recordings",
    )
