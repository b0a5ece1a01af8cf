"""One child process seen from its parent: started bare, given jobs, heard, and ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any, Final

from cloud9_archive.errors import ConfigurationError, MediaLimitError, MediaWorkerLostError, TransientError
from cloud9_archive.media.answers import understood
from cloud9_archive.media.jobs import READY, Answer, JobLimits, MediaJob, MediaLimits, MediaResult
from cloud9_archive.media.naming import all_unfinished
from cloud9_archive.media.profiles import Profile
from cloud9_archive.media.verdicts import Failure

# The parent's environment holds every secret that Airflow was given (AIRFLOW_CONN_…): an allow-list, never a copy.
_ENVIRONMENT: Final = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "PYTHONUSERBASE")
_TUNING: Final = {
    # A library that starts a thread per core takes address space for each, and a worker has none to give away.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    # A second of samples is more than glibc keeps by itself: mapped anew each time, it costs a fifth of a short call.
    "MALLOC_MMAP_THRESHOLD_": str(16 * 1024 * 1024),
    "MALLOC_TRIM_THRESHOLD_": str(32 * 1024 * 1024),
}
_START_SECONDS: Final = 60.0
_LEAVE_SECONDS: Final = 5.0
_LONGEST_ANSWER: Final = 1024 * 1024
# Nothing that is imported becomes garbage, so nothing need look for any: a tenth of the start.
_PROGRAM: Final = "import gc; gc.disable(); from cloud9_archive.media.worker_main import main; main()"
_COMMAND: Final = ("-P", "-c", _PROGRAM)


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What listening to a child brought.

    :param result: of its job, if that is done
    :param gone: whether the child is of no further use
    """

    result: MediaResult | None = None
    gone: bool = False


class Child:
    """A worker process; it starts at once and can be given a job before it is ready."""

    def __init__(self) -> None:
        self.job: MediaJob | None = None
        self.jobs_done = 0
        self.deadline = time.monotonic() + _START_SECONDS
        self._limits: JobLimits | None = None
        self._ready = False
        self._heard = b""
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        with ExitStack() as opened:
            try:
                self._complaints = opened.enter_context(tempfile.TemporaryFile())
                ours, theirs = os.pipe()[::-1]
                opened.callback(os.close, ours)
                try:
                    self._process = subprocess.Popen(  # noqa: S603 - this interpreter, our own module
                        [sys.executable, *_COMMAND, str(theirs)],
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=self._complaints,
                        env=environment | _TUNING,
                        pass_fds=(theirs,),
                        bufsize=0,
                    )
                finally:
                    os.close(theirs)
            except OSError as fault:
                raise TransientError(f"no media worker could be started: {fault.strerror}") from fault
            self._opened = opened.pop_all()

    @property
    def output(self) -> int:
        """The file descriptor to wait on."""
        return self._process.stdout.fileno() if self._process.stdout else -1

    def begin(self, job: MediaJob, limits: MediaLimits) -> bool:
        """
        Whether the child has been told to do the job; False if it died at rest.

        :param job: becomes this child's only one
        :param limits: to be scaled to the original
        """
        size = 0
        with suppress(OSError):
            size = job.source.stat().st_size
        self._limits = limits.scaled(size, job.profile)
        request = {
            "source": str(job.source.absolute()),
            "target": str(job.target.absolute()) if job.target else None,
            "profile": _fields(job.profile),
            "reported_duration": job.reported_duration,
            "limits": asdict(self._limits),
        }
        self.job = job
        if self._ready:
            self.deadline = time.monotonic() + self._limits.wall_seconds
        try:
            if self._process.stdin:
                self._process.stdin.write(json.dumps(request).encode() + b"\n")
        except BrokenPipeError:
            if self._ready:
                self.job = None
                return False
            # A child that never became ready tells why when it is heard.
        return True

    def hear(self) -> Outcome:
        """
        What the child said since it was heard last; call it when :attr:`output` is readable.

        :raises ConfigurationError: if the child ended before it was ready
        """
        fresh = os.read(self.output, 65_536)
        self._heard += fresh
        if not fresh or len(self._heard) > _LONGEST_ANSWER:
            return self._lost(None if not fresh else "the worker's answer has no end")
        while b"\n" in self._heard:
            line, self._heard = self._heard.split(b"\n", 1)
            if self._ready:
                outcome = self._understand(line)
                # Anything after an answer would be taken for the answer to the next job.
                return replace(outcome, gone=outcome.gone or bool(self._heard))
            # Anything else that is said at the start is somebody's greeting: a start-up hook of the interpreter's.
            if line == READY:
                self._ready = True
                self.deadline = time.monotonic() + (self._limits.wall_seconds if self._limits else 0.0)
        return Outcome()

    def overrun(self) -> Outcome:
        """
        The child is dead, and its job failed, because its time is over.

        :raises TransientError: if the child was not even ready by then
        """
        self._process.kill()
        self._process.wait()
        if not self._ready:
            raise TransientError(
                f"a media worker was not ready after {_START_SECONDS:.0f} s",
                hint="look at the load and memory of this host",
            )
        seconds = self._limits.wall_seconds if self._limits else 0.0
        return self._failed(Failure(MediaLimitError.code, f"not done after the limit of {seconds:g} s"))

    def end(self) -> None:
        """The process is gone, and so is what it had not finished writing."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._opened.close()
        if self.job is not None:
            self._sweep(self.job)

    def _understand(self, line: bytes) -> Outcome:
        if self.job is None:
            return Outcome(gone=True)
        answer = understood(line, self.job)
        if answer.leaving:
            self._sweep(self.job)
        return replace(self._done(answer), gone=answer.leaving)

    def _lost(self, reason: str | None) -> Outcome:
        if reason is None and self._process.poll() is None:
            try:
                self._process.wait(_LEAVE_SECONDS)
            except subprocess.TimeoutExpired:
                reason = "the worker closed its output without an answer"
        self._process.kill()
        status = self._process.wait()
        if not self._ready and status < 0:
            raise TransientError(f"a media worker was ended by signal {-status} before it was ready")
        if not self._ready:
            raise ConfigurationError(
                f"the media worker does not start (exit status {status}): {self._last_complaint()}",
                hint="the package and PyAV must be installed for the interpreter that runs the tasks",
            )
        if self.job is None:
            return Outcome(gone=True)
        return self._failed(self._cause(status) if reason is None else Failure(MediaWorkerLostError.code, reason))

    def _cause(self, status: int) -> Failure:
        if status == -signal.SIGXCPU and self._limits:
            return Failure(MediaLimitError.code, f"more than the limit of {self._limits.cpu_seconds:g} s of CPU time")
        if status < 0:
            name = signal.strsignal(-status) or "unknown"
            return Failure(
                MediaWorkerLostError.code, f"the worker was ended by signal {-status} ({name}) at this recording"
            )
        return Failure(MediaWorkerLostError.code, f"the worker ended with status {status} at this recording")

    def _failed(self, failure: Failure) -> Outcome:
        if self.job is not None:
            self._sweep(self.job)
        return replace(self._done(Answer(failure=failure)), gone=True)

    def _done(self, answer: Answer) -> Outcome:
        job, self.job = self.job, None
        self.jobs_done += 1
        if job is None:
            return Outcome()
        examination, difference = answer.examination, None
        if examination and examination.duration is not None and job.reported_duration is not None:
            difference = examination.duration - job.reported_duration
        return Outcome(
            MediaResult(job.recording_key, examination, answer.derivatives, answer.failure, difference, answer.waveform)
        )

    def _sweep(self, job: MediaJob) -> None:
        """Nothing is left of what this child had not finished for the job."""
        if job.target is not None:
            for path in all_unfinished(job.target.absolute(), self._process.pid):
                with suppress(OSError):
                    path.unlink(missing_ok=True)

    def _last_complaint(self) -> str:
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


@lru_cache(maxsize=16)
def _fields(profile: Profile) -> dict[str, Any]:
    """The profile for the child; a batch has few."""
    return asdict(profile)
