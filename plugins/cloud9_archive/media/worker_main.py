"""The child: takes jobs as JSON lines on its input and answers each with one line, inside the limits it was given."""

from __future__ import annotations

import errno
import gc
import json
import math
import os
import resource
import signal
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any, BinaryIO, Final

import av

from cloud9_archive.errors import MediaLimitError, RecordError, StagingLostError, TranscodeError, TransientError
from cloud9_archive.media.confine import confine, end_with
from cloud9_archive.media.decode import after_decoding, count_samples
from cloud9_archive.media.jobs import READY, Answer, JobLimits
from cloud9_archive.media.probe import examine
from cloud9_archive.media.profiles import Profile
from cloud9_archive.media.transcode import transcode
from cloud9_archive.media.verdicts import Failure

# Past the deadline the parent kills; this clock runs for a parent that is no longer there.
_ORPHAN_GRACE_SECONDS: Final = 30


def main() -> None:
    """Jobs have been answered until the input ended, or until memory ran out once."""
    confine()
    end_with(int(sys.argv[1]))
    # What was imported stays: it is not looked through again and again for garbage.
    gc.freeze()
    gc.enable()
    av.logging.set_level(av.logging.PANIC)
    answers = _claim_output()
    answers.write(READY + b"\n")
    answers.flush()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        limits = JobLimits(**request["limits"])
        _impose(limits)
        answer = Answer()
        _attempt(request, limits, answer)
        signal.alarm(0)
        answers.write(json.dumps(answer, default=_fields).encode() + b"\n")
        answers.flush()
        if answer.leaving:
            return


def _claim_output() -> BinaryIO:
    """The pipe to the parent, out of reach of anything that prints: from here on that fills no disk."""
    pipe = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    return pipe


def _impose(limits: JobLimits) -> None:
    """The process is bound for the next job; CPU time counts from the process's start, so it is moved on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = math.ceil(used.ru_utime + used.ru_stime + limits.cpu_seconds)
    for kind, amount in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.output_bytes),
        (resource.RLIMIT_CPU, seconds),
    ):
        _, hard = resource.getrlimit(kind)
        try:
            resource.setrlimit(kind, (amount if hard == resource.RLIM_INFINITY else min(amount, hard), hard))
        except ValueError:
            # macOS cannot bound address space below what every process has of it there.
            if sys.platform != "darwin" or kind != resource.RLIMIT_AS:
                raise
    signal.alarm(math.ceil(limits.wall_seconds) + _ORPHAN_GRACE_SECONDS)


def _attempt(request: dict[str, Any], limits: JobLimits, answer: Answer) -> None:
    """The answer is filled in; once memory ran out, this process is not to be trusted further, and leaves."""
    try:
        _examine_and_transcode(request, limits, answer)
    except RecordError as refusal:
        if answer.examination:
            answer.examination = after_decoding(answer.examination, refusal).beside(request["reported_duration"])
            refusal = answer.examination.refusal() or refusal
        answer.failure = Failure(refusal.code, str(refusal))
    except MemoryError:
        answer.failure = Failure(MediaLimitError.code, f"more than the limit of {limits.memory_bytes} bytes of memory")
        answer.leaving = True
    except OSError as fault:
        answer.failure = _host_failure(fault, Path(request["source"]), limits)
    except Exception as fault:  # noqa: BLE001 - a worker answers whatever happens; the reason goes into the finding
        answer.failure = Failure(TranscodeError.code, f"the worker met a {type(fault).__name__}: {fault}")


def _examine_and_transcode(request: dict[str, Any], limits: JobLimits, answer: Answer) -> None:
    source, profile = Path(request["source"]), _profile(request["profile"])
    answer.examination = examine(source).beside(request["reported_duration"])
    refusal = answer.examination.refusal()
    if refusal is not None:
        raise refusal
    if (answer.examination.duration or 0.0) > limits.decoded_seconds:
        raise MediaLimitError(
            f"{answer.examination.duration:.0f} s of audio in {answer.examination.size} bytes are more than the limit of "
            f"{limits.decoded_seconds:.0f} s of audio",
            hint="raise media_longest_hours if recordings of this length are real",
        )
    if profile.alters:
        made = transcode(
            source,
            Path(request["target"]),
            profile,
            examination=answer.examination,
            max_seconds=limits.decoded_seconds,
            reported_duration=request["reported_duration"],
        )
        answer.derivatives, answer.waveform = made.derivatives, made.waveform
    else:
        count_samples(source, answer.examination, max_seconds=limits.decoded_seconds)


def _fields(value: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON knows everything in an answer but its dataclasses
    """What an answer, or a part of it, holds."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _profile(told: dict[str, Any]) -> Profile:
    """The profile as the parent had it; JSON has lists for its tuples."""
    return Profile(**{name: _with_tuples(value) for name, value in told.items()})


def _with_tuples(value: object) -> Any:  # noqa: ANN401 - whatever a field of a profile holds
    return tuple(_with_tuples(each) for each in value) if isinstance(value, list) else value


def _host_failure(fault: OSError, source: Path, limits: JobLimits) -> Failure:
    if fault.errno == errno.EFBIG:
        return Failure(MediaLimitError.code, f"the derivative needs more than the limit of {limits.output_bytes} bytes")
    if not source.exists():
        return Failure(StagingLostError.code, "the original is no longer in staging on this host")
    return Failure(TransientError.code, f"this host could not read or write: {fault.strerror or fault}")
