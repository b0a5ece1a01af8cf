"""Wire format files: read strictly, and the requests that they describe."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.api.moments import listing_windows
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.wire import SHIPPED_FORMATS, load_wire_format, read_wire_format
from cloud9_archive.api.wire_model import WireFormat
from cloud9_archive.api.wire_request import Asked, PageStep, listing_request, recording_requests
from cloud9_archive.domain.run import WantedRecording
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import ConnectionFieldError, WireFormatError

DEFAULT = SHIPPED_FORMATS / "call_data_v1_1.yaml"


def edited(tmp_path: Path, old: str, new: str) -> Path:
    text = DEFAULT.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "own.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def listing_body(wire: WireFormat, window: Window, *, token: str, region: str | None) -> bytes:
    return listing_request(wire, Asked(window), PageStep(token), region=region).body or b""


def test_every_shipped_format_is_valid() -> None:
    formats = [read_wire_format(path) for path in SHIPPED_FORMATS.glob("*.yaml")]
    assert [wire.format for wire in formats] == [wire.origin.stem for wire in formats]
    assert formats


def test_each_statement_of_the_default_file_says_where_it_comes_from() -> None:
    lines = DEFAULT.read_text(encoding="utf-8").splitlines()
    marked = re.compile(r"#.*\b(confirmed|assumed)\b")
    facts = [line for line in lines if re.match(r"  (\s*)(path|per_minute|longest_window|rows|statuses|zone)\b", line)]
    facts += [line for line in lines if re.match(r"  (call_id|started_at|recording_id|- side)", line)]
    assert len(facts) > 10
    assert [line for line in facts if not marked.search(line) and "path: " not in line] == []


def test_a_connection_names_a_shipped_format_or_a_file(
    source_to: Callable[..., SourceSettings], tmp_path: Path
) -> None:
    own = edited(tmp_path, "rows: calls ", "rows: items ")
    assert load_wire_format(source_to(443, wire_format=str(own))).listing.rows.expression == "items"
    assert load_wire_format(source_to(443)).format == "call_data_v1_1"


@pytest.mark.parametrize("name", ["call_data_v1_2", "../formats/call_data_v1_1", "own.yaml", ""])
def test_a_name_that_is_not_shipped_is_a_field_fault(source_to: Callable[..., SourceSettings], name: str) -> None:
    with pytest.raises(ConnectionFieldError, match="write call_data_v1_1") as caught:
        load_wire_format(source_to(443, wire_format=name))
    assert caught.value.subject == "cloud9_test.wire_format"


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("  rows: calls ", "  rowz: calls ", "listing.rowz"),
        ("  rows: calls ", "  rows: 'calls[' ", "listing.rows"),
        ("zone: UTC", "zone: Mars/Olympus", "time.zone"),
        ("per_minute: 70", "per_minute: 0", "listing.per_minute"),
        ("method: POST", "method: PATCH", "listing.method"),
        ("path: /v1/calls/recordings", "path: https://elsewhere.example/", "recording.path"),
        ("Intercom: intercom", "Intercom: intercon", "call.call_type"),
        ("Internal: internal", "Internal: inside", "call.direction"),
        ("    header: Next", "    at: token\n    header: Next", "listing.paging"),
        ("statuses: [404, 204]", "statuses: [500]", "recording.pending.statuses"),
        ("  call_id: {path: callId, required: true}", "", "call.call_id"),
    ],
)
def test_faults_in_a_format_file_are_named(tmp_path: Path, old: str, new: str, place: str) -> None:
    path = edited(tmp_path, old, new)
    with pytest.raises(WireFormatError) as caught:
        read_wire_format(path)
    assert str(path) in caught.value.message
    assert place in caught.value.message


PAGING = """    by: token                               # confirmed for v2/transcriptions, assumed for calls: public code
    header: Next-Page-Token                 # confirmed for v2/transcriptions, assumed for calls: absent or empty at the end
    sent_as: nextPageToken                  # confirmed for v2/transcriptions, assumed for calls: public code
    first: ""                               # confirmed for v2/transcriptions, assumed for calls: public code
"""


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("  rows: calls ", "  rowz: calls ", "listing.rowz: there is no such key (did you mean rows?)"),
        ("  rows: calls ", "  zzz: calls ", "listing.zzz: there is no such key (known here: constant_body, "),
        (
            "  call_id: {path: callId",
            "  call_id: {paht: callId",
            "call.call_id.paht: there is no such key (did you mean path",
        ),
        (
            "    header: Next",
            "    headr: x\n    header: Next",
            "listing.paging.headr: there is no such key (did you mean header",
        ),
        ("    users: users", "    usrs: users", "parties.0.usrs: there is no such key (did you mean users"),
        ("by: token", "by: tokn", "listing.paging: by is 'tokn': did you mean token?"),
        ("by: token", "by: 7", "listing.paging: by is '7': write one of token, link, page, offset, none"),
        ("    by: token", "    # by: token", "listing.paging: by is needed, one of token, link, page, offset, none"),
        ("method: POST", "method: PATCH", "listing.method: found 'PATCH': write GET or POST; the archive only reads"),
        ("method: POST", "method: DELETE", "recording.method: found 'DELETE'"),
        ("method: POST", "parameters: body\n  method: GET", "listing: a GET has no body to send 'beginDate' in"),
        (
            "path: /v1/calls/recordings",
            "path: /v1/{id}",
            "recording: path has {id}, but here it may have {call_id}, {filename}",
        ),
        (
            "path: /v1.1/calls/metadata",
            "path: /v1/{call_id}",
            "listing: path has {call_id}, but here it may have no placeholder",
        ),
        ("path: /v1/calls/recordings", "path: /v1?x=1", "recording.path: '/v1?x=1' is not a path"),
        ("path: /v1/calls/recordings", "path: /v1/{recording_id", "recording.path: "),
        (
            'request: "%Y-%m-%d %H:%M:%S"',
            "request: iso8610",
            "time.request: 'iso8610' is no way to write a moment: did you mean iso8601?",
        ),
        (
            'request: "%Y-%m-%d %H:%M:%S"',
            "request: rfc",
            "write iso8601, epoch_seconds, epoch_milliseconds or a pattern",
        ),
        ('request: "%Y-%m-%d %H:%M:%S"', 'request: "%H:%M:%S"', "'%H:%M:%S' does not tell year, month and day"),
        ('request: "%Y-%m-%d %H:%M:%S"', 'request: "%Q"', "time.request: '%Q' cannot be read back"),
        (
            'request: "%Y-%m-%d %H:%M:%S"',
            'request: "%Y-%m-%d"',
            "so coarse that longest_window must be at least 172800 seconds",
        ),
        (
            "Intercom: intercom",
            "Intercom: intercon",
            "call.call_type: 'intercon' is none of our words: did you mean intercom?",
        ),
        ("  - side: near", "  - side: neer", "parties.0.side: Input should be 'near' or 'far'"),
        ("  - side: near", "  - required: true", "parties.0: give either side (near or far) or side_at"),
        ("    recording_id: recordingId  ", "    {}  ", "recording: ask by recording_id, filename or call_id"),
        ("recording_id: recordingId  ", "filename: name  ", None),
        ("  filename: fileName", "  call_id: callId", "recordings: call_id is only for rows of a listing"),
        (
            PAGING,
            "    by: page\n    sent_as: page\n    size_sent_as: size\n",
            "listing.paging: size_sent_as needs size",
        ),
        (PAGING, "    by: link\n", "listing.paging: give either header or at"),
        (
            PAGING,
            "    by: offset\n    sent_as: {query: a, body: b}\n",
            "listing.paging.sent_as: write a name, or {body: name}",
        ),
    ],
)
def test_a_fault_is_told_with_what_would_be_right(tmp_path: Path, old: str, new: str, complaint: str | None) -> None:
    path = edited(tmp_path, old, new)
    if complaint is None:
        read_wire_format(path)
        return
    with pytest.raises(WireFormatError) as caught:
        read_wire_format(path)
    assert complaint in caught.value.message


def test_a_name_to_ask_by_must_be_found_somewhere(tmp_path: Path) -> None:
    text = DEFAULT.read_text(encoding="utf-8").replace("recording_id: recordingId  ", "filename: name  ")
    path = tmp_path / "own.yaml"
    path.write_text(re.sub(r"  filename: fileName.*", "", text), encoding="utf-8")
    with pytest.raises(WireFormatError, match="asked for by filename, so recordings needs filename"):
        read_wire_format(path)


@pytest.mark.parametrize(
    ("listing", "complaint"),
    [
        ({"request": {"begin": "from"}}, "give begin and end, or call_id, or {call_id} in the path"),
        ({"request": {"begin": "from", "end": "to", "call_id": "c"}}, "not for both"),
        ({"request": {"begin": "from", "end": "to"}}, "needs call_id, where each row names its calls"),
        ({"request": {"begin": "from", "end": "to"}, "absent": [404]}, "absent is only for a listing"),
        ({"request": {"call_id": "c"}, "paging": {}}, "recordings.listing.paging: by is needed"),
    ],
)
def test_faults_of_a_listing_of_recordings_are_named(tmp_path: Path, listing: dict[str, Any], complaint: str) -> None:
    content = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))
    common = {"method": "POST", "path": "/recordings", "per_minute": 9, "paging": {"by": "none"}}
    content["recordings"]["listing"] = {**common, **listing}
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(WireFormatError) as caught:
        read_wire_format(path)
    assert complaint in caught.value.message


def test_parameters_go_where_they_are_told_and_constants_stay_as_they_are(tmp_path: Path) -> None:
    content = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))
    content["listing"].update(
        request={"begin": {"query": "from date"}, "end": "range.end", "region": {"query": "region"}},
        constant_body={"range": {"inclusive": True}, "only": [1, None, "x"]},
        constant_query={"expand": "a/b", "v": 2},
    )
    wire = WireFormat.model_validate({**content, "origin": DEFAULT})
    start = datetime(2026, 11, 20, 8, tzinfo=UTC)
    asked = Asked(Window(start, start + timedelta(hours=1)))
    for _ in range(2):
        request = listing_request(wire, asked, PageStep("t"), region="S&G")
        assert request.target == (
            "/v1.1/calls/metadata?expand=a%2Fb&v=2&from%20date=2026-11-20%2008%3A00%3A00&region=S%26G"
        )
        assert json.loads(request.body or b"") == {
            "range": {"inclusive": True, "end": "2026-11-20 09:00:00"},
            "only": [1, None, "x"],
            "nextPageToken": "t",
        }


@pytest.mark.parametrize("content", [b"", b"- a", b"a: [", b"\xff\xfe", None])
def test_a_file_that_is_no_format_is_a_wire_format_fault(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "own.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WireFormatError, match=r"own\.yaml"):
        read_wire_format(path)


def test_a_listing_request_is_the_published_one(wire: WireFormat) -> None:
    start = datetime(2025, 9, 26, 9, tzinfo=UTC)
    window = Window(start, start + timedelta(hours=1))
    assert listing_body(wire, window, token="", region=None) == (
        b'{"beginDate":"2025-09-26 09:00:00","endDate":"2025-09-26 10:00:00","nextPageToken":""}'
    )
    with_region = json.loads(listing_body(wire, window, token="t", region="SG"))
    assert (with_region["region"], with_region["nextPageToken"]) == ("SG", "t")


def test_times_are_written_in_the_formats_zone(tmp_path: Path) -> None:
    wire = read_wire_format(edited(tmp_path, "zone: UTC", "zone: Europe/London"))
    start = datetime(2025, 9, 26, 9, tzinfo=UTC)
    body = json.loads(listing_body(wire, Window(start, start + timedelta(hours=1)), token="", region=None))
    assert body["beginDate"] == "2025-09-26 10:00:00"


def test_a_recording_request_names_the_recording(wire: WireFormat) -> None:
    (request,) = recording_requests(wire, WantedRecording('r"1\n'), region="SG")
    assert request.target == "/v1/calls/recordings"
    assert json.loads(request.body or b"") == {"recordingId": 'r"1\n'}


moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


@given(moments, st.timedeltas(timedelta(microseconds=1), timedelta(days=5)))
def test_listed_spans_cover_the_window_in_whole_seconds(start: datetime, length: timedelta) -> None:
    wire = yaml_default()
    window = Window(start, start + length)
    spans = listing_windows(wire, window)
    assert spans[0].start <= window.start < spans[0].start + timedelta(seconds=1)
    assert spans[-1].end - timedelta(seconds=1) < window.end <= spans[-1].end
    assert all(one.end == next_one.start for one, next_one in pairwise(spans))
    for span in spans:
        assert span.end - span.start <= timedelta(seconds=wire.listing.longest_window)
        assert span.start.microsecond == span.end.microsecond == 0


def yaml_default(cache: list[WireFormat] = []) -> WireFormat:  # noqa: B006 - read once for all examples
    if not cache:
        content = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))
        cache.append(WireFormat.model_validate({**content, "origin": DEFAULT}))
    return cache[0]
