"""Damaged audio among good calls through the whole pipeline: kept as it came, marked, told in words, and never copied."""

from __future__ import annotations

import csv
import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from long_audio import write_silence
from pipeline_bench import DAY, Bench
from typer.testing import CliRunner

from cloud9_archive.catalog.findings import open_findings
from cloud9_archive.cli import app
from cloud9_archive.domain.findings import FINDING_KINDS, Finding
from cloud9_archive.domain.run import RunRef
from cloud9_archive.emulator import recorded
from cloud9_archive.emulator.calls import Kind, Recording
from cloud9_archive.pipeline.reconcile import Reconciled, reconcile

PNG = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154")
HTML = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Your session has expired.</body></html>\n"
HOLE = 50 * 1024
BOMB_HOURS = 3.0


def cut_in_half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def with_flips(content: bytes) -> bytes:
    chance, turned = random.Random(5), bytearray(content)  # noqa: S311 - repeatable on purpose
    for at in chance.sample(range(400, len(content)), 12):
        turned[at] ^= chance.randrange(1, 256)
    return bytes(turned)


def with_hole(content: bytes) -> bytes:
    at = len(content) // 3
    return content[:at] + content[at + HOLE :]


def without_moov(content: bytes) -> bytes:
    """The index is taken out; the audio stands there still."""
    kept, at = b"", 0
    while at < len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        kept += b"" if content[at + 4 : at + 8] == b"moov" else content[at : at + size]
        at += size
    assert len(kept) < len(content)
    return kept


@dataclass(frozen=True)
class Harm:
    """
    What the source delivers in a recording's place, and what must be found in it.

    :param deliver: of the good bytes
    :param verdict: of the examination
    :param code: of the examination
    :param failure: code of the finding
    :param words: of the finding, among others
    :param named: file name in the archive
    :param located: whether byte, playing time and loss of the damage are to be told
    :param least: bytes that the good recording must have
    """

    name: str
    deliver: Callable[[bytes], bytes]
    verdict: str
    code: str
    failure: str
    words: str
    named: str = "original.ogg"
    container: str = "ogg"
    located: bool = False
    least: int = 0


HARMS = (
    Harm("cut in half", cut_in_half, "damaged", "OGG_CUT_PAGE", "MEDIA_DAMAGED", "ends inside a page", located=True),
    Harm("flips", with_flips, "damaged", "OGG_CHECKSUM", "MEDIA_DAMAGED", "bytes in it were altered", located=True),
    Harm("hole", with_hole, "damaged", "OGG_CHECKSUM", "MEDIA_DAMAGED", "10.00 s of audio are lost", located=True, least=160_000),
    Harm("no moov", without_moov, "damaged", "M4A_NO_INDEX", "MEDIA_DAMAGED", "none of its audio can be played", "original.m4a", "m4a"),
    Harm("PNG", lambda _: PNG, "not_audio", "NOT_AUDIO_IMAGE", "MEDIA_NOT_AUDIO", "this is a PNG image", "original.bin"),
    Harm("HTML", lambda _: HTML, "not_audio", "NOT_AUDIO_HTML", "MEDIA_NOT_AUDIO", "this is an HTML", "original.bin"),
    Harm("empty", lambda _: b"", "empty", "NO_BYTES", "MEDIA_EMPTY", "the file has no bytes", "original.bin"),
    Harm("chained", lambda good: good + good, "unsupported", "OGG_CHAINED", "MEDIA_UNSUPPORTED", "second stream follows"),
    Harm("bomb", bytes, "intact", "INTACT", "MEDIA_LIMIT_EXCEEDED", "10800 s of audio in"),
)  # fmt: skip


@dataclass(frozen=True)
class Delivered:
    """A harmed recording."""

    harm: Harm
    recording_id: str
    call_id: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@pytest.fixture
def day(run_of: Any) -> RunRef:
    """The later part of a weekday."""
    run: RunRef = run_of(start=DAY + timedelta(hours=10, minutes=45), hours=11)
    return run


@pytest.fixture
def delivered(bench: Bench, day: RunRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Delivered]:
    """One recording of the day for each harm; the source delivers ZIP archives, as most others would not do for all."""
    bench.cloud9.admin.set_dialect(delivery="zip")
    bench.policy |= {"recording_rules": {"enabled": False}}
    bomb = write_silence(tmp_path / "bomb.ogg", seconds=BOMB_HOURS * 3600, padding=0).read_bytes()
    make, cloud = recorded.make_content, bench.cloud9.cloud
    calls = bench.truth(day.window).calls
    known = cloud.world._days[("emea", DAY.date())].recordings
    there = [
        (call.call_id, known[call.links[0].recording_id])
        for call in calls
        if call.kind in (Kind.REGULAR, Kind.SAME_SECOND, Kind.BOTH_SIDES, Kind.STRANGERS_ONLY)
    ]
    there = [(call_id, recording) for call_id, recording in there if cloud.availability(recording) == "available"]
    harmed: dict[str, Delivered] = {}
    # The one that must be large chooses first.
    for harm in sorted(HARMS, key=lambda harm: -harm.least):
        call_id, recording = next(
            (call_id, one)
            for call_id, one in there
            if one.recording_id not in harmed
            and one.container == harm.container
            and len(make(one, seed=7)) >= harm.least
        )
        content = bomb if harm.name == "bomb" else harm.deliver(make(recording, seed=7))
        harmed[recording.recording_id] = Delivered(harm, recording.recording_id, call_id, content)

    def content_of(recording: Recording, *, seed: int) -> bytes:
        given = harmed.get(recording.recording_id)
        return make(recording, seed=seed) if given is None else given.content

    monkeypatch.setattr(recorded, "make_content", content_of)
    cloud.tape._kept.clear()
    return list(harmed.values())


@dataclass(frozen=True)
class Outcome:
    """A run that met all of the harms."""

    bench: Bench
    result: Reconciled

    def record(self, one: Delivered) -> tuple[Path, dict[str, Any]]:
        """The bag and the record of a recording."""
        for bag in self.bench.bags():
            for path in bag.glob("data/recordings/*/record.json"):
                record = json.loads(path.read_bytes())
                if record["recording_id"] == one.recording_id:
                    return bag, record
        raise AssertionError(f"{one.harm.name} is not in the archive")

    def finding(self, one: Delivered) -> Finding:
        (found,) = [
            each.finding
            for each in open_findings(self.bench.workspace().catalog, "emea_rates")
            if each.finding.subject == f"cloud9_emea/{one.recording_id}"
        ]
        return found


@pytest.fixture
def outcome(bench: Bench, day: RunRef, delivered: list[Delivered]) -> Outcome:
    workspace = bench.workspace()
    workspace = replace(workspace, settings=replace(workspace.settings, media_longest_hours=BOMB_HOURS - 1))
    bench.work(workspace, bench.begin(workspace, day))
    return Outcome(bench, reconcile(workspace, day))


def test_damaged_audio_is_archived_as_it_came_and_told(
    outcome: Outcome, delivered: list[Delivered], day: RunRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in delivered:
        check_archived(outcome, one)
        check_told(outcome.finding(one), one)
    check_inspected(outcome, delivered, monkeypatch)
    check_sums(outcome, delivered, day)
    check_report(outcome, delivered)
    outcome.bench.verified()
    shown = CliRunner().invoke(app, ["verify", str(outcome.bench.archive)])
    assert (shown.exit_code, shown.stdout[:11]) == (0, "verify: ok "), shown.stdout


def check_archived(outcome: Outcome, one: Delivered) -> None:
    """The bytes are the source's, the record says all that is known, and nothing was made of them."""
    harm, (bag, record) = one.harm, outcome.record(one)
    original = bag / record["original"]["path"]
    assert original.name == harm.named, harm.name
    assert original.read_bytes() == one.content
    assert (record["original"]["sha256"], record["original"]["size"]) == (one.sha256, len(one.content))
    assert f"{one.sha256}  {record['original']['path']}\n" in (bag / "manifest-sha256.txt").read_text()
    assert {path.name for path in original.parent.iterdir()} == {"record.json", harm.named}
    assert record["state"] == "quarantined"
    assert record["derivatives"] == record["failed_derivatives"] == []
    assert record["waveform"] is None
    assert record["failure"]["code"] == harm.failure, harm.name

    examination = record["examination"]
    assert (examination["verdict"], examination["code"]) == (harm.verdict, harm.code), harm.name
    assert examination["size"] == len(one.content)
    again = {"sha256": one.sha256, "size": len(one.content), "code": harm.code}
    if harm.verdict in {"damaged", "not_audio", "empty"}:
        assert examination["second_fetch"] | {"at": ""} == {
            "outcome": "same_bytes",
            "at": "",
            "first": again,
            "second": again,
        }
        assert record["failure"]["reason"].endswith(
            "(it was fetched twice and the same bytes came: the source has them so)"
        )
        assert outcome.bench.asked_for(one.recording_id) == 2
    else:
        assert examination["second_fetch"] is None
        assert outcome.bench.asked_for(one.recording_id) == 1
    if harm.located:
        first = examination["faults"][0]
        assert first["code"] == harm.code
        assert 0 < first["offset"] < len(one.content)
        assert first["at_seconds"] >= 0
        assert examination["lost_seconds"] > 1
        assert f"at byte {first['offset']}, {first['at_seconds']:.2f} s" in record["failure"]["reason"]
        assert f"{examination['lost_seconds']:.2f} s of audio are lost" in record["failure"]["reason"]


def check_inspected(outcome: Outcome, delivered: list[Delivered], environment: pytest.MonkeyPatch) -> None:
    """Who looks into the archived files by hand is told the same."""
    environment.setenv("AIRFLOW__CLOUD9_ARCHIVE__MEDIA_LONGEST_HOURS", str(BOMB_HOURS - 1))
    found = [outcome.record(one) for one in delivered]
    files = [str(bag / record["original"]["path"]) for bag, record in found]
    result = CliRunner().invoke(app, ["media", "inspect", "--json", *files])
    assert result.exit_code == 1
    for (_, record), line in zip(found, result.stdout.splitlines(), strict=True):
        told = json.loads(line)
        assert told["failure"]["code"] == record["failure"]["code"]
        same = ("verdict", "code", "words", "faults", "fault_count", "container", "duration")
        assert {name: told["examination"][name] for name in same} == {
            name: record["examination"][name] for name in same
        }


def check_told(finding: Finding, one: Delivered) -> None:
    """A person is told which recording, the code, what was found, and what to do."""
    assert finding.code == "MEDIA_QUARANTINED"
    assert finding.words.startswith(f"{one.harm.failure}: ")
    assert one.harm.words in finding.words
    assert " – " in finding.words, "what to do about this one"
    assert FINDING_KINDS[finding.code].next_action


def check_sums(outcome: Outcome, delivered: list[Delivered], day: RunRef) -> None:
    result, truth = outcome.result, outcome.bench.truth(day.window)
    harmed = {one.recording_id for one in delivered}
    also = {key for key, one in truth.recordings.items() if one.condition != "intact"} - harmed
    assert (result.calls.unaccounted, result.recordings.unaccounted) == (0, 0)
    assert result.recordings.quarantined == len(harmed) + len(also)
    assert result.recordings.archived >= 4
    states = outcome.bench.recording_states()
    good = {
        key: one
        for key, one in truth.recordings.items()
        if key not in harmed | also and one.availability == "available"
    }
    assert {key: states[key] for key in good} == {key: ["archived"] for key in good}
    digests = {record["recording_id"]: record["original"]["sha256"] for record in outcome.bench.records()}
    assert {key: digests[key] for key in good} == {key: one.sha256 for key, one in good.items()}
    assert {key: outcome.bench.asked_for(key) for key in good} == dict.fromkeys(good, 1)
    assert all(record["derivatives"] for record in outcome.bench.records() if record["recording_id"] in good)


def check_report(outcome: Outcome, delivered: list[Delivered]) -> None:
    path = outcome.bench.archive / outcome.result.report
    rows = {row["call_id"]: row for row in json.loads(path.read_bytes())["rows"]}
    with path.with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        lines = {line["call_id"]: line for line in csv.DictReader(file, delimiter=";")}
    for one in delivered:
        row, line = rows[one.call_id], lines[one.call_id]
        (recording,) = row["recordings"]
        assert (row["state"], recording["state"], recording["failure"]) == (
            "quarantined",
            "quarantined",
            one.harm.failure,
        )
        assert recording["sha256"] == one.sha256
        assert line["state"] == "quarantined"
        assert line["recordings"] == f"{one.recording_id}=quarantined"
