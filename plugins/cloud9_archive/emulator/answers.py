"""What is sent back: answers in JSON, refusals, and what is remembered of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from cloud9_archive.emulator.fault_orders import FaultDetails
from cloud9_archive.emulator.refusal import RefusedError


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What would be sent, and what strikes it on its way.

    :param error: the word of a refusal
    :param whole: the recordings whose bytes it holds
    """

    response: Response
    fault: FaultDetails | None = None
    error: str | None = None
    whole: tuple[str, ...] = ()


def json_answer(content: Mapping[str, Any], *, headers: Mapping[str, str] | None = None, status: int = 200) -> Response:
    """The content as JSON: UTF-8, but escapes where half a surrogate pair has none."""
    try:
        body = json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        body = json.dumps(content).encode()
    return Response(body, status_code=status, media_type="application/json", headers=headers)


def refusal_answer(refusal: RefusedError, *, fault: FaultDetails | None = None) -> Answer:
    """The refusal as it is sent."""
    headers = {} if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
    content = {"error": refusal.error, "message": refusal.message}
    return Answer(json_answer(content, headers=headers, status=refusal.status), fault, refusal.error)
