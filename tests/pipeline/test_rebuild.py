"""The catalog made anew from the archive alone: the same as the one that was lost, but for what the docs name."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from buckets import access_to, new_bucket
from lived_archive import MINUTE, Lived
from pipeline_bench import DAY
from sqlalchemy import select

from cloud9_archive.catalog.catalog import Catalog, open_catalog
from cloud9_archive.catalog.rebuilding import refuse_half_rebuilt
from cloud9_archive.catalog.tables import metadata
from cloud9_archive.domain.bag import BagEntry, tag_files
from cloud9_archive.domain.call import canonical_json
from cloud9_archive.domain.keys import bag_folder, call_key, recording_key
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.run import RunKind
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.errors import CatalogError, ConfigurationError, UnreachableError
from cloud9_archive.pipeline.archived_documents import ReportDocument, parsed
from cloud9_archive.pipeline.day_report import put_day_report
from cloud9_archive.pipeline.rebuild import rebuild_catalog
from cloud9_archive.pipeline.rebuild_report import take_over_rows
from cloud9_archive.pipeline.rebuilt import Rebuilt
from cloud9_archive.pipeline.reconcile import reconcile
from cloud9_archive.pipeline.workspace import open_workspace
from cloud9_archive.storage.local import LocalStore
from cloud9_archive.storage.wrappers import Fault, FaultyStore, Operation

NOT_IN_THE_ARCHIVE = {
    "alerts",
    "amendments",
    "login_audio",
    "policies",
    "rate_buckets",
    "roster_extensions",
    "rosters",
    "run_stragglers",
    "unknown_logins",
}
"""Tables that stay empty."""

NOT_TOLD = {
    "batches": {"formed_at", "lease_until"},
    "calls": {"first_listed_at", "last_listed_at"},
    "decisions": {"decision_id", "replaces", "call_digest"},  # the last of calls that stand in no bag
    "findings": {"told_at"},
    "listings": {"pages", "key_expires", "covered_from", "covered_to", "first_completed_at"},
    "policy_calls": {"decision_id", "next_check_at", "attempts"},
    "recordings": {"first_listed_at"},
}
"""Columns of which the archive says nothing, or not exactly."""


def rows(catalog: Catalog) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, in the order of its key; a decision by what it says in place of its number."""
    found: dict[str, list[dict[str, Any]]] = {}
    with catalog.begin() as connection:
        for table in metadata.sorted_tables:
            found[table.name] = [dict(row._mapping) for row in connection.execute(select(table))]
    for each in found["decisions"]:
        each["recorded_for"] = json.loads(each["recorded_for"])
    ids = {each["decision_id"]: each for each in found["decisions"]}
    for each in found["policy_calls"]:
        each["decided"] = (ids[each["decision_id"]]["rule"], ids[each["decision_id"]]["decided_at"])
    shared = Counter((each["source"], each["recording_id"]) for each in found["call_recordings"])
    for each in found["media"]:
        if shared[each["source"], each["recording_id"]] > 1:
            each["deadline_at"] = "that of one of its calls"
    for each in found["decisions"]:
        each["replaced"] = ids[each["replaces"]]["decided_at"] if each["replaces"] else None
    return found


def compared(table: str, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    left_out = NOT_TOLD.get(table, set())
    return sorted(({k: v for k, v in row.items() if k not in left_out} for row in found), key=repr)


@contextmanager
def catalog_at(path: Path) -> Iterator[Catalog]:
    catalog = open_catalog(f"sqlite:///{path}")
    try:
        yield catalog
    finally:
        catalog.close()


def rebuilt(bench: Any, *, store: Any = None) -> Rebuilt:
    """The bench's catalog is put aside, and a new one made from its archive."""
    store = store or bench.workspace().store
    path = bench.root / "catalog.sqlite"
    for name in ("", "-wal", "-shm"):
        Path(f"{path}{name}").unlink(missing_ok=True)
    with catalog_at(path) as catalog:
        return rebuild_catalog(catalog, [store], who="tester", now=bench.clock())


def all_rows(bench: Any) -> dict[str, list[dict[str, Any]]]:
    with catalog_at(bench.root / "catalog.sqlite") as catalog:
        return rows(catalog)


def in_bags(found: dict[str, list[dict[str, Any]]]) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """The calls of which a bag holds the document, and their recordings."""
    calls = {(each["source"], each["call_id"]) for each in found["policy_calls"] if each["bag_id"]}
    links = found["call_recordings"]
    return calls, {(e["source"], e["recording_id"]) for e in links if (e["source"], e["call_id"]) in calls}


def test_what_is_rebuilt_is_what_was_lost(lived: Lived) -> None:
    before = all_rows(lived.bench)
    outcome = rebuilt(lived.bench)
    after = all_rows(lived.bench)
    assert outcome.findings == ()
    assert dict(outcome.calls) == {"archived": 12, "awaiting_media": 2, "excluded": 14, "quarantined": 2}
    calls, recordings = in_bags(before)
    assert 0 < len(calls) < len(before["calls"])

    told = {name: found for name, found in before.items() if name not in {"events", *NOT_IN_THE_ARCHIVE}}
    for name in ("recordings", "media"):
        told[name] = [each for each in told[name] if (each["source"], each["recording_id"]) in recordings]
    for name in ("calls", "call_recordings"):
        told[name] = [each for each in told[name] if (each["source"], each["call_id"]) in calls]
    stubs = [each for each in after["calls"] if (each["source"], each["call_id"]) not in calls]
    after["calls"] = [each for each in after["calls"] if each not in stubs]
    for name, found in told.items():
        assert compared(name, after[name]) == compared(name, found), name
        assert found or name in {"custody", "run_stragglers"}, f"{name} was compared with nothing"
    assert [name for name in NOT_IN_THE_ARCHIVE if after[name]] == []

    starts = {each["call_id"]: each["started_at"] for each in before["calls"]}
    assert {each["call_id"]: each["started_at"] for each in stubs} == {
        each: starts[each] for each in starts.keys() - {call_id for _, call_id in calls}
    }
    for each in stubs:
        document = json.loads(each["document"])
        assert (document["raw"], document["recordings"]) == ({}, [])
    assert [each["what"] for each in after["events"]] == ["catalog.rebuild_begun", "catalog.rebuilt"]
    assert {each["who"] for each in after["events"]} == {"tester"}


def test_runs_go_on_after_a_rebuild_and_archive_nothing_twice(lived: Lived, run_of: Any, clock: Any) -> None:
    rebuilt(lived.bench)
    (first,) = lived.bench.archive.glob("emea_rates/reports/**/day~*.json")
    told = put_day_report(lived.bench.workspace(), DAY.date())
    knew, knows = (json.loads(path.read_bytes()) for path in (first, lived.bench.archive / told.report))
    differs = {name for name in knew if knew[name] != knows[name]}
    assert differs == {"chain_head", "facts_sha256", "recordings", "report_number", "whole_policy"}
    awaited = {"awaiting_media": 0, "wanted": knew["recordings"]["wanted"] - 2}
    assert knows["recordings"] == knew["recordings"] | awaited, (
        "which audio is awaited is known again once it is listed"
    )
    late = lived.bench.call(Kind.LATE_MEDIA).all_links[0].recording_id
    lived.bench.cloud9.admin.upload_now(late)
    clock.move_to(clock.now + MINUTE)
    quiet = clock.now.replace(hour=0, minute=0, second=1, microsecond=0)
    bags = lived.bench.bags()
    states = lived.bench.recording_states()
    lived.run(run_of(RunKind.SCHEDULED, start=quiet, hours=1 / 60, run_id="later"))
    assert lived.bench.recording_states() == {**states, late: ["archived"]}, "what was awaited is not forgotten"
    (document,) = [
        json.loads(path.read_bytes())
        for bag in lived.bench.bags()
        if bag not in bags
        for path in bag.glob("data/calls/*.json")
    ]
    assert document["call"]["raw"], "it is documented as the source reports it, not by what a report says of it"
    assert document["decision"]["recorded_for"]

    bags = lived.bench.bags()
    again = lived.run(run_of(start=DAY, hours=24, run_id="again"))
    assert lived.bench.bags() == bags
    assert again.calls.excluded == 14
    assert again.calls.unaccounted == 0
    links = [json.loads(path.read_bytes()) for path in sorted(lived.bench.archive.glob("emea_rates/chain/*.json"))]
    assert [link["number"] for link in links] == [1, 2, 3, 4, 5, 6, 7, 8]
    report = json.loads((lived.bench.archive / again.report).read_bytes())
    decided = {row["call_id"]: row["decided_at"] for row in report["rows"]}
    assert max(decided.values()) == "2026-03-06T00:01:00Z", "decisions stand"
    lived.bench.verified()


def test_a_rebuild_that_is_cut_off_anywhere_goes_on_and_no_run_uses_it_meanwhile(lived: Lived) -> None:
    bench = lived.bench
    store = bench.workspace().store
    rebuilt(bench)
    whole = all_rows(bench)
    path = bench.root / "catalog.sqlite"
    for name in ("", "-wal", "-shm"):
        Path(f"{path}{name}").unlink(missing_ok=True)
    with catalog_at(path) as catalog:
        outcome, cuts = None, 0
        for nth in range(3, 100, 4):
            cut = FaultyStore(store, script=[Fault(Operation.READ, nth, UnreachableError("cut off"))])
            try:
                outcome = rebuild_catalog(catalog, [cut], who="tester", now=bench.clock())
            except UnreachableError:
                cuts += 1
            else:
                break
            with pytest.raises(CatalogError, match="is being rebuilt"):
                bench.workspace()
            with pytest.raises(CatalogError, match="half rebuilt from"):
                rebuild_catalog(catalog, [store, store], who="tester", now=bench.clock())
        assert cuts > 3
        assert outcome is not None
        assert outcome.resumed
    for name, found in all_rows(bench).items():
        if name != "events":
            assert compared(name, found) == compared(name, whole[name]), name
    bench.workspace()


def test_only_an_empty_catalog_is_rebuilt_and_only_from_an_archive(lived: Lived, tmp_path: Path) -> None:
    bench = lived.bench
    with (
        catalog_at(bench.root / "catalog.sqlite") as catalog,
        pytest.raises(CatalogError, match="not empty: there are rows in bag_records, bags, batches"),
    ):
        rebuild_catalog(catalog, [bench.workspace().store], who="tester", now=bench.clock())
    with catalog_at(tmp_path / "new.sqlite") as catalog:
        with pytest.raises(ConfigurationError, match="holds no policy"):
            rebuild_catalog(catalog, [LocalStore(tmp_path / "nowhere")], who="tester", now=bench.clock())
        refuse_half_rebuilt(catalog)


def alter(path: Path, change: Any) -> None:
    content = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(change(content))


def test_what_contradicts_seals_and_chain_is_told_and_not_taken_over(lived: Lived) -> None:
    archive: Path = lived.bench.archive
    before = all_rows(lived.bench)
    first, second, third, *rest = lived.bench.bags()
    call = min(first.glob("data/calls/*.json"))
    alter(call, lambda content: content.replace(b'"rule":"', b'"rule":"x'))
    record = min(first.glob("data/recordings/*/record.json"))
    (original,) = record.parent.glob("original.*")
    original.unlink()
    alter(second / "tagmanifest-sha256.txt", lambda content: content.replace(b"  bagit", b"   bagit"))
    report = archive / "emea_rates/reports/2026/03/03/scheduled-0.json"
    alter(report, lambda content: content.replace(b'"excluded": 2', b'"excluded": 1'))
    (third / "manifest-sha256.txt").unlink()

    outcome = rebuilt(lived.bench)
    place = {path: str(path.relative_to(archive)) for path in (first, second, third, call, original, report)}
    assert {(finding.code, finding.subject) for finding in outcome.findings} == {
        ("FILE_ALTERED", place[call]),
        ("FILE_MISSING", place[original]),
        ("CHAIN_MEMBER_ALTERED", f"{place[second]}/tagmanifest-sha256.txt"),
        ("CHAIN_MEMBER_ALTERED", place[report]),
        ("FILE_MISSING", f"{place[third]}/manifest-sha256.txt"),
    }
    after = all_rows(lived.bench)
    assert {each["run_id"] for each in after["runs"]} == {"scheduled-8", "scheduled-16", "backfill"}
    assert {each["bag_id"] for each in after["bags"]} == {first.name, *(bag.name for bag in rest)}
    bags = {each["bag_id"] for each in after["bags"]}
    held = {each["recording_id"] for each in after["media"] if each["bag_id"]}
    lost = json.loads(record.read_bytes())["recording_id"]
    assert held == {e["recording_id"] for e in before["media"] if e["bag_id"] in bags} - {lost}
    changed = json.loads(call.read_bytes())["call"]["call_id"]
    (mine,) = [each for each in after["policy_calls"] if each["call_id"] == changed]
    assert (mine["bag_id"], mine["state"]) == (None, "awaiting_media")
    assert mine["decided"][0] in {each["rule"] for each in before["decisions"]}


def sealed(store: Any, bag_id: str, documents: dict[str, Any]) -> str:
    """A bag that somebody sealed by the rules, with these documents; its folder."""
    folder = bag_folder("emea_rates", day=DAY.date(), bag_id=bag_id)
    texts = {path: canonical_json(document) + b"\n" for path, document in documents.items()}
    entries = [BagEntry(path, hashlib.sha256(text).hexdigest(), len(text)) for path, text in texts.items()]
    texts |= {
        tag.path: tag.content for tag in tag_files(entries, bag_id=bag_id, policy="emea_rates", bagging_date=DAY.date())
    }
    for path, text in texts.items():
        store.put(f"{folder}/{path}", text, sha256=hashlib.sha256(text).hexdigest())
    return folder


def test_documents_that_contradict_each_other_are_told_though_they_are_sealed(lived: Lived) -> None:
    store = lived.bench.workspace().store
    bag = lived.bench.bags()[0]
    call = json.loads(min(bag.glob("data/calls/*.json")).read_bytes())
    record = json.loads(min(bag.glob("data/recordings/*/record.json")).read_bytes())
    key = f"data/recordings/{recording_key(record['source'], record['recording_id'])}/record.json"
    bare = {**record, "state": "quarantined", "original": None, "derivatives": [], "waveform": None}
    path = f"data/calls/{call_key(call['call']['source'], call['call']['call_id'])}.json"
    folders = {
        "one": sealed(store, "one", {key: bare}),
        "two": sealed(store, "two", {"data/calls/other-name.json": call}),
        "three": sealed(store, "three", {path: {**call, "call_sha256": "0" * 64}}),
        "four": sealed(store, "four", {path: {**call, "policy": "emea_other"}}),
        "five": sealed(store, "five", {path: {**call, "decision": "none"}}),
    }
    words = {(finding.code, finding.subject): finding.words for finding in rebuilt(lived.bench).findings}
    assert {code for code, _ in words} == {"BAG_NOT_CHAINED", "DOCUMENT_CONTRADICTED"}
    assert f"stands in the bag {bag.name} too" in words["DOCUMENT_CONTRADICTED", f"{folders['one']}/{key}"]
    assert "another name" in words["DOCUMENT_CONTRADICTED", f"{folders['two']}/data/calls/other-name.json"]
    assert "has the digest" in words["DOCUMENT_CONTRADICTED", f"{folders['three']}/{path}"]
    assert "of the policy emea_other" in words["DOCUMENT_CONTRADICTED", f"{folders['four']}/{path}"]
    assert "decision: " in words["DOCUMENT_CONTRADICTED", f"{folders['five']}/{path}"]
    assert len(words) == 10
    assert lived.bench.workspace().store.exists(folders["one"])


def test_a_bag_that_no_link_covers_is_taken_over_and_covered_by_the_next_run(everything: Any, run_of: Any) -> None:
    workspace = everything.workspace()
    run = run_of(start=everything.call(Kind.TWO_RECORDINGS).started_at, hours=1 / 3600)
    everything.work(workspace, everything.begin(workspace, run))
    outcome = rebuilt(everything)
    assert [finding.code for finding in outcome.findings] == ["BAG_NOT_CHAINED"]
    states = everything.recording_states()
    everything.run(run_of(start=run.window.start, hours=1 / 3600, run_id="next"))
    assert everything.recording_states() == states
    everything.verified()


@pytest.mark.parametrize("place", ["moto_url"])
def test_a_bucket_gives_its_version_ids_back(
    everything: Any, run_of: Any, request: pytest.FixtureRequest, place: str
) -> None:
    access = access_to(request.getfixturevalue(place))
    said = {
        "target": f"s3://{new_bucket(access.client())}/emea",
        "conn_id": "aws",
        "retention": "7y",
        "lock": "governance",
    }
    policy = Policy.model_validate({**everything.policy, "archive": said})
    opened = open_workspace(
        policy,
        everything.settings,
        open_source=everything.open_source,
        clock=everything.clock,
        open_archive={"aws": access}.__getitem__,
    )
    run = run_of(start=everything.call(Kind.SHARED_LINE).started_at, hours=0.01)
    with opened as workspace:
        everything.work(workspace, everything.begin(workspace, run))
        first = reconcile(workspace, run)
        store = workspace.store
    before = all_rows(everything)
    assert rebuilt(everything, store=store).findings == ()
    after = all_rows(everything)
    versions = [each for each in before["events"] if each["what"] == "bag.versions"]
    assert [each["after"] for each in after["events"] if each["what"] == "bag.versions"] == [versions[0]["after"]]
    for name in ("bags", "chain", "media", "policy_calls", "runs"):
        assert compared(name, after[name]) == compared(name, before[name])
        assert after[name]
    with open_workspace(
        policy,
        everything.settings,
        open_source=everything.open_source,
        clock=everything.clock,
        open_archive={"aws": access}.__getitem__,
    ) as workspace:
        everything.work(workspace, everything.begin(workspace, run))
        assert reconcile(workspace, run).chain_head == first.chain_head, "equal facts need no further report"


def test_what_was_found_before_a_rebuild_was_cut_off_is_not_forgotten(lived: Lived) -> None:
    bench = lived.bench
    report = bench.archive / "emea_rates/reports/2026/03/03/scheduled-0.json"
    alter(report, lambda content: content + b" ")
    store = bench.workspace().store
    cut = FaultyStore(store, script=[Fault(Operation.READ, 12, UnreachableError("cut off"))])
    path = bench.root / "new.sqlite"
    with catalog_at(path) as catalog:
        with pytest.raises(UnreachableError):
            rebuild_catalog(catalog, [cut], who="tester", now=bench.clock())
        with catalog.begin() as connection:
            assert connection.execute(select(metadata.tables["chain"])).all(), "the first link is passed over now"
        outcome = rebuild_catalog(catalog, [store], who="tester", now=bench.clock())
    assert [(finding.code, finding.subject) for finding in outcome.findings] == [
        ("CHAIN_MEMBER_ALTERED", str(report.relative_to(bench.archive)))
    ]


def test_what_a_straggler_healed_stays_healed(everything: Any, run_of: Any, clock: Any) -> None:
    call = everything.call(Kind.MEDIA_NEVER)
    recording = call.all_links[0].recording_id
    everything.run(run_of(RunKind.SCHEDULED, start=call.started_at, hours=1 / 3600, run_id="first"))
    for number in (1, 2):
        clock.move_to(clock.now + timedelta(days=5))
        everything.run(run_of(RunKind.SCHEDULED, start=clock.now - MINUTE, hours=1 / 3600, run_id=f"later-{number}"))
        if number == 1:
            assert everything.findings("MEDIA_MISSING") == {f"cloud9_emea/{recording}"}
            everything.cloud9.admin.upload_now(recording)
    assert everything.findings("MEDIA_MISSING") == set()
    before = all_rows(everything)["findings"]
    assert rebuilt(everything).findings == ()
    assert compared("findings", all_rows(everything)["findings"]) == compared("findings", before)
    assert any(each["code"] == "MEDIA_MISSING" for each in before)


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, "accounted"),
        ({"calls": {"listed": 2, "archived": 1}}, "gap"),
        ({"findings": [{"code": "SOURCE_NOT_LISTED", "subject": "s", "words": "it was not"}]}, "gap"),
    ],
)
def test_a_run_that_did_not_add_up_is_known_as_such(tmp_path: Path, change: dict[str, Any], state: str) -> None:
    moments = {"window_start": "2026-03-03T00:00:00Z", "window_end": "2026-03-03T01:00:00Z"}
    told = {"format": "1", "policy": "p", "policy_version": "0" * 64, "run_id": "r", "kind": "scheduled", **moments}
    sums = {"sources": [], "calls": {}, "recordings": {}, "bags": [], "findings": [], "rows": []}
    content = json.dumps({**told, **sums, "facts_sha256": "0" * 64, "report_number": 1, **change})
    report = parsed(ReportDocument, content.encode())
    with catalog_at(tmp_path / "catalog.sqlite") as catalog:
        take_over_rows(catalog, report, key="k", at=DAY, deadline=MINUTE)
        assert [each["state"] for each in rows(catalog)["runs"]] == [state]
