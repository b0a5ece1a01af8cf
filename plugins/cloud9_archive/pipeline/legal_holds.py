"""Legal holds: placed over a selection, standing also over what is archived later, released by two different people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby

from cloud9_archive.catalog import custody
from cloud9_archive.catalog.bag_records import (
    HoldFlag,
    KeptRecord,
    bag_pages,
    bags_by_id,
    note_flag,
    records_of_bags,
)
from cloud9_archive.catalog.catalog import one_at_a_time
from cloud9_archive.catalog.events import Event
from cloud9_archive.domain.custody import HeldCounts, LegalHold, Release, ReleaseRequest
from cloud9_archive.domain.holds import HoldState, standing
from cloud9_archive.domain.selection import ArchivedRecord, RecordKind, Selection, folded
from cloud9_archive.domain.words import named, shown
from cloud9_archive.errors import CustodyError
from cloud9_archive.pipeline.bag_survey import BagFiles, read_bag_files
from cloud9_archive.pipeline.chain_proofs import Prover
from cloud9_archive.pipeline.custody import Order, link_name, prepare, vouch
from cloud9_archive.pipeline.workspace import Workspace
from cloud9_archive.storage.store import PARALLEL

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
    _carry_out(workspace, prover)
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
    _carry_out(workspace, prover)
    settle_holds(workspace, bag_pages(workspace.catalog, policy))
    return known


def release_hold(workspace: Workspace, label: str, order: Order) -> HoldState:
    """
    The first person's request stands, or with the second person's approval the hold is released.

    What another hold means stays held.

    :raises CustodyError: if no such hold stands, or the same person asks twice
    """
    prover, learned = prepare(workspace)
    policy = workspace.policy.policy
    _carry_out(workspace, prover)
    settle_holds(workspace, bag_pages(workspace.catalog, policy, held=not learned))
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
    _carry_out(workspace, prover)
    if isinstance(document, Release):
        settle_holds(workspace, bag_pages(workspace.catalog, policy, held=True))
        return HoldState(state.hold, state.request, document)
    return HoldState(state.hold, document)


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


def is_held(record: ArchivedRecord, holds: Iterable[LegalHold]) -> bool:
    """Whether a hold means the record."""
    return any(hold.selection.matches(record) for hold in holds)


def hold_bag(workspace: Workspace, bag_id: str) -> None:
    """What a hold means of a bag that was just sealed is under legal hold."""
    with workspace.catalog.begin() as connection:
        states = custody.holds(connection, workspace.policy.policy)
    if standing(states):
        settle_holds(workspace, [[bag_id]])


def settle_holds(workspace: Workspace, pages: Iterable[Sequence[str]]) -> None:
    """
    Each record of these bags is under legal hold in the archive exactly if a hold that stands means it.

    It is looked at until there is nothing left to do: another command may have placed or released one meanwhile.

    :param pages: ids of bags, some at a time
    """
    for page in pages:
        while changes := _changes(workspace, page):
            for files, kept, wanted in changes:
                _change(workspace, files, kept, wanted)


def _changes(workspace: Workspace, page: Sequence[str]) -> list[tuple[BagFiles, list[KeptRecord], dict[str, bool]]]:
    """Bags in which something is held that is not to be, or the other way round; with all that is to be held."""
    policy = workspace.policy
    with workspace.catalog.begin() as connection:
        holds = standing(custody.holds(connection, policy.policy))
        kept = records_of_bags(connection, policy.policy, page, retention=policy.archive.retention)
        bags = bags_by_id(connection, page, chained=False)
    changes = []
    for bag_id, group in groupby((each for each in kept if each.tombstone is None), lambda each: each.record.bag_id):
        records = list(group)
        wanted = {each.record.path: is_held(each.record, holds) for each in records}
        if bag_id in bags and any(each.flag != int(wanted[each.record.path]) for each in records):
            changes.append((read_bag_files(workspace.store, bags[bag_id]), records, wanted))
    return changes


def _change(workspace: Workspace, files: BagFiles, kept: Sequence[KeptRecord], wanted: dict[str, bool]) -> None:
    bag_id = files.bag.bag_id
    place = [each.record.path for each in kept if wanted[each.record.path] and each.flag is not HoldFlag.HELD]
    lift = [each.record.path for each in kept if not wanted[each.record.path] and each.flag is not HoldFlag.FREE]
    if place:
        _keep(workspace, [*files.tag_keys, *files.keys(place)], hold=True)
        note_flag(workspace.catalog, bag_id, place, HoldFlag.HELD)
    if lift:
        # Told before: whoever places a hold while these are lifted must not take them for held.
        note_flag(workspace.catalog, bag_id, lift, HoldFlag.LIFTING)
        about_the_bag = [] if any(wanted.values()) else files.tag_keys
        _keep(workspace, [*files.keys(lift), *about_the_bag], hold=False)
        note_flag(workspace.catalog, bag_id, lift, HoldFlag.FREE)


def _keep(workspace: Workspace, keys: Sequence[str], *, hold: bool) -> None:
    with ThreadPoolExecutor(max_workers=PARALLEL, thread_name_prefix="archive-hold") as pool:
        list(pool.map(partial(workspace.store.keep, legal_hold=hold), keys))


def _carry_out(workspace: Workspace, prover: Prover) -> None:
    """What was entered is vouched for; the archive's flags are settled by the caller, and by whoever comes next."""
    for each in vouch(workspace, prover, kinds=KINDS):
        with workspace.catalog.begin() as connection:
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
