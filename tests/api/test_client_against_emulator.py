"""The client against a whole emulated Cloud9: days, recordings, and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud9_archive.api.client import Cloud9Client, FetchedRecording, PendingRecording
from cloud9_archive.api.limits import Limiter, OwnLedgers
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.domain.call import Side
from cloud9_archive.domain.run import WantedRecording
from cloud9_archive.domain.window import Window
from cloud9_archive.emulator.server import EmulatorServer
from cloud9_archive.emulator.world import WorldSettings
from cloud9_archive.errors import (
    AddressNotAllowedError,
    CredentialsError,
    RateLimitedError,
    TransientError,
    WireFormatError,
)

FRIDAY = datetime(2026, 11, 20, tzinfo=UTC)
DAY = Window(FRIDAY, FRIDAY + timedelta(days=1))
SOON, AFTERWARDS = FRIDAY + timedelta(hours=10), FRIDAY + timedelta(days=60)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorServer]:
    settings = WorldSettings(line_milliseconds=120_000)
    with EmulatorServer(home=tmp_path_factory.mktemp("emulator"), settings=settings) as server:
        yield server


@pytest.fixture
def cloud9(running: EmulatorServer) -> EmulatorServer:
    running.admin.set_clock(fixed=AFTERWARDS)
    running.admin.set_limits(metadata_per_minute=10_000, recordings_per_minute=10_000, page_size=7)
    running.admin.allow("emea", "127.0.0.0/8")
    running.admin.clear_faults()
    return running


Connect = Callable[..., Cloud9Client]


@pytest.fixture
def connect(cloud9: EmulatorServer) -> Iterator[Connect]:
    opened: list[Cloud9Client] = []

    def make(*, waits: list[float] | None = None, limiter: Limiter | None = None, **fields: Any) -> Cloud9Client:
        key = cloud9.keys["emea"]
        given = {"api_key": key.api_key, "api_secret": key.api_secret, "tls_trust": str(cloud9.ca_file), **fields}
        source = SourceSettings("cloud9_emea", host=cloud9.host, port=cloud9.port, **given)
        opened.append(Cloud9Client(source, sleep=(waits if waits is not None else []).append, limiter=limiter))
        return opened[-1]

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def truth(cloud9: EmulatorServer) -> Any:
    return cloud9.admin.truth("emea", begin=DAY.start, end=DAY.end)


def an_available(truth: Any) -> str:
    return next(one for one, known in truth.recordings.items() if known.availability == "available" and known.size > 99)


def test_a_whole_day_is_listed_as_it_was(connect: Connect, truth: Any) -> None:
    pages = list(connect().list_calls(DAY))
    calls = [call for page in pages for call in page.calls]
    assert len(pages) > 5
    assert sum(len(page.unknown_words) for page in pages) == 0
    assert [call.call_id for call in calls] == [told.call_id for told in truth.calls]
    for call, told in zip(calls, truth.calls, strict=True):
        assert call.source == "cloud9_emea"
        assert abs(call.started_at - told.started_at) < timedelta(milliseconds=1)
        assert {p.login for p in call.parties if p.side is Side.NEAR and p.login} == set(told.near_logins)
        assert {p.login for p in call.parties if p.side is Side.FAR and p.login} == set(told.far_logins)
        assert {link.recording_id for link in call.recordings} == {link.recording_id for link in told.links}


def test_three_days_are_listed_in_three_spans(connect: Connect, cloud9: EmulatorServer) -> None:
    window = Window(FRIDAY - timedelta(days=2), FRIDAY + timedelta(days=1))
    listed = [call.call_id for page in connect().list_calls(window) for call in page.calls]
    told = cloud9.admin.truth("emea", begin=window.start, end=window.end)
    assert listed == [call.call_id for call in told.calls]


def test_recordings_arrive_byte_for_byte_over_one_connection(connect: Connect, truth: Any, tmp_path: Path) -> None:
    client = connect()
    available = [one for one, known in truth.recordings.items() if known.availability == "available"][:25]
    for number, recording_id in enumerate(available):
        fetched = client.fetch_recording(WantedRecording(recording_id), tmp_path / f"{number}")
        assert isinstance(fetched, FetchedRecording)
        assert (fetched.sha256, fetched.size) == (truth.recordings[recording_id].sha256, fetched.path.stat().st_size)
    pools: Any = client._exchanger.session.get_adapter(client.source.base_url)
    (pool,) = (pools.poolmanager.pools[key] for key in pools.poolmanager.pools.keys())  # noqa: SIM118 - no mapping
    assert pool.num_connections == 1


def test_what_is_not_uploaded_is_pending_until_it_is(
    connect: Connect, cloud9: EmulatorServer, truth: Any, tmp_path: Path
) -> None:
    recording_id = an_available(truth)
    cloud9.admin.upload_never(recording_id)
    client = connect()
    pending = client.fetch_recording(WantedRecording(recording_id), tmp_path / "r")
    assert pending == PendingRecording(recording_id, "404 RECORDING_NOT_AVAILABLE")
    cloud9.admin.upload_now(recording_id)
    assert isinstance(client.fetch_recording(WantedRecording(recording_id), tmp_path / "r"), FetchedRecording)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset", "after_bytes": 50},
        {"kind": "short_body", "after_bytes": 50},
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 503, "retry_after": 3},
    ],
    ids=lambda fault: f"{fault['kind']}-{fault.get('status', '')}",
)
def test_a_fault_that_passes_leaves_a_whole_recording(
    connect: Connect, cloud9: EmulatorServer, truth: Any, tmp_path: Path, fault: dict[str, Any]
) -> None:
    recording_id, waits = an_available(truth), list[float]()
    cloud9.admin.fault(endpoint="recordings", match=recording_id, count=2, **fault)
    fetched = connect(waits=waits).fetch_recording(WantedRecording(recording_id), tmp_path / "r")
    assert isinstance(fetched, FetchedRecording)
    assert fetched.sha256 == truth.recordings[recording_id].sha256
    assert len(waits) == 2
    assert min(waits) >= fault.get("retry_after", 0)
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_a_stall_is_a_timeout_and_tried_again(
    connect: Connect, cloud9: EmulatorServer, truth: Any, tmp_path: Path
) -> None:
    recording_id = an_available(truth)
    cloud9.admin.fault("stall", "recordings", match=recording_id, after_bytes=50, seconds=2)
    fetched = connect(read_timeout=0.3).fetch_recording(WantedRecording(recording_id), tmp_path / "r")
    assert isinstance(fetched, FetchedRecording)
    assert fetched.sha256 == truth.recordings[recording_id].sha256


def test_a_fault_that_stays_is_transient_and_leaves_nothing(
    connect: Connect, cloud9: EmulatorServer, truth: Any, tmp_path: Path
) -> None:
    recording_id = an_available(truth)
    cloud9.admin.fault("reset", "recordings", match=recording_id, count=9, after_bytes=50)
    with pytest.raises(TransientError):
        connect().fetch_recording(WantedRecording(recording_id), tmp_path / "r")
    assert list(tmp_path.iterdir()) == []


def test_a_listing_survives_faults_in_the_middle(connect: Connect, cloud9: EmulatorServer, truth: Any) -> None:
    pages = connect().list_calls(DAY)
    first = next(pages)
    for fault in ({"kind": "reset"}, {"kind": "status", "status": 502}, {"kind": "duplicate_page"}):
        cloud9.admin.fault(endpoint="metadata", **fault)
    listed = [call.call_id for page in (first, *pages) for call in page.calls]
    assert list(dict.fromkeys(listed)) == [told.call_id for told in truth.calls]
    assert len(listed) == len(truth.calls) + 7


@pytest.mark.parametrize(("kind", "count"), [("renamed_field", 1), ("not_json", 1), ("repeated_token", 9)])
def test_a_changed_shape_stops_the_listing(connect: Connect, cloud9: EmulatorServer, kind: str, count: int) -> None:
    cloud9.admin.fault(kind, "metadata", count=count)
    with pytest.raises(WireFormatError, match=r"call_data_v1_1\.yaml"):
        list(connect().list_calls(DAY))


def test_a_wrong_secret_and_swapped_credentials_are_refused(connect: Connect, cloud9: EmulatorServer) -> None:
    key = cloud9.keys["emea"]
    for fields in ({"api_secret": "wrong"}, {"api_key": key.api_secret, "api_secret": key.api_key}):
        with pytest.raises(CredentialsError, match="swapped"):
            list(connect(**fields).list_calls(DAY))


def test_a_clock_that_is_off_is_named(connect: Connect, cloud9: EmulatorServer) -> None:
    cloud9.admin.set_clock(fixed=AFTERWARDS, auth_offset_seconds=3600)
    with pytest.raises(CredentialsError, match=r"clock is 3[56]\d\d s behind the server's"):
        list(connect().list_calls(DAY))


def test_an_address_that_is_not_on_the_list_is_refused(connect: Connect, cloud9: EmulatorServer) -> None:
    cloud9.admin.allow("emea", "10.0.0.0/8")
    with pytest.raises(AddressNotAllowedError, match="allow-list"):
        list(connect().list_calls(DAY))


def test_a_limit_that_stays_used_up_is_transient(connect: Connect, cloud9: EmulatorServer) -> None:
    cloud9.admin.set_limits(metadata_per_minute=0)
    waits: list[float] = []
    with pytest.raises(RateLimitedError):
        list(connect(waits=waits).list_calls(DAY))
    assert max(waits) > 50, "the emulator asks for a minute"


def test_a_429_slows_everyone_who_shares_the_key(
    connect: Connect, cloud9: EmulatorServer, truth: Any, tmp_path: Path
) -> None:
    recording_id, ledgers = an_available(truth), OwnLedgers()
    waits: dict[str, list[float]] = {"one": [], "other": []}
    one, other = (connect(limiter=Limiter(ledgers, sleep=waited.append)) for waited in waits.values())
    cloud9.admin.fault("status", "recordings", match=recording_id, status=429, retry_after=30)
    assert isinstance(one.fetch_recording(WantedRecording(recording_id), tmp_path / "one"), FetchedRecording)
    assert isinstance(other.fetch_recording(WantedRecording(recording_id), tmp_path / "other"), FetchedRecording)
    (own,), (others,) = waits.values()
    assert 29 < own <= 30
    assert 29 < others <= 30.2, "and a little later, because they come back one by one"
    list(other.list_calls(DAY))
    assert len(waits["other"]) == 1, "the other endpoint has a limit of its own"


def test_nothing_but_posts_was_sent(connect: Connect, cloud9: EmulatorServer) -> None:
    assert list(connect().list_calls(DAY))
    log = cloud9.admin.requests()
    assert {seen.method for seen in log.requests} == {"POST"}
    assert log.violations == ()
