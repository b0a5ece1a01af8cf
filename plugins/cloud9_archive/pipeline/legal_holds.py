"""Legal holds: placed over a selection, standing also over what is archived later, released by two different people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from cloud9_archive.catalog import custody
from cloud9_archive.catalog.bag_records import (
    KeptRecord,
    bag_pages,
    records_of_bags,
)
from cloud9_archive.catalog.catalog import one_at_a_time
from cloud9_archive.catalog.custody import Entered
from cloud9_archive.catalog.events import Event
from cloud9_archive.domain.custody import HeldCounts, LegalHold, Release, ReleaseRequest
from cloud9_archive.domain.holds import HoldState, standing
from cloud9_archive.domain.selection import RecordKind, Selection, folded
from cloud9_archive.domain.words import named, shown
from cloud9_archive.errors import CustodyError
from cloud9_archive.pipeline.chain_proofs import Prover
from cloud9_archive.pipeline.custody import Order, link_name, prepare, vouch
from cloud9_archive.pipeline.hold_flags import settle_holds
from cloud9_archive.pipeline.workspace import Workspace

KINDS = (
    "legal_hold",
    "release_request",
    "release",
)


def place_hold(workspace: Workspace, label: str, selection: Selection, order: Order) -> HoldState:
    """
    What the selection means is under the hold, now and whenever more of it is archived.

    Placing the same hold again finishes what an attempt that was cut off left.

    :raises CustodyError: if a hold of this label stands over another selection
    :raises LockNotProvenError: if the archive does not tell a legal hold back; the hold stands all the same
    """
    prover, _ = prepare(workspace)
    policy = workspace.policy.policy
    vouch(workspace, prover, kinds=KINDS)
    with workspace.catalog.begin() as connection:
        known = find_hold(custody.holds(connection, policy), label)
    if known is None:
        meant = Counter(each.record.kind for each in matching(workspace, selection))
        hold = LegalHold(
            policy=policy,
            at=workspace.clock(),
            actor=order.actor,
            reason=order.reason,
            label=label,
            selection=selection,
            held=HeldCounts(recordings=meant[RecordKind.RECORDING], calls=meant[RecordKind.CALL]),
        )
        with workspace.catalog.begin() as connection:
            one_at_a_time(connection, f"custody {policy}")
            known = find_hold(custody.holds(connection, policy), label)
            if known is None:
                event = Event("hold.placed", label, after=hold.document_id)
                custody.enter(connection, [hold], chained_by=link_name([hold]), trail=[event], now=hold.at)
                known = HoldState(hold)
    if known.hold.selection != selection:
        raise CustodyError(
            f"a hold labelled {shown(label)!r} stands already, over another selection; it was placed by "
            f"{shown(known.hold.actor)} on {known.hold.at:%Y-%m-%d}",
            subject=label,
            hint="place the new one under another label: several holds may stand over the same records",
        )
    waiting = vouch(workspace, prover, kinds=KINDS)
    settle_holds(workspace, bag_pages(workspace.catalog, policy))
    _complete(workspace, waiting)
    return known


def release_hold(workspace: Workspace, label: str, order: Order) -> HoldState:
    """
    The first person's request stands, or with the second person's approval the hold is released.

    What another hold means stays held.

    :raises CustodyError: if no such hold stands, or the same person asks twice
    """
    prover, learned = prepare(workspace)
    policy = workspace.policy.policy
    finish_holds(workspace, prover, learned=learned)
    at = workspace.clock()
    with workspace.catalog.begin() as connection:
        one_at_a_time(connection, f"custody {policy}")
        states = custody.holds(connection, policy)
        state = find_hold(states, label)
        if state is None:
            raise _unknown(label, states)
        words = {"policy": policy, "at": at, "actor": order.actor, "reason": order.reason, "label": state.hold.label}
        document: ReleaseRequest | Release
        if state.request is None:
            document = ReleaseRequest(**words, hold=state.hold.document_id)
            event = Event("hold.release_requested", state.hold.label, before="standing", after=document.document_id)
        else:
            _check_second_person(state, order)
            document = Release(
                **words,
                hold=state.hold.document_id,
                request=state.request.document_id,
                requested_by=state.request.actor,
            )
            event = Event("hold.released", state.hold.label, state.hold.document_id, document.document_id)
        custody.enter(connection, [document], chained_by=link_name([document]), trail=[event], now=at)
    waiting = vouch(workspace, prover, kinds=KINDS)
    if isinstance(document, Release):
        settle_holds(workspace, bag_pages(workspace.catalog, policy, held=True))
    _complete(workspace, waiting)
    if isinstance(document, Release):
        return HoldState(state.hold, state.request, document)
    return HoldState(state.hold, document)


def finish_holds(workspace: Workspace, prover: Prover, *, learned: bool = False) -> None:
    """
    The archive's flags are as the holds that stand want them, whatever commands before this one were cut off.

    Where none was, only what is held, or in doubt, is looked at.

    :param learned: whether documents came to light that this catalog did not know
    """
    waiting = vouch(workspace, prover, kinds=KINDS)
    all_known = not learned and not waiting
    settle_holds(workspace, bag_pages(workspace.catalog, workspace.policy.policy, held=all_known))
    _complete(workspace, waiting)


def matching(workspace: Workspace, selection: Selection) -> Iterator[KeptRecord]:
    """Archived records that the selection means and that are not disposed of, by bag and path."""
    policy = workspace.policy
    for page in bag_pages(workspace.catalog, policy.policy):
        with workspace.catalog.begin() as connection:
            kept = records_of_bags(connection, policy.policy, page, retention=policy.archive.retention)
        yield from (each for each in kept if each.tombstone is None and selection.matches(each.record))


def find_hold(states: Iterable[HoldState], label: str) -> HoldState | None:
    """The hold of this label that stands; case and blanks tell no labels apart."""
    return next((s for s in states if s.release is None and folded(s.hold.label) == folded(label)), None)


def _complete(workspace: Workspace, waiting: Sequence[Entered]) -> None:
    """Everything that follows from the documents was done; until then, whoever comes next does it again."""
    with workspace.catalog.begin() as connection:
        for each in waiting:
            custody.note_completed(connection, each.document, now=workspace.clock())


def _check_second_person(state: HoldState, order: Order) -> None:
    if state.request is not None and folded(state.request.actor) == folded(order.actor):
        raise CustodyError(
            f"{shown(order.actor)} asked on {state.request.at:%Y-%m-%d} that the hold {shown(state.hold.label)!r} be "
            "released, and cannot approve it",
            subject=state.hold.label,
            hint="another person has to release it too; until then it stands",
        )


def _unknown(label: str, states: Iterable[HoldState]) -> CustodyError:
    labels = [shown(hold.label) for hold in standing(states)]
    return CustodyError(
        f"no hold labelled {shown(label)!r} stands",
        subject=label,
        hint=f"holds that stand: {named(labels, last='and')}" if labels else "no hold stands at all",
    )
