"""Everything of the emulated Cloud9 that changes while it runs."""

from __future__ import annotations

import ipaddress
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from cloud9_archive.emulator.calls import EmulatedCall, Recording
from cloud9_archive.emulator.directory import Directory
from cloud9_archive.emulator.firm import DESKS, Desk
from cloud9_archive.emulator.limits import SlidingLimit
from cloud9_archive.emulator.recorded import Tape
from cloud9_archive.emulator.refusal import RefusedError
from cloud9_archive.emulator.signing import UsedNonces
from cloud9_archive.emulator.truth import ClockSetting, DeskKey, FaultOrder, LimitSetting, RequestSeen, Violation
from cloud9_archive.emulator.world import World, WorldSettings

LOOPBACK = ("127.0.0.0/8", "::1/128")
REQUESTS_KEPT = 20_000
_NEVER = datetime.max.replace(tzinfo=UTC)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(slots=True)
class Cloud:
    """
    One running Cloud9.

    :param keys: by desk name
    """

    keys: dict[str, DeskKey]
    admin_token: str = field(repr=False)
    settings: WorldSettings = field(default_factory=WorldSettings)
    clock: ClockSetting = field(default_factory=ClockSetting)
    limits: LimitSetting = field(default_factory=LimitSetting)
    world: World = field(init=False)
    tape: Tape = field(init=False)
    limiter: SlidingLimit = field(default_factory=SlidingLimit)
    nonces: UsedNonces = field(default_factory=UsedNonces)
    faults: list[FaultOrder] = field(default_factory=list)
    networks: dict[str, tuple[Network, ...]] = field(init=False)
    uploads: dict[str, datetime] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    downloads: Counter[str] = field(default_factory=Counter)
    log: deque[RequestSeen] = field(default_factory=lambda: deque(maxlen=REQUESTS_KEPT))
    violations: list[Violation] = field(default_factory=list)
    directory: Directory = field(default_factory=Directory)

    def __post_init__(self) -> None:
        """The world follows from the settings; every key may be used from this machine."""
        self.world = World(settings=self.settings)
        self.tape = Tape(seed=self.settings.seed)
        loopback = tuple(ipaddress.ip_network(network) for network in LOOPBACK)
        self.networks = dict.fromkeys(DESKS, loopback)

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

    def take_fault(self, endpoint: str, *, subjects: frozenset[str]) -> FaultOrder | None:
        """
        The oldest fault that matches; it strikes once less afterwards.

        :param subjects: the recording id asked for, or the call ids on the page
        """
        for place, fault in enumerate(self.faults):
            if fault.endpoint == endpoint and (fault.match is None or fault.match in subjects):
                if fault.count > 1:
                    self.faults[place] = fault.model_copy(update={"count": fault.count - 1})
                else:
                    del self.faults[place]
                return fault
        return None
