"""A format file is all that another dialect of the API needs: the archive is the same, whatever the source speaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from contract_bench import ContractBench
from dialect_formats import CALL_TYPES, DIRECTIONS, FLAT_PARTIES, LISTED, PER_CALL, Change, changed
from pipeline_bench import DAY
from wire_files import written

from cloud9_archive.domain.call import Call
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.emulator.calls import Kind

OpenBench = Callable[[], ContractBench]
HOURS = Window(DAY + timedelta(hours=8), DAY + timedelta(hours=14))


@dataclass(frozen=True)
class Spoken:
    """
    A dialect of the emulator, and what has to be said of it.

    :param dialect: settings of the emulator
    :param says: what a format file says otherwise than the shipped one, by dotted keys
    """

    name: str
    dialect: dict[str, Any]
    says: Change = field(default_factory=dict)
    media_host: bool = False


TOKEN = {"sent_as": "nextPageToken", "first": ""}
PAGE = {"by": "page", "sent_as": "page", "first": 1, "size": 3, "size_sent_as": "pageSize"}
OFFSET = {"by": "offset", "sent_as": "offset", "size": 3, "size_sent_as": "limit"}
GET = {"listing.method": "GET", "recording.method": "GET"}
ZIP_BY_CALL = {"recording.request": {"call_id": "callId"}, "recording.answer": {"only_named": True}}
ITEMS = {"items": "items", "item_id": "recordingId"}

DIALECTS = (
    Spoken("the shipped one", {}),
    Spoken("token in the body", {"paging": "token_body"}, {"listing.paging": {"by": "token", "at": "nextPageToken", **TOKEN}}),
    Spoken("page numbers", {"paging": "page"}, {"listing.paging": PAGE}),
    Spoken("page numbers with more", {"paging": "page", "page_end": "has_more"}, {"listing.paging": {**PAGE, "more": "hasMore"}}),
    Spoken("offsets", {"paging": "offset"}, {"listing.paging": OFFSET}),
    Spoken("offsets with a total", {"paging": "offset", "page_end": "total"}, {"listing.paging": {**OFFSET, "total": "total"}}),
    Spoken("next links in the body", {"paging": "link_body"}, {"listing.paging": {"by": "link", "at": "next"}}),
    Spoken("relative links", {"paging": "link_body", "link": "relative"}, {"listing.paging": {"by": "link", "at": "next"}}),
    Spoken("links in a header", {"paging": "link_header"}, {"listing.paging": {"by": "link", "header": "Link"}}),
    Spoken("GET with a query", {"listing_method": "GET", "recording_method": "GET"}, GET),
    Spoken("GET by links", {"listing_method": "GET", "paging": "link_body"}, {"listing.method": "GET", "listing.paging": {"by": "link", "at": "next"}}),
    Spoken("GET by offsets", {"listing_method": "GET", "paging": "offset"}, {"listing.method": "GET", "listing.paging": OFFSET}),
    Spoken("texts of another zone", {"zone": "America/New_York"}, {"time.zone": "America/New_York"}),
    Spoken("ISO 8601", {"times": "iso_8601", "zone": "Asia/Tokyo"}, {"time": {"zone": "UTC", "request": "iso8601", "answer": ["iso8601"]}}),
    Spoken("epoch seconds", {"times": "epoch_seconds"}, {"time": {"zone": "UTC", "request": "epoch_seconds", "answer": ["epoch_seconds"]}}),
    Spoken("epoch milliseconds", {"times": "epoch_milliseconds"}, {"time": {"zone": "UTC", "request": "epoch_milliseconds", "answer": ["epoch_milliseconds"]}}),
    Spoken("flat parties", {"parties": "flat"}, {"parties": FLAT_PARTIES}),
    Spoken("codes", {"codes": "numbers"}, {"call.call_type.values": CALL_TYPES, "call.direction.values": DIRECTIONS}),
    Spoken("rows under another key", {"rows_key": "records"}, {"listing.rows": "records"}),
    Spoken("recordings listed by window", {"recordings": "listed"}, {"recordings": LISTED}),
    Spoken("recordings listed by call", {"recordings": "per_call"}, {"recordings": PER_CALL}),
    Spoken("asked by file name", {"asked_by": "file_name"}, {"recording.request": {"filename": "fileName"}}),
    Spoken("archives", {"delivery": "zip", "pending": "empty_zip"}),
    Spoken("archives with more in them", {"delivery": "zip_extra", "pending": "zip_without_entry"}, {"recording.answer": {"only_named": True}}),
    Spoken("base64", {"delivery": "base64", "pending": "json_status"}, {"recording.answer": {"base64": "content", "pending": "status", "pending_words": ["PENDING"]}}),
    Spoken("links to the audio", {"delivery": "url", "pending": "no_content"}, {"recording.answer": {"url": "url"}}, media_host=True),
    Spoken("archives by call", {"asked_by": "call_id", "delivery": "zip", "pending": "empty_zip"}, ZIP_BY_CALL),
    Spoken("items by call", {"asked_by": "call_id", "delivery": "base64", "pending": "json_without_entry"}, {"recording.request": {"call_id": "callId"}, "recording.answer": {**ITEMS, "base64": "content"}}),
    Spoken("links by call", {"asked_by": "call_id", "delivery": "url"}, {"recording.request": {"call_id": "callId"}, "recording.answer": {**ITEMS, "url": "url"}}, media_host=True),
    Spoken("no body while pending", {"pending": "empty_body"}, {"recording.pending.empty_body": True}),
    Spoken("204 while pending", {"pending": "no_content"}),
)  # fmt: skip


def speaking(bench: ContractBench, spoken: Spoken, folder: Path) -> ContractBench:
    """The bench's Cloud9 speaks the dialect, and its source knows."""
    bench.cloud9.admin.set_limits(metadata_per_minute=100_000, recordings_per_minute=100_000, page_size=3)
    bench.cloud9.admin.set_dialect(**spoken.dialect)
    folder.mkdir(exist_ok=True)
    hosts = (f"127.0.0.1:{bench.cloud9.port}",) if spoken.media_host else ()
    bench.source = {"wire_format": str(written(folder, changed(spoken.says))), "media_hosts": hosts}
    return bench


def run_of(window: Window, name: str = "once") -> RunRef:
    return RunRef("emea_rates", name, RunKind.BACKFILL, window)


def told(bench: ContractBench, window: Window) -> dict[str, tuple[Any, ...]]:
    """What the archive knows of each call, without the row as it came."""
    found: dict[str, tuple[Any, ...]] = {}
    for path in bench.archive.glob("*/bags/*/*/*/*/data/calls/*.json"):
        call = Call.from_document(bench.document(path)["call"])
        if call.started_at in window:
            logins = sorted(party.login for party in call.parties if party.login)
            links = sorted((link.recording_id, link.offset) for link in call.recordings)
            found[call.call_id] = (call.started_at, call.call_type, call.direction, logins, links)
    return found


def known(bench: ContractBench, window: Window) -> dict[str, tuple[Any, ...]]:
    """The same, as the emulated world has it."""
    words = {"Shoutdown": "shoutdown", "Ringdown": "ringdown", "Click to Call": "click_to_call", "Intercom": "intercom"}
    return {
        call.call_id: (
            call.started_at,
            words[call.call_type],
            call.direction.lower(),
            sorted((*call.near_logins, *call.far_logins)),
            sorted((link.recording_id, link.offset_millis / 1000) for link in call.links),
        )
        for call in bench.truth(window).calls
    }


@pytest.mark.parametrize("spoken", DIALECTS, ids=lambda spoken: spoken.name.replace(" ", "_"))
def test_every_dialect_gives_the_same_archive(open_bench: OpenBench, tmp_path: Path, spoken: Spoken) -> None:
    bench = speaking(open_bench(), spoken, tmp_path / "format")
    bench.attempt(run_of(HOURS))
    bench.complete(HOURS)
    documented = told(bench, HOURS)
    truth = known(bench, HOURS)
    assert documented.items() <= truth.items()
    assert len(documented) >= 5
    assert not bench.cloud9.admin.requests().violations


PENDING = [spoken for spoken in DIALECTS if "pending" in spoken.dialect or not spoken.dialect]


@pytest.mark.parametrize("spoken", PENDING, ids=lambda spoken: spoken.name.replace(" ", "_"))
def test_late_audio_is_awaited_and_comes_in_every_dialect(
    open_bench: OpenBench, tmp_path: Path, spoken: Spoken
) -> None:
    bench = speaking(open_bench(), spoken, tmp_path / "format")
    call = bench.call(Kind.LATE_MEDIA)
    minute = Window(call.started_at, call.started_at + timedelta(seconds=1))
    first = bench.attempt(run_of(minute))
    assert (first.recordings.awaiting_media, first.recordings.archived) == (1, 0)
    (link,) = call.all_links
    bench.cloud9.admin.upload_now(link.recording_id)
    bench.clock.move_to(bench.clock.now + timedelta(hours=1))
    again = bench.attempt(run_of(minute, "again"))
    assert again.recordings.archived == 1
    assert bench.recording_states() == {link.recording_id: ["archived"]}


@pytest.mark.parametrize("spoken", [DIALECTS[26], DIALECTS[27]], ids=lambda spoken: spoken.name.replace(" ", "_"))
def test_by_call_one_recording_is_never_taken_for_another(
    open_bench: OpenBench, tmp_path: Path, spoken: Spoken
) -> None:
    bench = speaking(open_bench(), spoken, tmp_path / "format")
    call = bench.call(Kind.TWO_RECORDINGS)
    here, late = (link.recording_id for link in call.all_links)
    bench.cloud9.admin.upload_never(late)
    span = Window(call.started_at, call.started_at + timedelta(seconds=1))
    result = bench.attempt(run_of(span))
    assert (result.recordings.archived, result.recordings.awaiting_media) == (1, 1)
    assert bench.recording_states() == {here: ["archived"]}
    (record,) = bench.records()
    assert record["original"]["sha256"] == bench.truth(span).recordings[here].sha256


@pytest.mark.parametrize(
    ("zone", "begin"),
    [
        ("Europe/London", datetime(2025, 10, 25, 23, tzinfo=UTC)),
        ("Europe/London", datetime(2025, 3, 29, 23, tzinfo=UTC)),
        ("America/New_York", datetime(2025, 11, 2, 4, tzinfo=UTC)),
    ],
)
def test_nothing_is_lost_or_doubled_over_a_change_of_clocks(
    open_bench: OpenBench, tmp_path: Path, zone: str, begin: datetime
) -> None:
    bench = speaking(open_bench(), Spoken(zone, {"zone": zone}, {"time.zone": zone}), tmp_path / "format")
    night = Window(begin, begin + timedelta(hours=30))
    bench.clock.move_to(begin + timedelta(days=20))
    bench.attempt(run_of(night))
    bench.complete(night)
    for call_id, (started_at, *_) in known(bench, night).items():
        documented = told(bench, Window(night.start - timedelta(hours=1), night.end + timedelta(hours=1)))
        if call_id in documented:
            assert abs(documented[call_id][0] - started_at) in {timedelta(0), timedelta(hours=1)}
