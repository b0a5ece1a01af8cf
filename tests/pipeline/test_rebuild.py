"""The catalog made anew from the archive alone: the same as the one that was lost, but for what the docs name."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pipeline_bench import DAY
from sqlalchemy import select

from cloud9_archive.catalog.catalog import Catalog, open_catalog
from cloud9_archive.catalog.tables import metadata
from cloud9_archive.domain.run import RunKind
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.pipeline.apply_recording_rules import apply_recording_rules
from cloud9_archive.pipeline.fetch_calls import fetch_calls
from cloud9_archive.pipeline.rebuild import Rebuilt, rebuild_catalog
from cloud9_archive.pipeline.reconcile import reconcile

MINUTE = timedelta(minutes=1)

NOT_IN_THE_ARCHIVE = {
    "alerts",
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
    "listings": {"pages", "key_expires"},
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


ROSTER = "extension_type,extension,user,mode\n" + "".join(
    f"user_agent_id,{user}@firm.example,{user},full\n" for user in ("akhan", "gmeyer", "jsmith", "lnovak", "mrossi", "pdubois")
)
SECTIONS = [
    {"name": "Rossi", "when": {"near": {"login": ["mrossi@firm.example"]}}, "then": "record", "profile": "amr_nb"}
]


@dataclass
class Lived:
    """
    A bench with a history: several runs, excluded calls, quarantine, late media, a call amended and decided on anew.

    :param kept: where the history lies once it was lived through
    """

    bench: Any
    kept: Path
    run_of: Any

    def run(self, run: Any, *, sections: Any = SECTIONS, redecide: bool = False) -> Any:
        rules = {"enabled": True, "roster": "rosters/desk.csv", "sections": sections}
        workspace = self.bench.workspace(recording_rules=rules)
        workspace = replace(workspace, settings=replace(workspace.settings, include_folder=self.bench.root / "include"))
        fetch_calls(workspace, run, "cloud9_emea")
        self.bench.work(workspace, apply_recording_rules(workspace, run, redecide=redecide).batch_ids)
        return reconcile(workspace, run)

    def begin(self) -> None:
        self.bench.cloud9.admin.upload_never(self.bench.call(Kind.LATE_MEDIA).all_links[0].recording_id)
        if self.kept.exists():
            shutil.copytree(self.kept, self.bench.root, dirs_exist_ok=True)
            self._amend()
            return
        (self.bench.root / "include" / "rosters").mkdir(parents=True)
        (self.bench.root / "include" / "rosters" / "desk.csv").write_text(ROSTER)
        for hour in (0, 8, 16):
            run_id = f"scheduled-{hour}"
            self.run(self.run_of(RunKind.SCHEDULED, start=DAY + timedelta(hours=hour), hours=8, run_id=run_id))
        self._amend()
        run = self.run_of(start=self.shared.started_at - MINUTE, hours=1 / 30, run_id="backfill")
        sections = [{"name": "all", "then": "record"}]
        self.run(run, sections=sections, redecide=True)
        shutil.copytree(self.bench.root, self.kept)

    @property
    def shared(self) -> Any:
        """A call over the line that two people share."""
        return self.bench.call(Kind.SHARED_LINE)

    def _amend(self) -> None:
        self.bench.clock.move_to(self.bench.clock.now + MINUTE)
        self.bench.amend(self.shared.call_id, stop_reason="Supervisor released")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lived") / "kept"


@pytest.fixture
def lived(bench: Any, quick_media: None, run_of: Any, kept: Path) -> Lived:
    made = Lived(bench, kept, run_of)
    made.begin()
    return made


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
        assert found or name == "run_stragglers", f"{name} was compared with nothing"
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
    assert [link["number"] for link in links] == [1, 2, 3, 4, 5, 6]
    report = json.loads((lived.bench.archive / again.report).read_bytes())
    decided = {row["call_id"]: row["decided_at"] for row in report["rows"]}
    assert max(decided.values()) == "2026-03-06T00:01:00Z", "decisions stand"
    lived.bench.verified()
