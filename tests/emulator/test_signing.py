from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from cloud9_archive.emulator.refusal import RefusedError
from cloud9_archive.emulator.signing import (
    SignedParts,
    UsedNonces,
    check_date,
    check_signature,
    expected_signature,
    read_authorization,
)

NONCE = "00000000-0000-4000-8000-000000000001"
NOW = datetime(2025, 9, 26, 9, tzinfo=UTC)
SKEW = timedelta(seconds=300)
V1_BODY = b'{"beginDate":"2025-09-26 09:00:00","endDate":"2025-09-26 10:00:00","nextPageToken":""}'
V1 = "bCiT4CDLL021vOymo+NlR/A1KB+fSio/DFg7ndHdnNIQvgIdmiwu5g05e6yrYHLiCUqE7UKRw+oBEzHXpP0csA=="
V2 = "6uwo4oyVv9obceoTmR4vxibDuIgAtiEXzs9LFa07kG08r6gBcwY3GMLL3OUHfmV57LLXJ9Cr+tyt/s8pGvefUA=="


def parts(method: str, path: str, body: bytes, *, host: str = "calldataapi.example.com:443") -> SignedParts:
    return SignedParts(
        method=method,
        scheme="https",
        host=host,
        path=path,
        content_type="application/json; charset=utf-8",
        api_key="test-api-key",
        nonce=NONCE,
        date="Fri, 26 Sep 2025 09:00:00 GMT",
        body=body,
    )


@pytest.mark.parametrize("host", ["calldataapi.example.com:443", "calldataapi.example.com"])
@pytest.mark.parametrize(
    ("method", "path", "body", "signature"), [("POST", "/v1.1/calls/metadata", V1_BODY, V1), ("GET", "/api", b"", V2)]
)
def test_the_reference_vectors(host: str, method: str, path: str, body: bytes, signature: str) -> None:
    assert expected_signature(parts(method, path, body, host=host), secret="test-api-secret") == signature


def test_one_changed_byte_of_the_body_is_refused() -> None:
    check_signature(parts("POST", "/v1.1/calls/metadata", V1_BODY), secret="test-api-secret", signature=V1)
    with pytest.raises(RefusedError, match="BAD_SIGNATURE"):
        check_signature(parts("POST", "/v1.1/calls/metadata", V1_BODY + b" "), secret="test-api-secret", signature=V1)


@pytest.mark.parametrize(
    "header", [None, "", "Bearer x", f"HmacSHA512 key:{NONCE}", f"HmacSHA256 k:{NONCE}:{V1}", "HmacSHA512 a:b:c:d"]
)
def test_other_authorizations_are_refused(header: str | None) -> None:
    with pytest.raises(RefusedError) as refused:
        read_authorization(header)
    assert refused.value.status == 401


@pytest.mark.parametrize(("seconds", "fits"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_dates_may_differ_by_the_skew_and_no_more(seconds: int, fits: bool) -> None:  # noqa: FBT001 - a case's outcome
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    if fits:
        check_date(date, now=NOW, skew=SKEW)
    else:
        with pytest.raises(RefusedError, match="CLOCK_SKEW"):
            check_date(date, now=NOW, skew=SKEW)


@pytest.mark.parametrize(
    "date",
    [None, "", "yesterday", "2025-09-26T09:00:00Z", "Fri, 26 Sep 2025 09:00:00 +0000", "Mon, 26 Sep 2025 09:00:00 GMT"],
)
def test_other_dates_are_refused(date: str | None) -> None:
    with pytest.raises(RefusedError, match="BAD_DATE"):
        check_date(date, now=NOW, skew=SKEW)


def test_a_nonce_counts_once_for_each_key_until_its_dates_are_too_old() -> None:
    nonces = UsedNonces()
    nonces.use("a", NONCE, now=NOW, skew=SKEW)
    nonces.use("b", NONCE, now=NOW, skew=SKEW)
    with pytest.raises(RefusedError, match="NONCE_REUSED"):
        nonces.use("a", NONCE.upper(), now=NOW + 2 * SKEW, skew=SKEW)
    nonces.use("a", NONCE, now=NOW + 2 * SKEW + timedelta(seconds=1), skew=SKEW)
    with pytest.raises(RefusedError, match="BAD_NONCE"):
        nonces.use("a", "00000000-0000-1000-8000-000000000001", now=NOW, skew=SKEW)
