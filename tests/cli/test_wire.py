"""``cloud9-archive wire``: what a stranger sees of a format and a sample."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from cloud9_archive.api.wire import SHIPPED_FORMATS

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples" / "wire"
SHIPPED = SHIPPED_FORMATS / "call_data_v1_1.yaml"

Command = Callable[..., Result]


@pytest.fixture
def answer() -> dict[str, Any]:
    """An answer as the shipped format has it, in which nobody is at the far end."""
    end = {"firmId": "f1", "firmName": "Firm", "groupId": "g1", "groupName": "Desk", "number": "1", "users": []}
    user = {"userId": "u1", "userName": "jsmith@firm.example", "fullName": "Jane Smith", "email": "j@firm.example"}
    row = {
        "callId": "c-1",
        "callType": "Shoutdown",
        "direction": "Outgoing",
        "startTime": "2026-11-20 08:15:02",
        "nearEnd": {**end, "users": [user, user]},
        "farEnd": end,
        "recordings": [{"recordingId": "r-1", "codec": "opus"}],
        "quality": {"mos": 4, "loss": 0},
    }
    return {"calls": [row], "version": 2}


@pytest.fixture
def sample(tmp_path: Path) -> Callable[..., Path]:
    def write(answer: Any) -> Path:
        path = tmp_path / "sample.json"
        path.write_text(answer if isinstance(answer, str) else json.dumps(answer), encoding="utf-8")
        return path

    return write


def found(result: Result) -> dict[str, Any]:
    document = json.loads(result.stdout)
    document["fields"] = {field["field"]: field for field in document["fields"]}
    return dict(document)


def verdicts(document: dict[str, Any], *fields: str) -> list[str]:
    return [document["fields"][field]["verdict"] for field in fields]


def test_a_sample_that_fits(command: Command, sample: Any, answer: Any) -> None:
    result = command("wire", "check", "call_data_v1_1", sample(answer), "--json")
    assert result.exit_code == 0
    told = found(result)
    assert (told["ok"], told["rows"], told["calls"], told["recordings"]) == (True, 1, 1, 1)
    assert told["unmapped"] == ["nearEnd.users.email", "recordings.codec", "quality"]
    assert told["next_page"] == "not known: it is in the header Next-Page-Token, so give --headers"
    assert verdicts(told, "call.call_id", "call.button_label", "parties[1].user.login") == ["ok", "missing", "not seen"]
    login = told["fields"]["parties[0].user.login"]
    assert (login["expression"], login["found"], login["looked"]) == ("nearEnd.users.userName", 2, 2)
    assert login["example"] == '"jsmith@firm.example"'
    assert told["requests"][0] == {
        "what": "calls",
        "method": "POST",
        "target": "/v1.1/calls/metadata",
        "body": '{"beginDate":"2026-11-20 08:00:00","endDate":"2026-11-20 09:00:00","nextPageToken":""}',
    }


def test_headers_tell_of_the_next_page(command: Command, sample: Any, answer: Any, tmp_path: Path) -> None:
    headers = tmp_path / "headers.txt"
    headers.write_text("HTTP/1.1 200 OK\r\nnext-page-token: t-2\r\nDate: Fri, 20 Nov 2026 09:00:00 GMT\r\n\r\n")
    told = found(command("wire", "check", "call_data_v1_1", sample(answer), "--headers", headers, "--json"))
    assert told["next_page"] == "asked for by token t-2"
    assert json.loads(told["requests"][1]["body"])["nextPageToken"] == "t-2"
    headers.write_text("HTTP/1.1 200 OK\r\n")
    told = found(command("wire", "check", "call_data_v1_1", sample(answer), "--headers", headers, "--json"))
    assert told["next_page"] == "none: this is the last page"


def test_a_word_that_is_not_known_is_told_and_can_be_read(command: Command, sample: Any, answer: Any) -> None:
    answer["calls"][0]["callType"] = "Barge"
    result = command("wire", "check", "call_data_v1_1", sample(answer))
    assert result.exit_code == 0
    assert re.search(
        r"word unknown +call\.call_type +callType +\"Barge\"\n +→ values has no word for str 'Barge'", result.stdout
    )


@pytest.mark.parametrize(
    ("change", "field", "verdict", "place"),
    [
        ({"callId": ...}, "call.call_id", "required and missing", "calls[0].callId"),
        ({"callId": [1]}, "call.call_id", "does not fit", "calls[0].callId"),
        ({"startTime": "20/11/2026"}, "call.started_at", "does not fit", "calls[0].startTime"),
        ({"milliDuration": "long"}, "call.duration", "does not fit", "calls[0].milliDuration"),
        ({"recordings": [{}]}, "recordings.recording_id", "required and missing", "calls[0].recordings[0].recordingId"),
    ],
)
def test_what_cannot_be_read_is_told_by_field_and_place(
    command: Command, sample: Any, answer: Any, change: dict[str, Any], field: str, verdict: str, place: str
) -> None:
    row = {**answer["calls"][0], **change}
    answer["calls"][0] = {name: value for name, value in row.items() if value is not ...}
    result = command("wire", "check", "call_data_v1_1", sample(answer), "--json")
    told = found(result)
    assert (result.exit_code, told["ok"], told["error"]["code"]) == (2, False, "WIRE_FORMAT")
    assert verdicts(told, field) == [verdict]
    assert place in told["error"]["message"]
    assert str(SHIPPED) in told["error"]["hint"]


@pytest.mark.parametrize("content", ["", "<html>", "[]", '{"callRecords": []}', '{"calls": 7}', '{"calls": [7]}'])
def test_what_is_no_answer_is_told(command: Command, sample: Any, content: str) -> None:
    result = command("wire", "check", "call_data_v1_1", sample(content))
    assert result.exit_code == 2
    assert "the sample cannot be read" in result.stdout
    assert "asks for calls: POST /v1.1/calls/metadata" in result.stdout


def test_an_empty_sample_shows_nothing_and_says_so(command: Command, sample: Any) -> None:
    result = command("wire", "check", "call_data_v1_1", sample({"calls": []}))
    assert result.exit_code == 0
    assert "a sample without rows shows nothing of the fields" in result.stdout


@pytest.mark.parametrize("name", ["flat_offset", "get_links", "token_by_call"])
def test_the_examples_read_their_samples(command: Command, name: str) -> None:
    told = found(command("wire", "check", EXAMPLES / f"{name}.yaml", EXAMPLES / f"{name}.json", "--json"))
    assert told["ok"]
    assert {field["verdict"] for field in told["fields"].values()} <= {"ok", "not seen"}


def test_an_answer_of_recordings_is_checked_as_such(command: Command) -> None:
    form, answer = EXAMPLES / "token_by_call.yaml", EXAMPLES / "token_by_call_recordings.json"
    told = found(command("wire", "check", form, answer, "--recordings", "--json"))
    assert (told["ok"], told["recordings"], told["unmapped"]) == (True, 1, ["codec"])
    assert command("wire", "check", form, answer).exit_code == 2
    refused = command("wire", "check", "call_data_v1_1", answer, "--recordings")
    assert (refused.exit_code, "has no recordings.listing" in refused.stderr) == (2, True)


def test_what_the_page_shows_is_what_the_command_says(command: Command) -> None:
    page = (ROOT / "docs" / "wire-format.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- shown by wire check.*?```text\n(.*?)```", page, re.DOTALL)
    assert shown is not None
    result = command("wire", "check", EXAMPLES / "flat_offset.yaml", EXAMPLES / "flat_offset.json")
    lines = [line.rstrip() for line in result.stdout.splitlines()[2:]]
    assert shown[1] == "\n".join(lines) + "\n"


def test_a_format_with_a_fault_names_it_with_the_nearest_right_word(
    command: Command, sample: Any, tmp_path: Path
) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(SHIPPED.read_text(encoding="utf-8").replace("  rows: calls ", "  rowz: calls "), encoding="utf-8")
    result = command("wire", "check", own, sample({"calls": []}))
    assert result.exit_code == 2
    assert f"{own} is not valid: " in result.stderr
    assert "listing.rowz: there is no such key (did you mean rows?)" in result.stderr


@pytest.mark.parametrize("words", [("call_data_v9", "sample.json"), ("call_data_v1_1", "nowhere.json")])
def test_a_file_that_is_not_there_is_told(command: Command, words: tuple[str, str]) -> None:
    result = command("wire", "check", *words)
    assert result.exit_code == 2
    assert "cannot be read" in result.stderr


def test_a_format_is_begun_from_another_and_never_overwritten(command: Command, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    assert command("wire", "new", own).exit_code == 0
    assert own.read_bytes() == SHIPPED.read_bytes()
    again = command("wire", "new", own, "--like", EXAMPLES / "get_links.yaml")
    assert (again.exit_code, "exists" in again.stderr) == (2, True)
    assert own.read_bytes() == SHIPPED.read_bytes()


def test_shipped_formats_are_shown(command: Command) -> None:
    assert command("wire", "show").stdout.split() == ["call_data_v1_1"]
    assert command("wire", "show", "call_data_v1_1").stdout == SHIPPED.read_text(encoding="utf-8")
