from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from cloud9_archive.emulator.fault_kinds import FaultKind, strikes_at
from cloud9_archive.emulator.server import EmulatorServer

DAY = timedelta(days=1)
SIZE = 10
WHOLE_IN_THE_END = {FaultKind.STALL, FaultKind.SLOW_DRIP}
CHANGING = re.compile(rb'(?i)\r\ndate: [^\r]*|"url": "[^"]*"|"expiresAt": "[^"]*"|next-page-token: [^\r]*')
CASES = [(kind, endpoint) for kind in FaultKind for endpoint in strikes_at(kind)]
# What leads on is all that these change of a page, so it is what must be looked at.
OF_THE_NEXT_PAGE = {FaultKind.REPEATED_TOKEN, FaultKind.ENDLESS_PAGES}
UNTIL_THE_FIRST_PAGE = {FaultKind.ROWS_REMOVED, FaultKind.ROWS_EDITED}

Exchange = Callable[[], tuple[bytes, bytes, bool]]


def exchange_at(server: EmulatorServer, emea: Any, friday: datetime, endpoint: str, kind: FaultKind) -> Exchange:
    """A request to the endpoint that the fault can strike, over a connection of its own."""

    def sent(method: str, path: str, content: Any, **how: bool) -> Exchange:
        return lambda: seen(emea.raw(method, path, content), **how)

    truth = server.admin.truth("emea", begin=friday, end=friday + DAY)
    recording = next(r for r in truth.recordings.values() if r.availability == "available" and r.size > 20_000)
    if endpoint in {"metadata", "recording_list"}:
        paging = "token_header" if kind in OF_THE_NEXT_PAGE else "offset"
        server.admin.set_dialect(paging=paging, recordings="listed", page_end="total")
        server.admin.set_limits(metadata_per_minute=10_000, recording_list_per_minute=10_000, page_size=SIZE)
        offset = 0 if kind is FaultKind.ROWS_INSERTED else 2 * SIZE
        window = {"beginDate": f"{friday:%Y-%m-%d %H:%M:%S}", "endDate": f"{friday + DAY:%Y-%m-%d %H:%M:%S}"}
        path = "/v1.1/calls/metadata" if endpoint == "metadata" else "/v1/calls/recordingList"
        if paging == "offset":
            return sent("POST", path, {**window, "offset": offset})
        last = emea.send("POST", path, window)
        while "next-page-token" in last.headers:
            token = last.headers["next-page-token"]
            last = emea.send("POST", path, {**window, "nextPageToken": token})
        # The last page leads nowhere: whatever leads on from it is the fault's.
        return sent("POST", path, {**window, "nextPageToken": token}, tokens=True)
    if endpoint == "recordings":
        return sent("POST", "/v1/calls/recordings", {"recordingId": recording.recording_id})
    server.admin.set_dialect(delivery="url")
    url = emea.recording(recording.recording_id).json["url"]
    emea.headers = lambda *_: {}
    return sent("GET", "/media/" + url.partition("/media/")[2], b"")


def seen(raw: tuple[bytes, bytes, Exception | None], *, tokens: bool = False) -> tuple[bytes, bytes, bool]:
    """What arrived, without what changes from one answer to the next."""
    head, body, error = raw
    told = b"no date" if b"\r\ndate:" not in head.lower() else b""
    leads = b"leads on" if tokens and b"next-page-token" in head.lower() else b""
    return CHANGING.sub(b"", head) + told + leads, CHANGING.sub(b"", body), error is not None


@pytest.mark.parametrize(("kind", "endpoint"), CASES, ids=str)
def test_every_fault_strikes_once_wherever_it_may_and_is_logged(
    server: EmulatorServer, emea: Any, friday: datetime, kind: FaultKind, endpoint: str
) -> None:
    exchange = exchange_at(server, emea, friday, endpoint, kind)
    right = exchange()
    server.admin.fault(kind, endpoint, seconds=0.1 if kind in WHOLE_IN_THE_END else None, size=100_000)
    before = server.admin.counters().faults
    struck = exchange()
    assert server.admin.requests().requests[-1].fault == kind
    told = "status 500" if kind is FaultKind.STATUS else kind
    assert server.admin.counters().faults[told] == before.get(told, 0) + 1
    if kind is not FaultKind.DATE_OFF:  # dates differ anyway; another test reads them
        assert (struck == right) == (kind in WHOLE_IN_THE_END)
    if kind not in UNTIL_THE_FIRST_PAGE:
        assert exchange() == right
    assert server.cloud.faults == []
