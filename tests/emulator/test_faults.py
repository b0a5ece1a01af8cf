from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from datetime import datetime, timedelta
from typing import Any

import pytest

from cloud9_archive.emulator.server import EmulatorServer
from cloud9_archive.emulator.truth import RecordingTruth

DAY = timedelta(days=1)


@pytest.fixture
def recording(server: EmulatorServer, friday: datetime) -> RecordingTruth:
    truth = server.admin.truth("emea", begin=friday, end=friday + DAY)
    return next(r for r in truth.recordings.values() if r.availability == "available" and r.size > 20_000)


def partial_download(emea: Any, recording_id: str) -> tuple[int, bytes, Exception | None]:
    """The announced length, the bytes that came, and how it ended."""
    body = json.dumps({"recordingId": recording_id}).encode()
    path = "/v1/calls/recordings"
    connection = emea.connection()
    plain = socket.create_connection((connection.host, connection.port), timeout=20)
    context = ssl.create_default_context(cafile=str(emea.server.ca_file))
    # Python's ssl shows a reset as a quiet end of file, unless it is told not to.
    connection.sock = context.wrap_socket(plain, server_hostname=connection.host, suppress_ragged_eofs=False)
    connection.request("POST", path, body=body, headers=emea.headers("POST", path, body))
    announced, received = 0, bytearray()
    try:
        answer = connection.getresponse()
        announced = int(answer.headers["Content-Length"])
        while chunk := answer.read1(4096):
            received += chunk
    except (OSError, http.client.HTTPException) as error:
        return announced, bytes(received), error
    finally:
        connection.close()
    return announced, bytes(received), None


@pytest.mark.parametrize("status", [500, 503, 429, 404, 401])
def test_a_status_strikes_as_often_as_ordered_and_then_no_more(
    server: EmulatorServer, emea: Any, recording: RecordingTruth, status: int
) -> None:
    server.admin.fault("status", "recordings", status=status, retry_after=7, count=2)
    answers = [emea.recording(recording.recording_id) for _ in range(3)]
    assert [answer.status for answer in answers] == [status, status, 200]
    assert answers[0].headers["retry-after"] == "7"
    assert server.admin.requests().requests[-2].fault == "status"


def test_204_has_no_body(server: EmulatorServer, emea: Any, recording: RecordingTruth) -> None:
    server.admin.fault("status", "recordings", status=204)
    answer = emea.recording(recording.recording_id)
    assert (answer.status, answer.body) == (204, b"")


def test_a_fault_for_one_recording_leaves_the_others_alone(
    server: EmulatorServer, emea: Any, recording: RecordingTruth
) -> None:
    server.admin.fault("status", "recordings", status=500, match=recording.recording_id)
    assert emea.recording("another").status == 404
    assert emea.page(datetime(2026, 11, 20), datetime(2026, 11, 21)).status == 200  # noqa: DTZ001 - as on the wire
    assert emea.recording(recording.recording_id).status == 500


def test_a_fault_for_a_call_strikes_the_page_that_lists_it(server: EmulatorServer, emea: Any, friday: datetime) -> None:
    call = emea.day()[-1]
    server.admin.fault("status", "metadata", status=500, match=call["callId"])
    assert emea.page(friday, friday + timedelta(hours=1)).status == 200
    assert emea.page(friday, friday + DAY).status == 500
    assert server.admin.requests().requests[-1].fault == "status"


def test_a_reset_comes_after_that_many_bytes(server: EmulatorServer, emea: Any, recording: RecordingTruth) -> None:
    server.admin.fault("reset", "recordings", after_bytes=10_000)
    announced, received, error = partial_download(emea, recording.recording_id)
    # A reset may overtake bytes that the client had not read yet: how many arrive is not certain, that it breaks is.
    assert announced in {0, recording.size}
    assert len(received) <= 10_000
    assert isinstance(error, ConnectionError | ssl.SSLError)
    assert emea.recording(recording.recording_id).status == 200


def test_a_short_body_ends_before_its_content_length(
    server: EmulatorServer, emea: Any, recording: RecordingTruth
) -> None:
    server.admin.fault("short_body", "recordings", after_bytes=5_000)
    announced, received, error = partial_download(emea, recording.recording_id)
    assert (announced, len(received), error) == (recording.size, 5_000, None)
    assert emea.recording(recording.recording_id).status == 200


@pytest.mark.parametrize("after_bytes", [None, 1_000])
def test_a_stall_delays_and_then_delivers_everything(
    server: EmulatorServer, emea: Any, recording: RecordingTruth, after_bytes: int | None
) -> None:
    server.admin.fault("stall", "recordings", seconds=0.3, after_bytes=after_bytes)
    begun = time.monotonic()
    answer = emea.recording(recording.recording_id)
    assert time.monotonic() - begun >= 0.3
    assert len(answer.body) == recording.size


def test_a_repeated_token_leads_to_itself(server: EmulatorServer, emea: Any, friday: datetime) -> None:
    server.admin.set_limits(page_size=10)
    server.admin.fault("repeated_token", "metadata", count=2)
    first = emea.page(friday, friday + DAY)
    token = first.headers["next-page-token"]
    second = emea.page(friday, friday + DAY, token)
    assert second.headers["next-page-token"] == token
    assert second.json == first.json


def test_a_duplicate_page_repeats_rows_and_then_goes_on(server: EmulatorServer, emea: Any, friday: datetime) -> None:
    server.admin.set_limits(page_size=10)
    whole = emea.day()
    first = emea.page(friday, friday + DAY)
    server.admin.fault("duplicate_page", "metadata")
    again = emea.page(friday, friday + DAY, first.headers["next-page-token"])
    assert again.json == first.json
    following = emea.page(friday, friday + DAY, again.headers["next-page-token"])
    assert following.json["calls"] == whole[10:20]


def test_a_shrinking_page_loses_rows_in_the_middle(server: EmulatorServer, emea: Any, friday: datetime) -> None:
    server.admin.set_limits(page_size=10)
    whole = emea.day()
    server.admin.fault("shrinking_page", "metadata")
    assert emea.day() == whole[:5] + whole[10:]


def test_changed_shapes(server: EmulatorServer, emea: Any, friday: datetime) -> None:
    server.admin.fault("renamed_field", "metadata")
    server.admin.fault("not_json", "metadata")
    assert list(emea.page(friday, friday + DAY).json) == ["callRecords"]
    page = emea.page(friday, friday + DAY)
    assert (page.status, page.headers["content-type"].split(";")[0]) == (200, "text/html")
    assert page.body.startswith(b"<html>")
    assert list(emea.page(friday, friday + DAY).json) == ["calls"]


def test_cleared_faults_strike_no_more(server: EmulatorServer, emea: Any, friday: datetime) -> None:
    server.admin.fault("not_json", "metadata", count=100)
    server.admin.clear_faults()
    assert list(emea.page(friday, friday + DAY).json) == ["calls"]
