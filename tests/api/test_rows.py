"""Answers to calls: what fits is read in full, what does not is named, and nothing becomes no calls."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire_files import content, written

from cloud9_archive.api.row_values import UnknownWord
from cloud9_archive.api.rows import Listed, pending_reason, read_listing
from cloud9_archive.api.wire import SHIPPED_FORMATS, read_wire_format
from cloud9_archive.api.wire_model import WireFormat
from cloud9_archive.domain.call import CallType, Direction, Party, RecordingLink, Side
from cloud9_archive.errors import WireFormatError


def read(wire: WireFormat, answer: Any, **headers: str) -> Listed:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return read_listing(wire, body, {name.replace("_", "-"): value for name, value in headers.items()}, source="c9")


def test_a_full_row_is_read_in_full(wire: WireFormat, row: dict[str, Any]) -> None:
    (call,) = read(wire, {"calls": [row]}).calls
    assert (call.source, call.call_id) == ("c9", "c-1")
    assert call.started_at == datetime(2026, 11, 22, 8, 15, 2, 123000, tzinfo=UTC)
    assert call.ended_at == datetime(2026, 11, 22, 8, 16, 5, 373000, tzinfo=UTC)
    assert call.duration == pytest.approx(63.25)
    assert (call.call_type, call.direction) == (CallType.SHOUTDOWN, Direction.OUTGOING)
    assert (call.button_label, call.connection) == ("Rates", "sPK-3574-00112233445566778899aabbccdd")
    near = {"firm_id": "f1", "firm": "Firm", "group_id": "g1", "group": "Rates desk", "number": None}
    assert call.parties == (
        Party(Side.NEAR, login="jsmith@firm.example", user_id="u1", display_name="Jane Smith", **near),
        Party(Side.NEAR, login="bjones@firm.example", user_id="u2", display_name="Bob Jones", **near),
        Party(Side.FAR, firm_id="f2", firm="Broker", group_id="g2", group="Desk", number="4420"),
    )
    (link,) = call.recordings
    assert link.recording_id == "r-1"
    assert link == RecordingLink("r-1", offset=1.5, duration=link.duration, filename="r-1.ogg")
    assert call.raw == row
    assert call.raw["qos"] == "4"


def test_times_without_fractions_are_read_too(wire: WireFormat, row: dict[str, Any]) -> None:
    row["startTime"] = "2026-11-22 08:15:02"
    assert read(wire, {"calls": [row]}).calls[0].started_at == datetime(2026, 11, 22, 8, 15, 2, tzinfo=UTC)


def test_no_calls_is_an_answer_only_when_it_says_so(wire: WireFormat) -> None:
    assert read(wire, {"calls": []}).calls == ()


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        (b"", "the body"),
        (b"<html>", "the body"),
        (b"\xff\xfe\x00", "the body"),
        (b'{"calls":[NaN]}', "the body"),
        (b'{"calls":[1e999]}', "the body"),
        (b"[" * 200_000, "the body"),
        (b"{}", "calls"),
        (b"[]", "calls"),
        (b"null", "calls"),
        (b'"calls"', "calls"),
        (b'{"calls":null}', "calls"),
        (b'{"calls":{}}', "calls"),
        (b'{"Calls":[]}', "calls"),
        (b'{"data":{"calls":[]}}', "calls"),
        (b'{"calls":[1]}', "calls[0]"),
        (b'{"calls":[[]]}', "calls[0]"),
    ],
)
def test_an_unknown_shape_is_named_and_never_no_calls(wire: WireFormat, answer: bytes, place: str) -> None:
    with pytest.raises(WireFormatError) as caught:
        read(wire, answer)
    assert caught.value.subject == place
    assert str(wire.origin) in str(caught.value)
    assert len(caught.value.message) < 400


def changed(row: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """The row with one value replaced, or taken away when the value is ``...``."""
    row = copy.deepcopy(row)
    *way, last = path.split(".")
    place: Any = row
    for step in way:
        place = place[int(step)] if step.isdigit() else place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return row


@pytest.mark.parametrize("value", [..., None, "", [], {}, True, 1.5])
@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("callId", "calls[1].callId"),
        ("startTime", "calls[1].startTime"),
        ("callType", "calls[1].callType"),
        ("nearEnd.users.1.userName", "calls[1].nearEnd.users[1].userName"),
        ("recordings.0.recordingId", "calls[1].recordings[0].recordingId"),
    ],
)
def test_a_required_field_that_is_absent_or_of_another_kind_is_named(
    wire: WireFormat, row: dict[str, Any], path: str, place: str, value: object
) -> None:
    with pytest.raises(WireFormatError) as caught:
        read(wire, {"calls": [row, changed(row, path, value)]})
    assert caught.value.subject == place


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("startTime", "22/11/2026"),
        ("startTime", 1763799302),
        ("startTime", "0001-01-01 00:00:00+"),
        ("stopTime", "soon"),
        ("milliDuration", "63250"),
        ("milliDuration", 10**400),
        ("milliDuration", True),
        ("buttonLabel", ["x"]),
        ("nearEnd", None),
        ("nearEnd", ...),
        ("nearEnd", []),
        ("farEnd", ...),
        ("farEnd.users", ...),
        ("farEnd.users", None),
        ("nearEnd.firmId", {}),
        ("recordings", ...),
        ("recordings", None),
        ("recordings", {"recordingId": "r"}),
        ("recordings.0.offsetMillis", "1"),
    ],
)
def test_a_value_of_another_kind_is_named(wire: WireFormat, row: dict[str, Any], path: str, value: object) -> None:
    with pytest.raises(WireFormatError) as caught:
        read(wire, {"calls": [changed(row, path, value)]})
    assert caught.value.subject == "calls[0]." + path.replace(".0.", "[0].")


@pytest.mark.parametrize("path", ["stopTime", "milliDuration", "buttonLabel", "farEnd.firmId", "recordings.0.fileName"])
def test_an_optional_field_may_be_absent(wire: WireFormat, row: dict[str, Any], path: str) -> None:
    assert len(read(wire, {"calls": [changed(row, path, ...)]}).calls) == 1


def test_an_unknown_word_is_kept_as_unknown_and_counted(wire: WireFormat, row: dict[str, Any]) -> None:
    barge = changed(row, "callType", "Barge")
    listed = read(wire, {"calls": [row, barge, barge]})
    assert [call.call_type for call in listed.calls] == [CallType.SHOUTDOWN, CallType.UNKNOWN, CallType.UNKNOWN]
    assert listed.unknown_words == (UnknownWord("callType", "str 'Barge'", 2),)


def test_words_may_be_numbers_or_true_and_false(tmp_path: Path, row: dict[str, Any]) -> None:
    own = content()
    own["call"]["call_type"] = {"path": "kind", "values": {1: "intercom", "2": "ringdown"}}
    own["call"]["direction"] = {"path": "outgoing", "values": {"true": "outgoing", "false": "incoming"}}
    wire = read_wire_format(written(tmp_path, own))
    rows = [{**row, "kind": 1, "outgoing": True}, {**row, "kind": "2", "outgoing": False}]
    one, other = read(wire, {"calls": rows}).calls
    assert (one.call_type, one.direction) == (CallType.INTERCOM, Direction.OUTGOING)
    assert (other.call_type, other.direction) == (CallType.RINGDOWN, Direction.INCOMING)


def test_ids_may_be_numbers(wire: WireFormat, row: dict[str, Any]) -> None:
    assert read(wire, {"calls": [changed(row, "callId", 9007199254740993)]}).calls[0].call_id == "9007199254740993"


def test_half_a_surrogate_pair_does_not_stop_the_listing(wire: WireFormat, row: dict[str, Any]) -> None:
    (call,) = read(wire, {"calls": [changed(row, "buttonLabel", "a\ud800b")]}).calls
    assert call.button_label == "a\ufffdb"
    assert len(call.digest()) == 64


def test_a_whole_surrogate_pair_is_one_character(wire: WireFormat, row: dict[str, Any]) -> None:
    assert read(wire, {"calls": [changed(row, "buttonLabel", "\U0001f600")]}).calls[0].button_label == "\U0001f600"


@pytest.mark.parametrize(("given_token", "token"), [("t2", "t2"), ("", None), (None, None)])
def test_the_next_token_is_in_the_header(wire: WireFormat, given_token: str | None, token: str | None) -> None:
    headers = {} if given_token is None else {"Next_Page_Token": given_token}
    assert read(wire, {"calls": []}, **headers).next_token == token


def test_the_next_token_may_be_in_the_body(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    text = (SHIPPED_FORMATS / "call_data_v1_1.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace("header: Next-Page-Token", "at: page.next"), encoding="utf-8")
    wire = read_wire_format(path)
    assert read(wire, {"calls": [], "page": {"next": "t2"}}).next_token == "t2"
    assert read(wire, {"calls": [], "page": {"next": None}}).next_token is None
    assert read(wire, {"calls": [], "page": {"next": 2}}).next_token == "2"
    with pytest.raises(WireFormatError, match=r"page\.next should be text"):
        read(wire, {"calls": [], "page": {"next": {}}})


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"error":"RECORDING_NOT_AVAILABLE"}', "RECORDING_NOT_AVAILABLE"),
        (b'{"error":"line\\nbreak"}', None),
        (b'{"error":7}', None),
        (b"<html>", None),
        (b"", None),
    ],
)
def test_the_reason_for_waiting_is_a_plain_word_or_nothing(wire: WireFormat, body: bytes, reason: str | None) -> None:
    assert pending_reason(wire, body) == reason


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(answer=json_values)
def test_no_json_of_another_shape_is_taken_for_a_listing(wire: WireFormat, answer: Any) -> None:
    with pytest.raises(WireFormatError):
        read(wire, answer)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    answer=json_values, field=st.sampled_from(["callId", "startTime", "callType", "nearEnd", "farEnd", "recordings"])
)
def test_a_row_with_any_value_in_a_field_is_read_or_named(
    wire: WireFormat, row: dict[str, Any], field: str, answer: Any
) -> None:
    outcome = subject_or_digest(wire, {"calls": [{**row, field: answer}]})
    assert outcome.startswith(f"calls[0].{field}") or len(outcome) == 64


def subject_or_digest(wire: WireFormat, answer: Any) -> str:
    try:
        return read(wire, answer).calls[0].digest()
    except WireFormatError as error:
        return error.subject or "unnamed"
