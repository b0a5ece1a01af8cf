"""The admin endpoints as Python calls, for tests and the demo; it knows nothing of the API itself."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

from pydantic import BaseModel

from cloud9_archive.emulator.dialect import Dialect
from cloud9_archive.emulator.fault_kinds import Endpoint, FaultKind
from cloud9_archive.emulator.fault_orders import FaultOrder, StormFault, StormSetting
from cloud9_archive.emulator.truth import (
    AllowList,
    ClockSetting,
    Counters,
    DeskKey,
    KeyScopes,
    LimitSetting,
    ReadyFile,
    RecordingTruth,
    RequestLog,
    Truth,
)

_TIMEOUT = 30.0


class AdminRefusedError(Exception):
    """The emulator turned an admin request down; the message says why."""


@dataclass(frozen=True, slots=True)
class AdminClient:
    """
    The way into one running emulator.

    :param ca_file: the authority that signed its certificate
    :param client: certificate and key to show to an emulator that demands them, PEM
    """

    host: str
    port: int
    ca_file: Path
    token: str = field(repr=False)
    keys: dict[str, DeskKey]
    client: tuple[Path, Path] | None = None

    @classmethod
    def from_ready_file(cls, path: Path) -> Self:
        """A client for the emulator that wrote the file."""
        ready = ReadyFile.model_validate_json(path.read_text(encoding="utf-8"))
        client = (Path(ready.client.certificate), Path(ready.client.key)) if ready.client else None
        return cls(ready.host, ready.port, Path(ready.ca_file), ready.admin_token, ready.keys, client)

    def set_clock(
        self, *, offset_seconds: float = 0.0, fixed: datetime | None = None, auth_offset_seconds: float = 0.0
    ) -> None:
        """
        The world's clock runs as given; without arguments it is real time again.

        :param fixed: aware; the world stands still at this instant
        :param auth_offset_seconds: how wrong the clock is against which Date headers are checked
        """
        setting = ClockSetting(offset_seconds=offset_seconds, fixed=fixed, auth_offset_seconds=auth_offset_seconds)
        self._ask("PUT", "clock", body=setting)

    def set_limits(self, **limits: float) -> None:
        """The limits named are as given (fields of :class:`LimitSetting`), the others are the defaults."""
        self._ask("PUT", "limits", body=LimitSetting.model_validate(limits))

    def set_dialect(self, **fields: Any) -> None:  # noqa: ANN401 - fields of Dialect
        """The API speaks as given (fields of :class:`Dialect`), the others are the defaults."""
        self._ask("PUT", "dialect", body=Dialect.model_validate(fields))

    def set_scopes(self, desk: str, *scopes: str) -> None:
        """The desk's key is good for these (``metadata``, ``recordings``) only; for nothing if none is given."""
        self._ask("PUT", "scopes", body=KeyScopes.model_validate({"desk": desk, "scopes": scopes}))

    def set_storm(
        self, *faults: StormFault, seed: int = 1, endpoints: Sequence[Endpoint] = ("metadata", "recordings")
    ) -> None:
        """
        These faults strike by chance from now on; without any there is calm.

        :param faults: for example ``*MIXED_STORM``
        :param seed: equal seeds and equal orders of requests give equal strikes
        """
        self._ask("PUT", "storm", body=StormSetting(faults=faults, seed=seed, endpoints=tuple(endpoints)))

    def allow(self, desk: str, *networks: str) -> None:
        """The desk's key may be used from these networks (CIDR) only; from nowhere if none is given."""
        self._ask("PUT", "allow-list", body=AllowList(desk=desk, networks=networks))

    def add_fault(self, order: FaultOrder) -> None:
        """The fault waits behind those already ordered."""
        self._ask("POST", "faults", body=order)

    def fault(self, kind: FaultKind | str, endpoint: str, **details: Any) -> None:  # noqa: ANN401 - fields of FaultOrder
        """As :meth:`add_fault`, spelled out: ``fault("reset", "recordings", after_bytes=100)``."""
        self.add_fault(FaultOrder.model_validate({"kind": FaultKind(kind), "endpoint": endpoint, **details}))

    def clear_faults(self) -> None:
        """No fault waits any more."""
        self._ask("DELETE", "faults")

    def upload_now(self, recording_id: str) -> RecordingTruth:
        """The recording's media can be had from now on."""
        return RecordingTruth.model_validate(self._ask("POST", "media/upload", body={"recording_id": recording_id}))

    def upload_never(self, recording_id: str) -> RecordingTruth:
        """The recording's media can never be had."""
        return RecordingTruth.model_validate(self._ask("POST", "media/never", body={"recording_id": recording_id}))

    def counters(self) -> Counters:
        """What was asked for since the start."""
        return Counters.model_validate(self._ask("GET", "counters"))

    def requests(self) -> RequestLog:
        """The latest API requests, and every violation."""
        return RequestLog.model_validate(self._ask("GET", "requests"))

    def truth(self, desk: str, *, begin: datetime, end: datetime) -> Truth:
        """
        What a collector of that desk and window must end up with.

        :param begin: aware; calls that start from then on
        :param end: aware; up to but not including then
        """
        query = urlencode({"desk": desk, "begin": begin.isoformat(), "end": end.isoformat()})
        return Truth.model_validate(self._ask("GET", f"truth?{query}"))

    def _ask(self, method: str, what: str, *, body: BaseModel | dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - any JSON
        context = ssl.create_default_context(cafile=str(self.ca_file))
        if self.client is not None:
            context.load_cert_chain(*self.client)
        connection = http.client.HTTPSConnection(self.host, self.port, context=context, timeout=_TIMEOUT)
        headers = {"X-Admin-Token": self.token, "Content-Type": "application/json"}
        content = body.model_dump_json() if isinstance(body, BaseModel) else json.dumps(body) if body else None
        try:
            connection.request(method, f"/admin/{what}", body=content, headers=headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise AdminRefusedError(f"{method} /admin/{what}: {answer.status} {text.decode(errors='replace')}")
        return json.loads(text)
