"""Several derivatives over one stored original: whose section asks for which, what fails, and what comes too late."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from media_here import in_this_process
from pipeline_bench import DAY

from cloud9_archive.catalog.findings import open_findings
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.errors import ConfigurationError, TransientError
from cloud9_archive.media.jobs import MediaJob, MediaResult
from cloud9_archive.media.verdicts import Failure
from cloud9_archive.pipeline.apply_recording_rules import apply_recording_rules
from cloud9_archive.pipeline.archive import archive
from cloud9_archive.pipeline.fetch_calls import fetch_calls
from cloud9_archive.pipeline.fetch_recordings import fetch_recordings
from cloud9_archive.pipeline.reconcile import reconcile
from cloud9_archive.pipeline.transcode import transcode

ROSTER = "extension_type,extension,user,mode\n" + "".join(
    f"user_agent_id,{user}@firm.example,{user},full\n" for user in ("mrossi", "gmeyer", "tobrien")
)
MEDIA = {"profile": "alaw_8k", "profiles": {"desk_opus": {"codec": "opus", "bit_rate": 40_000}}, "deadline": "7d"}


def section(login: str, profile: str | None, **when: Any) -> dict[str, Any]:
    near = {"login": [f"{login}@firm.example"]}
    return {"name": login, "when": {"near": near, **when}, "then": "record", "profile": profile}


SECTIONS = [
    section("mrossi", "amr_nb"),
    section("gmeyer", "desk_opus", call_type=["shoutdown"]),
    section("tobrien", "none"),
]


@pytest.fixture
def desk(bench: Any, quick_media: None, tmp_path: Path) -> Callable[..., Any]:
    """Opens workspaces in which three people are recorded, two of them over one line."""
    folder = tmp_path / "include"
    (folder / "rosters").mkdir(parents=True)
    (folder / "rosters" / "desk.csv").write_text(ROSTER)

    def opened(*, sections: Any = SECTIONS, media: Any = MEDIA) -> Any:
        rules = {"enabled": True, "roster": "rosters/desk.csv", "sections": sections}
        workspace = bench.workspace(recording_rules=rules, media=media)
        return replace(workspace, settings=replace(workspace.settings, include_folder=folder))

    return opened


@pytest.fixture
def minutes(bench: Any, run_of: Any) -> Any:
    """A run over the line that two people share, and what follows within minutes."""
    return run_of(start=bench.call(Kind.SHARED_LINE).started_at, hours=0.1)


def begun(workspace: Any, run: Any, *, redecide: bool = False) -> tuple[str, ...]:
    fetch_calls(workspace, run, "cloud9_emea")
    return apply_recording_rules(workspace, run, redecide=redecide).batch_ids


def ran(bench: Any, workspace: Any, run: Any, *, redecide: bool = False) -> Any:
    bench.work(workspace, begun(workspace, run, redecide=redecide))
    return reconcile(workspace, run)


def shared(bench: Any) -> dict[str, Any]:
    """The record of the line that two people share."""
    recording_id = bench.call(Kind.SHARED_LINE).links[0].recording_id
    (record,) = [each for each in bench.records() if each["recording_id"] == recording_id]
    return dict(record)


def made(record: dict[str, Any]) -> set[str]:
    return {each["profile"] for each in record["derivatives"]}


def documents(bench: Any) -> list[dict[str, Any]]:
    found = [path for bag in bench.bags() for path in sorted(bag.glob("data/calls/*.json"))]
    return [json.loads(path.read_bytes()) for path in found]


def failing(code: str, *profiles: str) -> Callable[..., Iterator[MediaResult]]:
    """Media work that fails for these profiles."""

    def run_jobs(jobs: Iterable[MediaJob], *, workers: int = 1, **more: Any) -> Iterator[MediaResult]:
        for job in jobs:
            (result,) = in_this_process([job], workers=workers, **more)
            bad = job.profile.name in profiles
            yield replace(result, derivatives=(), failure=Failure(code, "It failed.")) if bad else result

    return run_jobs


def test_each_section_has_its_profile_and_the_shared_line_has_both(bench: Any, desk: Any, minutes: Any) -> None:
    result = ran(bench, desk(), minutes)
    assert result.calls.archived == result.calls.listed == 4
    assert [finding.code for finding in result.findings] == []

    record = shared(bench)
    assert record["state"] == "archived"
    assert made(record) == {"amr_nb", "desk_opus"}
    assert record["failed_derivatives"] == []
    whole = next(each for each in record["derivatives"] if each["profile"] == "desk_opus")
    assert record["examination"]["channels"] == 1
    assert (whole["part"], whole["settings"]["bit_rate"]) == ("", 40_000)
    for each in record["derivatives"]:
        assert each["parent_sha256"] == record["original"]["sha256"]
        assert each["checks"]["matches"] is True
        assert abs(each["checks"]["reported_difference"]) < 0.1
        assert Path(each["path"]).stem.split(".")[0] == each["profile"]
    assert record["waveform"]["path"].endswith(".peaks.json")

    others = [each for each in bench.records() if each["recording_id"] != record["recording_id"]]
    assert sorted(map(sorted, map(made, others))) == [[], ["alaw_8k"]], (
        "none adds nothing; without a section, the policy's"
    )
    asked = {document["decision"]["profile"]: document["recordings"][0]["profiles"] for document in documents(bench)}
    assert asked == {
        "amr_nb": ["amr_nb", "desk_opus"],
        "desk_opus": ["amr_nb", "desk_opus"],
        "none": [],
        None: ["alaw_8k"],
    }
    row = next(
        row for row in json.loads((bench.archive / result.report).read_bytes())["rows"] if row["profile"] == "amr_nb"
    )
    assert row["recordings"][0]["derivatives"] == ["amr_nb", "desk_opus"]
    bench.verified()
    assert not list((bench.root / "staging" / "media").rglob("*.*"))


def test_each_party_has_a_file_of_its_own_where_the_profile_splits(everything: Any, run_of: Any) -> None:
    window = run_of().window
    calls = [call for call in everything.truth(window).calls if call.kind is Kind.REGULAR]
    recordings = everything.cloud9.cloud.world._days[("emea", DAY.date())].recordings
    stereo = next(call for call in calls if recordings[call.links[0].recording_id].channels == 2)
    run = run_of(start=stereo.started_at, hours=1 / 3600)
    everything.run(run, media={"profile": "gsm_8k", "deadline": "7d"})
    (record,) = everything.records()
    assert [(each["part"], Path(each["path"]).name, each["channels"]) for each in record["derivatives"]] == [
        ("channel-1", "gsm_8k.channel-1.wav", 1),
        ("channel-2", "gsm_8k.channel-2.wav", 1),
    ]
    assert {each["settings"]["channels"] for each in record["derivatives"]} == {"split"}
    assert {each["settings"]["bit_rate"] for each in record["derivatives"]} == {13_000}
    assert record["waveform"]["channels"] == 2
    everything.verified()


def test_a_derivative_that_fails_costs_itself_alone(
    bench: Any, desk: Any, minutes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud9_archive.pipeline.transcode.run_jobs", failing("DERIVATIVE_MISMATCH", "desk_opus"))
    result = ran(bench, desk(), minutes)
    assert result.calls.archived == result.calls.listed == 4
    assert (result.calls.unaccounted, result.recordings.unaccounted, result.recordings.quarantined) == (0, 0, 0)
    record = shared(bench)
    assert (record["state"], record["failure"], record["examination"]["verdict"]) == ("archived", None, "intact")
    assert made(record) == {"amr_nb"}
    assert record["failed_derivatives"] == [
        {"profile": "desk_opus", "code": "DERIVATIVE_MISMATCH", "reason": "It failed."}
    ]
    (finding,) = [each.finding for each in open_findings(bench.workspace().catalog, "emea_rates")]
    assert finding.code == "DERIVATIVE_FAILED"
    assert finding.subject == f"cloud9_emea/{record['recording_id']}"
    assert finding.words == "desk_opus: DERIVATIVE_MISMATCH: It failed."
    bench.verified()


@pytest.mark.parametrize(
    ("bad", "state"),
    [
        (("amr_nb", "desk_opus"), "archived"),
        (("amr_nb", "desk_opus", "none"), "quarantined"),
    ],
)
def test_where_every_derivative_fails_the_original_is_examined_for_itself(
    bench: Any, desk: Any, minutes: Any, monkeypatch: pytest.MonkeyPatch, bad: tuple[str, ...], state: str
) -> None:
    monkeypatch.setattr("cloud9_archive.pipeline.transcode.run_jobs", failing("MEDIA_WORKER_LOST", *bad))
    ran(bench, desk(sections=SECTIONS[:2]), minutes)
    record = shared(bench)
    assert record["state"] == state
    assert record["derivatives"] == []
    assert [each["profile"] for each in record["failed_derivatives"]] == (
        ["amr_nb", "desk_opus"] if state == "archived" else []
    )
    assert (record["failure"] or {}).get("code") == (None if state == "archived" else "MEDIA_WORKER_LOST")
    assert bench.findings("DERIVATIVE_FAILED" if state == "archived" else "MEDIA_QUARANTINED") == {
        f"cloud9_emea/{record['recording_id']}"
    }
    assert not bench.findings("MEDIA_QUARANTINED" if state == "archived" else "DERIVATIVE_FAILED")
    ran(bench, desk(sections=[{"name": "nobody", "then": "exclude"}]), minutes, redecide=True)
    assert not bench.findings("MEDIA_QUARANTINED" if state == "quarantined" else "DERIVATIVE_FAILED"), "nobody wants it"


def test_a_host_that_fails_quarantines_nothing(
    bench: Any, desk: Any, minutes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = desk()
    (batch_id,) = begun(workspace, minutes)
    fetch_recordings(workspace, batch_id)
    with monkeypatch.context() as full:
        full.setattr("cloud9_archive.pipeline.transcode.run_jobs", failing("TRANSIENT", "amr_nb"))
        with pytest.raises(TransientError, match=r"It failed\."):
            transcode(workspace, batch_id)
    bench.work(workspace, [batch_id])
    assert reconcile(workspace, minutes).recordings.quarantined == 0
    assert made(shared(bench)) == {"amr_nb", "desk_opus"}


def test_a_damaged_original_is_not_taken_for_a_failed_derivative(
    bench: Any, desk: Any, minutes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud9_archive.pipeline.transcode.run_jobs", failing("MEDIA_DAMAGED", "amr_nb"))
    ran(bench, desk(), minutes)
    record = shared(bench)
    assert (record["state"], record["failure"]["code"]) == ("quarantined", "MEDIA_DAMAGED")
    assert record["derivatives"] == record["failed_derivatives"] == []
    assert record["waveform"] is None
    bench.verified()


def test_what_was_archived_stays_and_a_later_call_with_another_profile_is_told(
    bench: Any, desk: Any, run_of: Any, minutes: Any
) -> None:
    first = run_of(start=minutes.window.start, hours=5 / 3600)
    later = run_of(start=first.window.end, hours=20 / 3600)
    assert ran(bench, desk(), first).calls.listed == 1
    assert made(shared(bench)) == {"amr_nb"}

    result = ran(bench, desk(), later)
    assert made(shared(bench)) == {"amr_nb"}, "one original, one record"
    (document,) = [each for each in documents(bench) if each["decision"]["profile"] == "desk_opus"]
    assert document["recordings"][0] | {"key": ""} == {
        "recording_id": shared(bench)["recording_id"],
        "key": "",
        "state": "earlier_bag",
        "profiles": ["amr_nb"],
    }
    (finding,) = [each for each in result.findings if each.code == "DERIVATIVE_ABSENT"]
    assert finding.subject == f"cloud9_emea/{document['call']['call_id']}"
    assert "it asks for the profile desk_opus" in finding.words
    bench.verified()

    # Without a section the policy's own profile is what the decision meant, whatever the policy says by now.
    media = {"profile": "amr_nb", "deadline": "7d"}
    result = ran(bench, desk(sections=[], media=media), later, redecide=True)
    assert bench.findings("DERIVATIVE_ABSENT") == set(), "it heals"


def test_a_decision_that_asks_for_more_before_the_bag_is_sealed_is_heeded(bench: Any, desk: Any, minutes: Any) -> None:
    before = desk(sections=[section("mrossi", "amr_nb"), section("gmeyer", "pcm_8k")])
    for batch_id in begun(before, minutes):
        fetch_recordings(before, batch_id)
        transcode(before, batch_id)
    after = desk()
    (batch_id,) = begun(after, minutes, redecide=True)
    fetch_recordings(after, batch_id)
    assert transcode(after, batch_id).transcoded == 3
    assert transcode(after, batch_id).transcoded == 0, "once is enough"
    archive(after, batch_id)
    reconcile(after, minutes)
    assert made(shared(bench)) == {"amr_nb", "desk_opus"}
    bench.verified()


def test_a_profile_that_the_policy_has_lost_stops_the_work_by_its_name(bench: Any, desk: Any, minutes: Any) -> None:
    (batch_id,) = begun(desk(), minutes)
    lost = desk(sections=SECTIONS[:1], media={"profile": "alaw_8k", "deadline": "7d"})
    fetch_recordings(lost, batch_id)
    with pytest.raises(ConfigurationError, match="no media profile desk_opus") as caught:
        transcode(lost, batch_id)
    assert "redecide" in (caught.value.hint or "")
    bench.work(desk(), [batch_id])
    assert made(shared(bench)) == {"amr_nb", "desk_opus"}


def test_staged_derivatives_that_are_lost_are_made_again(bench: Any, desk: Any, minutes: Any) -> None:
    workspace = desk()
    (batch_id,) = begun(workspace, minutes)
    fetch_recordings(workspace, batch_id)
    transcode(workspace, batch_id)
    (staged,) = (bench.root / "staging" / "media").rglob("*.amr_nb.peaks.json")
    staged.unlink()
    with pytest.raises(Exception, match="not ready"):
        archive(workspace, batch_id)
    bench.work(workspace, [batch_id])
    bench.clock.move_to(bench.clock.now + timedelta(minutes=1))
    assert reconcile(workspace, minutes).calls.unaccounted == 0
    bench.verified()
