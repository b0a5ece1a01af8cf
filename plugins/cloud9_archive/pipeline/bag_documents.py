"""The JSON documents in a bag, and the paths of its payload; docs/archive-format.md describes each field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from cloud9_archive.catalog.batches import BatchCall, BatchRecording, profiles_of
from cloud9_archive.domain.accounting import MediaState
from cloud9_archive.domain.bag import ARCHIVE_FORMAT
from cloud9_archive.domain.call import utc_text
from cloud9_archive.domain.keys import call_key, call_mark, recording_key, recording_mark
from cloud9_archive.domain.run import CallRef, RecordingRef

UNKNOWN_EXTENSION = "bin"
ENCRYPTED_ENDING = ".p7m"


def opened_name(path: str) -> str:
    """The name of what the file holds without its encryption; of one that is not encrypted, its own."""
    return path.removesuffix(ENCRYPTED_ENDING)


class StoredAs(TypedDict):
    """Digest, hex, and size in bytes of a file that was encrypted, as it lies in the bag."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class BagPaths:
    """
    Where everything lies in a bag.

    :param encrypted: whether its files are; then nothing that a person could read of an id is in a path
    """

    encrypted: bool = False

    def record(self, recording: BatchRecording) -> str:
        """Of the recording's own document."""
        return self.beside(recording, "record.json")

    def original(self, recording: BatchRecording) -> str:
        """Of the original; its extension follows from its content, never from a name."""
        return self.original_of(recording.ref, (recording.examination or {}).get("container"))

    def original_of(self, ref: RecordingRef, container: str | None) -> str:
        """
        The same, by what is known of a recording whose bytes are elsewhere.

        :param container: format of the original, or None if it is of no known kind
        """
        return f"{self.folder(ref)}/original.{container or UNKNOWN_EXTENSION}{self._ending}"

    def beside(self, recording: BatchRecording, file: str) -> str:
        """Of a file that was made from the original."""
        return f"{self.folder(recording.ref)}/{file}{self._ending}"

    def folder(self, recording: RecordingRef) -> str:
        """Of everything that belongs to the recording."""
        return f"data/recordings/{self.recording_key(recording)}"

    def call(self, call: CallRef) -> str:
        """Of the call's document."""
        return f"data/calls/{(call_mark if self.encrypted else call_key)(*call)}.json{self._ending}"

    def recording_key(self, recording: RecordingRef) -> str:
        """The name of the recording's folder."""
        return (recording_mark if self.encrypted else recording_key)(*recording)

    @property
    def _ending(self) -> str:
        return ENCRYPTED_ENDING if self.encrypted else ""


PLAIN = BagPaths()


def record_document(
    recording: BatchRecording, policy: str, *, paths: BagPaths = PLAIN, stored: Mapping[str, StoredAs] | None = None
) -> dict[str, Any]:
    """
    What is known of a recording: its original, its derivatives or the reasons why not, and its calls.

    :param stored: by path, what lies in an encrypted bag
    """
    stored = stored or {}
    quarantined = recording.state is MediaState.QUARANTINED
    return {
        "format": ARCHIVE_FORMAT,
        "policy": policy,
        "source": recording.ref.source,
        "recording_id": recording.ref.recording_id,
        "state": MediaState.QUARANTINED if quarantined else MediaState.ARCHIVED,
        "reported_duration": recording.duration,
        "reported_filename": recording.filename,
        "original": {
            "path": paths.original(recording),
            "sha256": recording.original_sha256,
            "size": recording.original_size,
            "encrypted": stored.get(paths.original(recording)),
            "fetched_at": utc_text(recording.fetched_at),
        }
        if recording.original_sha256
        else None,
        "examination": recording.examination,
        "derivatives": [_in_bag(recording, made, paths, stored) for made in recording.derivatives],
        "failed_derivatives": list(recording.failed_derivatives),
        "waveform": _in_bag(recording, recording.waveform, paths, stored) if recording.waveform else None,
        "failure": {"code": recording.failure_code, "reason": recording.failure_reason} if quarantined else None,
        "retain_until": utc_text(recording.retain_until),
        "calls": [
            {"source": call.source, "call_id": call.call_id, "path": paths.call(call), "offset": offset}
            for call, offset in recording.links
        ],
    }


def call_document(
    call: BatchCall,
    recordings: Sequence[BatchRecording],
    policy: str,
    earlier: Mapping[RecordingRef, frozenset[str]],
    *,
    paths: BagPaths = PLAIN,
) -> dict[str, Any]:
    """
    What is known of a call: as the source reported it, the decision on it, and its recordings.

    :param recordings: those of the batch; ``state`` is where each stood when the bag's content was fixed
    :param earlier: recordings in earlier bags, each with the profiles of its derivatives
    """
    states = {recording.ref.recording_id: recording.state for recording in recordings}
    refs = [RecordingRef(call.call.source, link.recording_id) for link in call.call.recordings]
    profiles = {ref.recording_id: earlier[ref] for ref in refs if ref in earlier}
    profiles |= {recording.ref.recording_id: profiles_of(recording.derivatives) for recording in recordings}
    return {
        "format": ARCHIVE_FORMAT,
        "policy": policy,
        "call": call.call.document(),
        "call_sha256": call.digest,
        "decision": {**call.decision, "decided_at": utc_text(call.decision["decided_at"])},
        "retain_until": utc_text(call.retain_until),
        "recordings": [
            {
                "recording_id": ref.recording_id,
                "key": paths.recording_key(ref),
                "state": _state_in_document(states.get(ref.recording_id)),
                "profiles": sorted(profiles.get(ref.recording_id, ())),
            }
            for ref in refs
        ],
    }


def _state_in_document(state: MediaState | None) -> str:
    if state is None:
        return "earlier_bag"
    return MediaState.ARCHIVED if state is MediaState.TRANSCODED else state


def _in_bag(
    recording: BatchRecording, made: Mapping[str, Any], paths: BagPaths, stored: Mapping[str, StoredAs]
) -> dict[str, Any]:
    known = dict(made)
    path = paths.beside(recording, known.pop("file"))
    return {"path": path, "encrypted": stored.get(path), **known}
