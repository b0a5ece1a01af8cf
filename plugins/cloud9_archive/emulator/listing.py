"""A window of calls as the API tells it: rows, pages and the tokens between them."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from cloud9_archive.emulator.calls import EmulatedCall, End
from cloud9_archive.emulator.firm import Desk
from cloud9_archive.emulator.refusal import RefusedError
from cloud9_archive.emulator.state import Cloud

DATE_FORMAT = "%Y-%m-%d %H:%M:%S"
_DATE_LENGTH = len("2026-11-22 08:15:02")
_EARLIEST_YEAR, _LATEST_YEAR = 1990, 2200


class ListingRequest(BaseModel):
    """The body of a metadata request."""

    model_config = ConfigDict(extra="forbid", strict=True)

    beginDate: str  # noqa: N815 - the wire's spelling
    endDate: str  # noqa: N815 - the wire's spelling
    nextPageToken: str = ""  # noqa: N815 - the wire's spelling


@dataclass(frozen=True, slots=True)
class Asked:
    """
    A metadata request, understood.

    :param begin: aware UTC
    :param end: aware UTC
    :param place: how many of the window's calls, seen or not yet, lie before this page
    :param before: the place of the page before it
    """

    begin: datetime
    end: datetime
    token: str
    place: int = 0
    before: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """
    Calls in listing order.

    :param next_place: where the next page begins, None at the end
    """

    calls: tuple[EmulatedCall, ...]
    next_place: int | None


def read_request(body: bytes, *, longest: timedelta) -> Asked:
    """
    What a metadata request asks for.

    :raises RefusedError: 400 if it is not understood, or its window is too long
    """
    try:
        request = ListingRequest.model_validate_json(body)
    except ValidationError as error:
        places = ", ".join(".".join(map(str, fault["loc"])) or "body" for fault in error.errors())
        raise RefusedError(400, "BAD_REQUEST", f"Not understood: {places}.") from None
    begin, end = _read_date("beginDate", request.beginDate), _read_date("endDate", request.endDate)
    if end < begin:
        raise RefusedError(400, "BAD_WINDOW", "endDate lies before beginDate.")
    if end - begin > longest:
        raise RefusedError(
            400, "WINDOW_TOO_LONG", f"The window is longer than {longest.total_seconds() / 3600:g} hours."
        )
    if not request.nextPageToken:
        return Asked(begin, end, "")
    place, before = _read_token(request.nextPageToken, begin=begin, end=end)
    return Asked(begin, end, request.nextPageToken, place, before)


def _read_date(name: str, text: str) -> datetime:
    try:
        moment = datetime.strptime(text, DATE_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        moment = None
    if moment is None or len(text) != _DATE_LENGTH or not _EARLIEST_YEAR <= moment.year < _LATEST_YEAR:
        raise RefusedError(400, "BAD_DATE", f"{name} must read YYYY-MM-DD HH:mm:ss, in UTC.")
    return moment


def page_token(asked: Asked, *, place: int, before: int) -> str:
    """A token that leads to a place of this window and no other; never the same twice."""
    content = [asked.begin.timestamp(), asked.end.timestamp(), place, before, secrets.token_hex(4)]
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode("ascii")


def _read_token(token: str, *, begin: datetime, end: datetime) -> tuple[int, int]:
    try:
        first, last, place, before, _ = json.loads(base64.urlsafe_b64decode(token))
        places = int(place), int(before)
    except (ValueError, TypeError):
        raise RefusedError(400, "BAD_PAGE_TOKEN", "nextPageToken is none of ours.") from None
    if (first, last) != (begin.timestamp(), end.timestamp()) or min(places) < 0:
        raise RefusedError(400, "BAD_PAGE_TOKEN", "nextPageToken belongs to another window.")
    return places


def read_page(cloud: Cloud, desk: Desk, *, asked: Asked, place: int) -> Page:
    """The calls listed by now, from that place on, up to a page full."""
    now, size = cloud.now(), cloud.limits.page_size
    everything = list(cloud.world.calls(desk, begin=asked.begin, end=asked.end))
    shown: list[EmulatedCall] = []
    for index in range(place, len(everything)):
        if everything[index].listed_at > now:
            continue
        if len(shown) == size:
            return Page(tuple(shown), index)
        shown.append(everything[index])
    return Page(tuple(shown), None)


def rows(cloud: Cloud, calls: Sequence[EmulatedCall]) -> list[dict[str, Any]]:
    """The calls as the wire spells them."""
    return [_row(call, shows_links=cloud.shows_links(call)) for call in calls]


def _row(call: EmulatedCall, *, shows_links: bool) -> dict[str, Any]:
    return {
        "callId": call.call_id,
        "callType": call.call_type,
        "direction": call.direction,
        "startTime": _wire_time(call.started_at),
        "stopTime": _wire_time(call.ended_at),
        "milliDuration": call.milliseconds,
        "buttonId": call.connection[-8:],
        "buttonLabel": call.button_label,
        "connectionId": call.connection[-12:],
        "connectionNumber": call.connection,
        "startAction": call.start_action,
        "stopReason": call.stop_reason,
        "nearEnd": _end(call.near),
        "farEnd": _end(call.far),
        "recordings": [
            {
                "recordingId": link.recording.recording_id,
                "fileName": link.recording.file_name,
                "offsetMillis": link.offset,
                "milliDuration": link.recording.milliseconds,
            }
            for link in (call.links if shows_links else ())
        ],
    }


def _end(end: End) -> dict[str, Any]:
    return {
        "firmId": end.firm_id,
        "firmName": end.firm_name,
        "groupId": end.group_id,
        "groupName": end.group_name,
        "number": end.number,
        "users": [{"userId": p.user_id, "userName": p.login, "fullName": p.full_name} for p in end.people],
    }


def _wire_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}"
