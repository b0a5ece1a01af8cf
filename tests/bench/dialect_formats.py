"""The format file that a stranger would write for a dialect of the emulator: the shipped one, with what is different there."""

from __future__ import annotations

from typing import Any

import wire_files

from cloud9_archive.emulator.dialect import Dialect
from cloud9_archive.emulator.listing import CALL_TYPES, DIRECTIONS

PAGE_SIZE = 6
"""Rows that the tests let the emulator put on a page, so that days have several."""

_OF_TIMES = {
    "text": ("%Y-%m-%d %H:%M:%S", ["%Y-%m-%d %H:%M:%S.%f"]),
    "iso_8601": ("iso8601", ["iso8601"]),
    "epoch_seconds": ("epoch_seconds", ["epoch_seconds"]),
    "epoch_milliseconds": ("epoch_milliseconds", ["epoch_milliseconds"]),
}
_OF_PAGING: dict[str, dict[str, Any]] = {
    "token_header": {"by": "token", "header": "Next-Page-Token", "sent_as": "nextPageToken"},
    "token_body": {"by": "token", "at": "nextPageToken", "sent_as": "nextPageToken"},
    "page": {"by": "page", "sent_as": "page", "size": PAGE_SIZE, "size_sent_as": "pageSize"},
    "offset": {"by": "offset", "sent_as": "offset", "size": PAGE_SIZE, "size_sent_as": "limit"},
    "link_body": {"by": "link", "at": "next"},
    "link_header": {"by": "link", "header": "Link"},
}
_ASKED_AS = {
    "recording_id": {"recording_id": "recordingId"},
    "file_name": {"filename": "fileName"},
    "call_id": {"call_id": "callId"},
}
_PENDING_JSON = {
    "json_status": {"pending": "status", "pending_words": ["PENDING"]},
    "json_without_entry": {"pending": "items == `[]`"},
}


def format_of(dialect: Dialect) -> dict[str, Any]:
    """What a format file for the dialect says."""
    form = wire_files.content()
    form["format"] = "dialect"
    request, answer = _OF_TIMES[dialect.times]
    form["time"] = {"zone": dialect.zone, "request": request, "answer": answer}
    paging = _paging(dialect)
    form["listing"] |= {"method": dialect.listing_method, "rows": _quoted(dialect.rows_key), "paging": paging}
    if dialect.codes == "numbers":
        form["call"]["call_type"]["values"] = _coded(CALL_TYPES, form["call"]["call_type"]["values"])
        form["call"]["direction"]["values"] = _coded(DIRECTIONS, form["call"]["direction"]["values"])
    if dialect.parties == "flat":
        form["parties"] = [_flat_party(side, suffix) for side in ("near", "far") for suffix in ("", "2")]
    form["recordings"] |= _recordings(dialect, paging)
    form["recording"] |= {
        "method": dialect.recording_method,
        "request": _ASKED_AS[dialect.asked_by],
        "pending": {"statuses": [404, 204], "empty_body": dialect.pending == "empty_body"},
        "answer": _answer(dialect),
    }
    return form


def _paging(dialect: Dialect) -> dict[str, Any]:
    ends: dict[str, dict[str, Any]] = {"empty_page": {}, "total": {"total": "total"}, "has_more": {}}
    if dialect.paging in ("page", "offset"):
        ends["has_more"] = {"more": "hasMore"}
    return _OF_PAGING[dialect.paging] | ends[dialect.page_end]


def _quoted(key: str) -> str:
    return f'"{key}"'


def _coded(codes: dict[str, int], ours: dict[str, str]) -> dict[str, str]:
    return {str(code): ours[word] for word, code in codes.items()}


def _flat_party(side: str, suffix: str) -> dict[str, Any]:
    """One user of an end whose fields stand in the row; the end has a second user only where one is named."""
    end = {"firm_id": "FirmId", "firm": "Firm", "group_id": "GroupId", "group": "Group", "number": "Number"}
    user = {"login": "UserName", "user_id": "UserId", "display_name": "FullName"}
    return {
        "side": side,
        "end": {ours: f"{side}{theirs}" for ours, theirs in end.items()},
        "user": {ours: f"{side}{theirs}{suffix}" for ours, theirs in user.items()},
        **({"at": f"[@][?{side}UserName{suffix}] | [0]"} if suffix else {}),
    }


def _recordings(dialect: Dialect, paging: dict[str, Any]) -> dict[str, Any]:
    if dialect.recordings == "listed":
        listing = {
            "method": dialect.listing_method,
            "path": "/v1/calls/recordingList",
            "per_minute": 350,
            "request": {"begin": "beginDate", "end": "endDate"},
            "paging": paging,
        }
        return {
            "call_id": {"path": "calls[].callId", "required": True},
            "offset": {"path": "calls[].offsetMillis", "factor": 0.001},
            "listing": listing,
        }
    if dialect.recordings == "per_call":
        listing = {
            "method": dialect.call_recordings_method,
            "path": "/v1/calls/{call_id}/recordings",
            "per_minute": 350,
            "paging": {"by": "none"},
        }
        return {"listing": listing}
    return {}


def _answer(dialect: Dialect) -> dict[str, Any]:
    answer: dict[str, Any] = dict(_PENDING_JSON.get(dialect.pending, {}))
    if dialect.delivery == "zip_extra":
        answer["only_named"] = True
    if dialect.delivery in ("base64", "url"):
        answer |= {"base64": "content"} if dialect.delivery == "base64" else {"url": "url"}
        if dialect.asked_by == "call_id":
            answer |= {"items": "items", "item_id": "recordingId"}
    return answer
