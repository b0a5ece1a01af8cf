"""What is remembered of every request, and the date of every answer."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud9_archive.emulator.endpoints import SUBJECT
from cloud9_archive.emulator.faults import TRANSPORT
from cloud9_archive.emulator.state import Cloud
from cloud9_archive.emulator.striking import told_date
from cloud9_archive.emulator.truth import RequestSeen, Violation

API = ("/v1/", "/v1.1/", "/v2/")
DESK, FAULT, ERROR = "cloud9.desk", "cloud9.fault", "cloud9.error"
_READING = frozenset({"POST", "GET", "HEAD"})
_OF_A_CALL = re.compile(r"/v1/calls/.+/recordings", re.DOTALL)


class Observed:
    """Remembers every API request, dates every answer, and lets faults reach the connection."""

    def __init__(self, app: ASGIApp, cloud: Cloud) -> None:
        self.app = app
        self.cloud = cloud

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The request is answered by the app, and remembered."""
        if scope["type"] != "http":
            return
        status = 0

        async def dated_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                date = told_date(self.cloud.auth_now(), fault=scope.get(FAULT))
                message = {**message, "headers": [*message["headers"], *date]}
            await send(message)

        # uvicorn's send is a method of the request's cycle, which holds the connection.
        scope[TRANSPORT] = getattr(getattr(send, "__self__", None), "transport", None)
        path = told_path(scope["path"])
        if path is None:
            await self.app(scope, receive, dated_send)
            return
        self._count(scope, path=path)
        try:
            await self.app(scope, receive, dated_send)
        finally:
            self._remember(scope, path=path, status=status)

    def _count(self, scope: Scope, *, path: str) -> None:
        self.cloud.requests[f"{scope['method']} {path}"] += 1
        why = None
        if scope["method"] not in _READING:
            why = f"{scope['method']} may change what the source holds"
        elif path.startswith("/media/"):
            shown = shown_credential(self.cloud, scope)
            why = None if shown is None else f"a followed link shows {shown}"
        if why is not None:
            self.cloud.violations.append(
                Violation(
                    at=datetime.now(UTC), method=scope["method"], path=path, desk=self._claimed_desk(scope), why=why
                )
            )

    def _claimed_desk(self, scope: Scope) -> str | None:
        header = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        return next((desk for desk, key in self.cloud.keys.items() if f" {key.api_key}:" in header), None)

    def _remember(self, scope: Scope, *, path: str, status: int) -> None:
        fault = scope.get(FAULT)
        self.cloud.statuses[f"{scope['method']} {path} {status}"] += 1
        self.cloud.log.append(
            RequestSeen(
                at=datetime.now(UTC),
                method=scope["method"],
                path=path,
                desk=scope.get(DESK) or self._claimed_desk(scope),
                status=status,
                subject=scope.get(SUBJECT),
                error=scope.get(ERROR),
                fault=fault.kind if fault else None,
            )
        )


def told_path(path: str) -> str | None:
    """The path as counters and the log have it, without ids and tokens; None if it is not remembered."""
    if path.startswith("/media/"):
        return "/media/{token}"
    if not path.startswith(API):
        return None
    return "/v1/calls/{callId}/recordings" if _OF_A_CALL.fullmatch(path) else path


def shown_credential(cloud: Cloud, scope: Scope) -> str | None:
    """What of a key a request shows that must show none, None if nothing."""
    if any(name == b"authorization" for name, _ in scope["headers"]):
        return "an Authorization header"
    told = b"\n".join([scope["query_string"], *(value for _, value in scope["headers"])])
    for key in cloud.keys.values():
        if key.api_key.encode() in told or key.api_secret.encode() in told:
            return "an API key or its secret"
    return None
