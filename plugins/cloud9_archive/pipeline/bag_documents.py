"""The JSON documents in a bag, and the paths of its payload; docs/archive-format.md describes each field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloud9_archive.catalog.batches import BatchCall, BatchRecording, profiles_of
from cloud9_archive.domain.accounting import MediaState
from cloud9_archive.domain.bag import ARCHIVE_FORMAT
from cloud9_archive.domain.call import utc_text
from cloud9_archive.domain.keys import call_key, recording_key
from cloud9_archive.domain.run import CallRef, RecordingRef

UNKNOWN_EXTENSION = "bin"


def record_path(recording: BatchRecording) -> str:
    """Where the recording's own document lies in the bag."""
    return f"{_folder(recording)}/record.json"


def original_path(recording: BatchRecording) -> str:
    """Where the original lies in the bag; its extension follows from its content, never from a name."""
    return original_path_of(recording.ref, (recording.examination or {}).get("container"))


def original_path_of(ref: RecordingRef, container: str | None) -> str:
    """
    The same, by what is known of a recording whose bytes are elsewhere.

    :param container: format of the original, or None if it is of no known kind
    """
    return f"data/recordings/{recording_key(*ref)}/original.{container or UNKNOWN_EXTENSION}"


def path_beside(recording: BatchRecording, file: str) -> str:
    """Where a file that was made from the original lies in the bag."""
    return f"{_folder(recording)}/{file}"


def call_path(call: CallRef) -> str:
    """Where the call's document lies in the bag."""
    return f"data/calls/{call_key(*call)}.json"


def record_document(recording: BatchRecording, policy: str) -> dict[str, Any]:
    """What is known of a recording: its original, its derivatives or the reasons why not, and its calls."""
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
            "path": original_path(recording),
            "sha256": recording.original_sha256,
            "size": recording.original_size,
            "fetched_at": utc_text(recording.fetched_at),
        }
        if recording.original_sha256
        else None,
        "examination": recording.examination,
        "derivatives": [_in_bag(recording, made) for made in recording.derivatives],
        "failed_derivatives": list(recording.failed_derivatives),
        "waveform": _in_bag(recording, recording.waveform) if recording.waveform else None,
        "failure": {"code": recording.failure_code, "reason": recording.failure_reason} if quarantined else None,
        "retain_until": utc_text(recording.retain_until),
        "calls": [
            {"source": call.source, "call_id": call.call_id, "path": call_path(call), "offset": offset}
            for call, offset in recording.links
        ],
    }


def call_document(
    call: BatchCall,
    recordings: Sequence[BatchRecording],
    policy: str,
    earlier: Mapping[RecordingRef, frozenset[str]],
) -> dict[str, Any]:
    """
    What is known of a call: as the source reported it, the decision on it, and its recordings.

    :param recordings: those of the batch; ``state`` is where each stood when the bag's content was fixed
    :param earlier: recordings in earlier bags, each with the profiles of its derivatives
    """
    states = {recording.ref.recording_id: recording.state for recording in recordings}
    profiles = {ref.recording_id: made for ref, made in earlier.items() if ref.source == call.call.source}
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
                "recording_id": link.recording_id,
                "key": recording_key(call.call.source, link.recording_id),
                "state": _state_in_document(states.get(link.recording_id)),
                "profiles": sorted(profiles.get(link.recording_id, ())),
            }
            for link in call.call.recordings
        ],
    }


def _state_in_document(state: MediaState | None) -> str:
    if state is None:
        return "earlier_bag"
    return MediaState.ARCHIVED if state is MediaState.TRANSCODED else state


def _in_bag(recording: BatchRecording, made: Mapping[str, Any]) -> dict[str, Any]:
    known = dict(made)
    return {"path": path_beside(recording, known.pop("file")), **known}


def _folder(recording: BatchRecording) -> str:
    return f"data/recordings/{recording_key(*recording.ref)}"
