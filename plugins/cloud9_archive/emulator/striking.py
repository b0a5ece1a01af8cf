"""What a fault makes of an answer: another one, or the same that arrives wrongly."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus

from starlette.responses import Response

from cloud9_archive.emulator.answers import Answer, json_answer, refusal_answer
from cloud9_archive.emulator.fault_kinds import FaultKind
from cloud9_archive.emulator.fault_orders import FaultDetails
from cloud9_archive.emulator.faults import SENDINGS, FaultyAnswer
from cloud9_archive.emulator.refusal import RefusedError

ORDERED = "ORDERED_FAULT"
DEEP = 100_000
DATE_OFF_SECONDS = 86_400.0
ELSEWHERE = "https://calldataapi.elsewhere.example/v1/calls"
_SIGN_IN = "<html><body><h1>Please sign in</h1></body></html>"
_NO_BODY = frozenset({204, 205, 304})


def strike(answer: Answer, *, now: datetime) -> Answer:
    """
    The answer as its fault, if there is one, lets it arrive.

    :param now: the server's time, aware UTC
    """
    fault = answer.fault
    if fault is None:
        return answer
    if fault.kind in SENDINGS:
        faulty = FaultyAnswer(answer.response, fault=fault, sending=SENDINGS[fault.kind])
        return Answer(faulty, fault, answer.error, answer.whole)
    if fault.kind is FaultKind.STATUS:
        other = _status_answer(fault, now=now)
        return Answer(other, fault, ORDERED if other.status_code >= HTTPStatus.BAD_REQUEST else None)
    if fault.kind in _OTHER_ANSWERS:
        return Answer(_OTHER_ANSWERS[fault.kind](fault, answer.response), fault)
    return answer


def _redirect(fault: FaultDetails, _: Response) -> Response:
    return Response(status_code=fault.status or 302, headers={"Location": fault.location or ELSEWHERE})


def _compressed(_: FaultDetails, response: Response) -> Response:
    headers = {"Content-Encoding": "gzip"}
    content = gzip.compress(bytes(response.body))
    return Response(content, status_code=response.status_code, media_type=response.media_type, headers=headers)


def _as_text(_: FaultDetails, response: Response) -> Response:
    headers = {
        name: value for name, value in response.headers.items() if name not in {"content-type", "content-length"}
    }
    return Response(response.body, status_code=response.status_code, media_type="text/plain", headers=headers)


_OTHER_ANSWERS: dict[FaultKind, Callable[[FaultDetails, Response], Response]] = {
    FaultKind.REDIRECT: _redirect,
    FaultKind.NOT_JSON: lambda *_: Response(_SIGN_IN, media_type="text/html"),
    FaultKind.JSON_ERROR: lambda *_: json_answer({"error": ORDERED, "message": "This error was ordered."}),
    FaultKind.DEEP_JSON: lambda *_: Response(b"[" * DEEP + b"]" * DEEP, media_type="application/json"),
    FaultKind.GZIP: _compressed,
    FaultKind.WRONG_CONTENT_TYPE: _as_text,
}


def _status_answer(fault: FaultDetails, *, now: datetime) -> Response:
    status = fault.status or 500
    headers = {}
    if fault.retry_after is not None:
        told = str(fault.retry_after)
        if fault.retry_after_date:
            told = format_datetime(now + timedelta(seconds=float(fault.retry_after)), usegmt=True)
        headers = {"Retry-After": told}
    if status in _NO_BODY:
        return Response(status_code=status, headers=headers)
    answer = refusal_answer(RefusedError(status, ORDERED, "This answer was ordered.")).response
    answer.headers.update(headers)
    return answer


def told_date(now: datetime, *, fault: FaultDetails | None) -> list[tuple[bytes, bytes]]:
    """
    The Date header of an answer, as the fault lets it be.

    :param now: the server's time, aware UTC
    """
    if fault is not None and fault.kind is FaultKind.NO_DATE:
        return []
    if fault is not None and fault.kind is FaultKind.DATE_OFF:
        now += timedelta(seconds=DATE_OFF_SECONDS if fault.seconds is None else fault.seconds)
    return [(b"date", format_datetime(now, usegmt=True).encode("ascii"))]
