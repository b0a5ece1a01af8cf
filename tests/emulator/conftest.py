"""A client of the tests' own: it signs as the reference says, with nothing of ours or of the emulator's."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import ssl
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from cloud9_archive.emulator.server import EmulatorServer
from cloud9_archive.emulator.world import WorldSettings

FRIDAY = datetime(2026, 11, 20, tzinfo=UTC)
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
        text = f"{method}\nhttps\n{host}\n{path}\napplication/json\n{key.api_key}\n{nonce}\n{date}\n".encode()
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
    admin = running.admin
    admin.set_clock(fixed=AFTERWARDS)
    admin.set_limits(metadata_per_minute=100_000, recordings_per_minute=100_000)
    admin.allow("emea", "127.0.0.0/8")
    admin.clear_faults()
    running.cloud.uploads.clear()
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
