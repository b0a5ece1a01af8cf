"""Wire format files: read strictly, and the requests that they describe."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_files import SHIPPED, content, edited

from cloud9_archive.api.moments import listing_windows
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.wire import SHIPPED_FORMATS, load_wire_format, read_wire_format
from cloud9_archive.api.wire_model import WireFormat
from cloud9_archive.api.wire_request import Asked, PageStep, listing_request, recording_requests
from cloud9_archive.domain.run import WantedRecording
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import ConnectionFieldError


def listing_body(wire: WireFormat, window: Window, *, token: str, region: str | None) -> bytes:
    return listing_request(wire, Asked(window), PageStep(token), region=region).body or b""


def test_every_shipped_format_is_valid() -> None:
    formats = [read_wire_format(path) for path in SHIPPED_FORMATS.glob("*.yaml")]
    assert [wire.format for wire in formats] == [wire.origin.stem for wire in formats]
    assert formats


def test_each_statement_of_the_default_file_says_where_it_comes_from() -> None:
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
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


def test_parameters_go_where_they_are_told_and_constants_stay_as_they_are(tmp_path: Path) -> None:
    own = content()
    own["listing"].update(
        request={"begin": {"query": "from date"}, "end": "range.end", "region": {"query": "region"}},
        constant_body={"range": {"inclusive": True}, "only": [1, None, "x"]},
        constant_query={"expand": "a/b", "v": 2},
    )
    wire = WireFormat.model_validate({**own, "origin": SHIPPED})
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


DEFAULT = read_wire_format(SHIPPED)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


@given(moments, st.timedeltas(timedelta(microseconds=1), timedelta(days=5)))
def test_listed_spans_cover_the_window_in_whole_seconds(start: datetime, length: timedelta) -> None:
    wire = DEFAULT
    window = Window(start, start + length)
    spans = listing_windows(wire, window)
    assert spans[0].start <= window.start < spans[0].start + timedelta(seconds=1)
    assert spans[-1].end - timedelta(seconds=1) < window.end <= spans[-1].end
    assert all(one.end == next_one.start for one, next_one in pairwise(spans))
    for span in spans:
        assert span.end - span.start <= timedelta(seconds=wire.listing.longest_window)
        assert span.start.microsecond == span.end.microsecond == 0
