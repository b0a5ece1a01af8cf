"""Faults as clients meet them: broken connections, stalls, short bodies, and answers of a wrong shape."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cloud9_archive.emulator.firm import Desk
from cloud9_archive.emulator.listing import Asked, page_token, read_page, rows
from cloud9_archive.emulator.refusal import RefusedError
from cloud9_archive.emulator.state import Cloud
from cloud9_archive.emulator.truth import FaultKind, FaultOrder

TRANSPORT = "cloud9.transport"
ORDERED = "ORDERED_FAULT"
NEXT_PAGE = "Next-Page-Token"
_READING_TIME = 0.1  # seconds
_LINGER_NOT = struct.pack("ii", 1, 0)
_NO_BODY = frozenset({204, 205, 304})
_WIRE_FAULTS = frozenset({FaultKind.RESET, FaultKind.STALL, FaultKind.SHORT_BODY})


class FaultyAnswer(Response):
    """
    A right answer that arrives wrongly.

    :param answer: what would have been sent
    """

    def __init__(self, answer: Response, *, fault: FaultOrder) -> None:
        super().__init__()
        self.answer = answer
        self.fault = fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """The answer, or what the fault leaves of it, is sent."""
        body = bytes(self.answer.body)
        stalls = self.fault.kind is FaultKind.STALL
        part = self.fault.after_bytes if self.fault.after_bytes is not None else (0 if stalls else len(body) // 2)
        if stalls and self.fault.after_bytes is None:
            await asyncio.sleep(self.fault.seconds)
        await send(
            {"type": "http.response.start", "status": self.answer.status_code, "headers": self.answer.raw_headers}
        )
        await send({"type": "http.response.body", "body": body[:part], "more_body": True})
        if stalls:
            if self.fault.after_bytes is not None:
                await asyncio.sleep(self.fault.seconds)
            await send({"type": "http.response.body", "body": body[part:], "more_body": False})
        elif self.fault.kind is FaultKind.RESET:
            await _drained(scope[TRANSPORT])
            break_connection(scope[TRANSPORT])
        else:
            scope[TRANSPORT].close()


async def _drained(transport: asyncio.Transport) -> None:
    """What was written has left this end and the peer had a moment to read it: a reset throws away what it finds."""
    for _ in range(200):
        if transport.get_write_buffer_size() == 0:
            break
        await asyncio.sleep(0.005)
    await asyncio.sleep(_READING_TIME)


def break_connection(transport: asyncio.Transport) -> None:
    """The peer sees a reset, not an end."""
    peer = transport.get_extra_info("socket")
    if peer is not None and peer.fileno() >= 0:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    transport.abort()


def status_answer(fault: FaultOrder) -> Response:
    """
    The answer of a ``status`` fault that has no body.

    :raises RefusedError: for every other status, so that it reads like any refusal
    """
    if fault.status in _NO_BODY:
        return Response(status_code=fault.status)
    raise RefusedError(fault.status, ORDERED, "This answer was ordered.", retry_after=fault.retry_after)


def strike(answer: Response, *, fault: FaultOrder | None) -> Response:
    """The answer as the fault, if there is one, lets it arrive."""
    if fault is None:
        return answer
    if fault.kind is FaultKind.STATUS:
        return status_answer(fault)
    if fault.kind is FaultKind.NOT_JSON:
        return Response("<html><body><h1>Please sign in</h1></body></html>", media_type="text/html")
    if fault.kind in _WIRE_FAULTS:
        return FaultyAnswer(answer, fault=fault)
    return answer


def listing_answer(cloud: Cloud, desk: Desk, *, asked: Asked) -> tuple[Response, FaultOrder | None]:
    """A page of calls, and the fault that struck it if one did."""
    page = read_page(cloud, desk, asked=asked, place=asked.place)
    fault = cloud.take_fault("metadata", subjects=frozenset(call.call_id for call in page.calls))
    kind = fault.kind if fault else None
    name, next_place, before = "calls", page.next_place, asked.place
    if kind is FaultKind.DUPLICATE_PAGE:
        page, next_place, before = read_page(cloud, desk, asked=asked, place=asked.before), asked.place, asked.before
    calls = page.calls
    if kind is FaultKind.SHRINKING_PAGE:
        calls = calls[: len(calls) // 2]
    if kind is FaultKind.RENAMED_FIELD:
        name = "callRecords"
    token = None if next_place is None else page_token(asked, place=next_place, before=before)
    if kind is FaultKind.REPEATED_TOKEN:
        token = asked.token or page_token(asked, place=asked.place, before=asked.before)
    content: dict[str, Any] = {name: rows(cloud, calls)}
    headers = {} if token is None else {NEXT_PAGE: token}
    body = json.dumps(content, ensure_ascii=False).encode()
    return strike(Response(body, media_type="application/json", headers=headers), fault=fault), fault
