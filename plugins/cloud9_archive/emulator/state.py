"""Everything of the emulated Cloud9 that changes while it runs."""

from __future__ import annotations

import ipaddress
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from cloud9_archive.emulator.calls import EmulatedCall, Recording
from cloud9_archive.emulator.dialect import Dialect
from cloud9_archive.emulator.directory import Directory
from cloud9_archive.emulator.fault_kinds import Endpoint, FaultKind
from cloud9_archive.emulator.fault_orders import FaultDetails, FaultOrder
from cloud9_archive.emulator.firm import DESKS, Desk
from cloud9_archive.emulator.grants import Grants
from cloud9_archive.emulator.limits import SlidingLimit, Traffic
from cloud9_archive.emulator.recorded import Tape
from cloud9_archive.emulator.refusal import RefusedError
from cloud9_archive.emulator.signing import UsedNonces
from cloud9_archive.emulator.storm import Storm, can_strike
from cloud9_archive.emulator.truth import ClockSetting, DeskKey, LimitSetting, RequestSeen, Violation
from cloud9_archive.emulator.world import World, WorldSettings

LOOPBACK = ("127.0.0.0/8", "::1/128")
SCOPES = frozenset({"metadata", "recordings"})
REQUESTS_KEPT = 20_000
_NEVER = datetime.max.replace(tzinfo=UTC)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(slots=True)
class Cloud:
    """
    One running Cloud9.

    :param keys: by desk name
    :param scopes: by desk name; what its key is good for
    :param shifts: how far numbered pages have moved, by listing on its way
    """

    keys: dict[str, DeskKey]
    admin_token: str = field(repr=False)
    settings: WorldSettings = field(default_factory=WorldSettings)
    clock: ClockSetting = field(default_factory=ClockSetting)
    limits: LimitSetting = field(default_factory=LimitSetting)
    dialect: Dialect = field(default_factory=Dialect)
    storm: Storm = field(default_factory=Storm)
    world: World = field(init=False)
    tape: Tape = field(init=False)
    limiter: SlidingLimit = field(default_factory=SlidingLimit)
    nonces: UsedNonces = field(default_factory=UsedNonces)
    faults: list[FaultOrder] = field(default_factory=list)
    networks: dict[str, tuple[Network, ...]] = field(init=False)
    scopes: dict[str, frozenset[str]] = field(init=False)
    uploads: dict[str, datetime] = field(default_factory=dict)
    shifts: dict[tuple[str, ...], int] = field(default_factory=dict)
    grants: Grants = field(default_factory=Grants)
    requests: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    downloads: Counter[str] = field(default_factory=Counter)
    strikes: Counter[str] = field(default_factory=Counter)
    traffic: Traffic = field(default_factory=Traffic)
    log: deque[RequestSeen] = field(default_factory=lambda: deque(maxlen=REQUESTS_KEPT))
    violations: list[Violation] = field(default_factory=list)
    directory: Directory = field(default_factory=Directory)

    def __post_init__(self) -> None:
        """The world follows from the settings; every key may be used from this machine."""
        self.world = World(settings=self.settings)
        self.tape = Tape(seed=self.settings.seed)
        loopback = tuple(ipaddress.ip_network(network) for network in LOOPBACK)
        self.networks = dict.fromkeys(DESKS, loopback)
        self.scopes = dict.fromkeys(DESKS, SCOPES)

    def now(self) -> datetime:
        """The world's time, aware UTC: what is listed and uploaded follows it."""
        if self.clock.fixed is not None:
            return self.clock.fixed
        return datetime.now(UTC) + timedelta(seconds=self.clock.offset_seconds)

    def auth_now(self) -> datetime:
        """The time against which Date headers are checked, aware UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.clock.auth_offset_seconds)

    def desk_of(self, api_key: str) -> Desk:
        """
        The desk to which a key belongs.

        :raises RefusedError: 401 if it is nobody's
        """
        for name, key in self.keys.items():
            if key.api_key == api_key:
                return DESKS[name]
        raise RefusedError(401, "UNKNOWN_KEY", "There is no such API key.")

    def check_address(self, desk: Desk, address: str) -> None:
        """
        The address is on the list of the desk's key.

        :raises RefusedError: 403 if it is not
        """
        caller = ipaddress.ip_address(address)
        if not any(caller in network for network in self.networks[desk.name]):
            raise RefusedError(403, "ADDRESS_NOT_ALLOWED", "The caller's address is not on the key's list.")

    def check_scope(self, desk: Desk, scope: str) -> None:
        """
        The desk's key is good for this.

        :raises RefusedError: 403 if it is not
        """
        if scope not in self.scopes[desk.name]:
            raise RefusedError(403, "SCOPE_MISSING", f"The key does not have the scope {scope}.")

    def admit(self, desk: Desk, endpoint: Endpoint, *, most: int) -> None:
        """
        The request is within the key's limit for the endpoint, and counted.

        :param most: requests per minute
        :raises RefusedError: 429 if it is not
        """
        at, admitted = datetime.now(UTC), False
        try:
            self.limiter.admit(self.keys[desk.name].api_key, endpoint, most=most, now=time.monotonic())
            admitted = True
        finally:
            self.traffic.count(desk.name, endpoint, admitted=admitted, at=at)

    def uploaded_at(self, recording: Recording) -> datetime | None:
        """When the recording was or will be uploaded, orders included; None for never."""
        ordered = self.uploads.get(recording.recording_id, recording.uploaded_at)
        return None if ordered == _NEVER else ordered

    def availability(self, recording: Recording) -> Literal["available", "pending", "never"]:
        """Whether the recording can be had now."""
        uploaded_at = self.uploaded_at(recording)
        if uploaded_at is None:
            return "never"
        return "available" if uploaded_at <= self.now() else "pending"

    def upload_now(self, recording_id: str) -> None:
        """The recording can be had from now on."""
        self.uploads[recording_id] = self.now()

    def upload_never(self, recording_id: str) -> None:
        """The recording is not to be had, and never will be."""
        self.uploads[recording_id] = _NEVER

    def shows_links(self, call: EmulatedCall) -> bool:
        """Whether the call's listing names its recordings now."""
        return not call.links_late or all(self.availability(link.recording) == "available" for link in call.links)

    def take_fault(
        self, endpoint: Endpoint, *, subjects: frozenset[str], barred: frozenset[FaultKind] = frozenset()
    ) -> FaultDetails | None:
        """
        The fault that strikes a request: the oldest order that matches, which strikes once less afterwards, or the storm's.

        :param subjects: the recording or call id asked for, or the call ids on the page
        :param barred: kinds that cannot strike this request
        """
        fault = self._take_ordered(endpoint, subjects=subjects, barred=barred) or self.storm.draw(
            endpoint, subjects=subjects, barred=barred
        )
        if fault is not None:
            self.strikes[f"status {fault.status or 500}" if fault.kind is FaultKind.STATUS else fault.kind] += 1
        return fault

    def _take_ordered(
        self, endpoint: Endpoint, *, subjects: frozenset[str], barred: frozenset[FaultKind]
    ) -> FaultOrder | None:
        for place, fault in enumerate(self.faults):
            if fault.endpoint == endpoint and can_strike(fault, endpoint, subjects=subjects, barred=barred):
                if fault.count > 1:
                    self.faults[place] = fault.model_copy(update={"count": fault.count - 1})
                else:
                    del self.faults[place]
                return fault
        return None
