"""Holds, extensions and disposal in a bucket: by version, as the server itself tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from buckets import access_to, new_bucket
from custody_bench import POLICY, Made, SmallArchive, a_call

from cloud9_archive.domain.bag import MANIFEST, SEAL
from cloud9_archive.domain.retention import parse_retention
from cloud9_archive.domain.selection import Selection
from cloud9_archive.errors import LockNotProvenError, UnreachableError
from cloud9_archive.pipeline.archive import archive
from cloud9_archive.pipeline.custody import Order
from cloud9_archive.pipeline.dispose import dispose
from cloud9_archive.pipeline.expiry import list_expired
from cloud9_archive.pipeline.extend_retention import Extended, extend_retention
from cloud9_archive.pipeline.legal_holds import place_hold, release_hold
from cloud9_archive.storage.wrappers import Fault, FaultyStore, Operation

ANNA, BEN = Order("Anna Smith", "case 7"), Order("Ben Jones", "case 7 is closed")
InBucket = Callable[..., SmallArchive]


@pytest.fixture(params=["moto_url", pytest.param("ceph_url", marks=pytest.mark.services)])
def in_bucket(request: pytest.FixtureRequest, small: Made) -> InBucket:
    access = access_to(request.getfixturevalue(request.param))

    def make(lock: str | None = "governance", *, retention: str = "30d") -> SmallArchive:
        target = f"s3://{new_bucket(access.client())}/emea"
        said = {"target": target, "conn_id": "aws_archive", "retention": retention}
        made = small(
            said={**said, **({"lock": lock} if lock else {})}, open_archive={"aws_archive": access}.__getitem__
        )
        made.seal(a_call(1), a_call(2))
        made.now = datetime.now(UTC)
        return made

    return make


@pytest.fixture
def after_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[SmallArchive], None]:
    """Time passes, for us and for the server."""

    def pass_by(made: SmallArchive) -> None:
        made.now = datetime.now(UTC) + timedelta(days=400)
        made.workspace.store._clock = lambda: made.now  # type: ignore[attr-defined]
        monkeypatch.setattr("moto.s3.models.utcnow", lambda: made.now.replace(tzinfo=None))

    return pass_by


def held(made: SmallArchive) -> set[str]:
    """Keys of what the server tells to be under legal hold."""
    store = made.workspace.store
    return {key for key in store.keys("") if getattr(store.lock_of(key), "legal_hold", False)}


def about_bags(made: SmallArchive) -> set[str]:
    return set(made.workspace.store.keys(f"{POLICY}/bags")) - made.payload()


def test_every_file_of_what_is_held_and_of_its_bag_is_under_legal_hold(in_bucket: InBucket) -> None:
    made = in_bucket()
    place_hold(made.workspace, "case 7", Selection(calls=("call-1",)), ANNA)
    assert held(made) == made.of("call-1", "recording-1") | about_bags(made)
    assert {MANIFEST, SEAL} <= {key.rpartition("/")[2] for key in held(made)}
    place_hold(made.workspace, "case 8", Selection(recordings=("recording-1", "recording-2")), BEN)
    assert held(made) == made.payload() | about_bags(made)
    for order in (ANNA, BEN):
        assert held(made) == made.payload() | about_bags(made)
        release_hold(made.workspace, "case 7", order)
    assert held(made) == made.payload() | about_bags(made)
    for order in (ANNA, BEN):
        release_hold(made.workspace, "case 8", order)
    assert held(made) == set()
    assert made.verify().findings == ()


def test_the_files_about_a_bag_are_held_until_nothing_in_it_is(in_bucket: InBucket) -> None:
    made = in_bucket()
    for label, call in (("case 7", "call-1"), ("case 8", "call-2")):
        place_hold(made.workspace, label, Selection(calls=(call,)), ANNA)
    for order in (ANNA, BEN):
        release_hold(made.workspace, "case 7", order)
    assert held(made) == made.of("call-2", "recording-2") | about_bags(made)


def test_what_is_archived_later_is_put_under_the_hold_that_stands(in_bucket: InBucket) -> None:
    made = in_bucket()
    place_hold(made.workspace, "case 7", Selection(users=("held@firm.example",)), ANNA)
    assert held(made) == set()
    made.seal(a_call(3, login="Held@firm.example"), a_call(4))
    assert {key for key in held(made) if "/data/" in key} == made.of("call-3", "recording-3")


def test_a_hold_over_a_bag_that_is_sealed_and_cut_off_is_made_good_by_the_retry(in_bucket: InBucket) -> None:
    made = in_bucket()
    place_hold(made.workspace, "case 7", Selection(users=("held@firm.example",)), ANNA)
    _, (batch_id,) = made.listed(a_call(3, login="held@firm.example"))
    made.staged(batch_id)
    cue = Fault(Operation.KEEP, 3, UnreachableError("cue"), when="before")
    with pytest.raises(UnreachableError):
        archive(replace(made.workspace, store=FaultyStore(made.workspace.store, script=[cue])), batch_id)
    archive(made.workspace, batch_id)
    assert made.of("call-3", "recording-3") <= held(made)


@pytest.mark.parametrize("nth", [4, 9])
def test_placing_and_releasing_that_are_cut_off_are_gone_on_with(in_bucket: InBucket, nth: int) -> None:
    made = in_bucket()
    chosen = Selection(calls=("call-1",))
    cue = Fault(Operation.KEEP, nth, UnreachableError("cue"), when="after")
    broken = replace(made.workspace, store=FaultyStore(made.workspace.store, script=[cue]))
    for attempt in (broken, made.workspace):
        try:
            place_hold(attempt, "case 7", chosen, ANNA)
        except UnreachableError:
            assert attempt is broken
    assert held(made) == made.of("call-1", "recording-1") | about_bags(made)
    release_hold(made.workspace, "case 7", ANNA)
    broken = replace(made.workspace, store=FaultyStore(made.workspace.store, script=[cue]))
    with pytest.raises(UnreachableError) if nth < 8 else pytest.raises(Exception, match="no hold labelled"):
        release_hold(broken, "case 7", BEN)
        release_hold(made.workspace, "case 7", BEN)
    place_hold(made.workspace, "case 9", Selection(calls=("call-99",)), ANNA)
    assert held(made) == set(), "whoever comes next settles what is left"


def test_a_hold_that_the_server_does_not_tell_back_fails(in_bucket: InBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    made = in_bucket()
    objects = made.workspace.store._objects  # type: ignore[attr-defined]
    real = objects.client

    class Deaf:
        def __getattr__(self, name: str) -> Any:
            return (lambda **_: {}) if name == "put_object_legal_hold" else getattr(real, name)

    objects.client = Deaf()
    with pytest.raises(LockNotProvenError):
        place_hold(made.workspace, "case 7", Selection(calls=("call-1",)), ANNA)
    objects.client = real
    place_hold(made.workspace, "case 7", Selection(calls=("call-1",)), ANNA)
    assert made.of("call-1") <= held(made)


def test_an_extension_is_in_every_lock_and_read_back(in_bucket: InBucket) -> None:
    made = in_bucket()
    until = (made.now + timedelta(days=90)).replace(microsecond=0)
    before = {key: made.workspace.store.lock_of(key) for key in made.workspace.store.keys("")}
    cue = Fault(Operation.KEEP, 3, UnreachableError("cue"), when="after")
    broken = replace(made.workspace, store=FaultyStore(made.workspace.store, script=[cue]))
    with pytest.raises(UnreachableError):
        extend_retention(broken, Selection(calls=("call-1",)), ANNA, until=until, retention=None)
    done = extend_retention(made.workspace, Selection(calls=("call-1",)), ANNA, until=until, retention=None)
    assert done == Extended(0, 2, 1)
    longer = {key for key in before if made.workspace.store.lock_of(key) != before[key]}
    assert longer == made.of("call-1", "recording-1") | about_bags(made)
    assert {made.workspace.store.lock_of(key).retain_until for key in longer} == {until}  # type: ignore[union-attr]


@pytest.mark.parametrize("lock", ["governance", "compliance"])
def test_what_a_lock_keeps_is_not_listed_and_goes_when_the_lock_has_ended(
    in_bucket: InBucket, after_locks: Callable[[SmallArchive], None], lock: str, request: pytest.FixtureRequest
) -> None:
    made = in_bucket(lock)
    expiry = list_expired(made.workspace)
    assert (expiry.count, expiry.locked) == (0, 4), "what should have expired long ago was locked for a day"
    before = made.payload()
    dispose(made.workspace, ANNA, confirm=4)
    assert made.payload() == before
    if "ceph" in request.node.name:
        return  # its clock is the machine's
    after_locks(made)
    expiry = list_expired(made.workspace)
    assert (expiry.count, expiry.locked) == (4, 0)
    place_hold(made.workspace, "case 7", Selection(calls=("call-1",)), ANNA)
    assert (list_expired(made.workspace).count, list_expired(made.workspace).held) == (2, 2)
    assert dispose(made.workspace, ANNA, confirm=2).refused == {}
    assert made.payload() == made.of("call-1", "recording-1")
    assert made.verify().findings == ()


def test_a_lock_that_came_up_after_the_tombstone_is_told_and_the_disposal_finished_later(
    in_bucket: InBucket, after_locks: Callable[[SmallArchive], None], request: pytest.FixtureRequest
) -> None:
    if "ceph" in request.node.name:
        pytest.skip("its clock is the machine's")
    made = in_bucket("compliance")
    after_locks(made)
    victim = min(made.of("recording-1"))
    real = made.workspace.store

    class Locking(FaultyStore):
        def remove(self, key: str, *, sha256: str) -> bool:
            if key == victim:
                real.keep(victim, legal_hold=True)
            return real.remove(key, sha256=sha256)

    done = dispose(replace(made.workspace, store=Locking(real, script=[])), ANNA, confirm=4)
    assert (done.records, list(done.refused)) == (3, [victim])
    assert made.payload() == {victim}
    assert made.codes() == ["FILE_NOT_REMOVED"]
    assert made.verify().ok
    real.keep(victim, legal_hold=False)
    assert list_expired(made.workspace).count == 4
    assert dispose(made.workspace, ANNA, confirm=4).refused == {}
    assert (made.payload(), made.verify().findings) == (set(), ())


def test_without_locks_what_has_expired_goes_in_every_version(in_bucket: InBucket) -> None:
    made = in_bucket(None)
    place_hold(made.workspace, "case 7", Selection(calls=("call-2",)), ANNA)
    assert held(made) == set(), "the bucket is not to lock: the hold stands in the archive's documents"
    assert dispose(made.workspace, ANNA, confirm=2).records == 2
    assert made.payload() == made.of("call-2", "recording-2")
    assert list(made.workspace.store.hidden()) == []
    assert made.verify().findings == ()


@pytest.mark.parametrize("cut", [None, 3])
def test_a_recording_is_locked_for_as_long_as_the_longest_of_its_calls_asks(
    in_bucket: InBucket, cut: int | None
) -> None:
    made = in_bucket(retention="3650d")
    lock_of = made.workspace.store.lock_of
    before = {key: lock_of(key) for key in made.workspace.store.keys("")}
    later = a_call(9, day=90, recordings=["recording-1"])
    _, (batch_id,) = made.listed(later)
    made.staged(batch_id)
    if cut:
        cue = Fault(Operation.KEEP, cut, UnreachableError("cue"), when="before")
        with pytest.raises(UnreachableError):
            archive(replace(made.workspace, store=FaultyStore(made.workspace.store, script=[cue])), batch_id)
    archive(made.workspace, batch_id)
    longer = {key for key in before if lock_of(key) != before[key]}
    assert longer == made.of("recording-1") | {key for key in before if "/bags/" in key and "/data/" not in key}
    end = parse_retention("3650d").until(later.started_at)
    assert {lock_of(key).retain_until for key in longer} == {end}  # type: ignore[union-attr]
    archive(made.workspace, batch_id)
    made.seal(replace(a_call(1), button_label="amended"))
    assert {lock_of(key).retain_until for key in longer} == {end}, "nothing is shortened"  # type: ignore[union-attr]
