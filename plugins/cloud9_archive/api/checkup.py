"""A source tried from this host: names, connections and certificates, then two signed requests that ask for nearly nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from cloud9_archive.api.diagnosis import Diagnosis, Findings, Step
from cloud9_archive.api.reach import connect, handshake, look_up, reached
from cloud9_archive.api.signature import utc_now
from cloud9_archive.api.signed_probe import SignedProbe
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.tls import trust_context
from cloud9_archive.api.trust import read_trust
from cloud9_archive.api.wire import load_wire_format
from cloud9_archive.domain.key_expiry import key_expiry
from cloud9_archive.errors import Cloud9ArchiveError

MOST_PATIENT = {"connect_timeout": 10.0, "read_timeout": 20.0, "total_timeout": 60.0}
"""Seconds: who presses a button waits no longer, whatever the connection allows its tasks."""


def diagnose(source: SourceSettings, *, clock: Callable[[], datetime] = utc_now) -> Diagnosis:
    """
    What is known of every step; nothing is tried twice.

    Nothing is asked of Cloud9 but one second of calls, and a recording that does not exist.

    :param clock: the present moment, aware
    """
    findings = Findings()
    patient = {name: min(getattr(source, name), most) for name, most in MOST_PATIENT.items()}
    source = replace(source, **patient)
    checkup = _Checkup(source, findings, clock)
    for step, check in checkup.steps():
        try:
            check()
        except Cloud9ArchiveError as error:
            return findings.ended(step, error)
    return findings.ended(*SignedProbe(source, findings, clock, egress=checkup.egress).ask())


@dataclass(slots=True)
class _Checkup:
    source: SourceSettings
    findings: Findings
    clock: Callable[[], datetime]
    egress: str = ""

    def steps(self) -> tuple[tuple[Step, Callable[[], None]], ...]:
        """What needs no request, in its order."""
        return (
            (Step.CONNECTION, self.fields),
            (Step.CERTIFICATES, self.certificates),
            (Step.WIRE_FORMAT, self.wire_format),
            (Step.DNS, self.name),
            (Step.TCP, self.connection),
            (Step.TLS, self.certificate_shown),
        )

    def fields(self) -> None:
        self.findings.well(Step.CONNECTION, f"{self.source.base_url}, every field can be used")
        expires = self.source.key_expires
        due = key_expiry(expires, now=self.clock())
        if due is not None:
            hint = "make a new key in the portal, put it into the connection, then remove the old one"
            self.findings.warn(Step.KEY_EXPIRY, due.words, hint)
        else:
            found = f"{expires.isoformat()}" if expires else "not entered, so no warning will come"
            self.findings.well(Step.KEY_EXPIRY, found)

    def certificates(self) -> None:
        trust_context(self.source, clock=self.clock)
        own = self.source.tls_certificate or "no certificate"
        whose = " (the deployment's default)" if self.source.default_certificate else ""
        self.findings.well(
            Step.CERTIFICATES, f"trusts {read_trust(self.source).words}; shows {own}{whose} if asked for one"
        )

    def wire_format(self) -> None:
        self.findings.well(Step.WIRE_FORMAT, str(load_wire_format(self.source).origin))

    def name(self) -> None:
        host, port = self._first_hop()
        self.findings.well(Step.DNS, f"{host} is {look_up(host, port)}")

    def connection(self) -> None:
        host, port = self._first_hop()
        proxy = self.source.proxy
        fields = "proxy_host and proxy_port" if proxy else "host and port"
        with connect(host, port, timeout=self.source.connect_timeout, fields=fields) as made:
            ends = reached(made)
        self.egress = ends.local + (f" through the proxy {proxy.url}" if proxy else "")
        what = "the proxy" if proxy else "the server"
        self.findings.well(Step.TCP, f"{what} is connected at {ends.peer}, from {ends.local}")
        if proxy is None:
            self.findings.well(Step.PROXY, "none is configured")

    def certificate_shown(self) -> None:
        """Behind a proxy the first request tells."""
        source = self.source
        if source.proxy is not None:
            return
        made = connect(source.host, source.port, timeout=source.connect_timeout, fields="host and port")
        shown = handshake(made, trust_context(source, clock=self.clock), source.host)
        lasts = f", valid until {shown.valid_until:%Y-%m-%d}" if shown.valid_until else ""
        self.findings.well(Step.TLS, f"{shown.version}, certificate accepted{lasts}, SHA-256 {shown.thumbprint}")

    def _first_hop(self) -> tuple[str, int]:
        proxy = self.source.proxy
        return (proxy.host, proxy.port) if proxy else (self.source.host, self.source.port)
