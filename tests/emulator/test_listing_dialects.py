from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

import pytest

from cloud9_archive.emulator.admin_client import AdminRefusedError
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.emulator.dialect import Dialect
from cloud9_archive.emulator.server import EmulatorServer
from cloud9_archive.emulator.truth import Truth

DAY = timedelta(days=1)
METADATA = "/v1.1/calls/metadata"
RECORDING_LIST = "/v1/calls/recordingList"
SIZE = 7
TEXT = "%Y-%m-%d %H:%M:%S"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture
def truth(server: EmulatorServer, friday: datetime) -> Truth:
    server.admin.set_limits(
        metadata_per_minute=100_000, recordings_per_minute=100_000, recording_list_per_minute=100_000, page_size=SIZE
    )
    return server.admin.truth("emea", begin=friday, end=friday + DAY)


def ask(caller: Any, method: str, path: str, fields: dict[str, Any]) -> Any:
    answer = caller.get(path, fields) if method == "GET" else caller.send("POST", path, fields)
    assert answer.status == 200, answer.body
    return answer


def link_target(link: str) -> str:
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"


def every_page(caller: Any, dialect: dict[str, Any], window: dict[str, Any], path: str = METADATA) -> list[Any]:
    """The answers of a window's pages, read as the dialect wants it."""
    walk = numbered_pages if dialect.get("paging") in {"page", "offset"} else led_pages
    return list(walk(caller, dialect, window, path))


def numbered_pages(caller: Any, dialect: dict[str, Any], window: dict[str, Any], path: str) -> Iterator[Any]:
    rows_key = "recordings" if path == RECORDING_LIST else dialect.get("rows_key", "calls")
    for number in count():
        place = {"page": number + 1, "pageSize": SIZE} if dialect["paging"] == "page" else {"offset": number * SIZE}
        answer = ask(caller, dialect.get("listing_method", "POST"), path, {**window, **place})
        yield answer
        ended = {
            "empty_page": not answer.json[rows_key],
            "has_more": answer.json.get("hasMore") is False,
            "total": answer.json.get("total", 10**9) <= (number + 1) * SIZE,
        }
        if ended[dialect.get("page_end", "empty_page")]:
            return


def led_pages(caller: Any, dialect: dict[str, Any], window: dict[str, Any], path: str) -> Iterator[Any]:
    method, paging = dialect.get("listing_method", "POST"), dialect.get("paging", "token_header")
    target, fields = path, dict(window)
    while True:
        # The link of a GET holds everything; a POST sends its body again.
        linked = method == "GET" and target != path
        answer = ask(caller, method, target, {} if linked else fields)
        yield answer
        onward = next_of(answer, paging)
        if not onward:
            return
        if paging.startswith("link"):
            assert onward.startswith("/" if dialect.get("link") == "relative" else f"{caller.server.base_url}/")
            target = link_target(onward)
        else:
            fields = {**window, "nextPageToken": onward}


def next_of(answer: Any, paging: str) -> str | None:
    if paging == "token_header":
        return answer.headers.get("next-page-token")
    if paging == "link_header":
        found = re.fullmatch(r'<(.*)>; rel="next"', answer.headers.get("link", ""))
        return found and found[1]
    return answer.json["next" if paging == "link_body" else "nextPageToken"]


def rows_of(pages: list[Any], key: str = "calls") -> list[dict[str, Any]]:
    return [row for page in pages for row in page.json[key]]


def window_of(begin: datetime, end: datetime) -> dict[str, Any]:
    return {"beginDate": f"{begin:{TEXT}}", "endDate": f"{end:{TEXT}}"}


PAGINGS = [
    *({"paging": paging} for paging in ("token_header", "token_body")),
    *(
        {"paging": paging, "page_end": end}
        for paging in ("page", "offset")
        for end in ("empty_page", "has_more", "total")
    ),
    *({"paging": paging, "link": link} for paging in ("link_body", "link_header") for link in ("absolute", "relative")),
]


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("paging", PAGINGS, ids=lambda paging: "-".join(paging.values()))
def test_every_kind_of_paging_shows_every_call_once(
    server: EmulatorServer, emea: Any, friday: datetime, truth: Truth, method: str, paging: dict[str, str]
) -> None:
    dialect = {**paging, "listing_method": method}
    server.admin.set_dialect(**dialect)
    pages = every_page(emea, dialect, window_of(friday, friday + DAY))
    assert [row["callId"] for row in rows_of(pages)] == [call.call_id for call in truth.calls]
    assert max(len(page.json["calls"]) for page in pages) == SIZE
    assert server.admin.truth("emea", begin=friday, end=friday + DAY) == truth


def test_only_the_dialects_method_is_answered(server: EmulatorServer, emea: Any, friday: datetime) -> None:
    window = window_of(friday, friday + DAY)
    assert emea.get(METADATA, window).json["error"] == "UNKNOWN_ENDPOINT"
    server.admin.set_dialect(listing_method="GET")
    assert emea.get(METADATA, window).status == 200
    assert emea.send("POST", METADATA, window).json["error"] == "METHOD_NOT_ALLOWED"
    assert emea.send("GET", f"{METADATA}?beginDate=x", b"{}").json["error"] == "BAD_REQUEST"


@pytest.mark.parametrize(
    ("paging", "fields"),
    [
        ("page", {"page": 0, "pageSize": 5}),
        ("page", {}),
        ("page", {"page": "one", "pageSize": 5}),
        ("page", {"offset": 0}),
        ("offset", {"offset": -1}),
        ("offset", {}),
        ("offset", {"offset": 0, "limit": 0}),
        ("token_body", {"page": 1}),
        ("token_body", {"nextPageToken": 7}),
    ],
)
def test_what_belongs_to_another_paging_or_is_no_number_is_400(
    server: EmulatorServer, emea: Any, friday: datetime, paging: str, fields: dict[str, Any]
) -> None:
    server.admin.set_dialect(paging=paging)
    answer = emea.send("POST", METADATA, {**window_of(friday, friday + DAY), **fields})
    assert (answer.status, answer.json["error"]) == (400, "BAD_REQUEST")


def test_whoever_asks_for_more_rows_than_a_page_holds_gets_a_page_full(
    server: EmulatorServer, emea: Any, friday: datetime, truth: Truth
) -> None:
    server.admin.set_dialect(paging="offset")
    window = window_of(friday, friday + DAY)
    assert len(emea.send("POST", METADATA, {**window, "offset": 3, "limit": 1000}).json["calls"]) == SIZE
    assert len(emea.send("POST", METADATA, {**window, "offset": 3, "limit": 2}).json["calls"]) == 2
    server.admin.set_dialect(paging="page")
    ids = [call.call_id for call in truth.calls]
    for sized in ({}, {"pageSize": SIZE}, {"pageSize": 1000}):
        rows = emea.send("POST", METADATA, {**window, "page": 2, **sized}).json["calls"]
        assert [row["callId"] for row in rows] == ids[SIZE : 2 * SIZE]


@pytest.mark.parametrize("paging", ["token_header", "token_body", "link_body", "link_header"])
def test_tokens_and_links_may_come_with_a_total_or_a_word_that_there_is_more(
    server: EmulatorServer, emea: Any, friday: datetime, truth: Truth, paging: str
) -> None:
    window = window_of(friday, friday + DAY)
    server.admin.set_dialect(paging=paging, page_end="total")
    assert {page.json["total"] for page in every_page(emea, {"paging": paging}, window)} == {len(truth.calls)}
    server.admin.set_dialect(paging=paging, page_end="has_more")
    told = [page.json["hasMore"] for page in every_page(emea, {"paging": paging}, window)]
    assert told == [True] * (len(told) - 1) + [False]


def local(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


WRITTEN: dict[str, Callable[[datetime, str], Any]] = {
    "text": lambda moment, zone: f"{local(moment, zone):{TEXT}}",
    "iso_8601": lambda moment, zone: moment.astimezone(ZoneInfo(zone)).isoformat(),
    "epoch_seconds": lambda moment, _: int((moment - EPOCH).total_seconds()),
    "epoch_milliseconds": lambda moment, _: int((moment - EPOCH).total_seconds()) * 1000,
}
READ: dict[str, Callable[[Any, str], datetime]] = {
    "text": lambda told, zone: datetime.strptime(told, f"{TEXT}.%f").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC),
    "iso_8601": lambda told, _: datetime.fromisoformat(told).astimezone(UTC),
    "epoch_seconds": lambda told, _: EPOCH + timedelta(milliseconds=round(told * 1000)),
    "epoch_milliseconds": lambda told, _: EPOCH + timedelta(milliseconds=told),
}


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("times", list(WRITTEN))
@pytest.mark.parametrize("zone", ["UTC", "Europe/London", "Asia/Kolkata"])
@pytest.mark.parametrize("on", [datetime(2026, 7, 17, tzinfo=UTC), datetime(2026, 3, 29, tzinfo=UTC)])
def test_every_way_to_write_a_time_means_the_same_moments(
    server: EmulatorServer, emea: Any, method: str, times: str, zone: str, on: datetime
) -> None:
    server.admin.set_limits(metadata_per_minute=100_000)
    server.admin.set_dialect(times=times, zone=zone, listing_method=method)
    window = {"beginDate": WRITTEN[times](on, zone), "endDate": WRITTEN[times](on + DAY, zone)}
    rows = ask(emea, method, METADATA, window).json["calls"]
    calls = server.admin.truth("emea", begin=on, end=on + DAY).calls
    assert [row["callId"] for row in rows] == [call.call_id for call in calls]
    for row, call in zip(rows, calls, strict=True):
        assert READ[times](row["startTime"], zone) == call.started_at
        assert READ[times](row["stopTime"], zone) == call.ended_at


def test_an_hour_that_the_clock_goes_through_twice_is_meant_the_first_time(server: EmulatorServer, emea: Any) -> None:
    server.admin.set_dialect(zone="Europe/London")
    answer = emea.send("POST", METADATA, {"beginDate": "2026-10-25 01:30:00", "endDate": "2026-10-25 12:00:00"})
    assert answer.status == 200
    seen = server.admin.requests().requests[-1].subject
    assert seen == "2026-10-25T00:30:00+00:00/2026-10-25T12:00:00+00:00"


@pytest.mark.parametrize(
    ("times", "told"),
    [
        ("iso_8601", "2026-11-20T00:00:00"),
        ("iso_8601", 1763596800),
        ("epoch_seconds", "2026-11-20 00:00:00"),
        ("epoch_milliseconds", "1763596800.5"),
        ("epoch_milliseconds", "1763596800"),
        ("epoch_seconds", "9" * 300),
    ],
)
def test_a_time_of_another_dialect_is_400(server: EmulatorServer, emea: Any, times: str, told: Any) -> None:
    server.admin.set_dialect(times=times)
    answer = emea.send("POST", METADATA, {"beginDate": told, "endDate": told})
    assert (answer.status, answer.json["error"]) == (400, "BAD_DATE")


def test_flat_rows_hold_what_nested_rows_hold(server: EmulatorServer, emea: Any, friday: datetime) -> None:
    nested = emea.day()
    server.admin.set_dialect(parties="flat", rows_key="items")
    answer = emea.page(friday, friday + DAY)
    assert list(answer.json) == ["items"]
    flat = answer.json["items"]
    assert len({frozenset(row) for row in flat}) == 1
    for row, known in zip(flat, nested, strict=True):
        assert not {"nearEnd", "farEnd"} & set(row)
        for side in ("near", "far"):
            end = known[f"{side}End"]
            names = {"FirmId": "firmId", "Firm": "firmName", "GroupId": "groupId", "Group": "groupName"}
            assert all(row[f"{side}{ours}"] == end[theirs] for ours, theirs in {**names, "Number": "number"}.items())
            users = [(row[f"{side}UserName{i}"], row[f"{side}UserId{i}"], row[f"{side}FullName{i}"]) for i in ("", "2")]
            assert [user for user in users if user[0]] == [
                (user["userName"], user["userId"], user["fullName"]) for user in end["users"]
            ]


def test_numbers_stand_for_words_one_to_one(server: EmulatorServer, emea: Any) -> None:
    words = emea.day()
    server.admin.set_dialect(codes="numbers")
    pairs = {
        (name, row[name], known[name])
        for row, known in zip(emea.day(), words, strict=True)
        for name in ("callType", "direction")
    }
    assert {(name, word) for name, _, word in pairs} == {
        (name, row[name]) for row in words for name in ("callType", "direction")
    }
    assert len({(name, code) for name, code, _ in pairs}) == len(pairs)
    assert all(isinstance(code, int) for _, code, _ in pairs)


@pytest.mark.parametrize("paging", ["token_header", "offset", "link_body"])
def test_recordings_listed_on_their_own_tie_to_the_same_calls(
    server: EmulatorServer, emea: Any, friday: datetime, truth: Truth, paging: str
) -> None:
    dialect = {"recordings": "listed", "paging": paging}
    server.admin.set_dialect(**dialect)
    window = window_of(friday, friday + DAY)
    assert all("recordings" not in row for row in rows_of(every_page(emea, dialect, window)))
    rows = rows_of(every_page(emea, dialect, window, RECORDING_LIST), "recordings")
    told = {(row["recordingId"], tie["callId"], tie["offsetMillis"]) for row in rows for tie in row["calls"]}
    links = {(link.recording_id, call.call_id, link.offset_millis) for call in truth.calls for link in call.links}
    assert told == links
    assert len(rows) == len({recording_id for recording_id, _, _ in links})
    assert max(len(row["calls"]) for row in rows) == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_recordings_listed_per_call_are_the_calls(server: EmulatorServer, emea: Any, truth: Truth, method: str) -> None:
    server.admin.set_dialect(recordings="per_call", call_recordings_method=method)
    kinds = {Kind.HOSTILE_ID, Kind.LONG_ID, Kind.TWO_RECORDINGS, Kind.SHARED_LINE}
    for call in [call for call in truth.calls if call.kind in kinds]:
        path = f"/v1/calls/{quote(call.call_id, safe='')}/recordings"
        answer = emea.get(path) if method == "GET" else emea.send("POST", path, {})
        assert answer.status == 200, answer.body
        told = [(row["recordingId"], row["offsetMillis"]) for row in answer.json["recordings"]]
        assert told == [(link.recording_id, link.offset_millis) for link in call.links]
        assert server.admin.requests().requests[-1].path == "/v1/calls/{callId}/recordings"
    path = "/v1/calls/EC20261120-0/recordings"
    unknown = emea.get(path) if method == "GET" else emea.send("POST", path, {})
    assert (unknown.status, unknown.json["error"]) == (404, "UNKNOWN_CALL")


def test_a_call_whose_recordings_are_not_named_yet_has_none_on_any_list(
    server: EmulatorServer, emea: Any, friday: datetime
) -> None:
    truth = server.admin.truth("emea", begin=friday, end=friday + DAY)
    call = next(call for call in truth.calls if call.kind is Kind.LINKS_LATE)
    server.admin.set_clock(fixed=call.listed_at)
    server.admin.set_dialect(recordings="per_call")
    assert emea.get(f"/v1/calls/{call.call_id}/recordings").json == {"recordings": []}
    server.admin.set_dialect(recordings="listed")
    rows = emea.send("POST", RECORDING_LIST, window_of(friday, friday + DAY)).json["recordings"]
    assert call.all_links[0].recording_id not in {row["recordingId"] for row in rows}


def test_endpoints_of_another_dialect_are_not_there(server: EmulatorServer, emea: Any, friday: datetime) -> None:
    assert emea.send("POST", RECORDING_LIST, window_of(friday, friday + DAY)).status == 404
    assert emea.get("/v1/calls/EC20261120-0/recordings").status == 404


@pytest.mark.parametrize(
    "fields", [{"zone": "Europe/Nowhere"}, {"asked_by": "call_id"}, {"paging": "scrolls"}, {"colour": "red"}]
)
def test_a_dialect_that_nobody_can_speak_is_refused(server: EmulatorServer, fields: dict[str, str]) -> None:
    with pytest.raises(AdminRefusedError, match="422"):
        server.admin._ask("PUT", "dialect", body=fields)
    assert server.cloud.dialect == Dialect()
