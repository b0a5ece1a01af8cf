"""The signature: published vectors, exact bytes, nothing reused, nothing shown."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.api.signature import Cloud9Auth, http_date, signature, string_to_sign
from cloud9_archive.errors import ConfigurationError

MOMENT = datetime(2025, 9, 26, 9, 0, 0, tzinfo=UTC)
NONCE = "00000000-0000-4000-8000-000000000001"
LISTING = b'{"beginDate":"2025-09-26 09:00:00","endDate":"2025-09-26 10:00:00","nextPageToken":""}'
VECTORS = [
    (
        "POST",
        "/v1.1/calls/metadata",
        LISTING,
        "bCiT4CDLL021vOymo+NlR/A1KB+fSio/DFg7ndHdnNIQvgIdmiwu5g05e6yrYHLiCUqE7UKRw+oBEzHXpP0csA==",
    ),
    (
        "GET",
        "/api",
        None,
        "6uwo4oyVv9obceoTmR4vxibDuIgAtiEXzs9LFa07kG08r6gBcwY3GMLL3OUHfmV57LLXJ9Cr+tyt/s8pGvefUA==",
    ),
]


def signer(nonces: list[str] | None = None) -> Cloud9Auth:
    remaining = iter(nonces or [NONCE])
    return Cloud9Auth("test-api-key", "test-api-secret", clock=lambda: MOMENT, nonce=lambda: next(remaining))


def prepared(method: str, url: str, body: object = None, **headers: str) -> requests.PreparedRequest:
    return requests.Request(method, url, data=body, headers=headers).prepare()


@pytest.mark.parametrize(("method", "path", "body", "expected"), VECTORS)
def test_published_vectors_of_the_pure_functions(method: str, path: str, body: bytes | None, expected: str) -> None:
    message = string_to_sign(
        method=method,
        scheme="https",
        authority="calldataapi.example.com:443",
        path=path,
        content_type="application/json",
        api_key="test-api-key",
        nonce=NONCE,
        date="Fri, 26 Sep 2025 09:00:00 GMT",
        body=body or b"",
    )
    assert message.endswith(b"\n")
    assert message.count(b"\n") == 9
    assert signature("test-api-secret", message) == expected


@pytest.mark.parametrize(("method", "path", "body", "expected"), VECTORS)
@pytest.mark.parametrize("host", ["calldataapi.example.com", "CallDataAPI.example.com:443"])
def test_published_vectors_of_whole_requests(
    method: str, path: str, body: bytes | None, expected: str, host: str
) -> None:
    request = signer()(prepared(method, f"https://{host}{path}?ignored=1", body))
    assert request.headers["Authorization"] == f"HmacSHA512 test-api-key:{NONCE}:{expected}"
    assert request.headers["Date"] == "Fri, 26 Sep 2025 09:00:00 GMT"
    assert request.headers["Content-Type"] == "application/json"


def test_parameters_of_the_content_type_are_not_signed() -> None:
    plain = signer()(prepared("POST", "https://h.example/p", b"{}", **{"Content-Type": "application/json"}))
    with_charset = prepared("POST", "https://h.example/p", b"{}", **{"Content-Type": "application/json; charset=utf-8"})
    assert signer()(with_charset).headers["Authorization"] == plain.headers["Authorization"]


def test_text_is_signed_as_the_utf8_bytes_that_are_sent() -> None:
    text = '{"name":"Zoë"}'
    as_text, as_bytes = (prepared("POST", "https://h.example/p", body) for body in (text, text.encode()))
    assert signer()(as_text).headers["Authorization"] == signer()(as_bytes).headers["Authorization"]
    assert as_text.body == text.encode()
    assert as_text.headers["Content-Length"] == str(len(text.encode()))


def test_a_stream_is_refused() -> None:
    request = prepared("POST", "https://h.example/p", iter([b"a"]))
    with pytest.raises(ConfigurationError, match="cannot be signed"):
        signer()(request)


def test_signing_again_takes_a_new_nonce() -> None:
    auth, request = signer(["one", "two"]), prepared("POST", "https://h.example/p", b"{}")
    first = auth(request).headers["Authorization"]
    second = auth(request).headers["Authorization"]
    assert (first.split(":")[1], second.split(":")[1]) == ("one", "two")
    assert first.split(":")[2] != second.split(":")[2]


def test_neither_key_nor_secret_is_shown() -> None:
    auth = Cloud9Auth("test-api-key", "test-api-secret")
    assert "test-api" not in f"{auth!r} {auth}"
    with pytest.raises(Exception, match="pickle") as caught:
        pickle.dumps(Cloud9Auth("k", "test-api-secret", clock=lambda: MOMENT))
    assert "test-api-secret" not in str(caught.value)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_another_body_has_another_signature(one: bytes, other: bytes) -> None:
    signed = [signer()(prepared("POST", "https://h.example/p", body)).headers["Authorization"] for body in (one, other)]
    assert (signed[0] == signed[1]) == (one == other)


def test_dates_are_gmt_whatever_the_zone() -> None:
    assert http_date(datetime.fromisoformat("2025-09-26T11:00:00+02:00")) == "Fri, 26 Sep 2025 09:00:00 GMT"
