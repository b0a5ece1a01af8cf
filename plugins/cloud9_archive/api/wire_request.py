"""Requests as the wire format describes them: the path and query, and the bytes of the body, that are sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

from cloud9_archive.api.moments import written_bounds
from cloud9_archive.api.wire_model import WireFormat
from cloud9_archive.api.wire_requests import (
    Endpoint,
    LinkPaging,
    NoPaging,
    OffsetPaging,
    PageNumberPaging,
    Paging,
    Parameter,
    TokenPaging,
)
from cloud9_archive.api.wire_rows import RecordingsListing
from cloud9_archive.api.wire_values import PLACEHOLDER
from cloud9_archive.domain.run import WantedRecording
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import RecordError

# A recording that several calls share is asked for with one after the other; more of them would be an attack.
MOST_CALLS_ASKED = 20


@dataclass(frozen=True, slots=True)
class WireRequest:
    """
    What is sent to an endpoint, beside its method.

    :param target: path and query, percent-encoded
    :param body: the exact bytes, none for a request without a body
    """

    target: str
    body: bytes | None


@dataclass(frozen=True, slots=True)
class PageStep:
    """
    How to ask for one page.

    :param sent: token or number; none when the request carries none
    :param target: path and query of the link that led here
    """

    sent: str | int | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """
    What a listing is asked for: a span, or the recordings of one call.

    :param window: a span of :func:`~cloud9_archive.api.moments.listing_windows`
    """

    window: Window
    call_id: str | None = None


def around(own: RecordingsListing, window: Window) -> Window:
    """The span in which recordings of the window's calls are looked for."""
    margin = timedelta(seconds=own.margin)
    return Window(window.start - margin, window.end + margin)


def first_step(paging: Paging) -> PageStep:
    """How the first page is asked for."""
    match paging:
        case TokenPaging() | PageNumberPaging() | OffsetPaging():
            return PageStep(paging.first)
        case LinkPaging() | NoPaging():
            return PageStep()


def listing_request(wire: WireFormat, asked: Asked, step: PageStep, *, region: str | None) -> WireRequest:
    """The request for one page of calls."""
    names = wire.listing.request
    begin, end = written_bounds(wire.time, asked.window)
    given = [(names.begin, begin), (names.end, end), *_paged(wire.listing.paging, step), (names.region, region)]
    return _request(wire.listing, given, target=step.target)


def recordings_request(
    wire: WireFormat, listing: RecordingsListing, asked: Asked, step: PageStep, *, region: str | None
) -> WireRequest:
    """The request for one page of recordings, of a window or of a call."""
    names = listing.request
    bounds: tuple[str | int | None, str | int | None] = (None, None)
    if not listing.per_call:
        bounds = written_bounds(wire.time, asked.window)
    given = [
        (names.begin, bounds[0]),
        (names.end, bounds[1]),
        (names.call_id, asked.call_id),
        *_paged(listing.paging, step),
        (names.region, region),
    ]
    return _request(listing, given, target=step.target, in_path={"call_id": asked.call_id or ""})


def recording_requests(wire: WireFormat, wanted: WantedRecording, *, region: str | None) -> Iterator[WireRequest]:
    """
    The requests for one recording, to be tried in turn: one, or one for each call when it is asked for by call.

    :raises RecordError: if the format asks by something that is not known of the recording
    """
    endpoint = wire.recording
    if "filename" in endpoint.asked_by and not wanted.filename:
        raise _not_known(wire, wanted, "file name")
    by_call = "call_id" in endpoint.asked_by
    if by_call and not wanted.call_ids:
        raise _not_known(wire, wanted, "call")
    names = endpoint.request
    for call_id in wanted.call_ids[:MOST_CALLS_ASKED] if by_call else (None,):
        known = {"recording_id": wanted.recording_id, "filename": wanted.filename or "", "call_id": call_id or ""}
        given: list[tuple[Parameter | None, str | int | None]] = [
            (names.recording_id, wanted.recording_id),
            (names.filename, wanted.filename),
            (names.call_id, call_id),
            (names.region, region),
        ]
        yield _request(endpoint, given, in_path=known)


def _not_known(wire: WireFormat, wanted: WantedRecording, what: str) -> RecordError:
    return RecordError(
        f"recording {wanted.recording_id!r} is to be asked for by its {what}, but has none",
        subject=wanted.recording_id,
        hint=f"see whether {wire.origin} finds the {what} of recordings, or let it ask by something else",
    )


def _paged(paging: Paging, step: PageStep) -> list[tuple[Parameter | None, str | int | None]]:
    match paging:
        case TokenPaging():
            return [(paging.sent_as, step.sent)]
        case PageNumberPaging() | OffsetPaging():
            return [(paging.sent_as, step.sent), (paging.size_sent_as, paging.size)]
        case LinkPaging() | NoPaging():
            return []


def _request(
    endpoint: Endpoint,
    given: list[tuple[Parameter | None, str | int | None]],
    *,
    target: str | None = None,
    in_path: Mapping[str, str] | None = None,
) -> WireRequest:
    """Everything where the format puts it; a link already holds its own query."""
    body: dict[str, Any] = {}
    query: dict[str, str | int] = dict(endpoint.constant_query)
    for name, constant in endpoint.constant_body.items():
        _put(body, name, constant)
    for parameter, content in given:
        if parameter is None or content is None:
            continue
        place, name = parameter.placed(endpoint.place)
        if place == "query":
            query[name] = content
        else:
            _put(body, name, content)
    if target is None:
        target = _filled(endpoint.path, in_path or {})
        target += f"?{urlencode(query, quote_via=quote)}" if query else ""
    if endpoint.method == "GET":
        return WireRequest(target, None)
    return WireRequest(target, json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())


def _put(body: dict[str, Any], name: str, content: object) -> None:
    """The content stands in the body under its name; what is left of a dot is the object that it stands in."""
    *outer, last = name.split(".")
    for step in outer:
        inner = body.get(step)
        # A copy: constants belong to the format.
        body[step] = dict(inner) if isinstance(inner, dict) else {}
        body = body[step]
    body[last] = content


def _filled(path: str, known: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda found: _segment(known[found[1]], found[1]), path)


def _segment(text: str, name: str) -> str:
    """
    The text as one part of a path, whatever is in it.

    :raises RecordError: if it is a text that every HTTP client takes for a way up, however it is encoded
    """
    if text in {"", ".", ".."}:
        raise RecordError(
            f"the {name} {text!r} cannot stand in the path of a request",
            subject=text or name,
            hint="let the wire format send it in the query or in the body",
        )
    return quote(text, safe="")
