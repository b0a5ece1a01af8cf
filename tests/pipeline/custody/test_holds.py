"""Legal holds: what they mean, who may release them, and that nothing that they mean goes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from custody_bench import START, Made, SmallArchive, a_call
from pydantic import ValidationError

from cloud9_archive.domain.custody import Release
from cloud9_archive.domain.selection import Selection
from cloud9_archive.errors import CustodyError, UnreachableError
from cloud9_archive.pipeline.custody import Order
from cloud9_archive.pipeline.dispose import dispose
from cloud9_archive.pipeline.expiry import list_expired
from cloud9_archive.pipeline.legal_holds import place_hold, release_hold
from cloud9_archive.storage.wrappers import Fault, FaultyStore, Operation

ANNA, BEN = Order("Anna Smith", "case 7"), Order("Ben Jones", "case 7 is closed")
EVERYTHING = 8


@pytest.mark.parametrize(
    ("selection", "kept"),
    [
        ({"users": ("jsmith@firm.example",)}, {"1", "2", "3", "4"}),
        ({"users": ("JSmith@Firm.Example",)}, {"1", "2", "3", "4"}),
        ({"users": ("far@other.example", "nobody")}, {"1", "2", "3", "4"}),
        ({"users": ("jsmith",)}, set()),
        ({"calls": ("call-1", "call-4")}, {"1", "4"}),
        ({"recordings": ("recording-2",)}, {"2"}),
        ({"begin": START + timedelta(days=1)}, {"3", "4"}),
        ({"end": START + timedelta(minutes=2)}, {"1"}),
        ({"begin": START + timedelta(minutes=2), "end": START + timedelta(minutes=3)}, {"2"}),
        ({"users": ("jsmith@firm.example",), "calls": ("call-1", "call-9")}, {"1"}),
        ({"users": ("nobody",), "calls": ("call-1",)}, set()),
        ({"calls": ("call-1",), "recordings": ("recording-2",)}, set()),
    ],
)
def test_what_a_hold_means_stays_and_all_else_goes(
    expired: SmallArchive, selection: dict[str, object], kept: set[str]
) -> None:
    place_hold(expired.workspace, "case 7", Selection.model_validate(selection), ANNA)
    expiry = list_expired(expired.workspace)
    assert (expiry.count, expiry.held) == (EVERYTHING - 2 * len(kept), 2 * len(kept))
    dispose(expired.workspace, ANNA, confirm=expiry.count)
    assert expired.payload() == expired.of(*(f"{kind}-{number}" for number in kept for kind in ("call", "recording")))
    assert len(expired.payload()) == 3 * len(kept)
    assert expired.verify().findings == ()


def test_a_hold_by_bag_means_what_lies_in_it(expired: SmallArchive) -> None:
    bag = min(expired.payload()).split("/")[5]
    place_hold(expired.workspace, "case 7", Selection(bags=(bag,)), ANNA)
    assert {each.bag.bag_id for each in list_expired(expired.workspace).bags}.isdisjoint({bag})


def test_release_needs_two_people_whatever_their_names_look_like(expired: SmallArchive) -> None:
    chosen = Selection(calls=("call-1",))
    placed = place_hold(expired.workspace, "case 7", chosen, ANNA)
    assert place_hold(expired.workspace, " CASE  7".strip(), chosen, BEN).hold == placed.hold, "it stands already"
    assert len(expired.custody()) == 1
    with pytest.raises(CustodyError, match="no hold labelled 'case 8' stands"):
        release_hold(expired.workspace, "case 8", ANNA)
    assert release_hold(expired.workspace, "case 7", ANNA).release is None
    assert list_expired(expired.workspace).held == 2
    for same in ("Anna Smith", "anna smith", "ANNA  SMITH", "AnnaSmith", "\uff21nna Smith"):
        with pytest.raises(CustodyError, match=r"asked on 2026-04-12 that the hold 'case 7' be released, and cannot"):
            release_hold(expired.workspace, "case 7", Order(same, "again"))
    assert list_expired(expired.workspace).held == 2
    assert release_hold(expired.workspace, "Case 7", BEN).release is not None
    assert list_expired(expired.workspace).held == 0
    with pytest.raises(CustodyError, match="no hold labelled"):
        release_hold(expired.workspace, "case 7", BEN)
    assert [(who, subject) for who, subject, *_ in expired.trail("hold.placed")] == [("Anna Smith", "case 7")]
    assert [who for who, *_ in expired.trail("hold.release_requested")] == ["Anna Smith"]
    assert [who for who, *_ in expired.trail("hold.released")] == ["Ben Jones"]
    assert expired.verify().findings == ()


def test_no_release_by_one_person_can_be_written_down() -> None:
    with pytest.raises(ValidationError, match="cannot approve it"):
        Release(
            policy="p",
            at=START,
            actor="anna  smith",
            reason="r",
            label="l",
            hold="h",
            request="q",
            requested_by="Anna Smith",
        )


def test_a_record_is_held_until_the_last_of_several_holds_is_released(expired: SmallArchive) -> None:
    place_hold(expired.workspace, "case 7", Selection(calls=("call-1", "call-2")), ANNA)
    place_hold(expired.workspace, "case 8", Selection(users=("jsmith@firm.example",), calls=("call-1",)), ANNA)
    for order in (ANNA, BEN):
        release_hold(expired.workspace, "case 7", order)
    assert list_expired(expired.workspace).held == 2
    dispose(expired.workspace, ANNA, confirm=6)
    assert len(expired.of("call-1", "recording-1")) == len(expired.payload()) == 3
    for order in (BEN, ANNA):
        release_hold(expired.workspace, "case 8", order)
    assert list_expired(expired.workspace).count == 2


def test_a_hold_stands_over_what_is_archived_later(small: Made) -> None:
    made = small()
    place_hold(made.workspace, "case 7", Selection(users=("jsmith@firm.example",)), ANNA)
    made.seal(a_call(1), a_call(2, login="other@firm.example"))
    made.now = START + timedelta(days=40)
    expiry = list_expired(made.workspace)
    assert (expiry.count, expiry.held) == (2, 2)
    dispose(made.workspace, ANNA, confirm=2)
    assert made.payload() == made.of("call-1", "recording-1")
    assert len(made.payload()) == 3


def test_another_selection_under_a_label_that_stands_is_refused(expired: SmallArchive) -> None:
    place_hold(expired.workspace, "case 7", Selection(calls=("call-1",)), ANNA)
    with pytest.raises(CustodyError, match=r"a hold labelled 'case 7' stands already, over another selection; .* Anna"):
        place_hold(expired.workspace, "case 7", Selection(calls=("call-2",)), BEN)
    for order in (ANNA, BEN):
        release_hold(expired.workspace, "case 7", order)
    place_hold(expired.workspace, "case 7", Selection(calls=("call-2",)), BEN)
    assert list_expired(expired.workspace).held == 2


@pytest.mark.parametrize("words", [("", "r"), ("A\nB", "r"), ("A", ""), ("A" * 501, "r")])
def test_actors_and_reasons_that_cannot_be_read_are_refused(expired: SmallArchive, words: tuple[str, str]) -> None:
    with pytest.raises(ValidationError):
        place_hold(expired.workspace, "case 7", Selection(calls=("call-1",)), Order(*words))
    assert expired.custody() == []
    assert list_expired(expired.workspace).held == 0


@pytest.mark.parametrize("nth", [2, 3])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_hold_counts_from_when_it_was_decided_on_and_is_finished_later(
    expired: SmallArchive, nth: int, when: str
) -> None:
    chosen = Selection(calls=("call-1",))
    cue = Fault(Operation.PUT, nth, UnreachableError("cue"), when=when)  # type: ignore[arg-type]
    faulty = replace(expired.workspace, store=FaultyStore(expired.workspace.store, script=[cue]))
    with pytest.raises(UnreachableError):
        place_hold(faulty, "case 7", chosen, ANNA)
    assert list_expired(expired.workspace).held == 2
    place_hold(expired.workspace, "case 7", chosen, ANNA)
    assert len(expired.custody()) == 1
    assert expired.verify().findings == ()
    release_hold(expired.workspace, "case 7", ANNA)
    faulty = replace(expired.workspace, store=FaultyStore(expired.workspace.store, script=[cue]))
    with pytest.raises(UnreachableError):
        release_hold(faulty, "case 7", BEN)
    assert list_expired(expired.workspace).held == 2, "a release counts once a link has it"
    with pytest.raises(CustodyError):
        release_hold(expired.workspace, "case 7", BEN)
    assert expired.verify().findings == ()


def test_holds_are_documents_of_the_archive(expired: SmallArchive) -> None:
    chosen = Selection(users=("jsmith@firm.example",), begin=START, end=START + timedelta(days=1))
    state = place_hold(expired.workspace, "case 7", chosen, ANNA)
    document = json.loads(expired.workspace.store.read(state.hold.key))
    assert document["selection"] == {
        "users": ["jsmith@firm.example"],
        "from": "2026-03-03T09:00:00Z",
        "to": "2026-03-04T09:00:00Z",
        "calls": [],
        "recordings": [],
        "bags": [],
    }
    assert document["held"] == {"recordings": 2, "calls": 2}
