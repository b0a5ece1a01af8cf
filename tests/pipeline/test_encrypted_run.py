"""Whole runs into encrypted archives: nothing is told to who has no key, and everything to who has one."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from buckets import access_to, new_bucket
from envelope_keys_made import Keyed, keyed
from pipeline_bench import DAY
from sqlalchemy import select

from cloud9_archive.catalog.batches import read_batch
from cloud9_archive.catalog.sealing import fix_plan
from cloud9_archive.catalog.tables import media
from cloud9_archive.domain.call import Call
from cloud9_archive.domain.keys import call_mark, recording_mark
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.retention import parse_retention
from cloud9_archive.domain.run import CallRef
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.errors import ReconciliationError, StagingLostError, UnreachableError
from cloud9_archive.pipeline.archive import archive
from cloud9_archive.pipeline.bag_documents import BagPaths, record_document
from cloud9_archive.pipeline.bag_retention import BagRetention
from cloud9_archive.pipeline.day_report import put_day_report
from cloud9_archive.pipeline.encrypting import Encrypting
from cloud9_archive.pipeline.fetch_recordings import fetch_recordings
from cloud9_archive.pipeline.opening import read_opener
from cloud9_archive.pipeline.reconcile import reconcile
from cloud9_archive.pipeline.report_filing import page_beside
from cloud9_archive.pipeline.run import filed_sum
from cloud9_archive.pipeline.transcode import transcode
from cloud9_archive.pipeline.verify import verify_archive
from cloud9_archive.pipeline.verify_codes import Code
from cloud9_archive.pipeline.workspace import open_workspace
from cloud9_archive.storage.wrappers import Fault, FaultyStore, Operation

SECOND = timedelta(seconds=1)


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> list[Keyed]:
    folder = tmp_path_factory.mktemp("people")
    return [keyed(folder, "archive"), keyed(folder, "court", "SECP256R1"), keyed(folder, "stranger")]


def encrypted_for(*people: Keyed) -> dict[str, Any]:
    return {"recipients": [str(each.certificate) for each in people]}


@pytest.fixture
def sealed(everything: Any, people: list[Keyed]) -> Any:
    """A bench whose policy encrypts for two."""
    everything.policy["archive"] = {"target": "archive", "encrypt": encrypted_for(*people[:2])}
    return everything


@pytest.fixture
def short(sealed: Any, run_of: Any) -> Any:
    """A run over one call with two recordings."""
    return run_of(start=sealed.call(Kind.TWO_RECORDINGS).started_at, hours=1 / 3600)


def states(bench: Any) -> set[str]:
    """In which states the catalog has its recordings."""
    with bench.workspace().catalog.begin() as connection:
        return set(connection.scalars(select(media.c.state)))


def ready(bench: Any, run: Any) -> tuple[Any, str]:
    """A workspace, and a batch that only needs to be archived."""
    workspace = bench.workspace()
    (batch_id,) = bench.begin(workspace, run)
    fetch_recordings(workspace, batch_id)
    transcode(workspace, batch_id)
    return workspace, batch_id


def named(bench: Any, pattern: str) -> list[Path]:
    return sorted(bench.archive.glob(f"emea_rates/{pattern}"))


def test_either_recipient_opens_everything_and_finds_what_was_received(
    sealed: Any, short: Any, people: list[Keyed]
) -> None:
    sealed.policy["media"] = {"profile": "alaw_8k", "deadline": "7d"}
    sealed.run(short)
    sealed.verified()
    (bag,) = sealed.bags()
    manifest = (bag / "manifest-sha256.txt").read_text()
    expected = sealed.expected(short.window)
    records = named(sealed, "bags/*/*/*/*/data/recordings/*/record.json.p7m")
    assert len(records) == 2
    for path in records:
        record = json.loads(people[0].opens(path))
        assert people[1].opens(path) == people[0].opens(path)
        assert path.parent.name == recording_mark("cloud9_emea", record["recording_id"])
        original = record["original"]
        assert original["sha256"] == expected.digests[record["recording_id"]]
        for file in (original, *record["derivatives"], record["waveform"]):
            stored = (bag / file["path"]).read_bytes()
            plain = people[1].opens(bag / file["path"])
            assert f"{hashlib.sha256(stored).hexdigest()}  {file['path']}\n" in manifest
            assert file["encrypted"] == {"sha256": hashlib.sha256(stored).hexdigest(), "size": len(stored)}
            assert (hashlib.sha256(plain).hexdigest(), len(plain)) == (file["sha256"], file["size"])
        (call,) = record["calls"]
        assert json.loads(people[0].opens(bag / call["path"]))["call"]["call_id"] == call["call_id"]
        assert Path(call["path"]).name == f"{call_mark('cloud9_emea', call['call_id'])}.json.p7m"
    (report,) = named(sealed, "reports/*/*/*/*.json.p7m")
    assert json.loads(people[1].opens(report))["calls"]["archived"] == 1
    info = (bag / "bag-info.txt").read_text()
    assert "Encryption: CMS AuthEnvelopedData AES-256-GCM\n" in info
    assert len(re.findall(r"[0-9a-f]{64}", info.partition("Encryption-Recipients: ")[2].partition("\n")[0])) == 2


def words_in(value: Any) -> Iterator[str]:
    """Every text of a document that tells something of people or records."""
    if isinstance(value, dict):
        for each in value.values():
            yield from words_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from words_in(each)
    elif isinstance(value, str) and len(value) > 6:
        yield value


def test_nothing_in_the_archive_tells_who_spoke(sealed: Any, run_of: Any) -> None:
    day = run_of(start=sealed.call(Kind.TWO_RECORDINGS).started_at, hours=1.5)
    in_plain = dataclasses.replace(day, policy="emea_plain")
    sealed.run(in_plain, policy="emea_plain", archive={"target": "plain"})
    told: set[str] = set()
    for path in (sealed.root / "plain").glob("*/bags/*/*/*/*/data/calls/*.json"):
        call = json.loads(path.read_bytes())["call"]
        told |= set(words_in([call["parties"], call["call_id"], call["recordings"], call["raw"]]))
    assert len(told) > 20
    assert any("@" in each for each in told)
    sealed.run(day)
    marks = [b"OggS", b"ftyp", b"recording_id", b"call_id", b"display_name", *(each.encode() for each in told)]
    files = [path for path in sealed.archive.rglob("*") if path.is_file() and path.name != "README.txt"]
    assert len(files) > 15
    for path in files:
        found = str(path.relative_to(sealed.archive)).encode() + path.read_bytes()
        assert [mark for mark in marks if mark in found] == [], path
    assert [path for path in (sealed.root / "staging").rglob("*") if path.is_file()] == []


def test_a_crash_at_any_put_is_followed_by_the_same_bytes(sealed: Any, short: Any) -> None:
    workspace, batch_id = ready(sealed, short)
    before: dict[str, str] = {}
    for nth in range(1, 10):
        cue = Fault(Operation.PUT, nth, UnreachableError("cue"), when="after")
        with pytest.raises(UnreachableError):
            archive(dataclasses.replace(workspace, store=FaultyStore(workspace.store, script=[cue])), batch_id)
        assert before.items() <= sealed.snapshot().items()
        before = sealed.snapshot()
        staged = [path for path in (sealed.root / "staging" / "media").rglob("*") if path.is_file()]
        assert staged == [], "once it is encrypted, the plain audio is gone"
    assert archive(workspace, batch_id).recordings == 2
    assert before == sealed.snapshot()
    reconcile(workspace, short)
    sealed.verified()


class PowerCutError(BaseException):
    """Nothing catches this."""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_about_fixing_the_content_leaves_nothing_behind(
    sealed: Any, short: Any, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    workspace, batch_id = ready(sealed, short)

    def cut_off(*args: Any) -> str:
        if when == "after":
            fix_plan(*args)
        raise PowerCutError

    monkeypatch.setattr("cloud9_archive.pipeline.archive.fix_plan", cut_off)
    with pytest.raises(PowerCutError):
        archive(workspace, batch_id)
    monkeypatch.undo()
    staged = {path for path in (sealed.root / "staging" / "envelopes").rglob("*") if path.is_file()}
    assert len(staged) == 5
    archive(workspace, batch_id)
    reconcile(workspace, short)
    sealed.verified()
    assert [path for path in (sealed.root / "staging").rglob("*") if path.is_file()] == []


def test_of_two_attempts_at_once_the_first_fixes_what_both_write(
    sealed: Any, short: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, batch_id = ready(sealed, short)
    faster: list[Any] = []

    def slow(catalog: Any, batch: str, plan: str) -> str:
        monkeypatch.undo()
        faster.append(archive(workspace, batch_id))
        return fix_plan(catalog, batch, plan)

    monkeypatch.setattr("cloud9_archive.pipeline.archive.fix_plan", slow)
    assert archive(workspace, batch_id).bag is None
    assert faster[0].recordings == 2
    assert states(sealed) == {"archived"}
    reconcile(workspace, short)
    sealed.verified()


def test_what_was_staged_in_plain_and_is_gone_by_now_is_not_wanted_again(
    sealed: Any, short: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, batch_id = ready(sealed, short)
    late = read_batch(workspace.catalog, batch_id, lease=timedelta(hours=1), now=sealed.clock())
    cue = Fault(Operation.PUT, 3, UnreachableError("cue"))
    with pytest.raises(UnreachableError):
        archive(dataclasses.replace(workspace, store=FaultyStore(workspace.store, script=[cue])), batch_id)
    monkeypatch.setattr("cloud9_archive.pipeline.archive.read_batch", lambda *args, **kwargs: late)
    with pytest.raises(StagingLostError):  # this attempt looked before the content was fixed
        archive(workspace, batch_id)
    monkeypatch.undo()
    assert archive(workspace, batch_id).recordings == 2
    assert states(sealed) == {"archived"}
    reconcile(workspace, short)
    sealed.verified()


def test_encrypted_bytes_that_are_lost_are_fetched_and_encrypted_anew(sealed: Any, short: Any) -> None:
    workspace, batch_id = ready(sealed, short)
    cues = [Fault(Operation.PUT, nth, UnreachableError("cue")) for nth in range(1, 10)]
    with pytest.raises(UnreachableError):
        archive(dataclasses.replace(workspace, store=FaultyStore(workspace.store, script=cues)), batch_id)
    victim = next((sealed.root / "staging" / "envelopes").rglob("*.ogg.p7m"))
    victim.write_bytes(victim.read_bytes()[:-1])
    with pytest.raises(StagingLostError):
        archive(workspace, batch_id)
    assert sealed.run(short).calls.archived == 1
    sealed.verified()


@pytest.mark.parametrize("altered", [True, False])
def test_plain_bytes_that_are_not_those_that_were_fetched_are_fetched_again(
    sealed: Any, short: Any, monkeypatch: pytest.MonkeyPatch, *, altered: bool
) -> None:
    workspace, batch_id = ready(sealed, short)
    victim = next(path for path in (sealed.root / "staging" / "media").rglob("*") if path.is_file())
    if altered:
        victim.write_bytes(bytes((victim.read_bytes()[0] ^ 1,)) + victim.read_bytes()[1:])
    else:  # after it was seen to be there
        monkeypatch.setattr("cloud9_archive.pipeline.archive._lost", lambda *args: victim.unlink() or [])
    with pytest.raises(StagingLostError):
        archive(workspace, batch_id)
    monkeypatch.undo()
    assert states(sealed) == {"wanted", "transcoded"}
    sealed.work(workspace, [batch_id])
    assert reconcile(workspace, short).calls.archived == 1
    sealed.verified()
    assert [path for path in (sealed.root / "staging").rglob("*") if path.is_file()] == []


def test_a_report_that_no_link_vouches_for_is_put_again_with_the_same_bytes(sealed: Any, short: Any) -> None:
    workspace = sealed.workspace()
    sealed.work(workspace, sealed.begin(workspace, short))
    for nth in (1, 2, 3, 4, 6):
        cue = Fault(Operation.PUT, nth, PowerCutError("cue"), when="after")  # type: ignore[arg-type]
        with pytest.raises(PowerCutError):
            reconcile(dataclasses.replace(workspace, store=FaultyStore(workspace.store, script=[cue])), short)
    before = sealed.snapshot()
    sealed.clock.move_to(sealed.clock.now + timedelta(hours=5))
    reconcile(workspace, short)
    assert len(named(sealed, "reports/*/*/*/*")) == 4
    assert before.items() <= sealed.snapshot().items()
    sealed.verified()


def test_a_report_whose_staged_bytes_are_lost_is_written_under_the_next_number(sealed: Any, short: Any) -> None:
    workspace = sealed.workspace()
    sealed.work(workspace, sealed.begin(workspace, short))
    cue = Fault(Operation.PUT, 3, PowerCutError("cue"), when="after")  # type: ignore[arg-type]
    with pytest.raises(PowerCutError):
        reconcile(dataclasses.replace(workspace, store=FaultyStore(workspace.store, script=[cue])), short)
    shutil.rmtree(sealed.root / "staging" / "reports")
    assert reconcile(workspace, short).report.endswith(".2.json.p7m") or len(named(sealed, "reports/*/*/*/*")) > 4
    sealed.verified()


def test_a_days_report_is_encrypted_too_and_put_again_with_the_same_bytes(sealed: Any, people: list[Keyed]) -> None:
    workspace = sealed.workspace()
    for nth in (2, 3, 4, 5):  # CSV, JSON, page, link
        cue = Fault(Operation.PUT, nth, PowerCutError("cue"), when="after")  # type: ignore[arg-type]
        with pytest.raises(PowerCutError):
            put_day_report(dataclasses.replace(workspace, store=FaultyStore(workspace.store, script=[cue])), DAY.date())
        sealed.clock.move_to(sealed.clock.now + timedelta(hours=1))
    before = sealed.snapshot()
    report = put_day_report(workspace, DAY.date()).report
    assert report.endswith("/day~2026-03-03.json.p7m")
    assert sealed.snapshot() == before
    assert len(named(sealed, "reports/*/*/*/*")) == 3
    page = (sealed.archive / page_beside(report)).read_bytes()
    opener = read_opener([people[0].key])
    assert opener is not None
    assert opener.read(page).startswith(b"<!doctype html>")
    assert not put_day_report(workspace, DAY.date()).written
    assert not list((sealed.root / "staging" / "reports").glob("*/*"))
    sealed.verified()


def test_a_run_that_does_not_add_up_tells_its_sums_all_the_same(sealed: Any, short: Any) -> None:
    workspace = sealed.workspace()
    sealed.begin(workspace, short)
    with pytest.raises(ReconciliationError):
        reconcile(workspace, short)
    filed = filed_sum(workspace, short)
    assert filed is not None
    assert (filed.calls.listed, filed.findings) == (1, {"CALL_UNACCOUNTED": 1})


def test_verify_reads_inside_with_a_key_and_says_whose_it_wants(sealed: Any, short: Any, people: list[Keyed]) -> None:
    sealed.run(short)
    store = sealed.workspace().store
    assert verify_archive(store).unopened == 5 + 4, "of the bag and of the report"
    for each in people[:2]:
        report = verify_archive(store, opener=read_opener([each.key]))
        assert (report.findings, report.unopened) == ((), 0)
    report = verify_archive(store, opener=read_opener([people[2].key]))
    assert {finding.code for finding in report.findings} == {Code.FILE_NOT_OPENED}
    assert "Common Name: archive" in report.findings[0].words


def test_an_altered_file_is_refused_by_openssl_and_by_verify(sealed: Any, short: Any, people: list[Keyed]) -> None:
    sealed.run(short)
    (bag,) = sealed.bags()
    victim = next(bag.glob("data/recordings/*/original.*.p7m"))
    content = victim.read_bytes()
    victim.chmod(0o644)
    opener = read_opener([people[0].key])
    for offset in (0, 40, len(content) // 2, len(content) - 1):
        victim.write_bytes(content[:offset] + bytes((content[offset] ^ 1,)) + content[offset + 1 :])
        assert people[0].decrypt(victim).returncode != 0
        codes = [finding.code for finding in verify_archive(sealed.workspace().store).findings]
        assert codes == [Code.FILE_ALTERED]
        opened = verify_archive(sealed.workspace().store, opener=opener)
        assert Code.FILE_NOT_OPENED in {finding.code for finding in opened.findings}


def test_a_bag_sealed_with_a_plain_file_or_a_false_record_is_found(
    sealed: Any, short: Any, people: list[Keyed], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lying(self: Any, file: Any, recording: Any) -> Any:
        found = honest(self, file, recording)
        return found.model_copy(update={"path": found.path.removesuffix(".p7m")}) if "calls" in found.path else found

    honest = Encrypting.wrapped
    monkeypatch.setattr(Encrypting, "wrapped", lying)
    sealed.run(short)
    codes = [finding.code for finding in verify_archive(sealed.workspace().store).findings]
    assert codes == [Code.BAG_MALFORMED]


def test_records_that_contradict_what_they_are_sealed_with_are_found(
    sealed: Any, short: Any, people: list[Keyed], monkeypatch: pytest.MonkeyPatch
) -> None:
    lies = iter([{"sha256": "0" * 64}, {"encrypted": {"sha256": "0" * 64, "size": 1}}])

    def lying(*args: Any, **kwargs: Any) -> dict[str, Any]:
        document = record_document(*args, **kwargs)
        document["original"].update(next(lies))
        return document

    monkeypatch.setattr("cloud9_archive.pipeline.bag_plan.record_document", lying)
    sealed.run(short)
    sealed.verified()
    report = verify_archive(sealed.workspace().store, opener=read_opener([people[0].key]))
    assert [finding.code for finding in report.findings] == [Code.RECORD_CONTRADICTED] * 2
    told = " ".join(finding.words for finding in report.findings)
    assert "when it is opened" in told
    assert "its bag lists" in told


@pytest.mark.parametrize("encrypted", [True, False])
def test_each_file_is_kept_as_long_as_what_it_belongs_to(sealed: Any, short: Any, *, encrypted: bool) -> None:
    workspace, batch_id = ready(sealed, short)
    batch = read_batch(workspace.catalog, batch_id, lease=timedelta(hours=1), now=sealed.clock())
    ends = [sealed.clock.now + timedelta(days=days) for days in (10, 20, 30)]
    recordings = [
        dataclasses.replace(each, retain_until=end) for each, end in zip(batch.recordings, ends, strict=False)
    ]
    (call,) = (dataclasses.replace(each, retain_until=ends[2]) for each in batch.calls)
    paths = BagPaths(encrypted=encrypted)
    kept = BagRetention(dataclasses.replace(batch, recordings=tuple(recordings), calls=(call,)), paths)
    assert [kept.of(paths.original(each)) for each in recordings] == ends[:2]
    assert [kept.of(paths.record(each)) for each in recordings] == ends[:2]
    assert kept.of(paths.call(CallRef(call.call.source, call.call.call_id))) == kept.of("bagit.txt") == ends[2]


def test_a_run_into_a_bucket_is_encrypted_too(everything: Any, run_of: Any, moto_url: str, people: list[Keyed]) -> None:
    access = access_to(moto_url)
    bucket = new_bucket(access.client())
    said = {"target": f"s3://{bucket}/emea", "conn_id": "aws_archive", "retention": "7y", "lock": "governance"}
    policy = {**everything.policy, "archive": {**said, "encrypt": encrypted_for(people[1])}}
    workspace = everything.stack.enter_context(
        open_workspace(
            Policy.model_validate(policy),
            everything.settings,
            open_source=everything.open_source,
            clock=everything.clock,
            open_archive={"aws_archive": access}.__getitem__,
        )
    )
    run = run_of(start=everything.call(Kind.TWO_RECORDINGS).started_at, hours=1.5)
    everything.work(workspace, everything.begin(workspace, run))
    reconcile(workspace, run)
    opener = read_opener([people[1].key])
    assert opener is not None
    assert verify_archive(workspace.store, opener=opener).findings == ()
    ends = set()
    for key in workspace.store.keys("emea_rates/bags"):
        if "/calls/" in key:
            call = Call.from_document(json.loads(opener.read(workspace.store.read(key)))["call"])
            ends.add(workspace.store.lock_of(key).retain_until)  # type: ignore[attr-defined]
            assert (
                abs(workspace.store.lock_of(key).retain_until - parse_retention("7y").until(call.started_at)) < SECOND
            )  # type: ignore[attr-defined]
    assert len(ends) > 1
