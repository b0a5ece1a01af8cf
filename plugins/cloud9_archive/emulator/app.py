"""The emulated Call Data API over ASGI: who may ask, and which endpoint answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from fastapi import FastAPI, Request
from starlette.convertors import Convertor, register_url_convertor
from starlette.responses import Response
from starlette.types import ASGIApp

from cloud9_archive.emulator.admin import add_admin
from cloud9_archive.emulator.answers import Answer, refusal_answer
from cloud9_archive.emulator.asking import Fields, read_fields
from cloud9_archive.emulator.dialect import Method
from cloud9_archive.emulator.endpoints import (
    answer_call_recordings,
    answer_media,
    answer_metadata,
    answer_recording_list,
    answer_recordings,
)
from cloud9_archive.emulator.fault_kinds import Endpoint
from cloud9_archive.emulator.firm import Desk
from cloud9_archive.emulator.management import add_management
from cloud9_archive.emulator.observed import API, DESK, ERROR, FAULT, Observed, shown_credential
from cloud9_archive.emulator.refusal import RefusedError
from cloud9_archive.emulator.signing import SignedParts, check_date, check_signature, read_authorization
from cloud9_archive.emulator.state import Cloud
from cloud9_archive.emulator.striking import strike

METADATA = "/v1.1/calls/metadata"
RECORDINGS = "/v1/calls/recordings"
RECORDING_LIST = "/v1/calls/recordingList"
CALL_RECORDINGS = "/v1/calls/{call_id:text}/recordings"
MEDIA = "/media/{token}"
_LARGEST_BODY = 64 * 1024


class _Text(Convertor[str]):
    """Any text of a path, slashes and line ends included: ids are hostile."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("text", _Text())

Endpoints = Callable[[Cloud, Desk, Request, Fields], Answer]


def make_app(cloud: Cloud) -> ASGIApp:
    """The whole emulator: API and admin endpoints."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.exception_handler(RefusedError)(_answer_refusal)
    asked: tuple[tuple[str, Endpoint, Endpoints, Callable[[], Method | None]], ...] = (
        (METADATA, "metadata", answer_metadata, lambda: cloud.dialect.listing_method),
        (RECORDINGS, "recordings", answer_recordings, lambda: cloud.dialect.recording_method),
        (
            RECORDING_LIST,
            "recording_list",
            answer_recording_list,
            lambda: cloud.dialect.listing_method if cloud.dialect.recordings == "listed" else None,
        ),
        (
            CALL_RECORDINGS,
            "recording_list",
            answer_call_recordings,
            lambda: cloud.dialect.call_recordings_method if cloud.dialect.recordings == "per_call" else None,
        ),
    )
    for path, endpoint, answer, method in asked:
        app.add_api_route(path, _asked_by(cloud, endpoint, answer, method=method), methods=["GET", "POST"])
    app.add_api_route(MEDIA, _linked(cloud), methods=["GET"])
    add_admin(app, cloud)
    add_management(app, cloud, read_body=_read_body, authenticate=_authenticate)
    # The catch-all must be the last to be asked.
    app.add_api_route("/{path:text}", _answer_other, methods=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
    return Observed(app, cloud)


def _asked_by(
    cloud: Cloud, endpoint: Endpoint, answer: Endpoints, *, method: Callable[[], Method | None]
) -> Callable[[Request], Awaitable[Response]]:
    async def ask(request: Request) -> Response:
        if request.method != method():
            return await _answer_other(request)
        body = await _read_body(request)
        desk = _authenticate(cloud, request, body=body)
        request.scope[DESK] = desk.name
        cloud.check_scope(desk, "recordings" if endpoint == "recordings" else "metadata")
        cloud.admit(desk, endpoint, most=_most(cloud, endpoint))
        fields = read_fields(method=request.method, query=request.scope["query_string"], body=body)
        return _sent(cloud, request, answer(cloud, desk, request, fields))

    return ask


def _linked(cloud: Cloud) -> Callable[[Request], Awaitable[Response]]:
    async def follow(request: Request) -> Response:
        if shown_credential(cloud, request.scope) is not None:
            raise RefusedError(
                400, "CREDENTIALS_SHOWN", "A link is followed without Authorization and without the key."
            )
        return _sent(cloud, request, answer_media(cloud, request))

    return follow


def _sent(cloud: Cloud, request: Request, answer: Answer) -> Response:
    """The answer as it leaves, remembered."""
    struck = strike(answer, now=cloud.auth_now())
    request.scope[FAULT], request.scope[ERROR] = struck.fault, struck.error
    for recording_id in struck.whole:
        cloud.downloads[recording_id] += 1
    return struck.response


def _most(cloud: Cloud, endpoint: Endpoint) -> int:
    if endpoint == "metadata":
        return cloud.limits.metadata_per_minute
    return cloud.limits.recordings_per_minute if endpoint == "recordings" else cloud.limits.recording_list_per_minute


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


async def _answer_other(request: Request) -> Response:
    path = request.url.path
    if path.startswith(API) and request.method not in {"GET", "HEAD"} and path.endswith(("/metadata", "/recordings")):
        raise RefusedError(405, "METHOD_NOT_ALLOWED", f"{request.method} is not allowed on {path}.")
    raise RefusedError(404, "UNKNOWN_ENDPOINT", f"There is nothing at {path}.")


async def _answer_refusal(request: Request, refusal: Exception) -> Response:
    if not isinstance(refusal, RefusedError):
        raise refusal
    request.scope[ERROR] = refusal.error
    return refusal_answer(refusal).response
