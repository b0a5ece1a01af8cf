"""The hook with real Airflow connections against an emulated Cloud9, alone and under the stock HttpOperator."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from airflow.providers.http.operators.http import HttpOperator
from airflow.sdk import Connection

from cloud9_archive.api.fields import FIELDS
from cloud9_archive.api.session import StrictSession
from cloud9_archive.domain.window import Window
from cloud9_archive.emulator.server import EmulatorServer
from cloud9_archive.errors import AddressNotAllowedError, ConfigurationError, ConnectionFieldError, CredentialsError
from cloud9_archive.hooks.cloud9 import Cloud9Hook

Connect = Callable[..., str]
START = datetime(2026, 11, 20, tzinfo=UTC)
LISTING = "/v1.1/calls/metadata"
BODY = '{"beginDate":"2026-11-20 00:00:00","endDate":"2026-11-20 12:00:00","nextPageToken":""}'


def test_a_client_from_the_connection_lists_calls(connect: Connect) -> None:
    with Cloud9Hook(connect()).client() as client:
        calls = [call for page in client.list_calls(Window(START, START + timedelta(days=1))) for call in page.calls]
    assert calls
    assert {call.source for call in calls} == {"cloud9_emea"}


def test_the_test_button_says_yes(connect: Connect, cloud9: EmulatorServer) -> None:
    answered, words = Cloud9Hook(connect()).test_connection()
    assert answered
    assert words.startswith(f"{cloud9.base_url} answered signed requests; the clocks are ")


def test_the_test_button_as_airflow_presses_it(connect: Connect) -> None:
    answered, words = Connection.get(connect()).test_connection()
    assert answered, words


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"password": "wrong-secret"}, "not swapped"),
        ({"login": "nobody"}, "not swapped"),
        ({"password": ""}, "field api_secret"),
        ({"host": "127.0.0.1", "port": 1}, "check host and port"),
        ({"host": "http://127.0.0.1"}, "https only"),
        ({"extra": {"tls_trust": ""}}, "TLS trust list"),
        ({"extra": {"tls_trust": "/nowhere.pem"}}, "field tls_trust"),
        ({"extra": {"wire_format": "call_data_v9"}}, "write call_data_v1_1"),
    ],
)
def test_the_test_button_says_what_to_do(
    connect: Connect, cloud9: EmulatorServer, parts: dict[str, Any], words: str
) -> None:
    answered, found = Cloud9Hook(connect(**parts)).test_connection()
    assert not answered
    assert words in found
    assert cloud9.keys["emea"].api_secret not in found


def test_an_address_that_is_not_on_the_list_is_named(connect: Connect, cloud9: EmulatorServer) -> None:
    cloud9.admin.allow("emea", "10.0.0.0/8")
    answered, words = Cloud9Hook(connect()).test_connection()
    assert not answered
    assert "allow-list" in words


def test_the_stock_http_operator_signs_its_requests(connect: Connect) -> None:
    operator = HttpOperator(task_id="operator", http_conn_id=connect(), endpoint=LISTING, data=BODY)
    assert isinstance(operator.hook, Cloud9Hook)
    assert json.loads(operator.execute({}))["calls"]


@pytest.mark.parametrize("endpoint", [LISTING, LISTING[1:]])
def test_a_forged_header_or_option_changes_nothing(connect: Connect, cloud9: EmulatorServer, endpoint: str) -> None:
    operator = HttpOperator(
        task_id="operator",
        http_conn_id=connect(extra={"X-Evil": "1", "verify": False, "proxies": {"https": "http://127.0.0.1:1"}}),
        endpoint=endpoint,
        data=BODY,
        headers={"Authorization": "Basic abc", "Date": "yesterday", "X-Trace": "7"},
        extra_options={"verify": False, "allow_redirects": True, "proxies": {"https": "http://127.0.0.1:1"}},
    )
    assert json.loads(operator.execute({}))["calls"]
    assert {seen.status for seen in cloud9.admin.requests().requests} == {200}


def test_the_stock_operators_retries_are_signed_anew(connect: Connect, cloud9: EmulatorServer) -> None:
    cloud9.admin.fault("status", "metadata", status=500, count=2)
    retries = {"stop": lambda state: state.attempt_number > 4, "wait": lambda state: 0.0}
    operator = HttpOperator(task_id="operator", http_conn_id=connect(), endpoint=LISTING, data=BODY, retry_args=retries)
    assert json.loads(operator.execute({}))["calls"]
    assert [seen.status for seen in cloud9.admin.requests().requests] == [500, 500, 200]


def test_the_stock_operator_raises_our_errors_and_logs_no_body(
    connect: Connect, cloud9: EmulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    cloud9.admin.allow("emea", "10.0.0.0/8")
    operator = HttpOperator(task_id="operator", http_conn_id=connect(), endpoint=LISTING, data=BODY)
    with caplog.at_level(logging.DEBUG), pytest.raises(AddressNotAllowedError):
        operator.execute({})
    assert "ADDRESS_NOT_ALLOWED" not in caplog.text


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_the_stock_operator_cannot_change_anything(connect: Connect, cloud9: EmulatorServer, method: str) -> None:
    operator = HttpOperator(
        task_id="operator", http_conn_id=connect(), endpoint="/v1/calls/metadata", method=method, data=BODY
    )
    with pytest.raises(ConfigurationError, match="refused before it was sent"):
        operator.execute({})
    log = cloud9.admin.requests()
    assert (log.requests, log.violations) == ((), ())


@pytest.mark.parametrize("endpoint", ["@elsewhere.example/x", "//elsewhere.example/x", ":1/x", ".elsewhere.example"])
def test_an_endpoint_cannot_lead_elsewhere(connect: Connect, cloud9: EmulatorServer, endpoint: str) -> None:
    operator = HttpOperator(task_id="operator", http_conn_id=connect(), endpoint=endpoint, data=BODY)
    with pytest.raises((ConfigurationError, CredentialsError)):
        operator.execute({})
    assert all(seen.path.startswith(("/v1", "//")) for seen in cloud9.admin.requests().requests)


def test_get_conn_takes_headers_and_only_known_options(connect: Connect, cloud9: EmulatorServer) -> None:
    hook = Cloud9Hook(connect(), method="GET", tcp_keep_alive=False, auth_type=None)
    session = hook.get_conn({"X-Trace": "7", "authorization": "Basic abc"}, {"timeout": 5, "verify": False})
    assert isinstance(session, StrictSession)
    assert session.headers["X-Trace"] == "7"
    assert "Authorization" not in session.headers
    assert hook.merged_extra == {"timeout": 5}
    assert hook.url_from_endpoint("x") == f"{cloud9.base_url}/x"
    assert hook.method == "GET"


def test_the_base_url_is_known_before_a_session_is(connect: Connect, cloud9: EmulatorServer) -> None:
    assert Cloud9Hook(connect()).url_from_endpoint("/x") == f"{cloud9.base_url}/x"


def test_http_hooks_own_name_of_the_connection_id_is_taken(connect: Connect) -> None:
    assert Cloud9Hook(http_conn_id=connect()).cloud9_conn_id == "cloud9_emea"


def test_a_connection_may_be_a_uri(monkeypatch: pytest.MonkeyPatch, cloud9: EmulatorServer) -> None:
    key = cloud9.keys["emea"]
    login, password, tls_trust = (quote(text, safe="") for text in (key.api_key, key.api_secret, str(cloud9.ca_file)))
    uri = f"cloud9://{login}:{password}@{cloud9.host}:{cloud9.port}/?tls_trust={tls_trust}&read_timeout=7.5&port=9"
    monkeypatch.setenv("AIRFLOW_CONN_CLOUD9_URI", uri)
    hook = Cloud9Hook("cloud9_uri")
    assert hook.source_settings().read_timeout == 7.5
    assert hook.source_settings().port == cloud9.port
    assert hook.test_connection()[0]


@pytest.mark.parametrize("value", [30, 30.0, "30"])
def test_numbers_in_extra_come_in_any_form(connect: Connect, value: object) -> None:
    assert Cloud9Hook(connect(extra={"total_timeout": value})).source_settings().total_timeout == 30.0


def test_a_fault_names_connection_and_field(connect: Connect) -> None:
    with pytest.raises(ConnectionFieldError, match="connection 'cloud9_emea', field read_timeout: 'soon'"):
        Cloud9Hook(connect(extra={"read_timeout": "soon"})).source_settings()


def test_making_a_hook_reads_no_connection() -> None:
    assert Cloud9Hook("there_is_none").cloud9_conn_id == "there_is_none"


def test_secrets_are_shown_nowhere(connect: Connect, cloud9: EmulatorServer) -> None:
    hook = Cloud9Hook(connect())
    hook.get_conn()
    shown = f"{hook!r} {vars(hook)!r} {hook.source_settings()!r}"
    assert cloud9.keys["emea"].api_secret not in shown


def test_every_field_is_read_from_where_the_table_says(connect: Connect) -> None:
    values = {"connect_timeout": 1, "read_timeout": 2, "total_timeout": 3, "max_recording_bytes": 4, "region": "SG"}
    source = Cloud9Hook(connect(extra=values)).source_settings()
    assert {name: getattr(source, name) for name in values} == values
    assert {field.name for field in FIELDS} <= set(type(source).__dataclass_fields__)
