"""Every field that is written stands in docs/archive-format.md, and no other does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cloud9_archive.catalog.accounts import CallAccount, RecordingAccount
from cloud9_archive.catalog.batches import BatchCall, BatchRecording
from cloud9_archive.catalog.day_reports import FindingRecord, RunOver
from cloud9_archive.catalog.runs import RunState
from cloud9_archive.catalog.sealing import SealedBag
from cloud9_archive.domain.accounting import CallState, CallSum, MediaState, MediaSum
from cloud9_archive.domain.call import Call, Party, RecordingLink, Side, utc_text
from cloud9_archive.domain.decision import At, Decision, Outcome, RecordedUser, Rule
from cloud9_archive.domain.findings import Finding
from cloud9_archive.domain.roster import ExtensionType
from cloud9_archive.domain.run import CallRef, RecordingRef, RunKind, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.media.jobs import MediaResult
from cloud9_archive.media.profiles import PROFILES
from cloud9_archive.media.verdicts import Checks, Examination, Failure, Fault, Transcoded, Verdict, Waveform
from cloud9_archive.pipeline.audit import AUDIT_COLUMNS
from cloud9_archive.pipeline.bag_documents import BagPaths, call_document, record_document
from cloud9_archive.pipeline.day_facts import DayFacts
from cloud9_archive.pipeline.day_report import day_json
from cloud9_archive.pipeline.media_work import MediaWork
from cloud9_archive.pipeline.report import CSV_COLUMNS, RunFacts, report_json
from cloud9_archive.pipeline.report_filing import Frame
from cloud9_archive.pipeline.second_fetch import Came, SecondFetch

TEXT = (Path(__file__).parents[2] / "docs" / "archive-format.md").read_text(encoding="utf-8")
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
CALL = CallRef("cloud9_emea", "c1")
RECORDING = RecordingRef("cloud9_emea", "r1")
CHECKS = Checks(True, 8000, 8000, 1, 1, (1.0,), (None,), (0.0,), (), False, 0.0, 0.1)
TRANSCODED = Transcoded("1" * 64, 10, 1.0, 8000, 1, 8000, "pcm_alaw", "av", "", CHECKS)
SECOND_FETCH = {
    "outcome": SecondFetch.SAME_BYTES,
    "at": utc_text(NOW),
    "first": asdict(Came("0" * 64, 10, "OGG_NO_END")),
    "second": asdict(Came("0" * 64, 10, "OGG_NO_END")),
}
JANE = RecordedUser("jane", ExtensionType.USER_AGENT_ID, "jane@firm.example", At.NEAR)
EXAMINATION = Examination(Verdict.DAMAGED, "OGG_NO_END", "It is cut.", 10, faults=(Fault("OGG_NO_END", "It is cut."),))


def told(what: str) -> list[str]:
    block = TEXT.partition(f"<!-- {what} -->\n")[2].partition("<!-- end of")[0]
    return re.findall(r"^\| `([^`]+)`", block, re.MULTILINE)


def fields(value: Any, prefix: str = "", *, opaque: tuple[str, ...] = ()) -> Iterator[str]:
    """Dotted names of everything in a JSON value; objects named in ``opaque`` hold no fixed fields."""
    if isinstance(value, dict) and prefix not in opaque:
        for name, content in value.items():
            path = f"{prefix}.{name}" if prefix else name
            yield path
            yield from fields(content, path, opaque=opaque)
    elif isinstance(value, list):
        for each in value:
            yield from fields(each, f"{prefix}[]", opaque=opaque)


def recording(state: MediaState) -> BatchRecording:
    work = transcoded()
    return BatchRecording(
        RECORDING,
        state,
        NOW,
        1.0,
        "r1.ogg",
        "0" * 64,
        10,
        NOW,
        json.loads(json.dumps(asdict(EXAMINATION))) | {"second_fetch": SECOND_FETCH},
        (work.derivatives()[0],),
        tuple(work.failed()),
        work.waveform(),
        "MEDIA_DAMAGED",
        "It is cut.",
        ((CALL, 0.0),),
    )


def transcoded() -> MediaWork:
    """Work of which one derivative succeeded and another failed."""
    bare = BatchRecording(
        RECORDING, MediaState.FETCHED, NOW, None, None, "0" * 64, 10, NOW, None, (), (), None, None, None, ()
    )
    profiles = (PROFILES["alaw_8k"], PROFILES["opus_24k"])
    work = MediaWork(bare, Path("original"), profiles, Path(), None)
    good, bad = (job.recording_key for job in work.jobs())
    work.note(MediaResult(good, EXAMINATION, (TRANSCODED,), None, waveform=Waveform("2" * 64, 10, 1, 10.0, 10)))
    work.note(MediaResult(bad, EXAMINATION, (), Failure("TRANSCODE", "It is longer.")))
    return work


def same(document: Any, what: str, *, opaque: tuple[str, ...] = ()) -> None:
    written = list(dict.fromkeys(fields(document, opaque=opaque)))
    assert sorted(told(what)) == sorted(written)


def test_the_fields_of_a_recording() -> None:
    known, paths = recording(MediaState.QUARANTINED), BagPaths(encrypted=True)
    files = [paths.original(known), *(paths.beside(known, made["file"]) for made in known.beside_original)]
    document = record_document(
        known, "emea_rates", paths=paths, stored={file: {"sha256": "3" * 64, "size": 11} for file in files}
    )
    same(document, "fields of record.json", opaque=("derivatives[].settings.options",))


def test_the_fields_of_a_call() -> None:
    call = Call(*CALL, NOW, parties=(Party(Side.NEAR),), recordings=(RecordingLink("r1"),), raw={"x": 1})
    decision = Decision(Outcome.RECORD, Rule.RECORDED_PARTY, "Jane is recorded.", (JANE,), "1" * 64, "2" * 64)
    member = BatchCall(call, call.digest(), None, NOW, {**decision.document(), "decided_at": NOW})
    document = call_document(member, [recording(MediaState.TRANSCODED)], "emea_rates", {})
    same(document, "fields of a call document", opaque=("call.raw",))


def test_the_fields_of_a_report() -> None:
    account = CallAccount(
        CALL, NOW, CallState.EXCLUDED, "do_not_record", "Nobody asked.", None, None, recorded_for=(JANE.document(),)
    )
    account.recordings.append(
        RecordingAccount(RECORDING, None, None, None, None, None, failed_derivatives=tuple(transcoded().failed()))
    )
    facts = RunFacts(
        run=RunRef("emea_rates", "r", RunKind.SCHEDULED, Window(NOW, NOW.replace(hour=10))),
        policy_version="3" * 64,
        sources={"cloud9_emea": True},
        accounts=[account],
        stragglers=[],
        bags=[SealedBag("b", "emea_rates/bags/b", "4" * 64, 1, 1)],
        findings=[Finding("MEDIA_MISSING", "cloud9_emea/r1", "It is absent.")],
    )
    sums = {"calls": asdict(CallSum()), "recordings": asdict(MediaSum())}
    document = json.loads(report_json(facts, Frame("6" * 64, 1, sums, None)))
    same(document, "fields of a report", opaque=("excluded_by_rule", "whole_policy.calls", "whole_policy.recordings"))
    below_the_digest = told("fields of a report").index("facts_sha256")
    covered = {name.split(".")[0].removesuffix("[]") for name in told("fields of a report")[:below_the_digest]}
    assert covered == set(facts.document())


def test_the_fields_of_a_day_report() -> None:
    day = Window(NOW.replace(hour=0), NOW.replace(hour=0) + timedelta(days=1))
    finding = FindingRecord(Finding("MEDIA_MISSING", "cloud9_emea/r1", "It is absent."), NOW, None)
    run = RunOver("r", RunKind.SCHEDULED, Window(NOW, day.end), RunState.GAP, False, frozenset({"cloud9_emea"}), 1, "k")
    facts = DayFacts(
        "emea_rates", NOW.date(), "UTC", day, ("cloud9_emea",), [], [run], [finding], 0, 0, {NOW.date(): None}
    )
    sums = {"calls": asdict(CallSum()), "recordings": asdict(MediaSum())}
    document = json.loads(day_json(facts, Frame("6" * 64, 1, sums, None)))
    opaque = ("excluded_by_rule", "whole_policy", "calls", "recordings", "sources[].calls", "hours[].calls")
    same(document, "fields of a day report", opaque=opaque)
    below_the_digest = told("fields of a day report").index("facts_sha256")
    covered = {name.split(".")[0].removesuffix("[]") for name in told("fields of a day report")[:below_the_digest]}
    assert covered == set(facts.document())


def test_the_columns_of_a_report() -> None:
    assert told("columns of a report") == list(CSV_COLUMNS)


def test_the_columns_of_an_audit_file() -> None:
    assert told("columns of an audit file") == list(AUDIT_COLUMNS)
