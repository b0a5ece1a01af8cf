"""What a format file says of each dialect of the emulator, as changes of the shipped one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wire_files import content

Change = Mapping[str, Any]
"""Dotted keys and what stands there."""

CALL_TYPES = {"1": "shoutdown", "2": "ringdown", "3": "click_to_call", "4": "intercom"}
DIRECTIONS = {"1": "incoming", "2": "outgoing", "3": "internal"}


def _end(side: str, second: str = "") -> dict[str, Any]:
    own = ("FirmId", "firm_id"), ("Firm", "firm"), ("GroupId", "group_id"), ("Group", "group"), ("Number", "number")
    login: Any = f"{side}UserName{second}"
    return {
        "side": side,
        "end": {name: f"{side}{theirs}" for theirs, name in own},
        "user": {
            "login": {"path": login, "required": True} if side == "near" and not second else login,
            "user_id": f"{side}UserId{second}",
            "display_name": f"{side}FullName{second}",
        },
    }


FLAT_PARTIES = [_end("near"), _end("near", "2"), _end("far"), _end("far", "2")]

_OWN_ROWS = {
    "rows": "recordings",
    "recording_id": {"path": "recordingId", "required": True},
    "duration": {"path": "milliDuration", "factor": 0.001},
    "filename": "fileName",
}
LISTED = {
    **_OWN_ROWS,
    "call_id": {"path": "calls[].callId", "required": True},
    "offset": {"path": "calls[].offsetMillis", "factor": 0.001},
    "listing": {
        "method": "POST",
        "path": "/v1/calls/recordingList",
        "per_minute": 100_000,
        "margin": 0,
        "request": {"begin": "beginDate", "end": "endDate"},
        "paging": {"by": "token", "header": "Next-Page-Token", "sent_as": "nextPageToken", "first": ""},
    },
}
PER_CALL = {
    **_OWN_ROWS,
    "offset": {"path": "offsetMillis", "factor": 0.001},
    "listing": {
        "method": "GET",
        "path": "/v1/calls/{call_id}/recordings",
        "per_minute": 100_000,
        "paging": {"by": "none"},
    },
}


def changed(says: Change) -> dict[str, Any]:
    """The shipped format, saying this instead; its limits do not hold a test up."""
    whole = content()
    for endpoint in ("listing", "recording"):
        whole[endpoint]["per_minute"] = 100_000
    for dotted, value in says.items():
        *outer, last = dotted.split(".")
        inner = whole
        for key in outer:
            inner = inner[key]
        inner[last] = value
    return whole
