"""What came damaged is fetched once more before anybody believes it: on its way it may be harmed, at the source it stays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import structlog

from cloud9_archive.api.client import FetchedRecording
from cloud9_archive.catalog.batches import Batch, BatchRecording, read_batch
from cloud9_archive.catalog.media import note_second_fetch
from cloud9_archive.domain.accounting import MediaState
from cloud9_archive.domain.call import utc_text
from cloud9_archive.errors import (
    DamagedMediaError,
    RateLimitedError,
    RecordError,
    TransientError,
)
from cloud9_archive.media.jobs import MediaJob
from cloud9_archive.media.probe import examine
from cloud9_archive.media.profiles import PROFILES, UNALTERED
from cloud9_archive.media.verdicts import Examination, Verdict
from cloud9_archive.media.workers import run_jobs
from cloud9_archive.pipeline.workspace import CallSource, Workspace

log = structlog.get_logger(__name__)

BESIDE: Final = "second_fetch"
"""Under this key it stands in the examination, until transcoding and in ``record.json``."""

_WITHOUT_CHECKSUM: Final = frozenset({"m4a", "mp3"})
_WORSE: Final = {Verdict.EMPTY: 3, Verdict.NOT_AUDIO: 2, Verdict.DAMAGED: 1, Verdict.UNSUPPORTED: 0, Verdict.INTACT: 0}


class SecondFetch(StrEnum):
    """What fetching again came to."""

    SAME_BYTES = "same_bytes"
    """The source's own bytes are what was found wrong."""
    BETTER = "better"
    """Other bytes came, and are the original now."""
    NO_BETTER = "no_better"
    """Other bytes came, which are as bad; the first ones are the original."""
    NOT_GIVEN = "not_given"
    """Nothing came the second time."""


@dataclass(frozen=True, slots=True)
class Came:
    """
    What came at one of the two times.

    :param sha256: None if nothing came
    :param code: of the examination, or of the error
    """

    sha256: str | None
    size: int | None
    code: str


def fetch_damaged_again(workspace: Workspace, batch_id: str, source: str, client: CallSource) -> int:
    """
    Every staged original of this source that is not whole was fetched twice; how many that were.

    A container with checksums tells by itself. What has none is decoded here too, by the workers, as harm in it is found
    by nothing else.

    :raises RateLimitedError: if there is no turn for it; the next attempt goes on here
    :raises ConfigurationError: as fetching does
    """
    batch = read_batch(workspace.catalog, batch_id, lease=workspace.settings.claim_lease, now=workspace.clock())
    staged = {
        _staged(workspace, batch, recording, recording.original_sha256 or ""): recording
        for recording in batch.recordings
        if recording.ref.source == source and recording.state is MediaState.FETCHED and not recording.examination
    }
    found = _examined(workspace, staged)
    bad = [(recording, found[path]) for path, recording in staged.items() if path in found]
    bad = [(recording, first) for recording, first in bad if _WORSE[first.verdict]]
    for recording, first in bad:
        _fetch_again(workspace, batch, recording, client, first)
    return len(bad)


def given_or_damaged_twice(client: CallSource, recording: BatchRecording, into: Path) -> Any:  # noqa: ANN401 - what the client gives
    """
    What the source gives; what it comes packed in may be damaged on the way, so it is asked for twice.

    :raises DamagedMediaError: if it is damaged both times
    """
    try:
        return client.fetch_recording(recording.wanted, into=into)
    except DamagedMediaError as first:
        log.warning("recording is fetched again", subject="/".join(recording.ref), code=first.code)
        try:
            return client.fetch_recording(recording.wanted, into=into)
        except DamagedMediaError as second:
            raise DamagedMediaError(
                f"{second.message} (it was fetched twice)", subject=second.subject, hint=second.hint
            ) from first


def second_fetch_words(recording: BatchRecording) -> str:
    """What a person is told of it, to stand behind why the recording is quarantined; nothing if it was fetched once."""
    found = second_fetch_of(recording)
    if found is None:
        return ""
    told = {
        SecondFetch.SAME_BYTES: "it was fetched twice and the same bytes came: the source has them so",
        SecondFetch.BETTER: f"it was fetched twice: what came first was worse, {found['first']['code']}",
        SecondFetch.NO_BETTER: "it was fetched twice and other bytes came, which are no better: they are altered on the "
        "way, or at the source",
        SecondFetch.NOT_GIVEN: "a second time it was not given",
    }
    return f" ({told[SecondFetch(found['outcome'])]})"


def beside(examination: Mapping[str, Any] | None, recording: BatchRecording) -> dict[str, Any] | None:
    """The examination, with what fetching again came to; None if there is none."""
    return {**examination, BESIDE: second_fetch_of(recording)} if examination else None


def second_fetch_of(recording: BatchRecording) -> dict[str, Any] | None:
    """What fetching the recording again came to; None if it was fetched once."""
    found: dict[str, Any] | None = (recording.examination or {}).get(BESIDE)
    return found


def _fetch_again(
    workspace: Workspace, batch: Batch, recording: BatchRecording, client: CallSource, first: Examination
) -> None:
    now = workspace.clock()
    one = Came(recording.original_sha256, recording.original_size, first.code)
    with workspace.staging.scratch() as folder:
        outcome, other = _came_again(workspace, client, recording, folder / "original", first)
        if outcome is SecondFetch.BETTER:
            workspace.staging.keep(folder / "original", _staged(workspace, batch, recording, other.sha256 or ""))
    kept, fetched_at = (other, now) if outcome is SecondFetch.BETTER else (one, recording.fetched_at or now)
    log.warning("recording was fetched again", subject="/".join(recording.ref), code=first.code, outcome=outcome)
    note_second_fetch(
        workspace.catalog,
        batch,
        recording,
        sha256=kept.sha256 or "",
        size=kept.size or 0,
        fetched_at=fetched_at,
        found={BESIDE: {"outcome": outcome, "at": utc_text(now), "first": asdict(one), "second": asdict(other)}},
    )


def _came_again(
    workspace: Workspace, client: CallSource, recording: BatchRecording, into: Path, first: Examination
) -> tuple[SecondFetch, Came]:
    try:
        answer = client.fetch_recording(recording.wanted, into=into)
    except RateLimitedError:
        raise
    except (TransientError, RecordError) as error:
        return SecondFetch.NOT_GIVEN, Came(None, None, error.code)
    if not isinstance(answer, FetchedRecording):
        return SecondFetch.NOT_GIVEN, Came(None, None, "PENDING")
    if answer.sha256 == recording.original_sha256:
        return SecondFetch.SAME_BYTES, Came(answer.sha256, answer.size, first.code)
    second = _examined(workspace, [into]).get(into)
    if second is None or _WORSE[second.verdict] >= _WORSE[first.verdict]:
        return SecondFetch.NO_BETTER, Came(answer.sha256, answer.size, second.code if second else "UNKNOWN")
    return SecondFetch.BETTER, Came(answer.sha256, answer.size, second.code)


def _staged(workspace: Workspace, batch: Batch, recording: BatchRecording, sha256: str) -> Path:
    return workspace.staging.original(batch.policy, recording.ref, sha256)


def _examined(workspace: Workspace, paths: Iterable[Path]) -> dict[Path, Examination]:
    """The verdict on each file; none where it cannot be had, which transcoding will tell of."""
    found: dict[Path, Examination] = {}
    for path in paths:
        try:
            found[path] = examine(path)
        except (OSError, ValueError, ArithmeticError, LookupError, MemoryError) as fault:
            log.warning("structure could not be read", path=str(path), fault=type(fault).__name__)
    unproven = {
        str(path): path
        for path, each in found.items()
        if each.verdict is Verdict.INTACT and each.container in _WITHOUT_CHECKSUM
    }
    if unproven:
        jobs = [MediaJob(key, path, None, PROFILES[UNALTERED]) for key, path in unproven.items()]
        settings = workspace.settings
        for result in run_jobs(jobs, workers=settings.media_workers, limits=settings.media_limits):
            if result.examination is not None:
                found[unproven[result.recording_key]] = result.examination
    return found
