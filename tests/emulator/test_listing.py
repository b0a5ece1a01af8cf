from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from cloud9_archive.emulator.calls import Kind
from cloud9_archive.emulator.server import EmulatorServer

DAY = timedelta(days=1)


@pytest.mark.parametrize("size", [1, 7, 30, 59, 60, 61])
def test_pages_of_any_size_hold_every_call_once_and_in_order(
    server: EmulatorServer, emea: Any, friday: datetime, size: int
) -> None:
    whole = emea.day()
    server.admin.set_limits(metadata_per_minute=100_000, page_size=size)
    assert emea.day() == whole
    assert len({row["callId"] for row in whole}) == len(whole) == 60
    assert [row["startTime"] for row in whole] == sorted(row["startTime"] for row in whole)


def test_a_call_that_turns_up_between_two_pages_shifts_nothing(
    server: EmulatorServer, emea: Any, friday: datetime
) -> None:
    admin = server.admin
    admin.set_limits(metadata_per_minute=100_000, page_size=5)
    admin.set_clock(fixed=friday + timedelta(hours=11))
    first = emea.page(friday, friday + DAY)
    admin.set_clock(fixed=friday + timedelta(hours=18))
    rest = emea.page(friday, friday + DAY, first.headers["next-page-token"]).json["calls"]
    ids = [row["callId"] for row in [*first.json["calls"], *rest]]
    assert len(set(ids)) == len(ids)


def test_later_listings_show_more_until_every_call_is_there(
    server: EmulatorServer, emea: Any, friday: datetime
) -> None:
    seen: set[str] = set()
    for hour in (6, 10, 12, 16, 20, 25):
        server.admin.set_clock(fixed=friday + timedelta(hours=hour))
        now = {row["callId"] for row in emea.day()}
        assert seen <= now
        seen = now
    assert len(seen) == 60


def test_a_call_is_listed_only_once_its_metadata_is_there(server: EmulatorServer, emea: Any, friday: datetime) -> None:
    truth = server.admin.truth("emea", begin=friday, end=friday + DAY)
    call = max(truth.calls, key=lambda each: each.listed_at - each.ended_at)
    server.admin.set_clock(fixed=call.listed_at - timedelta(seconds=1))
    assert call.call_id not in {row["callId"] for row in emea.day()}
    server.admin.set_clock(fixed=call.listed_at)
    assert call.call_id in {row["callId"] for row in emea.day()}


def test_windows_are_half_open_and_by_start(emea: Any, server: EmulatorServer, friday: datetime) -> None:
    (call, *_) = [
        c for c in server.admin.truth("emea", begin=friday, end=friday + DAY).calls if c.kind is Kind.SAME_SECOND
    ]
    second = call.started_at.replace(microsecond=0)
    listed = emea.listing(second, second + timedelta(seconds=1))
    assert call.call_id in {row["callId"] for row in listed}
    assert len(listed) >= 3
    assert call.call_id not in {row["callId"] for row in emea.listing(second - timedelta(hours=1), second)}
    assert emea.listing(second, second) == []


def test_the_row_is_the_wires(emea: Any) -> None:
    rows = emea.day()
    assert {frozenset(row) for row in rows} == {
        frozenset(
            [
                "callId",
                "callType",
                "direction",
                "startTime",
                "stopTime",
                "milliDuration",
                "buttonId",
                "buttonLabel",
                "connectionId",
                "connectionNumber",
                "startAction",
                "stopReason",
                "nearEnd",
                "farEnd",
                "recordings",
            ]
        )
    }
    ends = [row[end] for row in rows for end in ("nearEnd", "farEnd")]
    assert {frozenset(end) for end in ends} == {
        frozenset(["firmId", "firmName", "groupId", "groupName", "number", "users"])
    }
    assert {frozenset(user) for end in ends for user in end["users"]} == {frozenset(("userId", "userName", "fullName"))}
    links = [link for row in rows for link in row["recordings"]]
    assert {frozenset(link) for link in links} == {
        frozenset(("recordingId", "fileName", "offsetMillis", "milliDuration"))
    }
    form = "%Y-%m-%d %H:%M:%S.%f"
    for row in rows:
        length = datetime.strptime(row["stopTime"], form) - datetime.strptime(row["startTime"], form)  # noqa: DTZ007 - the wire has no zone
        assert length == timedelta(milliseconds=row["milliDuration"])
        assert len(row["connectionNumber"]) == len("sPK-3574-") + 28
    assert all(end["users"] for end in (row["nearEnd"] for row in rows))
    assert any(not row["farEnd"]["users"] for row in rows)


def body(begin: str = "2026-11-20 00:00:00", end: str = "2026-11-21 00:00:00", **more: Any) -> dict[str, Any]:
    return {"beginDate": begin, "endDate": end, "nextPageToken": "", **more}


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "BAD_REQUEST"),
        (b"[]", "BAD_REQUEST"),
        (b"\xff", "BAD_REQUEST"),
        ({"beginDate": "2026-11-20 00:00:00"}, "BAD_REQUEST"),
        (body(region="SG"), "BAD_REQUEST"),
        (body(begin="2026-11-20T00:00:00Z"), "BAD_DATE"),
        (body(begin="2026-11-2 00:00:00"), "BAD_DATE"),
        (body(begin="0001-01-01 00:00:00", end="0001-01-01 01:00:00"), "BAD_DATE"),
        (body(begin="2026-11-21 00:00:01"), "BAD_WINDOW"),
        (body(end="2026-11-21 00:00:01"), "WINDOW_TOO_LONG"),
        (body(nextPageToken="bm9uc2Vuc2U="), "BAD_PAGE_TOKEN"),
        (body(nextPageToken="é"), "BAD_PAGE_TOKEN"),
    ],
)
def test_400(emea: Any, content: Any, error: str) -> None:
    answer = emea.send("POST", "/v1.1/calls/metadata", content)
    assert (answer.status, answer.json["error"]) == (400, error)


def test_a_page_token_leads_nowhere_in_another_window(server: EmulatorServer, emea: Any, friday: datetime) -> None:
    server.admin.set_limits(page_size=5)
    token = emea.page(friday, friday + DAY).headers["next-page-token"]
    assert emea.page(friday, friday + DAY / 2, token).json["error"] == "BAD_PAGE_TOKEN"


def test_links_that_are_late_show_up_with_the_media(server: EmulatorServer, emea: Any, friday: datetime) -> None:
    truth = server.admin.truth("emea", begin=friday, end=friday + DAY)
    call = next(each for each in truth.calls if each.kind is Kind.LINKS_LATE)
    server.admin.set_clock(fixed=call.listed_at)
    row = next(row for row in emea.day() if row["callId"] == call.call_id)
    assert row["recordings"] == []
    server.admin.upload_now(call.all_links[0].recording_id)
    row = next(row for row in emea.day() if row["callId"] == call.call_id)
    assert [link["recordingId"] for link in row["recordings"]] == [call.all_links[0].recording_id]


def test_a_warm_day_is_listed_fast(emea: Any) -> None:
    emea.day()
    took = []
    for _ in range(5):
        begun = time.perf_counter()
        emea.day()
        took.append(time.perf_counter() - begun)
    assert min(took) < 0.2  # about 6 ms on an idle core; generous, because test machines are busy


def test_each_desk_has_its_own_calls(call_as: Callable[..., Any], emea: Any, friday: datetime) -> None:
    americas = call_as(desk="americas")
    theirs = {row["callId"] for row in americas.day()}
    assert theirs.isdisjoint({row["callId"] for row in emea.day()})
    recording_id = next(row["recordings"][0]["recordingId"] for row in emea.day() if row["recordings"])
    assert americas.recording(recording_id).json["error"] == "UNKNOWN_RECORDING"
