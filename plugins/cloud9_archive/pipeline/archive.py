"""Fifth step: the batch's bag is sealed in the archive, read back, and only then forgotten in staging."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import structlog

from cloud9_archive.catalog.batches import Batch, read_batch
from cloud9_archive.catalog.media import want_again
from cloud9_archive.catalog.sealing import SealedBag, dissolve_batch, finish_batch, fix_plan
from cloud9_archive.domain.accounting import BatchState, MediaState
from cloud9_archive.domain.bag import TagFile
from cloud9_archive.domain.keys import bag_folder
from cloud9_archive.domain.run import CallRef, RecordingRef
from cloud9_archive.domain.words import shown
from cloud9_archive.errors import StagingLostError
from cloud9_archive.pipeline.attempts import unless_sealed
from cloud9_archive.pipeline.bag_plan import IN_BAG, AsItIs, BagPlan, PlannedFile, Wrapping, plan_bag
from cloud9_archive.pipeline.bag_retention import BagRetention, records_of
from cloud9_archive.pipeline.encrypting import Encrypting
from cloud9_archive.pipeline.hold_flags import hold_bag
from cloud9_archive.pipeline.longer_locks import lock_shared
from cloud9_archive.pipeline.workspace import Workspace
from cloud9_archive.storage.store import Put, Stored, in_parallel, require_read_back

log = structlog.get_logger(__name__)

NOT_READY = frozenset({MediaState.WANTED, MediaState.FETCHED})


@dataclass(frozen=True, slots=True)
class ArchivedBatch:
    """
    The bag of a batch; without one there was nothing to archive yet.

    :param created: files that this attempt wrote; the others stood there already
    :param size: bytes of the whole bag
    """

    batch_id: str
    bag: str | None = None
    recordings: int = 0
    calls: int = 0
    files: int = 0
    created: int = 0
    size: int = 0


def archive(workspace: Workspace, batch_id: str) -> ArchivedBatch:
    """
    The batch's bag is sealed and verified, its recordings are archived, and their staged files are gone.

    When staged bytes turn out to be lost, what they were is fetched again; a bag that was begun stays without a seal,
    and a later batch holds its recordings.

    :raises StagingLostError: if recordings of the batch are not ready to be archived, or staged bytes are lost
    :raises ArchiveConflictError: if other bytes stand where the bag goes; nothing is overwritten
    :raises LockNotProvenError: if a legal hold stands over what was archived, or it keeps a shared recording longer, and
        the archive does not tell that back
    """
    batch = read_batch(
        workspace.catalog,
        batch_id,
        lease=workspace.settings.claim_lease,
        now=workspace.clock(),
        retention=workspace.policy.archive.retention,
    )
    archived = ArchivedBatch(batch_id)
    if batch.state in (BatchState.OPEN, BatchState.SEALING):
        with unless_sealed(workspace, batch):
            archived = _archived(workspace, batch)
    # Also when the batch was sealed before: an attempt may have been cut off just there.
    hold_bag(workspace, batch_id)
    lock_shared(workspace, batch_id)
    return archived


def _archived(workspace: Workspace, batch: Batch) -> ArchivedBatch:
    plan = _fixed_plan(workspace, batch)
    if plan is not None and plan.envelopes is not None:
        # Only what is encrypted goes into the bag from here on.
        workspace.staging.drop_media(batch.policy, plan.refs)
    if plan is None:
        finish_batch(workspace.catalog, batch, None, held=(), documented={}, now=workspace.clock())
        log.info("batch has nothing to archive yet", batch=batch.batch_id)
        return ArchivedBatch(batch.batch_id)
    try:
        bag, stored = _seal(workspace, batch, plan)
    except StagingLostError as error:
        told = _give_up(workspace, batch, error)
        if told is error:
            raise
        raise told from error
    documented = {CallRef(call.source, call.call_id): call.digest for call in plan.calls}
    created = sum(file.created for file in stored)
    finish_batch(
        workspace.catalog,
        batch,
        bag,
        held=plan.refs,
        documented=documented,
        now=workspace.clock(),
        versions={file.key: file.version_id for file in stored if file.version_id},
        records=records_of(batch, plan),
    )
    workspace.staging.drop_media(batch.policy, plan.refs)
    workspace.staging.drop_envelopes(batch.policy, batch.batch_id)
    log.info("bag sealed", batch=batch.batch_id, bag=bag.prefix, files=bag.files, created=created, size=bag.size)
    return ArchivedBatch(batch.batch_id, bag.prefix, len(plan.refs), len(documented), bag.files, created, bag.size)


def _fixed_plan(workspace: Workspace, batch: Batch) -> BagPlan | None:
    """The plan that was fixed first, by whichever attempt."""
    if batch.plan is not None:
        return BagPlan.model_validate_json(batch.plan)
    not_ready = ["/".join(recording.ref) for recording in batch.recordings if recording.state in NOT_READY]
    not_ready += _lost(workspace, batch)
    if not_ready:
        raise StagingLostError(
            f"{len(not_ready)} recordings of batch {batch.batch_id} are not ready, the first is {shown(not_ready[0])}",
            subject=batch.batch_id,
            hint="clear the batch's fetch_recordings task and those after it",
        )
    wrapping: Wrapping = AsItIs()
    if workspace.recipients:
        wrapping = Encrypting(workspace.staging, batch, workspace.recipients)
    try:
        plan = plan_bag(batch, policy_version=workspace.policy.version, now=workspace.clock(), wrapping=wrapping)
    except StagingLostError as error:
        for recording in batch.recordings:
            if "/".join(recording.ref) == error.subject:
                want_again(workspace.catalog, batch, recording, now=workspace.clock())
        workspace.staging.drop_envelopes(batch.policy, batch.batch_id, wrapping.envelopes)
        raise
    if plan is None:
        return None
    fixed = BagPlan.model_validate_json(fix_plan(workspace.catalog, batch.batch_id, plan.model_dump_json()))
    if plan.envelopes and plan.envelopes != fixed.envelopes:
        workspace.staging.drop_envelopes(batch.policy, batch.batch_id, plan.envelopes)
    return fixed


def _lost(workspace: Workspace, batch: Batch) -> list[str]:
    """Recordings whose staged files are not there or not whole; they are wanted again."""
    lost: list[str] = []
    for recording in batch.recordings:
        digest = recording.original_sha256
        if recording.state not in IN_BAG or digest is None:
            continue
        staged = [(workspace.staging.original(batch.policy, recording.ref, digest), recording.original_size)]
        staged += [
            (workspace.staging.derivative(batch.policy, recording.ref, digest, made["file"]), made["size"])
            for made in recording.beside_original
        ]
        if any(not path.is_file() or path.stat().st_size != size for path, size in staged):
            want_again(workspace.catalog, batch, recording, now=workspace.clock())
            lost.append("/".join(recording.ref))
    return lost


def _give_up(workspace: Workspace, batch: Batch, error: StagingLostError) -> StagingLostError:
    """The batch is dissolved, unless another attempt has finished it meanwhile; what to say of it."""
    if not dissolve_batch(workspace.catalog, batch, now=workspace.clock()):
        return error
    workspace.staging.drop_media(batch.policy, [recording.ref for recording in batch.recordings])
    workspace.staging.drop_envelopes(batch.policy, batch.batch_id)
    return StagingLostError(
        error.message,
        subject=error.subject,
        hint="clear the run's apply_recording_rules task and those after it, or let the next scheduled run fetch again",
    )


def _seal(workspace: Workspace, batch: Batch, plan: BagPlan) -> tuple[SealedBag, list[Stored]]:
    prefix = bag_folder(plan.policy, day=plan.bagging_date, bag_id=plan.bag_id)
    tags = plan.tag_files()
    kept = BagRetention(batch, plan.paths)
    stored = list(
        workspace.store.put_all(
            Put(f"{prefix}/{file.path}", _content(workspace, batch, plan, file), file.sha256, kept.of(file.path))
            for file in plan.files
        )
    )
    # The payload is on stable storage before a manifest lists it, and all of it is proven before the seal is put.
    stored.extend(workspace.store.put_all(_tag(prefix, tag, kept) for tag in tags[:-1]))
    _prove(workspace, stored)
    seal = workspace.store.put_all([_tag(prefix, tags[-1], kept)])
    _prove(workspace, seal)
    stored.extend(seal)
    (sealed,) = seal
    bag = SealedBag(plan.bag_id, prefix, sealed.sha256, len(stored), sum(file.size for file in stored))
    return bag, stored


def _tag(prefix: str, tag: TagFile, kept: BagRetention) -> Put:
    return Put(f"{prefix}/{tag.path}", tag.content, tag.sha256, kept.of(tag.path))


def _prove(workspace: Workspace, stored: Iterable[Stored]) -> None:
    """What stands in the archive is what was put there, read back from it by the store's put or now."""

    def read_back(file: Stored) -> None:
        require_read_back(file.key, workspace.store.digest(file.key), expected=file.sha256)

    in_parallel(read_back, [file for file in stored if not file.proven])


def _content(workspace: Workspace, batch: Batch, plan: BagPlan, file: PlannedFile) -> bytes | Path:
    if file.envelope is not None:
        return workspace.staging.envelope(batch.policy, batch.batch_id, plan.envelopes or "", file.envelope)
    if file.text is not None:
        return file.text.encode()
    recording = plan.recordings[file.recording or 0]
    ref = RecordingRef(recording.source, recording.recording_id)
    digest = recording.original_sha256 or ""
    if file.staged == "original":
        return workspace.staging.original(batch.policy, ref, digest)
    return workspace.staging.derivative(batch.policy, ref, digest, PurePosixPath(file.path).name)
