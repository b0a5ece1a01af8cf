"""A peer over TLS that believes nothing: each request's signature is checked as it came over the wire."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from cloud9_archive.emulator.signing import SignedParts, check_signature, read_authorization

SECRET = "test-api-secret"
Answer = Callable[[Request], Response]


def raw_target(request: Request) -> str:
    """Path and query as they were sent, percent-encoding included."""
    return str(request.environ["REQUEST_URI"])


def check_signed(request: Request) -> None:
    """
    The request is signed for exactly what came: method, path without query, content type and body.

    :raises RefusedError: if it is not
    """
    given = read_authorization(request.headers.get("Authorization"))
    parts = SignedParts(
        method=request.method,
        scheme="https",
        host=request.headers["Host"],
        path=raw_target(request).partition("?")[0],
        content_type=request.headers["Content-Type"],
        api_key=given.api_key,
        nonce=given.nonce,
        date=request.headers["Date"],
        body=request.get_data(),
    )
    check_signature(parts, secret=SECRET, signature=given.signature)


def serve(peer: HTTPServer, answers: Mapping[str, Answer]) -> None:
    """
    The peer answers by the part of the path that a request begins with; a request that is not signed gets 401.

    :param answers: beginning of the path → what answers; the longest that fits is taken
    """

    def answer(request: Request) -> Response:
        try:
            check_signed(request)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it is refused
            return Response(f"{error}", status=401)
        path = raw_target(request).partition("?")[0]
        for beginning in sorted(answers, key=len, reverse=True):
            if path.startswith(beginning):
                return answers[beginning](request)
        return Response(status=404)

    peer.expect_request(re.compile(r".*", re.DOTALL)).respond_with_handler(answer)
