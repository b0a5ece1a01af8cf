"""Whatever is done with a connection, no secret of it is told: not in logs, XComs, catalog, staging, archive or messages."""

from __future__ import annotations

import base64
import json
import logging
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import connect_proxy
import pytest
from airflow.dag_processing.dagbag import DagBag
from dialect_says import changed
from typer.testing import CliRunner
from wire_files import written

from cloud9_archive.cli import app
from cloud9_archive.cli.connections import source_of
from cloud9_archive.emulator.server import EmulatorServer
from cloud9_archive.emulator.world import WorldSettings

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.usefixtures("airflow_home"),
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("canary"),
]

DAY = datetime(2025, 3, 4, tzinfo=ZoneInfo("UTC"))
NIGHT = datetime(2025, 3, 5, 2, tzinfo=ZoneInfo("Europe/London"))
ODD = "%+/=@:é\"'"
"""Characters that are written otherwise in addresses, JSON and shells."""


def forms(secret: str) -> set[bytes]:
    """The ways in which a text may stand somewhere."""
    plain = secret.encode()
    written_out = {
        secret,
        quote(secret, safe=""),
        quote(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        plain.hex(),
        base64.b64encode(plain).decode(),
        base64.b64encode(f"{connect_proxy.USER}:{secret}".encode()).decode(),
    }
    return {text.encode() for text in written_out}


@dataclass
class Told:
    """All that was said and kept."""

    spoken: list[str]
    folders: list[Path]

    def leaks(self, known: dict[str, str]) -> list[str]:
        """Which secret is told where."""
        needles = [(name, form) for name, secret in known.items() for form in forms(secret)]
        kept = [
            (str(path), path.read_bytes()) for folder in self.folders for path in folder.rglob("*") if path.is_file()
        ]
        said = [(f"output {number}", text.encode()) for number, text in enumerate(self.spoken)]
        return [f"{name} in {where}" for where, content in [*kept, *said] for name, form in needles if form in content]


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[EmulatorServer]:
    """A Cloud9 that demands a client certificate, gives links to its audio, and whose secret has odd characters."""
    home = tmp_path / "of the emulator"
    home.mkdir()
    keys = {
        desk: {"api_key": f"{desk}-{secrets.token_hex(8)}", "api_secret": f"{ODD}{secrets.token_urlsafe(24)}"}
        for desk in ("emea", "americas")
    }
    (home / "keys.json").write_text(json.dumps(keys))
    settings = WorldSettings(seed=7, calls_per_day=16, line_milliseconds=20_000)
    with EmulatorServer(home=home, settings=settings, mutual_tls=True) as server:
        server.admin.set_limits(metadata_per_minute=100_000, recordings_per_minute=100_000)
        server.admin.set_clock(fixed=DAY.replace(day=7))
        server.admin.set_dialect(delivery="url")
        yield server


def test_no_secret_is_told(
    guarded: EmulatorServer,
    settings_only: Path,
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    airflow_home: Path,
) -> None:
    password = f"{ODD}{secrets.token_urlsafe(24)}"
    monkeypatch.setattr(connect_proxy, "PASSWORD", secrets.token_urlsafe(24))
    formats = tmp_path / "formats"
    formats.mkdir()
    wire_format = written(formats, changed({"recording.answer": {"url": "url"}}))
    key = guarded.keys["emea"]
    known = {
        "API secret": key.api_secret,
        "key password": guarded.client.password,
        "proxy password": connect_proxy.PASSWORD,
        "wrong secret": password,
    }
    told = Told([], [tmp_path / "data", airflow_home])
    caplog.set_level(logging.DEBUG)
    outside = tmp_path / "of the proxy"
    outside.mkdir()
    with connect_proxy.running_proxy("proxy.py", outside) as proxy:

        def connect(extra: dict[str, Any] | None = None, **parts: Any) -> None:
            connection = {
                "conn_type": "cloud9",
                "host": guarded.host,
                "port": guarded.port,
                "login": key.api_key,
                "password": key.api_secret,
                **parts,
                "extra": {
                    "tls_trust": str(guarded.ca_file),
                    "tls_certificate": guarded.client.pkcs12,
                    "tls_key_password": guarded.client.password,
                    "media_hosts": f"127.0.0.1:{guarded.port}",
                    "wire_format": str(wire_format),
                    **proxy.fields(),
                    **(extra or {}),
                },
            }
            monkeypatch.setenv("AIRFLOW_CONN_CLOUD9_EMEA", json.dumps(connection))

        def command(*words: str) -> int:
            result = CliRunner().invoke(app, list(words))
            told.spoken += [result.output, repr(result.exception)]
            return result.exit_code

        connect()
        dag = DagBag(repository / "dags").dags["emea_rates"]
        for kind in ("reset", "short_body", "url_expired", "stall"):
            guarded.admin.fault(kind, "recordings")
        guarded.admin.fault("status", "metadata", status=503)
        assert dag.test(logical_date=NIGHT, run_after=NIGHT).state == "success"
        assert list((tmp_path / "data").rglob("tagmanifest-sha256.txt"))
        assert command("check", "cloud9_emea", "--json") == 0
        told.spoken += [repr(source_of("cloud9_emea")), repr(source_of("cloud9_emea").proxy)]
        span = ("--from", "2025-03-04T09:00:00+00:00", "--to", "2025-03-04T10:00:00+00:00")
        for extra, parts in (
            ({}, {"password": password}),
            ({"proxy_password": password}, {}),
            ({"tls_key_password": password}, {}),
            ({"tls_trust": ""}, {}),
            ({"media_hosts": ""}, {}),
        ):
            connect(extra, **parts)
            command("check", "cloud9_emea")
            command("run", "emea_rates", "--include", str(settings_only), *span)
        connect()
        for number in range(3):
            guarded.admin.fault(("url_other_host", "not_json", "json_error")[number], "recordings", count=50)
            command("run", "emea_rates", "--include", str(settings_only), *span)
            guarded.admin.clear_faults()
        assert proxy.tunnels()
    known |= {f"link {n}": grant.signature for n, grant in enumerate(guarded.cloud.grants._given.values())}
    assert len(known) > 8
    printed = capfd.readouterr()
    told.spoken += [caplog.text, printed.out, printed.err]
    assert "request is tried again" in "".join(told.spoken), "the logs are among what was searched"
    assert told.leaks({"a name that is no secret": "cloud9_emea"}), "what is there is found"
    assert told.leaks(known) == []
