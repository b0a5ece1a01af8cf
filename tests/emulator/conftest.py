"""A client of the tests' own: it signs as the reference says, with nothing of ours or of the emulator's."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import socket
import ssl
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from cloud9_archive.emulator.dialect import Dialect
from cloud9_archive.emulator.server import EmulatorServer
from cloud9_archive.emulator.state import SCOPES
from cloud9_archive.emulator.storm import Storm
from cloud9_archive.emulator.truth import ClockSetting, LimitSetting
from cloud9_archive.emulator.world import WorldSettings

FRIDAY = datetime(2026, 11, 20, tzinfo=UTC)
NO_LIMITS = dict.fromkeys(("metadata_per_minute", "recordings_per_minute", "recording_list_per_minute"), 100_000.0)
AFTERWARDS = FRIDAY + timedelta(days=60)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Caller:
    server: EmulatorServer
    desk: str = "emea"
    skew: timedelta = timedelta(0)
    overrides: dict[str, str] = field(default_factory=dict)
    kept: http.client.HTTPSConnection | None = None

    def close(self) -> None:
        if self.kept is not None:
            self.kept.close()

    def headers(self, method: str, path: str, body: bytes, *, nonce: str | None = None) -> dict[str, str]:
        key = self.server.keys[self.desk]
        nonce = nonce or str(uuid.uuid4())
        date = format_datetime(datetime.now(UTC) + self.skew, usegmt=True)
        host = f"{self.server.host}:{self.server.port}"
        text = f"{method}\nhttps\n{host}\n{path.partition('?')[0]}\napplication/json\n{key.api_key}\n{nonce}\n{date}\n".encode()
        digest = hmac.new(key.api_secret.encode(), text + body + b"\n", hashlib.sha512).digest()
        signature = base64.b64encode(digest).decode()
        return {
            "Authorization": f"HmacSHA512 {key.api_key}:{nonce}:{signature}",
            "Date": date,
            "Content-Type": "application/json",
            **self.overrides,
        }

    def connection(self) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self.server.ca_file))
        return http.client.HTTPSConnection(self.server.host, self.server.port, context=context, timeout=20)

    def send(self, method: str, path: str, content: Any, *, nonce: str | None = None) -> Answer:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.kept = self.kept or self.connection()
        self.kept.request(method, path, body=body, headers=self.headers(method, path, body, nonce=nonce))
        answer = self.kept.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

    def get(self, path: str, query: dict[str, Any] | None = None) -> Answer:
        return self.send("GET", f"{path}?{urlencode(query)}" if query else path, b"")

    def raw(self, method: str, path: str, content: Any) -> tuple[bytes, bytes, Exception | None]:
        """Head and body as they came over a connection of its own, and how it ended if not well."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        connection = self.connection()
        plain = socket.create_connection((connection.host, connection.port), timeout=20)
        context = ssl.create_default_context(cafile=str(self.server.ca_file))
        # Python's ssl shows a reset as a quiet end of file, unless it is told not to.
        connection.sock = context.wrap_socket(plain, server_hostname=connection.host, suppress_ragged_eofs=False)
        received, error = bytearray(), None
        try:
            connection.request(method, path, body, {**self.headers(method, path, body), "Connection": "close"})
            while chunk := connection.sock.recv(65_536):
                received += chunk
        except OSError as ended:
            error = ended
        finally:
            connection.close()
        head, _, rest = bytes(received).partition(b"\r\n\r\n")
        return head, rest, error

    def page(self, begin: datetime, end: datetime, token: str = "") -> Answer:
        form = "%Y-%m-%d %H:%M:%S"
        content = {"beginDate": f"{begin:{form}}", "endDate": f"{end:{form}}", "nextPageToken": token}
        return self.send("POST", "/v1.1/calls/metadata", content)

    def listing(self, begin: datetime, end: datetime) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        token = ""
        while True:
            answer = self.page(begin, end, token)
            assert answer.status == 200, answer.body
            rows += answer.json["calls"]
            token = answer.headers.get("next-page-token", "")
            if not token:
                return rows

    def day(self, begin: datetime = FRIDAY) -> list[dict[str, Any]]:
        return self.listing(begin, begin + timedelta(days=1))

    def recording(self, recording_id: str) -> Answer:
        return self.send("POST", "/v1/calls/recordings", {"recordingId": recording_id})


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorServer]:
    home: Path = tmp_path_factory.mktemp("emulator")
    with EmulatorServer(home=home, settings=WorldSettings(line_milliseconds=3_720_000)) as server:
        yield server


@pytest.fixture
def server(running: EmulatorServer) -> EmulatorServer:
    cloud = running.cloud
    cloud.clock = ClockSetting(fixed=AFTERWARDS)
    cloud.limits = LimitSetting.model_validate(NO_LIMITS)
    cloud.limiter.forget()
    cloud.dialect = Dialect()
    cloud.storm = Storm()
    cloud.shifts.clear()
    cloud.faults.clear()
    cloud.uploads.clear()
    cloud.networks["emea"] = cloud.networks["americas"]
    cloud.scopes["emea"] = SCOPES
    return running


@pytest.fixture
def call_as(server: EmulatorServer) -> Iterator[Callable[..., Caller]]:
    callers: list[Caller] = []

    def call(**options: Any) -> Caller:
        callers.append(Caller(server, **options))
        return callers[-1]

    yield call
    for caller in callers:
        caller.close()


@pytest.fixture
def friday() -> datetime:
    return FRIDAY


@pytest.fixture
def emea(call_as: Callable[..., Caller]) -> Caller:
    return call_as()
