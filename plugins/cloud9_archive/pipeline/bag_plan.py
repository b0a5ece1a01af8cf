"""The final content of a bag, fixed before its first byte is written, so that every retry writes the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from cloud9_archive.catalog.batches import Batch, BatchCall, BatchRecording
from cloud9_archive.domain.accounting import CallState, MediaState, call_state
from cloud9_archive.domain.bag import BagEntry, TagFile, tag_files
from cloud9_archive.domain.call import canonical_json
from cloud9_archive.domain.run import CallRef, RecordingRef
from cloud9_archive.pipeline.bag_documents import BagPaths, StoredAs, call_document, record_document

IN_BAG = frozenset({MediaState.TRANSCODED, MediaState.QUARANTINED})


class PlannedFile(BaseModel):
    """
    A payload file: either a document with its text, or the bytes of a staged file, or of one that is encrypted.

    :param sha256: of what lies in the bag
    :param size: bytes of it
    :param staged: ``original``, or ``derivative`` for what was made from it; None for documents
    :param recording: index into the plan's recordings, for staged files
    :param envelope: name of the encrypted file among the plan's envelopes; nothing else is said of it here
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    sha256: str
    size: int
    text: str | None = None
    staged: str | None = None
    recording: int | None = None
    envelope: str | None = None


class PlannedRecording(BaseModel):
    """A recording in the bag."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    recording_id: str
    original_sha256: str | None


class PlannedCall(BaseModel):
    """A call whose document is in the bag, at the digest that it was documented at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    call_id: str
    digest: str


class BagPlan(BaseModel):
    """
    Everything that decides the bytes of a bag.

    :param bagging_date: UTC day on which the content was fixed
    :param envelopes: name of the staged folder that holds the encrypted files; None if nothing is encrypted
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bag_id: str
    policy: str
    bagging_date: date
    tags: tuple[tuple[str, str], ...]
    files: tuple[PlannedFile, ...]
    recordings: tuple[PlannedRecording, ...]
    calls: tuple[PlannedCall, ...]
    envelopes: str | None = None

    @property
    def paths(self) -> BagPaths:
        """Where everything lies in the bag."""
        return BagPaths(encrypted=self.envelopes is not None)

    @property
    def refs(self) -> list[RecordingRef]:
        """The recordings in the bag."""
        return [RecordingRef(each.source, each.recording_id) for each in self.recordings]

    def tag_files(self) -> tuple[TagFile, ...]:
        """The bag's tag files, the seal last."""
        return tag_files(
            [BagEntry(file.path, file.sha256, file.size) for file in self.files],
            bag_id=self.bag_id,
            policy=self.policy,
            bagging_date=self.bagging_date,
            tags=self.tags,
        )


class Wrapping(Protocol):
    """What becomes of each payload file before the bag's content is fixed."""

    @property
    def envelopes(self) -> str | None:
        """See :class:`BagPlan`."""

    @property
    def tags(self) -> tuple[tuple[str, str], ...]:
        """What bag-info.txt says of it."""

    def wrapped(self, file: PlannedFile, recording: BatchRecording | None) -> PlannedFile:
        """
        The file as it will lie in the bag.

        :param recording: that a staged file belongs to
        """


class AsItIs:
    """Every file lies in the bag as it is."""

    envelopes: str | None = None
    tags: tuple[tuple[str, str], ...] = ()

    def wrapped(self, file: PlannedFile, recording: BatchRecording | None) -> PlannedFile:
        """The same."""
        del recording
        return file


_AS_IT_IS = AsItIs()


def plan_bag(batch: Batch, *, policy_version: str, now: datetime, wrapping: Wrapping = _AS_IT_IS) -> BagPlan | None:
    """
    What the batch's bag holds, or None when there is nothing to archive yet.

    In the bag are the recordings that are transcoded or quarantined, and every call that one of them belongs to; and
    calls without a document whose media are missing or were archived earlier. What is still awaited stays outside.

    :param wrapping: what becomes of each file
    """
    recordings = [recording for recording in batch.recordings if recording.state in IN_BAG]
    linked = _linked(batch)
    calls = [call for call in batch.calls if _is_documented(call, linked[_ref(call)], now)]
    if not recordings and not calls:
        return None
    paths = BagPaths(encrypted=wrapping.envelopes is not None)
    files: list[PlannedFile] = []
    for number, recording in enumerate(recordings):
        files.extend(_recording_files(number, recording, batch.policy, paths=paths, wrapping=wrapping))
    for call in calls:
        document = call_document(call, linked[_ref(call)], batch.policy, batch.earlier, paths=paths)
        files.append(wrapping.wrapped(_document(paths.call(_ref(call)), document), None))
    return BagPlan(
        bag_id=batch.batch_id,
        policy=batch.policy,
        bagging_date=now.date(),
        tags=(
            ("Policy-Version", policy_version),
            ("Recordings", str(len(recordings))),
            ("Calls", str(len(calls))),
            *wrapping.tags,
        ),
        envelopes=wrapping.envelopes,
        files=tuple(sorted(files, key=lambda file: file.path)),
        recordings=tuple(
            PlannedRecording(
                source=recording.ref.source,
                recording_id=recording.ref.recording_id,
                original_sha256=recording.original_sha256,
            )
            for recording in recordings
        ),
        calls=tuple(
            PlannedCall(source=call.call.source, call_id=call.call.call_id, digest=call.digest) for call in calls
        ),
    )


def _ref(call: BatchCall) -> CallRef:
    return CallRef(call.call.source, call.call.call_id)


def _linked(batch: Batch) -> Mapping[CallRef, list[BatchRecording]]:
    """The batch's recordings of each of its calls, in their order."""
    linked: dict[CallRef, list[BatchRecording]] = {_ref(call): [] for call in batch.calls}
    for recording in batch.recordings:
        for ref in dict.fromkeys(ref for ref, _ in recording.links):
            if ref in linked:
                linked[ref].append(recording)
    return linked


def _is_documented(call: BatchCall, recordings: Sequence[BatchRecording], now: datetime) -> bool:
    linked = [recording.state for recording in recordings]
    if any(state in IN_BAG for state in linked):
        return True
    if call.archived_digest == call.digest:
        return False
    if linked:
        state = call_state(linked, documented=False, past_deadline=now >= call.deadline_at)
        return state is not CallState.AWAITING_MEDIA
    # Nothing of it is in work: its recordings stand in earlier bags, or it names none.
    return bool(call.call.recordings) or now >= call.deadline_at


def _recording_files(
    number: int, recording: BatchRecording, policy: str, *, paths: BagPaths, wrapping: Wrapping
) -> Iterator[PlannedFile]:
    stored: dict[str, StoredAs] = {}
    for file in _staged_files(number, recording, paths):
        wrapped = wrapping.wrapped(file, recording)
        if wrapping.envelopes is not None:
            stored[wrapped.path] = {"sha256": wrapped.sha256, "size": wrapped.size}
        yield wrapped
    document = record_document(recording, policy, paths=paths, stored=stored)
    yield wrapping.wrapped(_document(paths.record(recording), document), recording)


def _staged_files(number: int, recording: BatchRecording, paths: BagPaths) -> Iterator[PlannedFile]:
    if recording.original_sha256 is not None:
        yield PlannedFile(
            path=paths.original(recording),
            sha256=recording.original_sha256,
            size=recording.original_size or 0,
            staged="original",
            recording=number,
        )
    for made in recording.beside_original:
        yield PlannedFile(
            path=paths.beside(recording, made["file"]),
            sha256=made["sha256"],
            size=made["size"],
            staged="derivative",
            recording=number,
        )


def _document(path: str, document: dict[str, object]) -> PlannedFile:
    content = canonical_json(document) + b"\n"
    return PlannedFile(path=path, sha256=hashlib.sha256(content).hexdigest(), size=len(content), text=content.decode())
