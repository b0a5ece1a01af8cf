"""The example formats of the documentation, each run against a peer that speaks as it says and checks signatures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest
from pytest_httpserver import HTTPServer
from signed_peer import Answer, raw_target, serve
from werkzeug import Request, Response

from cloud9_archive.api.client import Cloud9Client, FetchedRecording, PendingRecording
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.wire import read_wire_format
from cloud9_archive.domain.call import Call, CallType, Direction, Party, RecordingLink, Side
from cloud9_archive.domain.run import WantedRecording
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import RecordError, WireFormatError

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "wire"
START = datetime(2026, 11, 20, 8, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(hours=2))
# Ids that are made to break out of a path or a query.
IDS = ["a/1", "b?x=1&y", "c#..%2f", "../d e", "ü\u2028f"]
STARTS = [START + timedelta(minutes=20 * number) for number in range(len(IDS))]

Open = Callable[[str, dict[str, Answer]], Cloud9Client]


@pytest.fixture
def opened(peer: HTTPServer, source: SourceSettings) -> Iterator[Open]:
    clients: list[Cloud9Client] = []

    def make(name: str, answers: dict[str, Answer]) -> Cloud9Client:
        serve(peer, answers)
        wire = read_wire_format(EXAMPLES / f"{name}.yaml")
        clients.append(Cloud9Client(source, wire=wire, sleep=lambda _: None))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def answered(content: Any, status: int = 200) -> Response:
    return Response(json.dumps(content), status=status, content_type="application/json")


def audio(what: str) -> Response:
    return Response(f"audio of {what}".encode(), content_type="audio/ogg")


def listed(client: Cloud9Client) -> dict[str, Call]:
    return {call.call_id: call for page in client.list_calls(WINDOW) for call in page.calls}


def content_of(client: Cloud9Client, wanted: WantedRecording, into: Path) -> str:
    assert isinstance(client.fetch_recording(wanted, into), FetchedRecording)
    return into.read_text(encoding="utf-8")


# Flat rows, epoch milliseconds, pages by offset, audio by file name.


def flat_rows() -> list[dict[str, Any]]:
    return [
        {
            "id": call_id,
            "begin": int(start.timestamp() * 1000),
            "finish": int(start.timestamp() * 1000) + 1500,
            "seconds": 1.5,
            "kind": "2",
            "dir": "I",
            "desk": "Rates",
            "trader": "jsmith@firm.example",
            "farNumber": "4420",
            "farFirm": None,
            "fileId": f"f-{call_id}" if number else None,
            "fileName": f"{number}.ogg",
        }
        for number, (call_id, start) in enumerate(zip(IDS, STARTS, strict=True))
    ]


def flat_search(request: Request) -> Response:
    asked = request.get_json()
    assert asked["filter"]["recorded"] is True
    assert asked["order"] == "asc"
    rows = [row for row in flat_rows() if asked["filter"]["from"] <= row["begin"] < asked["filter"]["to"]]
    part = rows[asked["skip"] : asked["skip"] + asked["limit"]]
    return answered({"items": part, "meta": {"count": len(rows)}})


def flat_media(request: Request) -> Response:
    name = request.get_json()["name"]
    return audio(name) if name != "2.ogg" else Response(status=404)


def test_flat_rows_by_offset(opened: Open, peer: HTTPServer, tmp_path: Path) -> None:
    client = opened("flat_offset", {"/cdr/search": flat_search, "/cdr/media": flat_media})
    calls = listed(client)
    assert [call.started_at for call in calls.values()] == STARTS
    assert calls["b?x=1&y"] == Call(
        "cloud9_test",
        "b?x=1&y",
        STARTS[1],
        ended_at=STARTS[1] + timedelta(seconds=1.5),
        duration=1.5,
        call_type=CallType.RINGDOWN,
        direction=Direction.INCOMING,
        parties=(Party(Side.NEAR, login="jsmith@firm.example", group="Rates"), Party(Side.FAR, number="4420")),
        recordings=(RecordingLink("f-b?x=1&y", filename="1.ogg"),),
        raw=flat_rows()[1],
    )
    assert calls["a/1"].recordings == ()
    assert [request.get_json()["skip"] for request, _ in peer.log] == [0, 3, 5, 0, 3, 5]
    assert content_of(client, WantedRecording("f-1", filename="1.ogg"), tmp_path / "r") == "audio of 1.ogg"
    pending = client.fetch_recording(WantedRecording("f-2", filename="2.ogg"), tmp_path / "s")
    assert pending == PendingRecording("f-2", "404")


def test_a_recording_without_the_name_that_it_is_asked_by_is_one_bad_record(opened: Open, tmp_path: Path) -> None:
    client = opened("flat_offset", {})
    with pytest.raises(RecordError, match=r"'f-3' is to be asked for by its file name.*flat_offset\.yaml") as caught:
        client.fetch_recording(WantedRecording("f-3"), tmp_path / "r")
    assert caught.value.subject == "f-3"


# GET, next links, recordings for each call, ids in paths.


def linked_row(number: int) -> dict[str, Any]:
    local = STARTS[number].astimezone(ZoneInfo("Europe/London"))
    return {
        "uuid": IDS[number],
        "started": f"{local:%d.%m.%Y %H:%M:%S}",
        "stopped": None,
        "lengthMs": 60000,
        "type": "SD",
        "direction": "out",
        "near": {"firm": "Firm", "people": [{"login": "jsmith@firm.example", "name": "Jane"}]},
    }


def linked_calls(request: Request) -> Response:
    assert request.get_data() == b""
    if request.args.get("cursor") == "nächste/2":
        return answered({"calls": [linked_row(3), linked_row(4)], "links": {"next": None}})
    assert request.args["since"] == "2026-11-20T08:00:00Z"
    assert request.args["until"] == "2026-11-20T10:00:00Z"
    assert (request.args["expand"], request.args["limit"]) == ("parties", "3")
    link = f"https://{request.headers['Host']}/v3/calls?cursor=n%C3%A4chste%2F2#part"
    return answered({"calls": [linked_row(number) for number in range(3)], "links": {"next": link}})


def media_of_call(request: Request) -> Response:
    beginning, call_id, end = raw_target(request).removeprefix("/v3/").split("/")
    assert (beginning, end) == ("calls", "media")
    number = IDS.index(unquote(call_id))
    if number == 2:
        return Response(status=404)
    media = [{"id": f"{IDS[number]}/{part}", "startsAtMs": 1500 * part, "lengthMs": 60000} for part in range(2)]
    return answered({"media": media})


def media_content(request: Request) -> Response:
    recording_id = unquote(raw_target(request).removeprefix("/v3/media/").removesuffix("/content"))
    return audio(recording_id)


def test_next_links_and_recordings_for_each_call(opened: Open, peer: HTTPServer, tmp_path: Path) -> None:
    answers = {"/v3/calls?": linked_calls, "/v3/calls/": media_of_call, "/v3/calls": linked_calls}
    client = opened("get_links", {**answers, "/v3/media/": media_content})
    calls = listed(client)
    assert list(calls) == IDS
    assert [call.started_at for call in calls.values()] == STARTS
    assert calls["a/1"].recordings == (
        RecordingLink("a/1/0", offset=0.0, duration=60.0),
        RecordingLink("a/1/1", offset=1.5, duration=60.0),
    )
    assert calls[IDS[2]].recordings == ()
    assert calls["a/1"].raw["call"] == linked_row(0)
    assert [row["id"] for row in calls["a/1"].raw["recordings"]] == ["a/1/0", "a/1/1"]
    assert {request.method for request, _ in peer.log} == {"GET"}
    assert [response.status_code for _, response in peer.log].count(401) == 0
    for call in calls.values():
        for link in call.recordings:
            wanted = WantedRecording(link.recording_id)
            assert content_of(client, wanted, tmp_path / "r") == f"audio of {link.recording_id}"


@pytest.mark.parametrize("recording_id", ["..", "."])
def test_an_id_that_would_climb_the_path_is_one_bad_record(opened: Open, tmp_path: Path, recording_id: str) -> None:
    client = opened("get_links", {})
    with pytest.raises(RecordError, match="cannot stand in the path"):
        client.fetch_recording(WantedRecording(recording_id), tmp_path / "r")


@pytest.mark.parametrize(
    "link",
    [
        "https://elsewhere.example/v3/calls?cursor=2",
        "//elsewhere.example/v3/calls",
        "http://127.0.0.1/v3/calls",
        "https://127.0.0.1:1/v3/calls",
        "https://127.0.0.1:99999999/v3/calls",
        "https://[::1/v3/calls",
        "file:///etc/passwd",
        "/v3/calls?cursor=a b",
        "/v3/calls\\..\\x",
    ],
)
def test_a_link_that_leads_elsewhere_is_never_followed(opened: Open, peer: HTTPServer, link: str) -> None:
    page = answered({"calls": [], "links": {"next": link}}).get_data()
    client = opened("get_links", {"/v3/calls": lambda _: Response(page)})
    with pytest.raises(WireFormatError, match=r"links\.next (leads to another host|is no address)"):
        listed(client)
    assert len(peer.log) == 1


# A token in the body, parties in one list, recordings for each window, audio by call.


def token_row(number: int) -> dict[str, Any]:
    return {
        "callId": IDS[number],
        "times": {"start": STARTS[number].isoformat(), "stop": None},
        "line": {"type": "DIAL", "direction": "IN", "number": 7},
        "participants": [
            {"role": "COUNTERPARTY", "account": None, "fullName": "A Broker", "company": "Broker"},
            {"role": "DESK", "account": "jsmith@firm.example", "fullName": "Jane Smith", "company": "Firm"},
        ],
    }


def token_calls(request: Request) -> Response:
    assert request.get_json() == {"window": {"start": "2026-11-20T08:00:00Z", "stop": "2026-11-20T10:00:00Z"}}
    token = request.args.get("pageToken")
    rows = {None: [0, 1, 2], "t&2": [3, 4]}[token]
    return answered(
        {
            "data": [token_row(number) for number in rows],
            "page": {"next": "t&2" if token is None else None, "total": len(IDS)},
        }
    )


def token_recordings(request: Request) -> Response:
    assert request.get_json() == {"window": {"start": "2026-11-20T07:30:00Z", "stop": "2026-11-20T10:30:00Z"}}
    page = int(request.args["page"])
    rows = [
        {"recordingId": "r-0", "calls": [{"callId": IDS[0]}, {"callId": IDS[3]}], "length": 61.5},
        {"recordingId": "r-1", "calls": [{"callId": IDS[1]}], "length": None},
    ]
    return answered({"recordings": [rows[page]], "hasMore": page == 0})


def token_audio(request: Request) -> Response:
    call_id = request.get_json()["callId"]
    return audio(call_id) if call_id == IDS[3] else answered({"message": "NOT_YET"}, status=404)


def test_tokens_and_recordings_for_a_window(opened: Open, peer: HTTPServer, tmp_path: Path) -> None:
    client = opened(
        "token_by_call", {"/api/calls": token_calls, "/api/recordings": token_recordings, "/api/audio": token_audio}
    )
    calls = listed(client)
    assert [call.started_at for call in calls.values()] == STARTS
    assert calls[IDS[0]].parties == (
        Party(Side.FAR, display_name="A Broker", firm="Broker"),
        Party(Side.NEAR, login="jsmith@firm.example", display_name="Jane Smith", firm="Firm"),
    )
    assert calls[IDS[0]].connection == "7"
    names = [[link.recording_id for link in call.recordings] for call in calls.values()]
    assert names == [["r-0"], ["r-1"], [], ["r-0"], []]
    shared = WantedRecording("r-0", call_ids=(IDS[0], IDS[3]))
    assert content_of(client, shared, tmp_path / "r") == f"audio of {IDS[3]}"
    pending = client.fetch_recording(WantedRecording("r-1", call_ids=(IDS[1],)), tmp_path / "s")
    assert pending == PendingRecording("r-1", "404 NOT_YET")


def test_a_call_with_two_recordings_cannot_be_asked_for_by_call(opened: Open) -> None:
    def two(_: Request) -> Response:
        rows = [{"recordingId": f"r-{number}", "calls": [{"callId": IDS[1]}]} for number in range(2)]
        return answered({"recordings": rows, "hasMore": False})

    client = opened("token_by_call", {"/api/calls": token_calls, "/api/recordings": two})
    with pytest.raises(WireFormatError, match="names 2 recordings, but a recording is asked for by its call alone"):
        listed(client)


def test_an_end_that_the_format_does_not_know_stops_the_run(opened: Open) -> None:
    def odd(_: Request) -> Response:
        row = token_row(0)
        row["participants"][1]["role"] = "OBSERVER"
        return answered({"data": [row], "page": {"next": None, "total": 1}})

    client = opened("token_by_call", {"/api/calls": odd, "/api/recordings": token_recordings})
    with pytest.raises(WireFormatError, match=r"participants\[1\]\.role should be one of 'DESK', 'COUNTERPARTY'"):
        listed(client)


def test_fewer_rows_than_announced_stop_the_run(opened: Open) -> None:
    def fewer(_: Request) -> Response:
        return answered({"data": [token_row(0)], "page": {"next": None, "total": 2}})

    client = opened("token_by_call", {"/api/calls": fewer, "/api/recordings": token_recordings})
    with pytest.raises(WireFormatError, match=r"page\.total says 2 rows, but 1 came"):
        listed(client)
