"""Disposal: what goes, what stays, what is left behind, and how it ends when it is cut off anywhere."""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from custody_bench import LATER, START, Made, SmallArchive, a_call
from sqlalchemy import select, update

from cloud9_archive.catalog.batches import read_batch
from cloud9_archive.catalog.media import note_absent
from cloud9_archive.catalog.redeciding import outdated, replace_decisions
from cloud9_archive.catalog.tables import bag_records, bags, custody, media, policy_calls
from cloud9_archive.domain.custody import Release, parse_custody
from cloud9_archive.domain.decision import Decision, Outcome, Rule
from cloud9_archive.domain.retention import parse_retention
from cloud9_archive.domain.selection import Selection
from cloud9_archive.errors import CustodyError, ReconciliationError, UnreachableError
from cloud9_archive.pipeline.archive import archive
from cloud9_archive.pipeline.custody import Order
from cloud9_archive.pipeline.dispose import Disposed, dispose
from cloud9_archive.pipeline.expiry import list_expired
from cloud9_archive.pipeline.extend_retention import extend_retention
from cloud9_archive.pipeline.legal_holds import place_hold, release_hold
from cloud9_archive.storage.wrappers import Fault, FaultyStore, Operation

ANNA, BEN = Order("Anna Smith", "case 7"), Order("Ben Jones", "case 7 is closed")


def test_only_after_its_count_is_confirmed_it_goes_and_its_seal_and_tombstone_stay(expired: SmallArchive) -> None:
    before = expired.payload()
    others = set(expired.workspace.store.keys()) - before
    expiry = list_expired(expired.workspace)
    assert (expiry.count, len(expiry.bags), expiry.held, expiry.locked, expiry.unfit) == (8, 2, 0, 0, {})
    for wrong in (7, 9):
        with pytest.raises(CustodyError, match=f"{wrong} records were confirmed, and 8 of emea_rates have expired"):
            dispose(expired.workspace, ANNA, confirm=wrong)
    assert (expired.payload(), expired.custody()) == (before, [])
    done = dispose(expired.workspace, ANNA, confirm=8)
    assert (done.records, done.files, done.refused) == (8, len(before), {})
    assert expired.payload() == set()
    assert others <= set(expired.workspace.store.keys())
    report = expired.verify()
    assert (report.ok, report.findings, report.disposed) == (True, (), len(before))
    assert not [path for path in expired.archive.rglob("recordings") if path.is_dir()], "no empty folders name ids"
    assert dispose(expired.workspace, ANNA, confirm=8) == Disposed()
    assert [(who, after is not None) for who, _, _, after in expired.trail("bag.disposed")] == [
        ("Anna Smith", True)
    ] * 2
    assert sorted(expired.trail("recording.state"))[-4:] != []
    assert {after for *_, after in expired.trail("call.state")} == {"disposed"}


def test_a_tombstone_lists_every_file_with_its_digest_size_end_actor_and_time(expired: SmallArchive) -> None:
    sizes = {key: expired.workspace.store.size(key) for key in expired.payload()}
    digests = {key: expired.workspace.store.digest(key) for key in expired.payload()}
    dispose(expired.workspace, ANNA, confirm=8)
    told = {}
    for key in expired.custody():
        stone = json.loads(expired.workspace.store.read(key))
        assert (stone["kind"], stone["actor"], stone["reason"], stone["at"]) == (
            "tombstone",
            "Anna Smith",
            "case 7",
            "2026-04-12T09:00:00Z",
        )
        for record in stone["records"]:
            assert record["retain_until"] < stone["at"]
            for file in record["files"]:
                told[f"{stone['prefix']}/{file['path']}"] = (file["sha256"], file["size"])
    assert told == {key: (digests[key], sizes[key]) for key in sizes}
    link = json.loads(max(expired.archive.glob("*/chain/*.json")).read_bytes())
    assert set(expired.custody()) == {member["path"] for member in link["members"]}


def test_the_next_run_over_the_same_window_fetches_and_archives_nothing(expired: SmallArchive) -> None:
    dispose(expired.workspace, ANNA, confirm=8)
    files = set(expired.workspace.store.keys())
    amended = replace(a_call(1), button_label="amended", recordings=a_call(9).recordings)
    outcome, fetched = expired.list_again(amended, a_call(2), a_call(3, day=1), a_call(4, day=1))
    assert (outcome.calls.listed, outcome.calls.disposed, outcome.calls.unaccounted, fetched) == (4, 4, 0, 0)
    assert (outcome.recordings.wanted, outcome.recordings.disposed, outcome.recordings.unaccounted) == (4, 4, 0)
    assert outcome.bags == 0
    assert not [key for key in set(expired.workspace.store.keys()) - files if "/bags/" in key]
    assert expired.verify().ok


def test_nothing_goes_before_its_retention_has_ended(small: Made) -> None:
    made = small()
    made.seal(a_call(1), a_call(2, day=5))
    for days, count in [(0, 0), (30, 2), (34, 2), (36, 4)]:
        made.now = START + timedelta(days=days, hours=1)
        assert list_expired(made.workspace).count == count, days
    made.now = START + timedelta(days=31)
    assert dispose(made.workspace, ANNA, confirm=2).records == 2
    assert made.of("call-1", "recording-1") == set()
    assert len(made.of("call-2", "recording-2")) == 3
    assert (made.verify().findings, made.verify().disposed) == ((), 3)
    made.now = START + timedelta(days=36)
    assert dispose(made.workspace, ANNA, confirm=2).records == 2
    assert (made.payload(), made.verify().findings) == (set(), ())


def test_what_no_retention_is_stated_of_never_expires(small: Made) -> None:
    made = small(said={"target": "archive"})
    made.seal(a_call(1))
    made.now = START + timedelta(days=50_000)
    assert list_expired(made.workspace).count == 0
    assert list_expired(made.open(retention="1d")).count == 0


def test_a_longer_retention_of_the_policy_keeps_what_is_archived_and_a_shorter_one_does_not_end_it(
    expired: SmallArchive,
) -> None:
    assert list_expired(expired.open(retention="60d")).count == 0
    expired.now = START + timedelta(days=20)
    assert list_expired(expired.open(retention="5d")).count == 0


def test_a_later_call_keeps_the_recording_that_it_shares(small: Made) -> None:
    made = small()
    made.seal(a_call(1))
    made.seal(a_call(2, day=9, recordings=["recording-1"]))
    made.now = START + timedelta(days=35)
    (bag,) = list_expired(made.workspace).bags
    assert [record.kind.value for record in bag.records] == ["call"]
    assert dispose(made.workspace, ANNA, confirm=1).files == 1
    assert len(made.of("recording-1")) == 2
    made.now = START + timedelta(days=40)
    assert dispose(made.workspace, ANNA, confirm=2).records == 2


@pytest.mark.parametrize("operation", [Operation.PUT, Operation.REMOVE])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_disposal_that_is_cut_off_anywhere_is_finished_and_never_removes_without_a_tombstone(
    expired: SmallArchive, operation: Operation, when: str
) -> None:
    workspace, before = expired.workspace, expired.payload()
    for nth in range(1, 40):
        cue = Fault(operation, nth, UnreachableError("cue"), when=when)  # type: ignore[arg-type]
        try:
            dispose(replace(workspace, store=FaultyStore(workspace.store, script=[cue])), ANNA, confirm=8)
        except UnreachableError:
            vouched = set()
            for link in expired.archive.glob("*/chain/*.json"):
                vouched |= {member["path"] for member in json.loads(link.read_bytes())["members"]}
            stones = [json.loads(workspace.store.read(key)) for key in expired.custody() if key in vouched]
            told = {f"{s['prefix']}/{f['path']}" for s in stones for r in s["records"] for f in r["files"]}
            assert before - expired.payload() <= told
            report = expired.verify()
            assert report.ok or set(expired.codes()) == {"CUSTODY_NOT_CHAINED"}, (nth, expired.codes())
            assert list_expired(workspace).count == 8, "what is confirmed stays the same until it is finished"
            continue
        break
    assert dispose(workspace, ANNA, confirm=8).records in {0, 8}
    assert (expired.payload(), expired.verify().findings) == (set(), ())


def test_a_damaged_bag_and_one_that_no_link_vouches_for_are_named_and_stay(expired: SmallArchive) -> None:
    victim = min(key for key in expired.payload() if "/recordings/" in key)
    place = expired.archive / victim
    place.chmod(0o644)
    content = place.read_bytes()
    place.write_bytes(content + b"x")
    expiry = list_expired(expired.workspace)
    assert (expiry.count, list(expiry.unfit)) == (4, ["/".join(victim.split("/")[:6])])
    assert "FILE_ALTERED" in next(iter(expiry.unfit.values()))
    place.write_bytes(content)
    with expired.workspace.catalog.begin() as connection:
        connection.execute(update(bags).values(seal_sha256="0" * 64))
    assert list_expired(expired.workspace).count == 0
    with expired.workspace.catalog.begin() as connection:
        connection.execute(update(bags).values(link_number=None))
    assert "no link" in next(iter(list_expired(expired.workspace).unfit.values()))


def test_what_is_held_or_extended_after_it_was_listed_is_not_removed(
    expired: SmallArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cloud9_archive.pipeline.dispose as module  # noqa: PLC0415 - to step in between

    before, bury = expired.payload(), module._bury

    def meanwhile(*arguments: object) -> None:
        place_hold(expired.workspace, "case 7", Selection(calls=("call-3",)), ANNA)
        bury(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_bury", meanwhile)
    with pytest.raises(Exception, match="held, extended or disposed of meanwhile; nothing was removed"):
        dispose(expired.workspace, ANNA, confirm=8)
    assert expired.payload() == before
    monkeypatch.setattr(module, "_bury", bury)
    assert list_expired(expired.workspace).count == 6


def test_records_of_a_catalog_without_them_are_read_from_their_bags_and_documents_from_the_archive(
    expired: SmallArchive,
) -> None:
    place_hold(expired.workspace, "case 7", Selection(calls=("call-3",)), ANNA)
    extend_retention(
        expired.workspace, Selection(calls=("call-1",)), ANNA, until=LATER + timedelta(days=9), retention=None
    )
    listed = list_expired(expired.workspace)
    with expired.workspace.catalog.begin() as connection:
        connection.execute(bag_records.delete())
        connection.execute(custody.delete())
    assert list_expired(expired.workspace) == listed
    dispose(expired.workspace, ANNA, confirm=listed.count)
    assert len(expired.of("call-1", "recording-1", "call-3")) == 4
    with expired.workspace.catalog.begin() as connection:
        connection.execute(bag_records.delete())
        connection.execute(custody.delete())
        connection.execute(update(media).values(state="archived"))
        connection.execute(update(policy_calls).values(state="archived"))
    assert list_expired(expired.workspace).begun == listed.count, "tombstones are carried out anew, on nothing"
    dispose(expired.workspace, ANNA, confirm=listed.count)
    with expired.workspace.catalog.begin() as connection:
        states = connection.execute(select(policy_calls.c.call_id, policy_calls.c.state)).all()
    assert dict(map(tuple, states))["call-2"] == "disposed"
    assert len(expired.of("call-1", "recording-1", "call-3")) == 4


def test_a_document_that_no_link_vouches_for_counts_nowhere(expired: SmallArchive) -> None:
    state = place_hold(expired.workspace, "case 7", Selection(calls=("call-3",)), ANNA)
    release_hold(expired.workspace, "case 7", ANNA)
    (key,) = [key for key in expired.custody() if b"release_request" in expired.workspace.store.read(key)]
    request = parse_custody(expired.workspace.store.read(key))
    forged = Release(
        policy="emea_rates",
        at=expired.now,
        actor="Mallory",
        reason="it is so",
        label="case 7",
        hold=state.hold.document_id,
        request=request.document_id,
        requested_by="Anna Smith",
    )
    place = expired.archive / forged.key
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(forged.content())
    assert list_expired(expired.workspace).held == 2
    assert expired.codes() == ["CUSTODY_NOT_CHAINED"]


def test_a_stranger_checks_what_is_left_with_common_tools(expired: SmallArchive) -> None:
    place_hold(expired.workspace, "case 7", Selection(calls=("call-3",)), ANNA)
    dispose(expired.workspace, ANNA, confirm=6)
    for seal in expired.archive.glob("*/bags/*/*/*/*/tagmanifest-sha256.txt"):
        ran = subprocess.run(
            ["sha256sum", "--quiet", "--strict", "-c", seal.name], cwd=seal.parent, capture_output=True, check=False
        )
        assert ran.returncode == 0
    (seal,) = {Path(key).parent.parent.parent for key in expired.of("call-3")}
    ran = subprocess.run(
        ["sha256sum", "--ignore-missing", "--quiet", "--strict", "-c", "manifest-sha256.txt"],
        cwd=expired.archive / seal,
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, b"")


def test_retention_counts_what_the_roster_or_a_section_asked_for(small: Made) -> None:
    made = small(said={"target": "archive", "retention": "1y"})
    made.seal(a_call(1))
    end = parse_retention("1y").until(a_call(1).started_at)
    for moment, count in [(end - timedelta(seconds=1), 0), (end, 2)]:
        made.now = moment
        assert list_expired(made.workspace).count == count


def test_what_is_decided_anew_after_it_was_disposed_of_stays_so(expired: SmallArchive) -> None:
    dispose(expired.workspace, ANNA, confirm=8)
    run, _ = expired.listed(a_call(1))
    flip = Decision(Outcome.EXCLUDE, Rule.DO_NOT_RECORD, "Nobody asks.", (), None, "0" * 64)
    back = Decision(Outcome.RECORD, Rule.RULES_OFF, "It is asked for.", (), None, "1" * 64)
    for decision in (flip, back):
        old = outdated(
            expired.workspace.catalog, run, policy_version="2" * 64, roster_version=None, after=None, limit=9
        )
        replace_decisions(expired.workspace.catalog, run, [(each, decision) for each in old], now=expired.now)
        outcome, fetched = expired.list_again(a_call(1))
        assert (outcome.calls.disposed, outcome.bags, fetched) == (1, 0, 0)


def test_a_call_whose_media_never_came_goes_and_stays_gone_when_they_turn_up_for_another(small: Made) -> None:
    made = small()
    shared = [a_call(1), a_call(2, day=9, recordings=["recording-1"])]
    made.now = START + timedelta(days=20)
    for call in shared:
        _, (batch_id,) = made.listed(call)
        batch = read_batch(made.workspace.catalog, batch_id, lease=timedelta(hours=6), now=made.now)
        note_absent(made.workspace.catalog, batch, batch.recordings[0], now=made.now)
        archive(made.workspace, batch_id)
    with suppress(ReconciliationError):
        made.list_again()
    made.now = START + timedelta(days=35)
    assert dispose(made.workspace, ANNA, confirm=1).records == 1
    outcome, fetched = made.list_again(*shared)
    assert (outcome.calls.disposed, outcome.calls.archived, fetched) == (1, 1, 1)
    assert (len(made.of("call-1")), len(made.of("call-2")), len(made.of("recording-1"))) == (0, 2, 2)
    assert made.list_again(*shared)[0].calls.disposed == 1
    assert made.verify().findings == ()


def test_a_record_of_whose_calls_nothing_is_known_could_be_meant_by_any_hold_and_stays(expired: SmallArchive) -> None:
    with expired.workspace.catalog.begin() as connection:
        connection.execute(policy_calls.delete())
    assert list_expired(expired.workspace).count == 0
