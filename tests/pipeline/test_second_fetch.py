"""What came damaged is fetched a second time, once: harm on the way is healed, harm at the source is proven."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pipeline_bench import DAY

from cloud9_archive.api.client import Cloud9Client, FetchedRecording, PendingRecording
from cloud9_archive.domain.run import WantedRecording
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.emulator.recorded import flipped
from cloud9_archive.errors import DamagedMediaError, NoTurnError, ServerFaultError
from cloud9_archive.pipeline.archive import archive
from cloud9_archive.pipeline.fetch_recordings import fetch_recordings
from cloud9_archive.pipeline.reconcile import reconcile
from cloud9_archive.pipeline.transcode import transcode

HTML = b"<!DOCTYPE html>\n<html><body>Your session has expired.</body></html>\n"

Change = Callable[[bytes], bytes]


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def cut_later(content: bytes) -> bytes:
    return content[: len(content) * 2 // 3]


def as_it_is(content: bytes) -> bytes:
    return content


@pytest.fixture
def one(everything: Any, run_of: Any) -> Any:
    """A run over one intact recording."""
    call = everything.call(Kind.SHARED_LINE)
    return run_of(start=call.started_at, hours=5 / 3600)


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """A source that gives something else each time; the last way stays."""

    def giving(*ways: Change | Exception | None) -> list[str]:
        asked: list[str] = []
        fetch = Cloud9Client.fetch_recording

        def fetched(client: Cloud9Client, wanted: WantedRecording, into: Path) -> Any:
            way = ways[min(len(asked), len(ways) - 1)]
            asked.append(wanted.recording_id)
            if isinstance(way, Exception):
                raise way
            if way is None:
                return PendingRecording(wanted.recording_id, "404")
            answer = fetch(client, wanted, into)
            assert isinstance(answer, FetchedRecording)
            into.write_bytes(way(into.read_bytes()))
            digest, size = sha256_of(into), into.stat().st_size
            return FetchedRecording(wanted.recording_id, into, size, digest, None)

        monkeypatch.setattr(Cloud9Client, "fetch_recording", fetched)
        return asked

    return giving


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_harm_on_the_way_is_healed_by_fetching_again(everything: Any, one: Any, source: Any) -> None:
    asked = source(cut, as_it_is)
    result = everything.run(one)
    (record,) = everything.records()
    assert (record["state"], record["failure"]) == ("archived", None)
    assert len(asked) == 2
    found = record["examination"]["second_fetch"]
    assert (found["outcome"], found["first"]["code"], found["second"]["code"]) == ("better", "OGG_CUT_PAGE", "INTACT")
    assert found["second"]["sha256"] == record["original"]["sha256"] != found["first"]["sha256"]
    assert found["second"]["size"] == record["original"]["size"] > found["first"]["size"]
    assert record["original"]["fetched_at"] == found["at"]
    assert not result.findings
    everything.complete(one.window)
    assert not [path for path in (everything.root / "staging" / "media").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("ways", "outcome", "code", "words"),
    [
        ((cut,), "same_bytes", "OGG_CUT_PAGE", "the same bytes came: the source has them so"),
        ((cut, cut_later), "no_better", "OGG_CUT_PAGE", "other bytes came, which are no better"),
        ((cut, lambda _: HTML), "no_better", "NOT_AUDIO_HTML", "other bytes came, which are no better"),
        ((cut, ServerFaultError("500")), "not_given", "SERVER_FAULT", "a second time it was not given"),
        ((cut, DamagedMediaError("ZIP")), "not_given", "MEDIA_DAMAGED", "a second time it was not given"),
        ((cut, None), "not_given", "PENDING", "a second time it was not given"),
    ],
    ids=["same", "other", "page", "fault", "zip", "pending"],
)
def test_what_stays_damaged_is_quarantined_as_it_came_first(
    everything: Any, one: Any, source: Any, ways: Any, outcome: str, code: str, words: str
) -> None:
    asked = source(*ways)
    result = everything.run(one)
    (record,) = everything.records()
    assert record["state"] == "quarantined"
    assert len(asked) == 2, "twice, and no more"
    found = record["examination"]["second_fetch"]
    assert (found["outcome"], found["second"]["code"]) == (outcome, code)
    assert found["first"]["sha256"] == record["original"]["sha256"]
    (finding,) = result.findings
    assert words in finding.words
    assert words in record["failure"]["reason"]
    everything.verified()


def test_harm_that_only_a_decoder_finds_is_healed_as_well(everything: Any, run_of: Any, source: Any) -> None:
    day = run_of()
    m4a = next(
        call
        for call in everything.truth(day.window).calls
        if call.kind is Kind.REGULAR and recording_of(everything, call).container == "m4a"
    )
    asked = source(flipped, as_it_is)
    one = run_of(start=m4a.started_at, hours=1 / 3600)
    everything.run(one)
    (record,) = everything.records()
    assert (record["state"], len(asked)) == ("archived", 2)
    assert record["examination"]["second_fetch"]["first"]["code"].startswith("DECODE_")
    everything.complete(one.window)


def recording_of(bench: Any, call: Any) -> Any:
    return bench.cloud9.cloud.world._days[("emea", DAY.date())].recordings[call.links[0].recording_id]


def test_damaged_audio_is_better_than_a_page(everything: Any, one: Any, source: Any) -> None:
    source(lambda _: HTML, cut)
    (finding,) = everything.run(one).findings
    (record,) = everything.records()
    assert record["failure"]["code"] == "MEDIA_DAMAGED"
    assert record["examination"]["second_fetch"]["outcome"] == "better"
    assert "what came first was worse, NOT_AUDIO_HTML" in finding.words


def test_what_it_comes_packed_in_is_asked_for_twice_as_well(everything: Any, one: Any, source: Any) -> None:
    asked = source(DamagedMediaError("its ZIP archive is damaged"), as_it_is)
    assert everything.run(one).recordings.archived == 1
    assert len(asked) == 2
    everything.complete(one.window)


def test_a_packing_that_is_damaged_twice_is_told(everything: Any, one: Any, source: Any) -> None:
    asked = source(DamagedMediaError("its ZIP archive is damaged", hint="ask Cloud9"))
    (finding,) = everything.run(one).findings
    assert finding.words == "MEDIA_DAMAGED: its ZIP archive is damaged (it was fetched twice) – ask Cloud9"
    assert len(asked) == 2


def test_an_attempt_that_ended_in_between_goes_on_with_the_second_fetch(
    everything: Any, one: Any, source: Any, clock: Any
) -> None:
    workspace = everything.workspace()
    (batch_id,) = everything.begin(workspace, one)
    asked = source(cut, NoTurnError("not now"), as_it_is)
    with pytest.raises(NoTurnError):
        fetch_recordings(workspace, batch_id)
    assert fetch_recordings(workspace, batch_id).again == 1
    assert fetch_recordings(workspace, batch_id).again == 0, "it has had its second chance"
    assert len(asked) == 3
    transcode(workspace, batch_id)
    archive(workspace, batch_id)
    clock.move_to(clock.now + timedelta(minutes=1))
    assert reconcile(workspace, one).recordings.archived == 1
    everything.complete(one.window)
