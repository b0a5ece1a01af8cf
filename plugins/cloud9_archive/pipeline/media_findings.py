"""Recordings that do not fit their calls: another length, or no call that names them any more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.links_of_run import TiedRecording, still_named, tied_recordings
from cloud9_archive.domain.accounting import CallState, MediaState
from cloud9_archive.domain.coverage import Piece, length_difference
from cloud9_archive.domain.findings import Finding
from cloud9_archive.domain.run import RecordingRef
from cloud9_archive.pipeline.call_facts import CallFacts


def differing_lengths(
    catalog: Catalog, policy: str, calls: Sequence[CallFacts], *, tolerance: timedelta | None
) -> Iterator[Finding]:
    """
    A finding for each archived call whose recordings together are longer or shorter than it.

    :param tolerance: a difference up to this is none; None: any is
    """
    if tolerance is None:
        return
    whole = [call for call in calls if call.length is not None and _is_whole(call)]
    tied = tied_recordings(catalog, policy, [ref for call in whole for ref in call.offsets])
    for call in whole:
        pieces = _pieces(call, tied)
        if pieces is None or call.length is None:
            continue
        differs = length_difference(call.length, pieces)
        if abs(differs) > tolerance.total_seconds():
            yield Finding("MEDIA_LENGTH_DIFFERS", "/".join(call.ref), _words(call.length, differs, pieces))


def unlinked_recordings(catalog: Catalog, calls: Sequence[CallFacts]) -> Iterator[Finding]:
    """A finding for each wanted recording that was named by one of the calls, and is by no call any more."""
    dropped = {
        recording.ref: recording.state
        for call in calls
        for recording in call.account.recordings
        if recording.state is not None and recording.ref not in call.offsets
    }
    named = still_named(catalog, dropped) if dropped else set()
    for ref, state in sorted(dropped.items()):
        if ref not in named:
            yield Finding("MEDIA_UNLINKED", "/".join(ref), f"no call names it any more; it is {state}")


def _is_whole(call: CallFacts) -> bool:
    """What is awaited, missing or damaged is told as such."""
    now = [recording for recording in call.account.recordings if recording.ref in call.offsets]
    return (
        call.account.state is CallState.ARCHIVED
        and bool(now)
        and all(recording.state is MediaState.ARCHIVED for recording in now)
    )


def _pieces(call: CallFacts, tied: dict[RecordingRef, TiedRecording]) -> list[Piece] | None:
    """None if nothing is known of the length of one of them."""
    pieces = []
    for ref, offset in call.offsets.items():
        recording = tied.get(ref)
        if recording is None or recording.length is None:
            return None
        pieces.append(Piece(recording.length, offset, shared=recording.calls > 1))
    return pieces


def _words(length: float, differs: float, pieces: Sequence[Piece]) -> str:
    what = "its recording is" if len(pieces) == 1 else f"its {len(pieces)} recordings are together"
    if differs > 0:
        return f"it lasts {length:.1f} s, and {what} {differs:.1f} s longer"
    return f"it lasts {length:.1f} s, and {what} {-differs:.1f} s too short to hold it"
