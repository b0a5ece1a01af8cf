from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud9_archive.emulator.__main__ import main
from cloud9_archive.emulator.admin_client import AdminClient
from cloud9_archive.emulator.listener import CannotListenError, bind
from cloud9_archive.emulator.server import EmulatorServer, ensure_keys
from cloud9_archive.emulator.tls import ensure_tls
from cloud9_archive.emulator.truth import ReadyFile


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_tls_is_trusted_through_its_own_authority_only(server: EmulatorServer, name: str) -> None:
    with socket.create_connection((server.host, server.port), timeout=10) as plain:
        context = ssl.create_default_context(cafile=str(server.ca_file))
        with context.wrap_socket(plain, server_hostname=name) as wrapped:
            assert wrapped.version() in {"TLSv1.2", "TLSv1.3"}
    with (
        socket.create_connection((server.host, server.port), timeout=10) as plain,
        pytest.raises(ssl.SSLCertVerificationError, match=r"issuer|self-signed"),
    ):
        ssl.create_default_context().wrap_socket(plain, server_hostname=name)


def test_another_host_name_is_not_in_the_certificate(server: EmulatorServer) -> None:
    context = ssl.create_default_context(cafile=str(server.ca_file))
    with (
        socket.create_connection((server.host, server.port), timeout=10) as plain,
        pytest.raises(ssl.SSLCertVerificationError, match="match"),
    ):
        context.wrap_socket(plain, server_hostname="calldataapi.example.com")


def test_keys_and_certificates_are_private_and_kept_while_they_last(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    tls = ensure_tls(tmp_path, now=now)
    keys, certificate = ensure_keys(tmp_path), tls.certificate.read_bytes()
    assert (mode(tls.key), mode(tmp_path / "keys.json")) == (0o600, 0o600)
    ensure_tls(tmp_path, now=now + timedelta(days=700))
    assert (ensure_keys(tmp_path), tls.certificate.read_bytes()) == (keys, certificate)
    ensure_tls(tmp_path, now=now + timedelta(days=800))
    assert tls.certificate.read_bytes() != certificate
    assert len({key.api_secret for key in keys.values()}) == 2


def test_with_mutual_tls_a_client_must_show_the_certificate_that_is_in_the_home_folder(
    tmp_path: Path, friday: datetime
) -> None:
    with EmulatorServer(home=tmp_path, mutual_tls=True) as demanding:
        client = demanding.client
        for key, password in ((client.key, None), (client.encrypted_key, client.password)):
            context = ssl.create_default_context(cafile=str(demanding.ca_file))
            context.load_cert_chain(client.certificate, key, password)
            connection = http.client.HTTPSConnection(demanding.host, demanding.port, context=context, timeout=20)
            connection.request("GET", "/")
            assert connection.getresponse().status == 404
            connection.close()
        demanding.admin.set_clock(fixed=friday)
        stranger = ssl.create_default_context(cafile=str(demanding.ca_file))
        connection = http.client.HTTPSConnection(demanding.host, demanding.port, context=stranger, timeout=20)
        with pytest.raises((OSError, http.client.HTTPException)):  # noqa: PT012 - TLS 1.3 refuses after the handshake
            connection.request("GET", "/")
            connection.getresponse()
        ready = demanding.ready()
        assert (ready.mutual_tls, ready.client) == (True, client)
        files = (client.key, client.encrypted_key, client.pkcs12)
        assert {mode(Path(path)) for path in files} == {0o600}
        assert client.password not in repr(ready)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])  # noqa: S104 - what must be refused
def test_only_loopback_is_listened_on(host: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CannotListenError, match="loopback only"):
        bind(host, port=0)
    assert main(["--home", str(tmp_path), "--host", host]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_taken_port_is_one_clear_line(
    tmp_path: Path, server: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--home", str(tmp_path), "--port", str(server.port)]) == 1
    error = capsys.readouterr().err
    assert (error.count("\n"), f"port {server.port}: it is taken" in error) == (1, True)


def test_a_restart_in_the_same_home_is_the_same_cloud9(tmp_path: Path, friday: datetime) -> None:
    with EmulatorServer(home=tmp_path) as first:
        first.admin.set_clock(fixed=friday + timedelta(days=2))
        truth = first.admin.truth("emea", begin=friday, end=friday + timedelta(hours=9))
    with EmulatorServer(home=tmp_path, port=first.port) as second:
        second.admin.set_clock(fixed=friday + timedelta(days=2))
        assert second.admin.truth("emea", begin=friday, end=friday + timedelta(hours=9)) == truth
        assert (second.keys, second.base_url) == (first.keys, first.base_url)
    second.stop()


def test_an_abrupt_stop_breaks_a_download_in_its_middle(
    tmp_path: Path, call_as: Callable[..., Any], friday: datetime
) -> None:
    with EmulatorServer(home=tmp_path) as dying:
        dying.admin.set_clock(fixed=friday + timedelta(days=2))
        truth = dying.admin.truth("emea", begin=friday, end=friday + timedelta(days=1))
        wanted = max(truth.recordings.values(), key=lambda recording: recording.size)
        dying.admin.fault("stall", "recordings", seconds=60, after_bytes=1_000)
        caller = call_as()
        caller.server = dying
        body, path = json.dumps({"recordingId": wanted.recording_id}).encode(), "/v1/calls/recordings"
        connection = caller.connection()
        connection.request("POST", path, body=body, headers=caller.headers("POST", path, body))
        answer = connection.getresponse()
        assert len(answer.read(1_000)) == 1_000
        begun = time.monotonic()
        dying.stop(abruptly=True)
        assert time.monotonic() - begun < 5
        with pytest.raises((OSError, http.client.IncompleteRead)):
            answer.read()
        connection.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((dying.host, dying.port), timeout=5)
    assert not [thread for thread in threading.enumerate() if thread is dying._thread]


def test_the_command_writes_a_ready_file_serves_and_leaves_when_told(tmp_path: Path) -> None:
    ready_file = tmp_path / "run" / "ready.json"
    command = [
        sys.executable,
        "-m",
        "cloud9_archive.emulator",
        "--home",
        str(tmp_path / "home"),
        "--ready-file",
        str(ready_file),
    ]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*command, "--calls-per-day", "20", "--seed", "3", "--mutual-tls"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as running:
        try:
            assert running.stdout is not None
            assert "is ready; desks emea, americas" in running.stdout.readline()
            ready = ReadyFile.model_validate_json(ready_file.read_text())
            assert (mode(ready_file), ready.pid, set(ready.keys)) == (0o600, running.pid, {"emea", "americas"})
            assert AdminClient.from_ready_file(ready_file).counters().requests == {}
            running.send_signal(signal.SIGTERM)
            assert running.wait(15) == 0
        finally:
            with contextlib.suppress(ProcessLookupError):
                running.kill()
    assert not ready_file.exists()
