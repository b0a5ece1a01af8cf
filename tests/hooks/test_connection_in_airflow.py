"""A connection with every field, kept in Airflow's database and asked for through its own API: no secret comes out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cryptography.fernet import Fernet

from cloud9_archive.api.fields import FIELDS
from cloud9_archive.cli.connections import source_of

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(200)]
CANARIES = {name: f"canary-of-{name}-7351" for name in ("password", "tls_key_password", "proxy_password")}
EXTRA: dict[str, Any] = {
    "key_expires": "2027-03-31",
    "wire_format": "call_data_v1_1",
    "region": "SG",
    "tls_certificate": "/etc/cloud9/client.pem",
    "tls_key_file": "/etc/cloud9/client.key",
    "tls_key_password": CANARIES["tls_key_password"],
    "tls_trust": "ab" * 32,
    "proxy_host": "proxy.firm.example",
    "proxy_port": 3128,
    "proxy_user": "archive-account",
    "proxy_password": CANARIES["proxy_password"],
    "connect_timeout": 5,
    "read_timeout": 50,
    "total_timeout": 500,
    "max_recording_bytes": 1_000_000,
    "media_hosts": "media.example, media.example:8443",
}
CONNECTION = {
    "connection_id": "cloud9_whole",
    "conn_type": "cloud9",
    "host": "calldataapi.example.com",
    "port": 8443,
    "login": "the-key",
    "password": CANARIES["password"],
    "extra": json.dumps(EXTRA),
}


@pytest.fixture
def api(airflow_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of Airflow's API, logged in as its administrator."""
    from airflow.api_fastapi.app import create_app, get_auth_manager, purge_cached_app  # noqa: PLC0415 - slow to import
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser  # noqa: PLC0415 - as above
    from airflow.models import crypto  # noqa: PLC0415 - as above
    from fastapi.testclient import TestClient  # noqa: PLC0415 - as above

    monkeypatch.setenv(
        "AIRFLOW__API_AUTH__JWT_SECRET", "a secret for one test, long enough for what Airflow signs " * 2
    )
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", Fernet.generate_key().decode())
    crypto.get_fernet.cache_clear()
    with TestClient(create_app(apps="core"), base_url="http://127.0.0.1") as client:
        token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="admin", role="admin"))
        client.headers["Authorization"] = f"Bearer {token}"
        yield client
        client.delete("/api/v2/connections/cloud9_whole")
    purge_cached_app()
    crypto.get_fernet.cache_clear()


def shows_a_secret(text: str) -> list[str]:
    return [name for name, canary in CANARIES.items() if canary in text]


def test_airflows_api_shows_no_secret_and_loses_none(api: Any, caplog: pytest.LogCaptureFixture) -> None:
    made = api.post("/api/v2/connections", json=CONNECTION)
    assert made.status_code == 201, made.text
    one = api.get("/api/v2/connections/cloud9_whole")
    told = [made.text, one.text, api.get("/api/v2/connections").text]
    assert [shows_a_secret(text) for text in told] == [[], [], []]
    shown = json.loads(one.json()["extra"])
    assert set(shown) == set(EXTRA)
    assert {name for name, value in shown.items() if value == "***"} == {
        # Airflow hides whatever has "proxy" in its name.
        *("proxy_host", "proxy_user"),
        *("tls_key_password", "proxy_password"),
    }

    # What a form sends back that was opened and saved.
    saved = {**CONNECTION, "password": one.json()["password"], "extra": json.dumps({**shown, "read_timeout": 55})}
    changed = api.patch("/api/v2/connections/cloud9_whole", json=saved)
    assert changed.status_code == 200, changed.text
    assert shows_a_secret(changed.text + caplog.text) == []
    source = source_of("cloud9_whole")
    assert (source.api_secret, source.tls_key_password, source.proxy_password) == tuple(CANARIES.values())
    assert (source.proxy_host, source.proxy_port, source.proxy_user) == ("proxy.firm.example", 3128, "archive-account")
    assert (source.read_timeout, source.key_expires) == (55.0, date(2027, 3, 31))
    assert source.media_hosts == ("media.example", "media.example:8443")
    assert shows_a_secret(repr(source)) == []


def test_the_form_that_airflow_serves_has_every_field(api: Any) -> None:
    (form,) = [each for each in api.get("/ui/connections/hook_meta").json() if each["connection_type"] == "cloud9"]
    further = {field.name: field for field in FIELDS if field.stored == "extra"}
    assert list(form["extra_fields"]) == list(further)
    for name, shown in form["extra_fields"].items():
        field = further[name]
        schema = shown["schema"]
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(None, schema)
        jsonschema.validate(EXTRA[name], schema)
        assert schema["title"] == field.label
        assert (schema.get("format") == "password") == field.masked
        assert ("" if shown["value"] is None else str(shown["value"])) == field.default


def test_every_secret_of_extra_has_a_name_that_airflow_masks() -> None:
    from airflow.sdk._shared.secrets_masker import should_hide_value_for_key  # noqa: PLC0415 - slow to import

    assert {field.name for field in FIELDS if field.masked} == {"api_secret", "tls_key_password", "proxy_password"}
    assert {field.stored for field in FIELDS if field.masked} == {"password", "extra"}
    assert all(should_hide_value_for_key(field.name) for field in FIELDS if field.masked)
