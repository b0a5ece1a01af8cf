"""Faults of wire format files: each is named with its place, and with what would be right."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from wire_files import SHIPPED, content, edited, written

from cloud9_archive.api.wire import read_wire_format
from cloud9_archive.errors import WireFormatError


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
        ("  - side: near", "  -", "parties.0: give either side (near or far) or side_at"),
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
    text = SHIPPED.read_text(encoding="utf-8").replace("recording_id: recordingId  ", "filename: name  ")
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
    changed = content()
    common = {"method": "POST", "path": "/recordings", "per_minute": 9, "paging": {"by": "none"}}
    changed["recordings"]["listing"] = {**common, **listing}
    path = written(tmp_path, changed)
    with pytest.raises(WireFormatError) as caught:
        read_wire_format(path)
    assert complaint in caught.value.message


@pytest.mark.parametrize("found", [b"", b"- a", b"a: [", b"\xff\xfe", None])
def test_a_file_that_is_no_format_is_a_wire_format_fault(tmp_path: Path, found: bytes | None) -> None:
    path = tmp_path / "own.yaml"
    if found is not None:
        path.write_bytes(found)
    with pytest.raises(WireFormatError, match=r"own\.yaml"):
        read_wire_format(path)


def test_a_key_that_stands_twice_is_told_with_its_line(tmp_path: Path) -> None:
    path = edited(tmp_path, "  rows: calls ", "  rows: other\n  rows: calls ")
    with pytest.raises(WireFormatError, match=r"the key 'rows' stands twice(?s:.*)line 3\d"):
        read_wire_format(path)
