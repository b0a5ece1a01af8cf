"""Workers that crash, hang, lie and talk nonsense, in earnest: a start-up hook makes them, see ``tests/bench/ill_worker``."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from worker_children import ILL_WILL, children, is_over, none_grows_old, open_files, wait_for

from cloud9_archive.errors import MediaLimitError, TransientError
from cloud9_archive.media import child
from cloud9_archive.media.decode import count_samples
from cloud9_archive.media.jobs import MediaJob, MediaLimits, MediaResult
from cloud9_archive.media.naming import unfinished
from cloud9_archive.media.probe import examine
from cloud9_archive.media.profiles import profile_named
from cloud9_archive.media.workers import run_jobs

ALAW, NONE = profile_named("alaw_8k"), profile_named("none")
LOST, LIMIT = "MEDIA_WORKER_LOST", "MEDIA_LIMIT_EXCEEDED"
FAULTS = {
    "segfault": (LOST, "ended by signal 11 (Segmentation fault)"),
    "abort": (LOST, "ended by signal 6 (Aborted)"),
    "leave": (LOST, "ended with status 7"),
    "loop": (LIMIT, "not done after the limit of 2 s"),
    "stop": (LIMIT, "not done after the limit of 2 s"),
    "half": (LIMIT, "not done after the limit of 2 s"),
    "garbage": (LOST, "the worker's answer was not understood"),
    "twice": (LOST, "nothing failed, but the original is not intact"),
    "unasked": (LOST, "there is no failure of that code"),
    "endless": (LOST, "the worker's answer has no end"),
    "closed": (LOST, "closed its output without an answer"),
    "hungry": (LIMIT, "bytes of memory"),
    "lie-size": (LOST, "there is no lie-size.wav of "),
    "lie-digest": (LOST, "lie-digest.wav has other bytes"),
    "lie-part": (LOST, "not those that were asked for"),
    "lie-none": (LOST, "not those that were asked for"),
    "lie-nan": (LOST, "not finite"),
    "lie-gone": (LOST, "there is no lie-gone.wav of "),
    "lie-link": (LOST, "there is no lie-link.wav of "),
}
HARMLESS = ("refused", "terminated", "good-1", "good-2", "good-3")


@pytest.fixture
def ill_will(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ILL_WILL))
    monkeypatch.setattr(child, "_LEAVE_SECONDS", 0.5)


@pytest.fixture(autouse=True)
def nothing_left_behind(tmp_path: Path) -> Iterator[None]:
    before = open_files()
    with none_grows_old():
        yield
    assert children() == []
    assert list(tmp_path.rglob("*.part")) == []
    assert {each for each in open_files() - before if "pipe:" in each or "deleted" in each} == set()


def named(source: Path, folder: Path, name: str) -> MediaJob:
    copy = folder / f"{name}.ogg"
    shutil.copy(source, copy)
    return MediaJob(name, copy, folder / f"{name}.wav", ALAW)


def by_key(results: Iterator[MediaResult]) -> dict[str, MediaResult]:
    found: dict[str, MediaResult] = {}
    for result in results:
        assert result.recording_key not in found
        found[result.recording_key] = result
    return found


@pytest.mark.usefixtures("ill_will")
def test_whatever_a_worker_does_costs_one_recording(ogg: Path, tmp_path: Path) -> None:
    names = [*FAULTS]
    for place, name in enumerate(HARMLESS):
        names.insert(place * 4 + 1, name)
    jobs = [named(ogg, tmp_path, name) for name in names]
    results = by_key(run_jobs(jobs, workers=2, limits=MediaLimits(wall_seconds=2)))
    assert sorted(results) == sorted(names)
    for name in HARMLESS:
        assert results[name].failure is None, name
        assert (tmp_path / f"{name}.wav").exists()
    for name, (code, words) in FAULTS.items():
        failure = results[name].failure
        assert failure is not None, name
        assert (failure.code, words in failure.reason) == (code, True), f"{name}: {failure}"
        assert not failure.transient
        assert results[name].derivatives == ()


@pytest.mark.usefixtures("ill_will")
def test_a_full_disk_is_nobodys_recording(ogg: Path, tmp_path: Path) -> None:
    full, good = run_jobs([named(ogg, tmp_path, "full"), named(ogg, tmp_path, "good")], workers=1)
    assert full.failure is not None
    assert full.failure.transient
    assert "No space left" in full.failure.reason
    assert good.failure is None
    assert not (tmp_path / "full.wav").exists()


def test_no_room_for_a_worker_is_told_as_such(ogg: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    with pytest.raises(TransientError, match="no media worker could be started: No such file"):
        list(run_jobs([named(ogg, tmp_path, "a")]))


def test_workers_end_with_a_parent_that_is_killed_and_the_next_run_clears_up(ogg: Path, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from cloud9_archive.media.jobs import MediaJob\n"
        "from cloud9_archive.media.profiles import profile_named\n"
        "from cloud9_archive.media.workers import run_jobs\n"
        "folder, alaw = Path(sys.argv[1]), profile_named('alaw_8k')\n"
        "jobs = [MediaJob(n, folder / f'{n}.ogg', folder / f'{n}.wav', alaw) for n in ('half', 'good')]\n"
        "print([result.failure for result in run_jobs(jobs, workers=2)], flush=True)\n"
    )
    jobs = [named(ogg, tmp_path, name) for name in ("half", "good")]
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], env={**os.environ, "PYTHONPATH": str(ILL_WILL)}
    ) as parent:
        # The one is at work in a loop that never ends, the other at rest.
        wait_for(lambda: list(tmp_path.glob(".half*.part")) and (tmp_path / "good.wav").exists())
        pids = children(parent.pid)
        assert len(pids) == 2
        parent.kill()
    wait_for(lambda: all(is_over(pid) for pid in pids), seconds=10)
    assert len(list(tmp_path.glob(".half*.part"))) == 1
    strange = tmp_path / ".half.wav.x.part"
    strange.touch()
    assert [result.failure for result in run_jobs(jobs)] == [None, None]
    assert list(tmp_path.glob(".half*")) == [strange]
    strange.unlink()


def test_every_kind_of_half_file_is_swept(ogg: Path, tmp_path: Path) -> None:
    job = named(ogg, tmp_path, "a")
    for name in ("a.wav", "a.channel-1.wav", "a.channel-2.wav", "a.peaks.json"):
        unfinished(tmp_path / name, 999_999).write_bytes(b"half")
    kept = unfinished(tmp_path / "b.wav", 999_999)
    kept.write_bytes(b"another recording's")
    assert [result.failure for result in run_jobs([job])] == [None]
    assert list(tmp_path.rglob("*.part")) == [kept]
    kept.unlink()


def test_a_worker_inherits_nothing(ogg: Path, tmp_path: Path) -> None:
    with socket.socket() as ours, (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(ours.fileno(), True)
        os.set_inheritable(secret.fileno(), True)
        results = run_jobs([named(ogg, tmp_path, "a"), named(ogg, tmp_path, "b")], workers=1)
        next(results)
        (pid,) = children()
        proc = Path(f"/proc/{pid}")
        opened = sorted(str(entry.readlink()) for entry in (proc / "fd").iterdir())
        assert [each.partition(":")[0] for each in opened] == ["/dev/null", "/dev/null", "pipe", "pipe", "pipe"]
        assert (proc / "cwd").readlink() == Path("/")
        status = dict(line.split(":\t", 1) for line in (proc / "status").read_text().splitlines() if ":\t" in line)
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == "2"
        ignored = int(status["SigIgn"], 16)
        assert all(ignored >> (number - 1) & 1 for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
        limits = [line.split("  ", 1) for line in (proc / "limits").read_text().splitlines()]
        bounds = {name: rest.split()[:2] for name, rest in limits}
        assert bounds["Max core file size"] == ["0", "0"]
        assert bounds["Max open files"] == ["64", "64"]
        list(results)


def test_a_bomb_of_ten_hours_is_refused_before_it_goes_off(silent_ten_hours: Path, ogg: Path, tmp_path: Path) -> None:
    jobs = [MediaJob("bomb", silent_ten_hours, tmp_path / "bomb.wav", ALAW), named(ogg, tmp_path, "good")]
    limits = MediaLimits(longest_seconds=8 * 3600.0, cpu_seconds=1.0)
    bomb, good = run_jobs(jobs, workers=1, limits=limits)
    assert bomb.failure is not None
    assert bomb.failure.code == LIMIT
    assert bomb.failure.reason.startswith(
        f"36000 s of audio in {silent_ten_hours.stat().st_size} bytes are more than the limit of 28800 s of audio"
    )
    assert bomb.examination == examine(silent_ten_hours)
    assert good.failure is None


def test_a_structure_that_promises_little_does_not_open_the_way(silent_hour: Path) -> None:
    promise = replace(examine(silent_hour), duration=1.0)
    with pytest.raises(MediaLimitError, match="more than the limit of 2 s of audio came out"):
        count_samples(silent_hour, promise, max_seconds=2.0)


@pytest.mark.parametrize("rate", [1, 7, 8_001, 191_999, 10**7, 2**32 - 1])
def test_a_forged_sample_rate_stays_within_the_limits(wav: Path, ogg: Path, tmp_path: Path, rate: int) -> None:
    forged = bytearray(wav.read_bytes())
    place = forged.index(b"fmt ") + 12
    struct.pack_into("<II", forged, place, rate, min(rate * 4, 2**32 - 1))
    (tmp_path / "forged.wav").write_bytes(forged)
    jobs = [MediaJob("forged", tmp_path / "forged.wav", tmp_path / "out.wav", ALAW), named(ogg, tmp_path, "good")]
    limits = MediaLimits(output_bytes=2_000_000, cpu_seconds=10)
    first, good = run_jobs(jobs, workers=1, limits=limits)
    assert good.failure is None
    if first.failure is None:
        assert 8_000 < rate < 192_000
        assert (tmp_path / "out.wav").stat().st_size < limits.output_bytes
    else:
        assert first.failure.code in {LIMIT, "MEDIA_UNSUPPORTED", "MEDIA_DAMAGED", "TRANSCODE"}
        assert not (tmp_path / "out.wav").exists()
