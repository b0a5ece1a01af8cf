"""Wire format files: read strictly, and the requests that they describe."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

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
