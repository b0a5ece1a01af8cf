"""Answers that arrive wrongly: broken connections, stalls, wrong lengths."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cloud9_archive.emulator.fault_kinds import FaultKind
from cloud9_archive.emulator.fault_orders import FaultDetails

TRANSPORT = "cloud9.transport"
_READING_TIME = 0.1  # seconds
_DRIPS = 20
_PADDING_PIECE = 256 * 1024
_OVER = 100  # bytes
_LINGER_NOT = struct.pack("ii", 1, 0)

Sending = Callable[["FaultyAnswer", Scope, Receive, Send], Awaitable[None]]


class FaultyAnswer(Response):
    """
    A right answer that arrives wrongly.

    :param answer: what would have been sent
    :param sending: how it is sent instead
    """

    def __init__(self, answer: Response, *, fault: FaultDetails, sending: Sending) -> None:
        super().__init__()
        self.answer = answer
        self.fault = fault
        self.sending = sending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer, or what the fault leaves of it, is sent."""
        await self.sending(self, scope, receive, send)

    @property
    def content(self) -> bytes:
        """The whole body."""
        return bytes(self.answer.body)

    @property
    def part(self) -> int:
        """Bytes of the body that arrive before it happens: half of it unless ordered otherwise."""
        ordered = self.fault.after_bytes
        return len(self.content) // 2 if ordered is None else min(ordered, len(self.content))

    @property
    def seconds(self) -> float:
        """How long the fault lasts."""
        return 1.0 if self.fault.seconds is None else self.fault.seconds

    async def start(self, send: Send, *, length: int | None) -> None:
        """
        The headers are sent.

        :param length: what Content-Length says; without it the body is chunked
        """
        told = b"" if length is None else str(length).encode("ascii")
        headers = [
            (name, told if name == b"content-length" else value)
            for name, value in self.answer.raw_headers
            if told or name != b"content-length"
        ]
        await send({"type": "http.response.start", "status": self.answer.status_code, "headers": headers})


async def _send(send: Send, content: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": content, "more_body": more})


async def _reset_early(answer: FaultyAnswer, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - one signature for all
    break_connection(scope[TRANSPORT])
    # Whoever returns without an answer is sent away with a 500; once the peer is gone nobody is.
    while (await receive())["type"] != "http.disconnect":
        pass


async def _reset(answer: FaultyAnswer, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - one signature for all
    await answer.start(send, length=len(answer.content))
    await _send(send, answer.content[: answer.part])
    await _drained(scope[TRANSPORT])
    break_connection(scope[TRANSPORT])


async def _stall(answer: FaultyAnswer, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - one signature for all
    early = answer.fault.after_bytes is None
    if early:
        await asyncio.sleep(answer.seconds)
    await answer.start(send, length=len(answer.content))
    part = 0 if early else answer.part
    await _send(send, answer.content[:part])
    if not early:
        await asyncio.sleep(answer.seconds)
    await _send(send, answer.content[part:], more=False)


async def _slow_drip(answer: FaultyAnswer, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - one signature for all
    content = answer.content
    await answer.start(send, length=len(content))
    step = max(1, -(-len(content) // _DRIPS))
    for place in range(0, len(content), step):
        await _send(send, content[place : place + step])
        await asyncio.sleep(answer.seconds / _DRIPS)
    await _send(send, b"", more=False)


async def _short_body(answer: FaultyAnswer, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - one signature for all
    await answer.start(send, length=len(answer.content))
    await _send(send, answer.content[: answer.part])
    scope[TRANSPORT].close()


async def _length_too_large(answer: FaultyAnswer, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - one signature for all
    await answer.start(send, length=len(answer.content) + _OVER)
    await _send(send, answer.content)
    scope[TRANSPORT].close()


async def _length_too_small(answer: FaultyAnswer, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - one signature for all
    await answer.start(send, length=answer.part)
    last = max(0, answer.part - 1)
    await _send(send, answer.content[:last])
    # The server's own HTTP would not let more out than it announced. What is too much comes together with the last byte
    # that is not, as from a server that counted wrong: in two writes a reader may be done before it can see more.
    scope[TRANSPORT].write(answer.content[last:])
    scope[TRANSPORT].close()


async def _chunked_cut(answer: FaultyAnswer, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - one signature for all
    await answer.start(send, length=None)
    await _send(send, answer.content[: answer.part])
    scope[TRANSPORT].close()


async def _oversized(answer: FaultyAnswer, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - one signature for all
    is_json = (answer.answer.media_type or "").endswith("json")
    piece, left = (b" " if is_json else b"\0") * _PADDING_PIECE, answer.fault.size
    await answer.start(send, length=len(answer.content) + left)
    await _send(send, answer.content)
    while left:
        await _send(send, piece[:left])
        left -= min(left, len(piece))
    await _send(send, b"", more=False)


async def _early_hints(answer: FaultyAnswer, scope: Scope, receive: Receive, send: Send) -> None:
    scope[TRANSPORT].write(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
    await answer.answer(scope, receive, send)


SENDINGS: dict[FaultKind, Sending] = {
    FaultKind.RESET_EARLY: _reset_early,
    FaultKind.RESET: _reset,
    FaultKind.STALL: _stall,
    FaultKind.SLOW_DRIP: _slow_drip,
    FaultKind.SHORT_BODY: _short_body,
    FaultKind.LENGTH_TOO_LARGE: _length_too_large,
    FaultKind.LENGTH_TOO_SMALL: _length_too_small,
    FaultKind.CHUNKED_CUT: _chunked_cut,
    FaultKind.OVERSIZED: _oversized,
    FaultKind.EARLY_HINTS: _early_hints,
}


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
