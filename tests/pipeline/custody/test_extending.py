"""Retention only grows, is told in the archive, and is gone on with where it was cut off."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from custody_bench import START, SmallArchive, a_call

from cloud9_archive.domain.retention import parse_retention
from cloud9_archive.domain.selection import Selection
from cloud9_archive.errors import CustodyError, UnreachableError
from cloud9_archive.pipeline.custody import Order
from cloud9_archive.pipeline.dispose import dispose
from cloud9_archive.pipeline.expiry import list_expired
from cloud9_archive.pipeline.extend_retention import Extended, extend_retention
from cloud9_archive.storage.wrappers import Fault, FaultyStore, Operation

ANNA = Order("Anna Smith", "the regulator asks")
ONE = Selection(calls=("call-1",))
ALL = Selection(users=("jsmith@firm.example",))
FAR = START + timedelta(days=60)


def extend(archive: SmallArchive, selection: Selection = ONE, until: object = FAR, **more: object) -> Extended:
    return extend_retention(archive.workspace, selection, ANNA, until=until, retention=None, **more)  # type: ignore[arg-type]


def test_what_is_kept_longer_does_not_go_until_then(expired: SmallArchive) -> None:
    assert extend(expired) == Extended(2, 0, 0)
    assert list_expired(expired.workspace).count == 6
    dispose(expired.workspace, ANNA, confirm=6)
    assert expired.payload() == expired.of("call-1", "recording-1")
    expired.now = FAR - timedelta(seconds=1)
    assert list_expired(expired.workspace).count == 0
    expired.now = FAR
    assert list_expired(expired.workspace).count == 2
    assert expired.verify().findings == ()


def test_doing_it_again_changes_nothing(expired: SmallArchive) -> None:
    extend(expired)
    files = set(expired.workspace.store.keys())
    assert extend(expired) == Extended(0, 2, 0)
    assert set(expired.workspace.store.keys()) == files
    assert extend(expired, ALL) == Extended(6, 2, 0)


def test_a_shorter_one_is_refused_with_names_and_nothing_is_changed(expired: SmallArchive) -> None:
    extend(expired)
    files = set(expired.workspace.store.keys())
    with pytest.raises(
        CustodyError,
        match=r"2 of the records are kept longer already, until 2026-05-02T09:00:00Z: call cloud9_emea/call-1, recording",
    ):
        extend(expired, ALL, until=FAR - timedelta(seconds=1))
    assert set(expired.workspace.store.keys()) == files
    assert expired.trail("retention.extended").__len__() == 2
    with pytest.raises(CustodyError, match="kept longer already"):
        extend_retention(expired.workspace, ONE, ANNA, until=None, retention=parse_retention("31d"))
    with pytest.raises(CustodyError, match="nothing that is archived under emea_rates fits"):
        extend(expired, Selection(calls=("call-77",)))


def test_a_length_counts_from_each_calls_start(expired: SmallArchive) -> None:
    assert extend_retention(expired.workspace, ALL, ANNA, until=None, retention=parse_retention("50d")).records == 8
    trail = {
        subject.split("/")[-1].split("-")[1]: (before, after)
        for _, subject, before, after in expired.trail("retention.extended")
    }
    for number, day in [("1", 0), ("2", 0), ("3", 1), ("4", 1)]:
        start = a_call(int(number), day=day).started_at
        ends = tuple(f"{start + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}" for days in (30, 50))
        assert trail[number] == ends


def test_it_is_told_in_the_archive_with_before_and_after(expired: SmallArchive) -> None:
    extend(expired)
    (key,) = expired.custody()
    document = json.loads(expired.workspace.store.read(key))
    assert (document["kind"], document["actor"], document["until"], document["retention"]) == (
        "retention_extension",
        "Anna Smith",
        "2026-05-02T09:00:00Z",
        None,
    )
    assert [(r["kind"], r["id"], r["before"], r["after"]) for r in document["records"]] == [
        ("call", "call-1", "2026-04-02T09:01:00Z", "2026-05-02T09:00:00Z"),
        ("recording", "recording-1", "2026-04-02T09:01:00Z", "2026-05-02T09:00:00Z"),
    ]
    assert [row[0] for row in expired.trail("retention.extended")] == ["Anna Smith"] * 2


@pytest.mark.parametrize(
    ("operation", "nth"), [(Operation.PUT, 2), (Operation.PUT, 3), (Operation.KEEP, 1), (Operation.KEEP, 5)]
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_one_that_is_cut_off_is_in_force_and_is_gone_on_with(
    expired: SmallArchive, operation: Operation, nth: int, when: str
) -> None:
    cue = Fault(operation, nth, UnreachableError("cue"), when=when)  # type: ignore[arg-type]
    faulty = replace(expired.workspace, store=FaultyStore(expired.workspace.store, script=[cue]))
    with pytest.raises(UnreachableError):
        extend_retention(faulty, ONE, ANNA, until=FAR, retention=None)
    assert list_expired(expired.workspace).count == 6
    assert extend(expired) == Extended(0, 2, 1)
    assert extend(expired) == Extended(0, 2, 0)
    assert len(expired.custody()) == 1
    assert expired.verify().findings == ()
