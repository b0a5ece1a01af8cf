from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from cloud9_archive.emulator.fault_kinds import ENDPOINTS, FAULTS, FaultKind, strikes_at
from cloud9_archive.emulator.fault_orders import FaultOrder
from cloud9_archive.emulator.listing_faults import EARLIER_EDITION
from cloud9_archive.emulator.server import EmulatorServer

DAY = timedelta(days=1)
METADATA = "/v1.1/calls/metadata"
SIZE = 10


@pytest.fixture
def whole(server: EmulatorServer, emea: Any) -> list[dict[str, Any]]:
    """The day as it is, before pages are small."""
    rows: list[dict[str, Any]] = emea.day()
    server.admin.set_limits(metadata_per_minute=100_000, recording_list_per_minute=100_000, page_size=SIZE)
    return rows


@pytest.fixture
def window(friday: datetime) -> dict[str, str]:
    return {"beginDate": f"{friday:%Y-%m-%d %H:%M:%S}", "endDate": f"{friday + DAY:%Y-%m-%d %H:%M:%S}"}


def numbered(emea: Any, window: dict[str, str]) -> tuple[list[dict[str, Any]], list[int]]:
    """All rows by offset, and what each page told of the total."""
    rows: list[dict[str, Any]] = []
    totals: list[int] = []
    while not totals or len(totals) * SIZE < totals[-1]:
        answer = emea.send("POST", METADATA, {**window, "offset": len(totals) * SIZE}).json
        rows += answer["calls"]
        totals.append(answer["total"])
    return rows, totals


def test_every_fault_has_a_meaning_and_a_place() -> None:
    assert set(FAULTS) == set(FaultKind)
    assert all(strikes_at(kind) for kind in FaultKind)
    with pytest.raises(ValidationError, match="cannot strike at recordings"):
        FaultOrder(kind=FaultKind.DUPLICATE_PAGE, endpoint="recordings")
    with pytest.raises(ValidationError, match="cannot strike at media"):
        FaultOrder(kind=FaultKind.ZIP_BOMB, endpoint="media")
    assert all(FaultOrder(kind=FaultKind.STATUS, endpoint=endpoint) for endpoint in ENDPOINTS)


def test_rows_inserted_push_rows_that_were_seen_to_the_next_page(
    server: EmulatorServer, emea: Any, whole: list[dict[str, Any]], window: dict[str, str]
) -> None:
    server.admin.set_dialect(paging="offset", page_end="total")
    server.admin.fault("rows_inserted", "metadata", rows=2)
    rows, totals = numbered(emea, window)
    assert rows == whole[2:12] + whole[10:]
    assert totals == [58, *[60] * 5]
    assert numbered(emea, window)[0] == whole


def test_rows_inserted_are_missing_from_the_first_page_by_token(
    server: EmulatorServer, emea: Any, whole: list[dict[str, Any]]
) -> None:
    server.admin.fault("rows_inserted", "metadata", rows=3)
    assert emea.day() == whole[3:]
    assert emea.day() == whole


def test_rows_removed_pull_rows_out_of_sight_until_the_window_is_listed_anew(
    server: EmulatorServer, emea: Any, whole: list[dict[str, Any]], window: dict[str, str]
) -> None:
    server.admin.set_dialect(paging="offset", page_end="total")
    server.admin.fault("rows_removed", "metadata", rows=2)
    rows, totals = numbered(emea, window)
    assert rows == whole[:10] + whole[12:]
    assert totals == [60, *[58] * 5]
    assert numbered(emea, window)[0] == whole


def test_rows_removed_change_nothing_by_token(server: EmulatorServer, emea: Any, whole: list[dict[str, Any]]) -> None:
    server.admin.fault("rows_removed", "metadata", rows=2)
    assert emea.day() == whole
    assert server.admin.requests().requests[-5].fault == "rows_removed"


@pytest.mark.parametrize("paging", ["token_header", "offset"])
def test_a_row_edited_between_pages_is_seen_before_and_after(
    server: EmulatorServer, emea: Any, whole: list[dict[str, Any]], window: dict[str, str], paging: str
) -> None:
    server.admin.set_dialect(paging=paging, page_end="total")
    server.admin.fault("rows_edited", "metadata")
    rows = emea.day() if paging == "token_header" else numbered(emea, window)[0]
    assert rows == [*whole[:9], {**whole[9], "buttonLabel": EARLIER_EDITION}, *whole[9:]]
    assert (emea.day() if paging == "token_header" else numbered(emea, window)[0]) == whole


def test_the_last_page_can_be_edited_too(server: EmulatorServer, emea: Any, friday: datetime) -> None:
    whole = emea.day()
    server.admin.fault("rows_edited", "metadata")
    assert emea.day() == [*whole[:-1], {**whole[-1], "buttonLabel": EARLIER_EDITION}, whole[-1]]


def test_a_row_stands_twice_on_a_page(server: EmulatorServer, emea: Any, whole: list[dict[str, Any]]) -> None:
    server.admin.fault("duplicate_rows", "metadata")
    assert emea.day() == [*whole[:10], whole[9], *whole[10:]]


def test_rows_from_before_the_window_stand_at_the_end_of_the_page(
    server: EmulatorServer, emea: Any, whole: list[dict[str, Any]], friday: datetime
) -> None:
    server.admin.fault("outside_window", "metadata", rows=2)
    rows = emea.day()
    assert rows[:10] + rows[12:] == whole
    strangers = rows[10:12]
    known = server.admin.truth("emea", begin=friday - DAY, end=friday).calls
    assert [row["callId"] for row in strangers] == [call.call_id for call in known[-2:]]


@pytest.mark.parametrize("paging", ["token_header", "token_body", "offset", "link_body"])
def test_an_empty_listing_looks_whole(
    server: EmulatorServer, emea: Any, whole: list[dict[str, Any]], window: dict[str, str], paging: str
) -> None:
    server.admin.set_dialect(paging=paging, page_end="has_more")
    server.admin.fault("empty_listing", "metadata")
    fields = {**window, "offset": 0} if paging == "offset" else window
    answer = emea.send("POST", METADATA, fields)
    assert (answer.status, answer.json["calls"]) == (200, [])
    onward = {"next-page-token": None, **answer.json}
    assert not any(onward.get(name) for name in ("hasMore", "next", "nextPageToken"))
    assert "next-page-token" not in answer.headers
    assert emea.send("POST", METADATA, fields).json["calls"] == whole[:10]


def test_endless_pages_lead_on_by_ever_new_tokens_to_the_same_rows(
    server: EmulatorServer, emea: Any, whole: list[dict[str, Any]], friday: datetime
) -> None:
    server.admin.fault("endless_pages", "metadata", count=5)
    tokens, token = set(), ""
    for _ in range(5):
        answer = emea.page(friday, friday + DAY, token)
        token = answer.headers["next-page-token"]
        tokens.add(token)
        assert answer.json["calls"] == whole[:10]
    assert len(tokens) == 5
    assert emea.page(friday, friday + DAY, token).json["calls"] == whole[:10]


@pytest.mark.parametrize("page_end", ["empty_page", "has_more", "total"])
def test_endless_pages_by_number_say_that_there_is_more(
    server: EmulatorServer, emea: Any, whole: list[dict[str, Any]], window: dict[str, str], page_end: str
) -> None:
    server.admin.set_dialect(paging="page", page_end=page_end)
    server.admin.fault("endless_pages", "metadata", count=9)
    for number in range(1, 10):
        answer = emea.send("POST", METADATA, {**window, "page": number, "pageSize": SIZE}).json
        assert answer["calls"] == whole[:10]
        assert answer.get("hasMore", True) is True
        assert answer.get("total", 10**9) > number * SIZE


def test_a_window_is_refused_as_too_long_whatever_its_length(
    server: EmulatorServer, emea: Any, friday: datetime
) -> None:
    server.admin.fault("window_too_long", "metadata")
    answer = emea.page(friday, friday + timedelta(hours=1))
    assert (answer.status, answer.json["error"]) == (400, "WINDOW_TOO_LONG")
    seen = server.admin.requests().requests[-1]
    assert (seen.fault, seen.error) == ("window_too_long", "WINDOW_TOO_LONG")
    assert emea.page(friday, friday + timedelta(hours=1)).status == 200


def test_a_field_of_the_struck_row_is_not_what_it_should_be(
    server: EmulatorServer, emea: Any, whole: list[dict[str, Any]], friday: datetime
) -> None:
    def struck(kind: str, **details: Any) -> list[dict[str, Any]]:
        server.admin.fault(kind, "metadata", **details)
        rows: list[dict[str, Any]] = emea.page(friday, friday + DAY).json["calls"]
        assert emea.page(friday, friday + DAY).json["calls"] == whole[:10]
        return rows

    assert "callId" not in struck("missing_field")[0]
    assert "nearEnd" not in struck("missing_field", field="nearEnd")[0]
    fourth = struck("missing_field", match=whole[3]["callId"])
    assert fourth[:3] == whole[:3]
    assert "callId" not in fourth[3]
    assert isinstance(struck("wrong_type")[0]["startTime"], dict)
    assert struck("unknown_word")[0]["callType"] == "Hologram"
    assert struck("unknown_word", field="direction")[0]["direction"] == "Hologram"
    assert str(struck("nan")[0]["milliDuration"]) == "nan"
    assert struck("half_surrogate")[0]["buttonLabel"] == "half \ud83d of a pair"
    server.admin.set_dialect(codes="numbers")
    server.admin.fault("unknown_word", "metadata")
    assert emea.page(friday, friday + DAY).json["calls"][0]["callType"] == 987


def test_a_half_surrogate_travels_as_an_escape(server: EmulatorServer, emea: Any, friday: datetime) -> None:
    server.admin.fault("half_surrogate", "metadata")
    body = emea.page(friday, friday + DAY).body
    assert b"\\ud83d of a pair" in body
    body.decode("utf-8")


def test_deep_json_breaks_a_careless_reader_and_oversized_is_padded(
    server: EmulatorServer, emea: Any, whole: list[dict[str, Any]], friday: datetime
) -> None:
    server.admin.fault("deep_json", "metadata")
    deep = emea.page(friday, friday + DAY)
    with pytest.raises(RecursionError):
        json.loads(deep.body)
    server.admin.fault("oversized", "metadata", size=3_000_000)
    large = emea.page(friday, friday + DAY)
    assert (large.json["calls"], len(large.body) > 3_000_000) == (whole[:10], True)
    assert int(large.headers["content-length"]) == len(large.body)


@pytest.mark.parametrize(
    "kind", ["duplicate_page", "shrinking_page", "empty_listing", "duplicate_rows", "missing_field"]
)
def test_faults_of_listings_strike_the_list_of_recordings_too(
    server: EmulatorServer, emea: Any, whole: list[dict[str, Any]], window: dict[str, str], kind: str
) -> None:
    server.admin.set_dialect(recordings="listed")
    path = "/v1/calls/recordingList"
    right = emea.send("POST", path, window)
    second = {**window, "nextPageToken": right.headers["next-page-token"]}
    after = emea.send("POST", path, second).json
    server.admin.fault(kind, "recording_list", field="recordingId")
    assert emea.send("POST", path, second).json != after
    assert server.admin.requests().requests[-1].fault == kind
    assert emea.send("POST", path, second).json == after


@pytest.mark.parametrize(
    "kind", ["missing_field", "wrong_type", "nan", "half_surrogate", "duplicate_rows", "renamed_field"]
)
def test_faults_of_rows_strike_the_recordings_of_one_call_too(
    server: EmulatorServer, emea: Any, whole: list[dict[str, Any]], kind: str
) -> None:
    server.admin.set_dialect(recordings="per_call")
    path = f"/v1/calls/{whole[0]['callId']}/recordings"
    right = emea.get(path).json
    server.admin.fault("duplicate_page", "recording_list")
    server.admin.fault(kind, "recording_list")
    assert str(emea.get(path).json) != str(right)
    assert [order.kind for order in server.cloud.faults] == ["duplicate_page"], "there are no pages to strike"
    assert emea.get(path).json == right
