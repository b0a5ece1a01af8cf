"""Whatever is archived, held, released, extended, disposed of and cut off, in any order: nothing held or retained is lost."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from custody_bench import SOURCE, START, SmallArchive, a_call
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cloud9_archive.domain.custody import LegalHold, RetentionExtension, Tombstone, parse_custody
from cloud9_archive.domain.keys import call_key, recording_key
from cloud9_archive.domain.retention import parse_retention
from cloud9_archive.domain.selection import Selection
from cloud9_archive.errors import CustodyError, UnreachableError
from cloud9_archive.pipeline.custody import Order
from cloud9_archive.pipeline.dispose import dispose
from cloud9_archive.pipeline.expiry import list_expired
from cloud9_archive.pipeline.extend_retention import extend_retention
from cloud9_archive.pipeline.legal_holds import place_hold, release_hold
from cloud9_archive.storage.wrappers import Fault, FaultyStore, Operation

LOGINS = ("jsmith@firm.example", "mmiller@firm.example")
LABELS = ("case 7", "case 8")
NUMBERS = st.integers(1, 6)
PEOPLE = st.sampled_from(["Anna", "anna", "Ben"])
CUTS = st.sampled_from([None, None, None, (Operation.PUT, 2), (Operation.PUT, 3), (Operation.REMOVE, 2)])


class Custody(RuleBasedStateMachine):
    """The model: which calls are archived, until when each is kept, and which holds mean it."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(mkdtemp(prefix="custody-machine-"))
        self.small = SmallArchive(self.folder / "small")
        self.ends: dict[int, datetime] = {}
        self.holds: dict[str, tuple[Selection, str | None]] = {}
        self.gone: set[int] = set()

    def teardown(self) -> None:
        if hasattr(self, "small"):
            self.small.stack.close()
            shutil.rmtree(self.folder)

    def workspace(self, cut: tuple[Operation, int] | None) -> Any:
        if cut is None:
            return self.small.workspace
        fault = Fault(*cut, UnreachableError("cue"), when="after")
        return replace(self.small.workspace, store=FaultyStore(self.small.workspace.store, script=[fault]))

    def call(self, number: int) -> Any:
        return a_call(number, day=number, login=LOGINS[number % 2])

    def means(self, selection: Selection, number: int) -> bool:
        """By the words of the page, and not by the code."""
        call = self.call(number)
        return (
            (not selection.users or LOGINS[number % 2] in selection.users)
            and (not selection.calls or call.call_id in selection.calls)
            and (selection.begin is None or call.started_at >= selection.begin)
        )

    def held(self, number: int) -> bool:
        return any(self.means(selection, number) for selection, _ in self.holds.values())

    @rule(number=NUMBERS)
    def archive(self, number: int) -> None:
        if number in self.ends:
            outcome, fetched = self.small.list_again(self.call(number))
            assert (fetched, outcome.calls.unaccounted) == (0, 0)
            assert outcome.calls.disposed == (number in self.gone)
            return
        self.small.seal(self.call(number))
        self.ends[number] = parse_retention("30d").until(self.call(number).started_at)

    @rule(
        label=st.sampled_from(LABELS),
        selection=st.sampled_from(
            [
                Selection(users=LOGINS[:1]),
                Selection(calls=("call-1", "call-4")),
                Selection(begin=START + timedelta(days=4)),
                Selection(users=LOGINS[1:], begin=START + timedelta(days=2)),
            ]
        ),
        cut=CUTS,
    )
    def place(self, label: str, selection: Selection, cut: tuple[Operation, int] | None) -> None:
        order = Order("Anna", "case")
        if label in self.holds and self.holds[label][0] != selection:
            with pytest.raises(CustodyError):
                place_hold(self.small.workspace, label, selection, order)
            return
        with suppress(UnreachableError):
            place_hold(self.workspace(cut), label, selection, order)
        self.holds.setdefault(label, (selection, None))

    @rule(label=st.sampled_from(LABELS), person=PEOPLE, cut=CUTS)
    def release(self, label: str, person: str, cut: tuple[Operation, int] | None) -> None:
        order = Order(person, "closed")
        selection, asked_by = self.holds.get(label, (None, None))
        if selection is None or (asked_by is not None and asked_by.lower() == person.lower()):
            with pytest.raises(CustodyError):
                release_hold(self.small.workspace, label, order)
            return
        with suppress(UnreachableError):
            release_hold(self.workspace(cut), label, order)
        place_hold(self.small.workspace, "finishes what was cut off", Selection(calls=("none",)), order)
        if asked_by is None:
            self.holds[label] = (selection, person)
        else:
            del self.holds[label]

    @rule(number=NUMBERS, days=st.sampled_from([10, 45, 60]), cut=CUTS)
    def extend(self, number: int, days: int, cut: tuple[Operation, int] | None) -> None:
        until = START + timedelta(days=days)
        chosen, order = Selection(calls=(f"call-{number}",)), Order("Anna", "longer")
        if number not in self.ends or number in self.gone or until < self.ends[number]:
            with pytest.raises(CustodyError):
                extend_retention(self.small.workspace, chosen, order, until=until, retention=None)
            return
        with suppress(UnreachableError):
            extend_retention(self.workspace(cut), chosen, order, until=until, retention=None)
        self.ends[number] = max(until, self.ends[number])

    @rule(cut=CUTS, off_by=st.sampled_from([0, 0, 0, 1]))
    def dispose(self, cut: tuple[Operation, int] | None, off_by: int) -> None:
        expired = {
            number
            for number, end in self.ends.items()
            if end <= self.small.now and not self.held(number) and number not in self.gone
        }
        expiry = list_expired(self.small.workspace)
        assert expiry.count == 2 * len(expired)
        if off_by and expired:
            with pytest.raises(CustodyError):
                dispose(self.small.workspace, Order("Anna", "expired"), confirm=expiry.count + off_by)
            return
        try:
            dispose(self.workspace(cut), Order("Anna", "expired"), confirm=expiry.count)
        except UnreachableError:
            dispose(self.small.workspace, Order("Ben", "goes on"), confirm=expiry.count)
        self.gone |= expired

    @rule(days=st.sampled_from([1, 15]))
    def wait(self, days: int) -> None:
        self.small.now += timedelta(days=days)

    @invariant()
    def nothing_is_lost_and_everything_is_accounted_for(self) -> None:
        if not hasattr(self, "small"):
            return
        there = self.small.payload()
        for number in self.ends:
            keys = (f"/{recording_key(SOURCE, f'recording-{number}')}/", f"/{call_key(SOURCE, f'call-{number}')}.json")
            files = {key for key in there if any(name in key for name in keys)}
            assert len(files) == (0 if number in self.gone else 3), number

    @rule()
    def verify(self) -> None:
        place_hold(self.small.workspace, "finishes what was cut off", Selection(calls=("none",)), Order("Anna", "x"))
        with suppress(CustodyError):
            extend_retention(
                self.small.workspace, Selection(calls=("none",)), Order("A", "x"), until=START, retention=None
            )
        report = self.small.verify()
        assert report.findings == (), [finding.line() for finding in report.findings]
        assert report.disposed == 3 * len(self.gone)
        documents = [parse_custody(self.small.workspace.store.read(key)) for key in self.small.custody()]
        for stone in (each for each in documents if isinstance(each, Tombstone)):
            for record in stone.records:
                assert record.retain_until <= stone.at
        told: dict[tuple[str, str], datetime] = {}
        for each in sorted((d for d in documents if isinstance(d, RetentionExtension)), key=lambda d: d.at):
            for longer in each.records:
                place = (longer.bag, longer.path)
                assert longer.after >= told.get(place, longer.after)
                told[place] = longer.after
        assert {d.label for d in documents if isinstance(d, LegalHold)} >= set(self.holds)


Custody.TestCase.settings = settings(
    max_examples=6,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestCustody = Custody.TestCase
