from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from cloud9_archive.emulator.admin_client import AdminRefusedError
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.emulator.server import EmulatorServer
from cloud9_archive.emulator.truth import Truth

DAY = timedelta(days=1)


def check_against_api(truth: Truth, emea: Any) -> None:
    rows = emea.day()
    assert [call.call_id for call in truth.calls] == [row["callId"] for row in rows]
    for call, row in zip(truth.calls, rows, strict=True):
        assert list(call.near_logins) == [user["userName"] for user in row["nearEnd"]["users"]]
        assert list(call.far_logins) == [user["userName"] for user in row["farEnd"]["users"]]
        listed = [(link["recordingId"], link["offsetMillis"]) for link in row["recordings"]]
        assert [(link.recording_id, link.offset_millis) for link in call.links] == listed
        for link in row["recordings"]:
            told = truth.recordings[link["recordingId"]]
            assert (told.file_name, told.duration_seconds) == (link["fileName"], link["milliDuration"] / 1000)
    for told in truth.recordings.values():
        answer = emea.recording(told.recording_id)
        if told.availability != "available":
            assert (answer.status, answer.json["error"]) == (404, "RECORDING_NOT_AVAILABLE")
            continue
        assert (answer.status, len(answer.body)) == (200, told.size)
        assert hashlib.sha256(answer.body).hexdigest() == told.sha256
        assert int(answer.headers["content-length"]) == told.size
        assert answer.headers["content-type"] == {"ogg": "audio/ogg", "m4a": "audio/mp4"}[told.container]


@pytest.mark.parametrize("after", [timedelta(hours=15), DAY, 30 * DAY])
def test_the_truth_is_what_the_api_serves(
    server: EmulatorServer, emea: Any, friday: datetime, after: timedelta
) -> None:
    server.admin.set_clock(fixed=friday + after)
    truth = server.admin.truth("emea", begin=friday, end=friday + DAY)
    assert truth.now == friday + after
    check_against_api(truth, emea)
    counted = {told.availability for told in truth.recordings.values()}
    assert counted == ({"available", "never"} if after > 10 * DAY else {"available", "pending", "never"})


def test_ordered_uploads_come_at_once_and_ordered_losses_never(
    server: EmulatorServer, emea: Any, friday: datetime
) -> None:
    admin = server.admin
    admin.set_clock(fixed=friday + DAY)
    calls = {call.kind: call for call in admin.truth("emea", begin=friday, end=friday + DAY).calls}
    late, regular = (calls[kind].all_links[0].recording_id for kind in (Kind.LATE_MEDIA, Kind.STRANGERS_ONLY))
    assert (emea.recording(late).status, emea.recording(regular).status) == (404, 200)
    assert admin.upload_now(late).availability == "available"
    assert admin.upload_never(regular).availability == "never"
    assert (emea.recording(late).status, emea.recording(regular).status) == (200, 404)
    with pytest.raises(AdminRefusedError, match="UNKNOWN_RECORDING"):
        admin.upload_now("nothing")


def test_counters_and_the_log_tell_what_was_asked(server: EmulatorServer, emea: Any, friday: datetime) -> None:
    before = server.admin.counters()
    call = next(
        each
        for each in server.admin.truth("emea", begin=friday, end=friday + DAY).calls
        if each.kind is Kind.HOSTILE_ID
    )
    wanted = call.links[0].recording_id
    emea.recording(wanted)
    emea.recording("x")
    after, last = server.admin.counters(), server.admin.requests().requests[-2:]
    name = "POST /v1/calls/recordings"
    assert after.requests[name] - before.requests.get(name, 0) == 2
    assert after.statuses[f"{name} 404"] - before.statuses.get(f"{name} 404", 0) == 1
    assert after.downloads[wanted] - before.downloads.get(wanted, 0) == 1
    assert [(seen.subject, seen.status, seen.error, seen.desk) for seen in last] == [
        (wanted, 200, None, "emea"),
        ("x", 404, "UNKNOWN_RECORDING", "emea"),
    ]


def test_the_clock_can_be_moved_and_set_right_again(server: EmulatorServer, friday: datetime) -> None:
    def now() -> datetime:
        return server.admin.truth("emea", begin=friday, end=friday).now

    server.admin.set_clock()
    real = now()
    server.admin.set_clock(offset_seconds=86_400)
    assert timedelta(days=1) <= now() - real < timedelta(days=1, minutes=1)
    server.admin.set_clock(fixed=friday)
    assert now() == friday


def test_admin_needs_its_token_and_sense(server: EmulatorServer, friday: datetime) -> None:
    with pytest.raises(AdminRefusedError, match="401"):
        replace(server.admin, token="guess").counters()
    with pytest.raises(AdminRefusedError, match="UNKNOWN_DESK"):
        server.admin.truth("apac", begin=friday, end=friday + DAY)
    with pytest.raises(AdminRefusedError, match="BAD_NETWORK"):
        server.admin.allow("emea", "127.0.0.1/99")
    with pytest.raises(AdminRefusedError, match="422"):
        server.admin._ask("PUT", "limits", body={"page_size": 0})
