"""Which profiles a recording is to have, by the decisions on its calls; what is noted of its derivatives."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from cloud9_archive.catalog.batches import Batch, read_batch
from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.deciding import record_decisions
from cloud9_archive.catalog.forming import form_batches
from cloud9_archive.catalog.history import decisions_on
from cloud9_archive.catalog.listing import record_calls
from cloud9_archive.catalog.media import note_fetched, note_transcoded
from cloud9_archive.catalog.runs import open_run, policy_document
from cloud9_archive.catalog.tables import batches, media
from cloud9_archive.domain.accounting import BatchState
from cloud9_archive.domain.call import Call, RecordingLink
from cloud9_archive.domain.decision import Decision, Outcome, Rule
from cloud9_archive.domain.run import CallRef, RunRef

NOW = datetime(2026, 3, 4, 2, tzinfo=UTC)
LEASE = timedelta(hours=6)
ASKED = {"C1": "flac", "C2": None, "C3": "none", "C4": "alaw_8k"}


def decision(profile: str | None, outcome: Outcome = Outcome.RECORD) -> Decision:
    rule = Rule.SECTION_RECORDS if outcome is Outcome.RECORD else Rule.SECTION_EXCLUDES
    return Decision(outcome, rule, "Why.", (), None, "p1", profile=profile)


def call_of(
    call_id: str, *, duration: float | None = 4.0, offset: float | None = 10.0, told: float | None = None
) -> Call:
    return Call("s", call_id, NOW, duration=duration, recordings=(RecordingLink("R", offset=offset, duration=told),))


def batch_of(catalog: Catalog, run: RunRef, pairs: list[tuple[Call, Decision]]) -> Batch:
    open_run(catalog, run, policy_version="p1", policy_document={"media": {"profile": "alaw_8k"}}, now=NOW)
    record_calls(catalog, run, [call for call, _ in pairs], now=NOW)
    record_decisions(catalog, run, pairs, deadline=timedelta(days=1), now=NOW)
    (batch_id,) = form_batches(catalog, run, max_recordings=10, lease=LEASE, now=NOW)
    return read_batch(catalog, batch_id, lease=LEASE, now=NOW)


def test_a_shared_recording_has_every_profile_that_is_asked_for(catalog: Catalog, run: RunRef) -> None:
    pairs = [(call_of(call_id), decision(profile)) for call_id, profile in ASKED.items() if call_id != "C4"]
    pairs.append((call_of("C4"), decision("alaw_8k", Outcome.EXCLUDE)))
    batch = batch_of(catalog, run, pairs)
    assert batch.recordings[0].profiles == {"flac", None, "none"}, "an excluded call has no say"
    assert [call.decision["profile"] for call in batch.calls] == ["flac", None, "none"]
    assert decisions_on(catalog, run.policy, CallRef("s", "C1"))[0].profile == "flac"
    assert policy_document(catalog, run.policy, "p1")["media"] == {"profile": "alaw_8k"}
    assert policy_document(catalog, run.policy, "p0") == {}


@pytest.mark.parametrize(
    ("calls", "reported"),
    [
        ([{"told": 60.0}], 60.0),
        ([{}], 14.0),
        ([{"offset": None}], 4.0),
        ([{}, {"offset": 30.0}], 34.0),
        ([{}, {"duration": None}], None),
    ],
)
def test_how_long_a_recording_should_be(
    catalog: Catalog, run: RunRef, calls: list[dict[str, Any]], reported: float | None
) -> None:
    made = [call_of(f"C{number}", **values) for number, values in enumerate(calls)]
    batch = batch_of(catalog, run, [(call, decision(None)) for call in made])
    assert batch.reported_duration(batch.recordings[0]) == reported


def test_a_second_note_counts_only_when_it_is_meant_and_the_bag_is_not_fixed(catalog: Catalog, run: RunRef) -> None:
    batch = batch_of(catalog, run, [(call_of("C1"), decision("flac"))])
    note_fetched(catalog, batch, batch.recordings[0], sha256="0" * 64, size=1, now=NOW)

    def read() -> Batch:
        return read_batch(catalog, batch.batch_id, lease=LEASE, now=NOW)

    def note(seen: Batch, profile: str) -> list[str]:
        made = [{"profile": profile, "file": "x", "size": 1}]
        note_transcoded(catalog, seen, seen.recordings[0], examination={}, derivatives=made, now=NOW)
        with catalog.begin() as connection:
            return [each["profile"] for each in json.loads(connection.scalars(select(media.c.derivatives)).one())]

    fetched = read()
    assert note(fetched, "flac") == ["flac"]
    assert note(fetched, "late") == ["flac"], "another attempt at the same work"
    transcoded = read()
    assert transcoded.recordings[0].tried_profiles == {"flac"}
    assert note(transcoded, "pcm_8k") == ["pcm_8k"], "made anew on purpose"
    with catalog.begin() as connection:
        connection.execute(update(batches).values(state=BatchState.SEALING))
    assert note(transcoded, "alaw_8k") == ["pcm_8k"], "what the bag holds is fixed"
