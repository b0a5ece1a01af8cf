"""What a run's report says, beyond its sums: where everything is, and how the whole policy stands."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cloud9_archive.emulator.calls import Kind
from cloud9_archive.errors import ArchiveConflictError, ReconciliationError, WireFormatError
from cloud9_archive.pipeline.apply_recording_rules import apply_recording_rules
from cloud9_archive.pipeline.fetch_calls import fetch_calls
from cloud9_archive.pipeline.reconcile import reconcile
from cloud9_archive.storage.local import LocalStore
from cloud9_archive.storage.store import Stored


@pytest.fixture
def around(everything: Any, run_of: Any) -> Any:
    """A run over the second in which the day's first call of that kind began."""

    def make(kind: Kind) -> Any:
        return run_of(start=everything.call(kind).started_at, hours=1 / 3600, run_id=kind.value)

    return make


def report_of(bench: Any, result: Any) -> Any:
    return json.loads((bench.archive / result.report).read_bytes())


def members(bench: Any) -> list[str]:
    """What the links of the chain vouch for."""
    links = [json.loads(path.read_bytes()) for path in bench.archive.glob("emea_rates/chain/*.json")]
    return [member["path"] for link in links for member in link["members"]]


@pytest.mark.parametrize("kind", [Kind.DAMAGED, Kind.TWO_RECORDINGS])
def test_the_bag_of_every_settled_recording_is_named(everything: Any, around: Any, kind: Kind) -> None:
    report = report_of(everything, everything.run(around(kind)))
    (bag,) = everything.bags()
    named = [(each["bag_id"], each["state"]) for row in report["rows"] for each in row["recordings"]]
    state = "quarantined" if kind is Kind.DAMAGED else "archived"
    assert named
    assert set(named) == {(bag.name, state)}


def test_the_whole_policy_is_every_run_of_this_policy_and_of_no_other(everything: Any, around: Any) -> None:
    other = dataclasses.replace(around(Kind.DAMAGED), policy="emea_other")
    assert everything.run(other, policy="emea_other").calls.quarantined > 0
    runs = [everything.run(around(kind)) for kind in (Kind.TWO_RECORDINGS, Kind.LATE_MEDIA)]
    whole = report_of(everything, runs[-1])["whole_policy"]
    for name in ("calls", "recordings"):
        first, second = (dataclasses.asdict(getattr(run, name)) for run in runs)
        assert whole[name] == {key: first[key] + second[key] for key in first}


def test_every_report_of_a_run_has_a_number_of_its_own(everything: Any, around: Any) -> None:
    run = around(Kind.TWO_RECORDINGS)
    workspace = everything.workspace()
    batch_ids = everything.begin(workspace, run)
    with pytest.raises(ReconciliationError):
        reconcile(workspace, run)
    everything.work(workspace, batch_ids)
    report = report_of(everything, reconcile(workspace, run))
    assert report["report_number"] == 2
    everything.amend(everything.call(Kind.TWO_RECORDINGS).call_id, stop_reason="Supervisor released")
    report = report_of(everything, everything.run(run))
    assert report["report_number"] == 3
    assert len(list(everything.archive.glob("emea_rates/reports/*/*/*/*.json"))) == 3
    assert max(Counter(members(everything)).values()) == 1, "one link vouches for each report"
    everything.verified()


def test_a_bag_whose_run_never_ended_is_linked_by_whoever_reconciles_next(everything: Any, around: Any) -> None:
    everything.run(around(Kind.TWO_RECORDINGS))
    workspace = everything.workspace()
    everything.work(workspace, everything.begin(workspace, around(Kind.DAMAGED)))
    seals = {f"{bag.relative_to(everything.archive)}/tagmanifest-sha256.txt" for bag in everything.bags()}
    assert len(seals - set(members(everything))) == 1
    reconcile(workspace, around(Kind.TWO_RECORDINGS))
    assert seals <= set(members(everything))
    everything.verified()


def test_what_another_run_finished_meanwhile_is_in_a_new_report(everything: Any, around: Any) -> None:
    one = around(Kind.TWO_RECORDINGS)
    two = dataclasses.replace(one, run_id="two")
    workspace = everything.workspace()
    batch_ids = everything.begin(workspace, one)
    assert everything.begin(workspace, two) == ()
    assert reconcile(workspace, two).calls.awaiting_media == 1
    everything.work(workspace, batch_ids)
    reconcile(workspace, one)
    assert report_of(everything, reconcile(workspace, two))["calls"]["archived"] == 1
    everything.verified()


def test_a_source_that_is_listed_after_all_is_no_finding_any_more(everything: Any, around: Any) -> None:
    run = around(Kind.TWO_RECORDINGS)
    workspace = everything.workspace()
    everything.cloud9.admin.fault("not_json", "metadata", count=1)
    with pytest.raises(WireFormatError):
        everything.begin(workspace, run)
    with pytest.raises(ReconciliationError, match="SOURCE_NOT_LISTED"):
        reconcile(workspace, run)
    assert everything.findings("SOURCE_NOT_LISTED") == {"cloud9_emea"}
    everything.run(run)
    assert everything.findings("SOURCE_NOT_LISTED") == set()


class PowerCutError(BaseException):
    """Nothing catches this."""


class UnlinkedStore(LocalStore):
    """The power goes whenever a link of the chain is to be written."""

    def put(self, key: str, content: bytes | Path, *, sha256: str, **kept: Any) -> Stored:
        if "/chain/" in key:
            raise PowerCutError
        return super().put(key, content, sha256=sha256)


class UnnotedStore(LocalStore):
    """The power goes whenever a link of the chain was written."""

    def put(self, key: str, content: bytes | Path, *, sha256: str, **kept: Any) -> Stored:
        stored = super().put(key, content, sha256=sha256)
        if "/chain/" in key:
            raise PowerCutError
        return stored


@pytest.mark.parametrize("changed", [False, True])
def test_a_report_that_no_link_vouches_for_is_taken_up_again(everything: Any, around: Any, *, changed: bool) -> None:
    run = around(Kind.TWO_RECORDINGS)
    workspace = everything.workspace()
    batch_ids = everything.begin(workspace, run)
    if not changed:
        everything.work(workspace, batch_ids)
    with pytest.raises(PowerCutError):
        reconcile(dataclasses.replace(workspace, store=UnlinkedStore(everything.archive)), run)
    (left,) = everything.archive.glob("emea_rates/reports/*/*/*/*.json")
    if changed:
        everything.work(workspace, batch_ids)
    everything.run(around(Kind.LATE_MEDIA))  # the whole policy stands otherwise by now, and the chain has a head
    again = everything.archive / reconcile(workspace, run).report
    assert (again == left) is not changed, "equal facts make one report"
    assert {str(path.relative_to(everything.archive)) for path in (left, again)} <= set(members(everything))
    everything.verified()


@pytest.mark.parametrize("mine_first", [True, False])
def test_a_link_that_only_the_archive_knows_is_followed(everything: Any, around: Any, *, mine_first: bool) -> None:
    run, other = around(Kind.TWO_RECORDINGS), around(Kind.LATE_MEDIA)
    workspace = everything.workspace()
    everything.work(workspace, everything.begin(workspace, run))
    with pytest.raises(PowerCutError):
        reconcile(dataclasses.replace(workspace, store=UnnotedStore(everything.archive)), run)
    for each in (run, other) if mine_first else (other, run):
        everything.run(each)
    links = sorted(everything.archive.glob("emea_rates/chain/*.json"))
    assert [json.loads(path.read_bytes())["run_id"] for path in links] == [run.run_id, other.run_id]
    everything.verified()


@pytest.mark.parametrize("altered", [True, False])
def test_nothing_is_appended_to_a_chain_that_was_altered(everything: Any, around: Any, *, altered: bool) -> None:
    everything.run(around(Kind.TWO_RECORDINGS))
    (link,) = everything.archive.glob("emea_rates/chain/*.json")
    content = link.read_bytes()
    link.unlink()
    if altered:
        link.write_bytes(content.replace(b'"backfill"', b'"regular"'))
        assert link.read_bytes() != content
    with pytest.raises(ArchiveConflictError, match="is not the one that was written" if altered else "is gone from"):
        everything.run(around(Kind.LATE_MEDIA))
    assert {path.name for path in link.parent.iterdir()} == ({link.name} if altered else set())


def test_however_many_calls_there_are_all_are_decided(
    everything: Any, run_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud9_archive.pipeline.apply_recording_rules.AT_ONCE", 2)
    workspace = everything.workspace()
    fetch_calls(workspace, run_of(), "cloud9_emea")
    result = apply_recording_rules(workspace, run_of())
    assert result.recorded == len(everything.truth(run_of().window).calls) > 4
