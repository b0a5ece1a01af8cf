"""What a worker says is believed as far as it can be checked: the worker has read hostile bytes."""

from __future__ import annotations

import hashlib
import math
import os
import stat
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from cloud9_archive.domain.words import shown
from cloud9_archive.errors import MediaWorkerLostError, RecordError, StagingLostError, TransientError
from cloud9_archive.media.jobs import Answer, MediaJob
from cloud9_archive.media.naming import part_name, part_path, waveform_path
from cloud9_archive.media.profiles import MAX_CHANNELS
from cloud9_archive.media.verdicts import Failure, Verdict

_ANSWERS: Final = TypeAdapter(Answer)
_LONGEST_REASON: Final = 500


def _codes(kind: type[RecordError]) -> set[str]:
    return {kind.code}.union(*map(_codes, kind.__subclasses__()))


_CODES: Final = _codes(RecordError) | {TransientError.code, StagingLostError.code}
_PARTS: Final = {part_name(channel) for channel in range(1, MAX_CHANNELS + 1)}


def understood(line: bytes, job: MediaJob) -> Answer:
    """
    The answer, when it is one and agrees with what stands on the disk; else one with the failure that says so.

    A worker whose answer is not believed leaves. Files are compared by size and digest, so that the archive never
    waits for bytes that do not exist.

    :param line: as the worker wrote it
    :param job: that it was given
    """
    try:
        answer = _ANSWERS.validate_json(line)
    except ValidationError:
        return _disbelieved("the worker's answer was not understood")
    complaint = _complaint(answer, job)
    if complaint is not None:
        return _disbelieved(f"the worker's answer is not believed: {complaint}")
    if answer.failure is None:
        return answer
    failure = replace(answer.failure, reason=shown(answer.failure.reason, longest=_LONGEST_REASON))
    return replace(answer, derivatives=(), waveform=None, failure=failure)


def _disbelieved(reason: str) -> Answer:
    return Answer(failure=Failure(MediaWorkerLostError.code, reason), leaving=True)


def _complaint(answer: Answer, job: MediaJob) -> str | None:
    if not _finite(answer):
        return "a figure in it is not finite"
    if answer.failure is not None:
        return None if answer.failure.code in _CODES else "there is no failure of that code"
    if answer.examination is None or answer.examination.verdict is not Verdict.INTACT:
        return "nothing failed, but the original is not intact"
    if job.target is None or not job.profile.alters:
        return "it tells of files that nobody asked for" if answer.derivatives or answer.waveform else None
    parts = [each.part for each in answer.derivatives]
    allowed = _PARTS | {""} if job.profile.channels == "split" else {""}
    if not parts or len(set(parts)) < len(parts) or not set(parts) <= allowed:
        return "its derivatives are not those that were asked for"
    files = [(part_path(job.target, each.part), each.size, each.sha256) for each in answer.derivatives]
    if answer.waveform is not None:
        files.append((waveform_path(job.target), answer.waveform.size, answer.waveform.sha256))
    return next((words for words in (_difference(*file) for file in files) if words is not None), None)


def _finite(value: object) -> bool:
    """Whether every figure in an answer is one."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, tuple):
        return all(map(_finite, value))
    return not is_dataclass(value) or all(_finite(getattr(value, field.name)) for field in fields(value))


def _difference(path: Path, size: int, sha256: str) -> str | None:
    """What is wrong about a file that is said to have this size and digest; nothing is followed or waited for."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode) and status.st_size == size:
                same = hashlib.file_digest(stream, "sha256").hexdigest() == sha256
                return None if same else f"{shown(path.name)} has other bytes"
    return f"there is no {shown(path.name)} of {size} bytes"
