"""One connection written in every way that Airflow takes, and the deployment's certificates behind it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from cloud9_archive.api.source import SourceSettings
from cloud9_archive.deployment import deployment_certificates
from cloud9_archive.emulator.server import EmulatorServer
from cloud9_archive.hooks.cloud9 import Cloud9Hook

NATIVE: dict[str, Any] = {
    "key_expires": "2027-03-31",
    "wire_format": "call_data_v1_1",
    "region": "SG",
    "tls_certificate": "/etc/cloud9/client.pem",
    "tls_key_file": "/etc/cloud9/client.key",
    "tls_key_password": "pass:word/with?all#of%it",
    "tls_trust": "AB:" * 31 + "AB",
    "proxy_host": "proxy.example",
    "proxy_port": 3128,
    "proxy_user": "archive@firm",
    "proxy_password": "p@ss:word&more=",
    "connect_timeout": 5,
    "read_timeout": 50.5,
    "total_timeout": 500,
    "max_recording_bytes": 1_000_000,
    "media_hosts": "media.example:8443",
}
AS_TEXT = {name: str(value) for name, value in NATIVE.items()}
LISTED = {**NATIVE, "media_hosts": ["media.example:8443"]}


def as_json(extra: dict[str, Any]) -> str:
    parts = {
        "conn_type": "cloud9",
        "host": "h.example",
        "port": 8443,
        "login": "k",
        "password": "s:/?#",
        "extra": extra,
    }
    return json.dumps(parts)


def as_uri(extra: dict[str, Any]) -> str:
    return f"cloud9://k:{quote('s:/?#', safe='')}@h.example:8443/?{urlencode(extra)}"


def as_uri_with_json(extra: dict[str, Any]) -> str:
    return f"cloud9://k:{quote('s:/?#', safe='')}@h.example:8443/?{urlencode({'__extra__': json.dumps(extra)})}"


def as_json_in_json(extra: dict[str, Any]) -> str:
    return json.dumps({**json.loads(as_json({})), "extra": json.dumps(extra)})


# A URI's query knows text only.
FORMS = [(as_uri, AS_TEXT)]
FORMS += [(form, extra) for form in (as_json, as_json_in_json, as_uri_with_json) for extra in (NATIVE, AS_TEXT, LISTED)]


@pytest.mark.parametrize(("form", "extra"), FORMS)
def test_every_form_means_the_same(
    monkeypatch: pytest.MonkeyPatch, form: Callable[[dict[str, Any]], str], extra: dict[str, Any]
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CLOUD9_FORMS", form(extra))
    source = Cloud9Hook("cloud9_forms").source_settings()
    assert asdict(source) == asdict(
        SourceSettings(
            "cloud9_forms",
            host="h.example",
            port=8443,
            api_key="k",
            api_secret="s:/?#",
            **{**NATIVE, "key_expires": date(2027, 3, 31), "media_hosts": ("media.example:8443",)},
        )
    )


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def set_options(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"AIRFLOW__CLOUD9_ARCHIVE__{name.upper()}", value)

    return set_options


def test_nothing_is_the_default() -> None:
    assert asdict(deployment_certificates()) == {
        "folder": None,
        "certificate": None,
        "key_file": None,
        "key_password": None,
    }


def test_a_connection_without_a_certificate_shows_the_deployments(
    connect: Callable[..., str], cloud9: EmulatorServer, options: Callable[..., None], tmp_path: Path
) -> None:
    client = cloud9.client
    options(
        certificate_folder=str(tmp_path),
        tls_certificate=client.certificate,
        tls_key_file=client.encrypted_key,
        tls_key_password=client.password,
    )
    hook = Cloud9Hook(connect())
    source = hook.source_settings()
    assert (source.default_certificate, source.tls_certificate) == (True, client.certificate)
    assert source.certificate_folder == tmp_path
    assert hook.test_connection()[0]
    assert client.password not in f"{source!r} {deployment_certificates()!r}"
    options(tls_key_password="wrong")
    answered, words = hook.test_connection()
    assert not answered
    assert (
        "field tls_key_password: it is empty, and of the deployment's default, [cloud9_archive] tls_key_password"
        in words
    )


def test_the_password_of_the_default_certificate_may_come_from_a_command(
    options: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("from-a-file")
    options(tls_certificate="/etc/client.p12", tls_key_password_cmd=f"cat {tmp_path / 'password'}")
    assert deployment_certificates().key_password == "from-a-file"
