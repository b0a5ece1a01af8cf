"""What one bag of an archive says, taken over where nothing contradicts it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.restoring import ToldCall, ToldDecision
from cloud9_archive.catalog.restoring_bags import (
    HeldBag,
    HeldCall,
    HeldRecording,
    held_elsewhere,
    restore_bag,
)
from cloud9_archive.catalog.sealing import SealedBag
from cloud9_archive.domain.accounting import MediaState
from cloud9_archive.domain.call import Call
from cloud9_archive.domain.run import CallRef, RecordingRef
from cloud9_archive.domain.selection import ArchivedRecord, RecordKind
from cloud9_archive.pipeline.archived_bag import ArchivedBag, Reader, read_document
from cloud9_archive.pipeline.archived_documents import ArchivedDecision, CallDocument, RecordDocument, parsed
from cloud9_archive.pipeline.bag_documents import ENCRYPTED_ENDING
from cloud9_archive.pipeline.verify_codes import Code
from cloud9_archive.pipeline.verify_record import contradictions


@dataclass(frozen=True, slots=True)
class BagPlace:
    """
    Where a bag stands in its policy's history.

    :param run_id: of the run that sealed it
    :param versions: by key, the archive's own id of each file's version
    :param at: when the link that covers it was written
    """

    policy: str
    run_id: str
    versions: Mapping[str, str]
    at: datetime


def take_over(
    catalog: Catalog, checker: Reader, archived: ArchivedBag, place: BagPlace, *, deadline: timedelta
) -> HeldBag:
    """
    The bag is in the catalog, with those of its documents that are as they were sealed and contradict nothing.

    :param deadline: after a call's end, where nothing says from when on its absent media are missing
    """
    calls = list(_calls(checker, archived, at=place.at))
    recordings = list(_recordings(catalog, checker, archived))
    held = HeldBag(
        policy=place.policy,
        run_id=place.run_id,
        bag=SealedBag(archived.bag_id, archived.folder, archived.seal_sha256, archived.files, archived.size),
        recordings=recordings,
        calls=calls,
        versions=place.versions,
        at=place.at,
    )
    restore_bag(catalog, held, deadline=deadline)
    return held


def told_decision(decision: ArchivedDecision, *, at: datetime) -> ToldDecision:
    """
    The decision for the catalog.

    :param at: taken for the moment of the decision if that is not told
    """
    return ToldDecision(
        outcome=decision.outcome,
        rule=decision.rule,
        reason=decision.reason,
        policy_version=decision.policy_version,
        decided_at=decision.decided_at or at,
        section=decision.section,
        users=decision.users,
        recorded_for=decision.recorded_for,
        retention=decision.retention,
        profile=decision.profile,
        roster_version=decision.roster_version,
    )


def call_of(checker: Reader, archived: ArchivedBag, path: str) -> tuple[CallDocument, Call] | None:
    """A call's document and the call, or None with a finding."""
    content = read_document(checker, archived, path)
    if content is None:
        return None
    try:
        document = parsed(CallDocument, content)
        call = Call.from_document(document.call)
        digest = call.digest()
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        words = str(error) if type(error) is ValueError else type(error).__name__
        checker.found(Code.DOCUMENT_CONTRADICTED, f"{archived.folder}/{path}", f"it is no call document: {words}")
        return None
    faults = (
        (document.policy != archived.policy, f"it is of the policy {document.policy}"),
        (archived.paths.call(CallRef(call.source, call.call_id)) != path, "it is of a call with another name"),
        (digest != document.call_sha256, f"its call has the digest {digest}, it says {document.call_sha256}"),
        (not call.raw, "it lacks the row that the source reported"),
    )
    return None if _found(checker, archived, path, faults) else (document, call)


def record_of(checker: Reader, archived: ArchivedBag, path: str) -> RecordDocument | None:
    """A recording's document, or None with a finding; all that it names is there, by name and size or digest."""
    content = read_document(checker, archived, path)
    if content is None:
        return None
    beside = archived.beside(path)
    key = f"{archived.folder}/{path}"
    told = list(contradictions(content, beside, {}))
    for words in told:
        checker.found(Code.RECORD_CONTRADICTED, key, words)
    missing = sorted(set(beside) - archived.there - archived.disposed)
    for name in missing:
        checker.found(Code.FILE_MISSING, f"{archived.folder}/{name}", "its bag lists it")
    if told or missing:
        return None
    try:
        document = parsed(RecordDocument, content)
    except ValueError as error:
        checker.found(Code.DOCUMENT_CONTRADICTED, key, f"it is no record: {error}")
        return None
    place = archived.paths.folder(RecordingRef(document.source, document.recording_id))
    faults = (
        (document.policy != archived.policy, f"it is of the policy {document.policy}"),
        (place != path.rpartition("/")[0], "it is of a recording with another name"),
    )
    return None if _found(checker, archived, path, faults) else document


def _calls(checker: Reader, archived: ArchivedBag, *, at: datetime) -> Iterator[HeldCall]:
    for path in archived.calls():
        found = call_of(checker, archived, path)
        if found is None:
            continue
        document, call = found
        absent = {
            RecordingRef(call.source, each.recording_id): MediaState(each.state)
            for each in document.recordings
            if each.state in (MediaState.AWAITING_MEDIA, MediaState.MISSING)
        }
        record = ArchivedRecord(
            archived.bag_id, path, RecordKind.CALL, call.source, call.call_id, document.retain_until
        )
        yield HeldCall(ToldCall(call, told_decision(document.decision, at=at)), absent, record)


def _recordings(catalog: Catalog, checker: Reader, archived: ArchivedBag) -> Iterator[HeldRecording]:
    documents = {path: record_of(checker, archived, path) for path in archived.records()}
    refs = {path: RecordingRef(each.source, each.recording_id) for path, each in documents.items() if each}
    elsewhere = held_elsewhere(catalog, archived.policy, refs.values())
    for path, document in documents.items():
        if document is None:
            continue
        ref = refs[path]
        if ref in elsewhere:
            words = f"its recording stands in the bag {elsewhere[ref]} too"
            checker.found(Code.DOCUMENT_CONTRADICTED, f"{archived.folder}/{path}", words)
            continue
        yield HeldRecording(
            ref=ref,
            state=MediaState(document.state),
            duration=document.reported_duration,
            filename=document.reported_filename,
            told=_columns(document),
            record=ArchivedRecord(
                archived.bag_id, path.rpartition("/")[0], RecordKind.RECORDING, *ref, document.retain_until
            ),
        )


def _columns(document: RecordDocument) -> dict[str, Any]:
    """What the catalog keeps of a recording; empty lists are nothing, as they were before the bag was made."""
    original, failure = document.original, document.failure
    return {
        "original_sha256": original.sha256 if original else None,
        "original_size": original.size if original else None,
        "fetched_at": original.fetched_at if original else None,
        "examination": _text(document.examination),
        "derivatives": _text([_beside(each) for each in document.derivatives]),
        "failed_derivatives": _text(list(document.failed_derivatives)),
        "waveform": _text(_beside(document.waveform) if document.waveform else None),
        "failure_code": failure.code if failure else None,
        "failure_reason": failure.reason if failure else None,
    }


def _beside(made: Mapping[str, Any]) -> dict[str, Any]:
    """As it was staged: by the name of its file, which the bag's folder was put before."""
    known = {name: value for name, value in made.items() if name != "encrypted"}
    return {"file": str(known.pop("path")).rpartition("/")[2].removesuffix(ENCRYPTED_ENDING), **known}


def _text(value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    return json.dumps(value, sort_keys=True) if value else None


def _found(checker: Reader, archived: ArchivedBag, path: str, faults: tuple[tuple[bool, str], ...]) -> bool:
    for wrong, words in faults:
        if wrong:
            checker.found(Code.DOCUMENT_CONTRADICTED, f"{archived.folder}/{path}", words)
            return True
    return False


def refs_of(held: HeldBag) -> set[CallRef | RecordingRef]:
    """The calls and recordings that the bag holds."""
    return {*(each.told.ref for each in held.calls), *(each.ref for each in held.recordings)}
