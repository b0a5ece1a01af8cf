"""The emulated Call Data API over ASGI: who may ask, what is answered, and what is remembered of it."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Annotated

from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud9_archive.emulator.admin import add_admin
from cloud9_archive.emulator.faults import ORDERED, TRANSPORT, listing_answer, strike
from cloud9_archive.emulator.firm import Desk
from cloud9_archive.emulator.listing import read_request
from cloud9_archive.emulator.management import add_management
from cloud9_archive.emulator.refusal import RefusedError
from cloud9_archive.emulator.signing import SignedParts, check_date, check_signature, read_authorization
from cloud9_archive.emulator.state import Cloud
from cloud9_archive.emulator.truth import FaultKind, FaultOrder, RequestSeen, Violation

METADATA = "/v1.1/calls/metadata"
RECORDINGS = "/v1/calls/recordings"
_API = ("/v1/", "/v1.1/", "/v2/")
_MEDIA_TYPES = {"ogg": "audio/ogg", "m4a": "audio/mp4"}
_LARGEST_BODY = 64 * 1024

Answer = tuple[Response, FaultOrder | None]


class RecordingRequest(BaseModel):
    """The body of a recordings request."""

    model_config = ConfigDict(extra="forbid", strict=True)

    recordingId: Annotated[str, StringConstraints(min_length=1)]  # noqa: N815 - the wire's spelling


def make_app(cloud: Cloud) -> ASGIApp:
    """The whole emulator: API and admin endpoints."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.exception_handler(RefusedError)(_answer_refusal)
    app.add_api_route(METADATA, _asked_by(cloud, "metadata", _answer_metadata), methods=["POST"])
    app.add_api_route(RECORDINGS, _asked_by(cloud, "recordings", _answer_recording), methods=["POST"])
    app.add_api_route("/{path:path}", _answer_other, methods=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
    add_admin(app, cloud)
    add_management(app, cloud, read_body=_read_body, authenticate=_authenticate)
    # The catch-all must be the last to be asked.
    app.router.routes.append(app.router.routes.pop(_place_of_catch_all(app)))
    return _Observed(app, cloud)


def _place_of_catch_all(app: FastAPI) -> int:
    return next(place for place, route in enumerate(app.router.routes) if getattr(route, "path", "") == "/{path:path}")


def _asked_by(
    cloud: Cloud, endpoint: str, answer: Callable[[Cloud, Desk, Request, bytes], Answer]
) -> Callable[[Request], Awaitable[Response]]:
    async def ask(request: Request) -> Response:
        body = await _read_body(request)
        desk = _authenticate(cloud, request, body=body)
        request.scope["cloud9.desk"] = desk.name
        most = cloud.limits.metadata_per_minute if endpoint == "metadata" else cloud.limits.recordings_per_minute
        cloud.limiter.admit(cloud.keys[desk.name].api_key, endpoint, most=most, now=time.monotonic())
        response, fault = answer(cloud, desk, request, body)
        request.scope["cloud9.fault"] = fault.kind if fault else None
        return response

    return ask


async def _read_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_BODY:
            raise RefusedError(413, "BODY_TOO_LONG", f"The body is longer than {_LARGEST_BODY} bytes.")
    return bytes(body)


def _authenticate(cloud: Cloud, request: Request, *, body: bytes) -> Desk:
    """The desk that asks: key, address, signature, date and nonce are all as they must be."""
    headers = request.headers
    credentials = read_authorization(headers.get("authorization"))
    desk = cloud.desk_of(credentials.api_key)
    cloud.check_address(desk, request.client.host if request.client else "")
    parts = SignedParts(
        method=request.method,
        scheme=request.url.scheme,
        host=headers.get("host", ""),
        path=request.scope["raw_path"].decode("ascii", "replace"),
        content_type=headers.get("content-type", ""),
        api_key=credentials.api_key,
        nonce=credentials.nonce,
        date=headers.get("date", ""),
        body=body,
    )
    check_signature(parts, secret=cloud.keys[desk.name].api_secret, signature=credentials.signature)
    now, skew = cloud.auth_now(), timedelta(seconds=cloud.limits.skew_seconds)
    check_date(headers.get("date"), now=now, skew=skew)
    cloud.nonces.use(credentials.api_key, credentials.nonce, now=now, skew=skew)
    if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise RefusedError(400, "BAD_REQUEST", "The content type must be application/json.")
    return desk


def _answer_metadata(cloud: Cloud, desk: Desk, request: Request, body: bytes) -> Answer:
    asked = read_request(body, longest=timedelta(hours=cloud.limits.longest_window_hours))
    request.scope["cloud9.subject"] = f"{asked.begin.isoformat()}/{asked.end.isoformat()} {asked.token}".rstrip()
    return listing_answer(cloud, desk, asked=asked)


def _answer_recording(cloud: Cloud, desk: Desk, request: Request, body: bytes) -> Answer:
    try:
        wanted = RecordingRequest.model_validate_json(body).recordingId
    except ValidationError:
        raise RefusedError(400, "BAD_REQUEST", 'The body must be {"recordingId": "…"}.') from None
    request.scope["cloud9.subject"] = wanted
    fault = cloud.take_fault("recordings", subjects=frozenset({wanted}))
    if fault and fault.kind is FaultKind.STATUS:
        return strike(Response(), fault=fault), fault
    found = cloud.world.recording(wanted)
    if found is None or found[0].name != desk.name:
        raise RefusedError(404, "UNKNOWN_RECORDING", "There is no such recording.")
    recording = found[1]
    if cloud.availability(recording) != "available":
        raise RefusedError(404, "RECORDING_NOT_AVAILABLE", "The recording has not been uploaded yet.")
    answer = Response(cloud.tape.content(recording), media_type=_MEDIA_TYPES[recording.container])
    cloud.downloads[wanted] += 1
    return strike(answer, fault=fault), fault


async def _answer_other(request: Request) -> Response:
    path = request.url.path
    if path.startswith(_API) and request.method not in {"GET", "HEAD"} and path.endswith(("/metadata", "/recordings")):
        raise RefusedError(405, "METHOD_NOT_ALLOWED", f"{request.method} is not allowed on {path}.")
    raise RefusedError(404, "UNKNOWN_ENDPOINT", f"There is nothing at {path}.")


async def _answer_refusal(request: Request, refusal: Exception) -> Response:
    if not isinstance(refusal, RefusedError):
        raise refusal
    request.scope["cloud9.error"] = refusal.error
    if refusal.error == ORDERED:
        request.scope["cloud9.fault"] = FaultKind.STATUS
    headers = {} if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
    body = json.dumps({"error": refusal.error, "message": refusal.message}).encode()
    return Response(body, status_code=refusal.status, media_type="application/json", headers=headers)


class _Observed:
    """Remembers every API request, dates every answer, and lets faults reach the connection."""

    def __init__(self, app: ASGIApp, cloud: Cloud) -> None:
        self.app = app
        self.cloud = cloud

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        status = 0

        async def dated_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                date = format_datetime(self.cloud.auth_now(), usegmt=True).encode("ascii")
                message = {**message, "headers": [*message["headers"], (b"date", date)]}
            await send(message)

        # uvicorn's send is a method of the request's cycle, which holds the connection.
        scope[TRANSPORT] = getattr(getattr(send, "__self__", None), "transport", None)
        observed = scope["path"].startswith(_API)
        if observed:
            self._count(scope)
        try:
            await self.app(scope, receive, dated_send)
        finally:
            if observed:
                self._remember(scope, status=status)

    def _count(self, scope: Scope) -> None:
        self.cloud.requests[f"{scope['method']} {scope['path']}"] += 1
        if scope["method"] not in {"POST", "GET", "HEAD"}:
            self.cloud.violations.append(
                Violation(
                    at=datetime.now(UTC), method=scope["method"], path=scope["path"], desk=self._claimed_desk(scope)
                )
            )

    def _claimed_desk(self, scope: Scope) -> str | None:
        header = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        return next((desk for desk, key in self.cloud.keys.items() if f" {key.api_key}:" in header), None)

    def _remember(self, scope: Scope, *, status: int) -> None:
        fault = scope.get("cloud9.fault")
        self.cloud.statuses[f"{scope['method']} {scope['path']} {status}"] += 1
        self.cloud.log.append(
            RequestSeen(
                at=datetime.now(UTC),
                method=scope["method"],
                path=scope["path"],
                desk=scope.get("cloud9.desk") or self._claimed_desk(scope),
                status=status,
                subject=scope.get("cloud9.subject"),
                error=scope.get("cloud9.error"),
                fault=fault,
            )
        )
