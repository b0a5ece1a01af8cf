from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from cloud9_archive.emulator.limits import SlidingLimit
from cloud9_archive.emulator.refusal import RefusedError
from cloud9_archive.emulator.server import EmulatorServer

HOUR = timedelta(hours=1)


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status, answer.json["error"]


def test_a_signed_request_is_answered(emea: Any, friday: datetime) -> None:
    answer = emea.page(friday, friday + HOUR)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("overrides", "error"),
    [
        ({"Authorization": ""}, "NO_AUTHORIZATION"),
        ({"Authorization": "Basic eDp5"}, "BAD_AUTHORIZATION"),
        ({"Authorization": "HmacSHA512 nobody:00000000-0000-4000-8000-000000000001:AAAA"}, "UNKNOWN_KEY"),
        ({"Date": "Fri, 20 Nov 2026 09:00:00 GMT"}, "BAD_SIGNATURE"),
        ({"Content-Type": "text/plain"}, "BAD_SIGNATURE"),
        ({"Host": "calldataapi.example.com"}, "BAD_SIGNATURE"),
    ],
)
def test_401(call_as: Callable[..., Any], friday: datetime, overrides: dict[str, str], error: str) -> None:
    assert refusal(call_as(overrides=overrides).page(friday, friday + HOUR)) == (401, error)


def test_a_clock_that_is_wrong_by_more_than_the_skew_is_refused_on_either_side(
    server: EmulatorServer, call_as: Callable[..., Any], friday: datetime
) -> None:
    assert call_as(skew=timedelta(seconds=290)).page(friday, friday + HOUR).status == 200
    assert refusal(call_as(skew=timedelta(seconds=310)).page(friday, friday + HOUR)) == (401, "CLOCK_SKEW")
    server.admin.set_clock(auth_offset_seconds=-3600)
    assert refusal(call_as().page(friday, friday + HOUR)) == (401, "CLOCK_SKEW")
    assert call_as(skew=timedelta(hours=-1)).page(friday, friday + HOUR).status == 200


def test_the_date_header_of_answers_tells_the_servers_clock(
    server: EmulatorServer, emea: Any, friday: datetime
) -> None:
    server.admin.set_clock(auth_offset_seconds=86_400 * 400)
    assert (
        " 2027 " in emea.page(friday, friday + HOUR).headers["date"]
        or " 2028 " in emea.page(friday, friday + HOUR).headers["date"]
    )


def test_a_nonce_cannot_be_used_twice(emea: Any) -> None:
    nonce = "3f2c1a54-9d7e-4b61-8f0a-5c1d2e3f4a5b"
    assert emea.send("POST", "/v1/calls/recordings", {"recordingId": "x"}, nonce=nonce).status == 404
    again = emea.send("POST", "/v1/calls/recordings", {"recordingId": "y"}, nonce=nonce)
    assert refusal(again) == (401, "NONCE_REUSED")


def test_403_from_an_address_that_is_not_on_the_keys_list(
    server: EmulatorServer, call_as: Callable[..., Any], friday: datetime
) -> None:
    server.admin.allow("emea", "198.51.100.0/24")
    assert refusal(call_as().page(friday, friday + HOUR)) == (403, "ADDRESS_NOT_ALLOWED")
    assert call_as(desk="americas").page(friday, friday + HOUR).status == 200


def test_429_says_when_to_come_back_and_each_key_and_endpoint_has_its_own_limit(
    server: EmulatorServer, call_as: Callable[..., Any], friday: datetime
) -> None:
    server.admin.set_limits(metadata_per_minute=2, recordings_per_minute=1)
    emea = call_as()
    assert [emea.page(friday, friday + HOUR).status for _ in range(4)] == [200, 200, 429, 429]
    answer = emea.page(friday, friday + HOUR)
    assert refusal(answer) == (429, "TOO_MANY_REQUESTS")
    assert 55 <= int(answer.headers["retry-after"]) <= 60
    assert [emea.recording("x").status for _ in range(2)] == [404, 429]
    assert call_as(desk="americas").page(friday, friday + HOUR).status == 200


def test_the_limit_slides() -> None:
    limit = SlidingLimit()
    for second in (0.0, 30.0):
        limit.admit("k", "e", most=2, now=second)
    with pytest.raises(RefusedError) as refused:
        limit.admit("k", "e", most=2, now=59.5)
    assert refused.value.retry_after == 1
    limit.admit("k", "e", most=2, now=60.0)
    with pytest.raises(RefusedError) as refused:
        limit.admit("k", "e", most=2, now=60.0)
    assert refused.value.retry_after == 30


def test_defaults_are_the_published_limits(server: EmulatorServer) -> None:
    server.admin.set_limits()
    assert (server.cloud.limits.metadata_per_minute, server.cloud.limits.recordings_per_minute) == (70, 350)


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_changing_the_source_of_record_is_405_and_remembered(server: EmulatorServer, emea: Any, method: str) -> None:
    before = len(server.admin.requests().violations)
    assert refusal(emea.send(method, "/v1/calls/metadata", {})) == (405, "METHOD_NOT_ALLOWED")
    (violation,) = server.admin.requests().violations[before:]
    assert (violation.method, violation.path, violation.desk) == (method, "/v1/calls/metadata", "emea")


def test_secrets_do_not_show(server: EmulatorServer, emea: Any, friday: datetime) -> None:
    emea.page(friday, friday + HOUR)
    secret = server.keys["emea"].api_secret
    shown = f"{server.cloud!r} {server.ready()!r} {server.admin!r} {server.admin.requests()!r}"
    assert secret not in shown
    assert server.cloud.admin_token not in shown
