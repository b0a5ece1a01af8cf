"""A catalog that is made anew knows what was disposed of, held and kept longer: none of it comes back, none of it goes."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from custody_bench import LATER, START, Made, SmallArchive, a_call, rebuilt
from envelope_keys_made import keyed
from sqlalchemy import select

from cloud9_archive.catalog.bag_records import HoldFlag
from cloud9_archive.catalog.tables import bag_records, custody, media, policy_calls
from cloud9_archive.domain.call_selection import CallSelection
from cloud9_archive.domain.selection import Selection
from cloud9_archive.errors import UnreachableError
from cloud9_archive.pipeline.custody import Order
from cloud9_archive.pipeline.dispose import Disposed, dispose
from cloud9_archive.pipeline.expiry import list_expired
from cloud9_archive.pipeline.export import ExportOrder, export_selection
from cloud9_archive.pipeline.extend_retention import extend_retention
from cloud9_archive.pipeline.legal_holds import place_hold, release_hold
from cloud9_archive.pipeline.opening import read_opener
from cloud9_archive.storage.wrappers import Fault, FaultyStore, Operation

ANNA, BEN = Order("Anna Smith", "case 7"), Order("Ben Jones", "case 7 is closed")
CALLS = [a_call(1), a_call(2), a_call(3, day=1), a_call(4, day=1)]


def rows(archive: SmallArchive, table: Any, *left_out: str) -> list[dict[str, Any]]:
    with archive.workspace.catalog.begin() as connection:
        found = [dict(row._mapping) for row in connection.execute(select(table))]
    return sorted(({k: v for k, v in row.items() if k not in left_out} for row in found), key=repr)


def known(archive: SmallArchive) -> dict[str, Any]:
    """What the catalog says of records and documents, but for moments."""
    return {
        "records": rows(archive, bag_records, "disposed_at", "legal_hold", "retain_until"),
        "documents": rows(archive, custody, "entered_at", "chained_at", "completed_at"),
        "media": [(row["recording_id"], row["state"], row["bag_id"]) for row in rows(archive, media)],
        "calls": [(row["call_id"], row["state"], row["bag_id"]) for row in rows(archive, policy_calls)],
    }


def test_what_was_disposed_of_stays_so_and_is_not_fetched_again(expired: SmallArchive) -> None:
    dispose(expired.workspace, ANNA, confirm=8)
    before, files = known(expired), set(expired.workspace.store.keys())
    assert rebuilt(expired).findings == ()
    assert known(expired) == before
    assert {state for _, state, _ in before["media"]} == {"disposed"}
    outcome, fetched = expired.list_again(replace(CALLS[0], button_label="amended"), *CALLS[1:])
    assert (outcome.calls.listed, outcome.calls.disposed, outcome.calls.unaccounted, fetched) == (4, 4, 0, 0)
    assert (outcome.recordings.wanted, outcome.recordings.disposed, outcome.bags) == (4, 4, 0)
    assert not [key for key in set(expired.workspace.store.keys()) - files if "/bags/" in key]
    assert list_expired(expired.workspace).count == 0
    assert dispose(expired.workspace, ANNA, confirm=8) == Disposed()
    assert rebuilt(expired).findings == (), "reports that tell of it as disposed do not bring it back"
    assert known(expired) == before
    assert expired.verify().findings == ()


def test_holds_and_longer_retention_are_in_force_and_a_release_goes_on(expired: SmallArchive) -> None:
    place_hold(expired.workspace, "case 7", Selection(calls=("call-3",)), ANNA)
    place_hold(expired.workspace, "case 8", Selection(calls=("call-4",)), ANNA)
    release_hold(expired.workspace, "case 7", ANNA)
    extend_retention(
        expired.workspace, Selection(calls=("call-1",)), ANNA, until=LATER + timedelta(days=9), retention=None
    )
    dispose(expired.workspace, ANNA, confirm=2)
    before, listed = known(expired), list_expired(expired.workspace)
    assert rebuilt(expired).findings == ()
    assert known(expired) == before
    assert list_expired(expired.workspace) == listed
    assert listed.held == 4
    flags = {row["legal_hold"] for row in rows(expired, bag_records) if not row["tombstone"]}
    assert flags == {HoldFlag.LIFTING}, "what the archive's own flags say is in doubt"
    release_hold(expired.workspace, "case 7", BEN)
    assert list_expired(expired.workspace).held == 2
    flags = {row["record_id"]: row["legal_hold"] for row in rows(expired, bag_records) if not row["tombstone"]}
    assert flags == {
        each: HoldFlag.HELD if each.endswith("-4") else HoldFlag.FREE
        for each in ("call-1", "recording-1", "call-3", "recording-3", "call-4", "recording-4")
    }
    expired.now = LATER + timedelta(days=8)
    assert dispose(expired.workspace, ANNA, confirm=2).records == 2
    outcome, fetched = expired.list_again(*CALLS)
    assert (outcome.calls.archived, outcome.calls.disposed, fetched) == (2, 2, 0)


@pytest.mark.parametrize("operation", [Operation.PUT, Operation.REMOVE])
def test_a_disposal_that_was_cut_off_anywhere_is_finished_with_a_new_catalog(
    expired: SmallArchive, operation: Operation
) -> None:
    for nth in (1, 2, 3) if operation is Operation.PUT else (1, 3, 7):
        cue = Fault(operation, nth, UnreachableError("cue"), when="after")
        with pytest.raises(UnreachableError):
            dispose(
                replace(expired.workspace, store=FaultyStore(expired.workspace.store, script=[cue])), ANNA, confirm=8
            )
        told = {finding.code.value for finding in rebuilt(expired).findings}
        assert told <= {"CUSTODY_NOT_CHAINED"}, told
        outcome, fetched = expired.list_again(*CALLS)
        assert (outcome.calls.archived + outcome.calls.disposed, fetched, outcome.bags) == (4, 0, 0)
        assert list_expired(expired.workspace).count == 8
    assert dispose(expired.workspace, ANNA, confirm=8).records == 8
    assert expired.payload() == set()
    assert set(expired.codes()) <= {"CUSTODY_NOT_CHAINED"}


def test_a_call_of_which_nothing_but_its_tombstone_tells_is_not_archived_again(expired: SmallArchive) -> None:
    dispose(expired.workspace, ANNA, confirm=8)
    for path in expired.archive.glob("*/reports/*/*/*/*"):
        path.unlink()
    assert {finding.code.value for finding in rebuilt(expired).findings} == {"CHAIN_MEMBER_MISSING"}
    outcome, fetched = expired.list_again(*CALLS)
    assert (outcome.calls.disposed, outcome.recordings.disposed, outcome.bags, fetched) == (4, 4, 0, 0)


def test_a_later_document_of_a_call_outlives_an_earlier_one_and_not_the_other_way_round(expired: SmallArchive) -> None:
    expired.now = START + timedelta(days=3)
    amended = replace(CALLS[0], button_label="amended")
    (later,) = expired.seal(amended)
    expired.now = LATER
    for hold in ("earlier", "later"):
        selection = Selection(bags=(later,)) if hold == "later" else Selection(users=("nobody",))
        place_hold(expired.workspace, hold, selection, ANNA)
    dispose(expired.workspace, ANNA, confirm=8)
    before = known(expired)
    rebuilt(expired)
    assert known(expired) == before
    assert ("call-1", "archived", later) in before["calls"]
    for order in (ANNA, BEN):
        release_hold(expired.workspace, "later", order)
    dispose(expired.workspace, ANNA, confirm=1)
    before = known(expired)
    rebuilt(expired)
    assert known(expired) == before
    assert ("call-1", "disposed", later) in before["calls"]


@pytest.mark.parametrize("how", ["altered", "not chained"])
def test_a_tombstone_that_does_not_count_disposes_of_nothing(expired: SmallArchive, how: str) -> None:
    dispose(expired.workspace, ANNA, confirm=8)
    for key in expired.custody():
        path = expired.archive / key
        content = path.read_bytes()
        path.unlink()
        if how == "altered":
            path.write_bytes(content.replace(b"Anna", b"Otto"))
        else:
            path.with_name("20260101-0123456789abcdef.json").write_bytes(content)
    told = {finding.code.value for finding in rebuilt(expired).findings}
    assert (
        told
        == {
            "altered": {"CHAIN_MEMBER_ALTERED", "FILE_MISSING"},
            "not chained": {"CUSTODY_NOT_CHAINED", "FILE_MISSING"},
        }[how]
    )
    assert rows(expired, custody) == []
    assert not [state for _, state, _ in known(expired)["calls"] if state == "disposed"]


def test_what_was_disposed_of_is_not_handed_out_and_is_no_fault(expired: SmallArchive, tmp_path: Path) -> None:
    expired.now = START + timedelta(days=3)
    (later,) = expired.seal(replace(CALLS[0], button_label="amended"))
    expired.now = LATER
    place_hold(expired.workspace, "case 7", Selection(bags=(later,)), ANNA)
    dispose(expired.workspace, ANNA, confirm=8)
    order = ExportOrder(CallSelection())
    exported = export_selection(expired.workspace.store, order, tmp_path / "out", now=LATER)
    assert (exported.findings, exported.calls, exported.recordings) == ((), 1, 0)
    assert exported.absent == ("cloud9_emea/recording-1",)
    (row,) = csv.DictReader((tmp_path / "out/data/index.csv").open(), delimiter=";")
    assert (row["call_id"], row["recording_id"], row["state"]) == ("call-1", "recording-1", "disposed")


def test_in_an_encrypted_archive_too_with_a_key_and_a_stranger_sees_what_tombstones_account_for(
    small: Made, tmp_path: Path
) -> None:
    owner = keyed(tmp_path, "archive", "SECP256R1")
    encrypt = {"recipients": [str(owner.certificate)]}
    made = small(said={"target": "archive", "retention": "30d", "encrypt": encrypt})
    made.seal(a_call(1), a_call(2))
    made.now = LATER
    place_hold(made.workspace, "case 7", Selection(users=("jsmith@firm.example",), calls=("call-2",)), ANNA)
    dispose(made.workspace, ANNA, confirm=2)
    before = known(made)
    opener = read_opener([owner.key])
    assert rebuilt(made, opener=opener).findings == ()
    assert known(made) == before
    outcome, fetched = made.list_again(a_call(1), a_call(2))
    assert (outcome.calls.disposed, outcome.calls.archived, fetched, outcome.bags) == (1, 1, 0, 0)
    for report in (made.verify(), made.verify(opener=opener)):
        assert (report.findings, report.disposed) == ((), 3)
    assert list_expired(made.workspace).held == 2
