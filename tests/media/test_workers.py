from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from worker_children import children, none_grows_old, wait_for

from cloud9_archive.errors import ConfigurationError
from cloud9_archive.media.jobs import DEFAULT_LIMITS, MediaJob, MediaLimits, MediaResult
from cloud9_archive.media.naming import part_path
from cloud9_archive.media.probe import examine
from cloud9_archive.media.profiles import PROFILES
from cloud9_archive.media.transcode import transcode
from cloud9_archive.media.verdicts import Verdict
from cloud9_archive.media.workers import run_jobs


def job(source: Path, out: Path, profile: str = "alaw_8k", key: str | None = None) -> MediaJob:
    target = None if profile == "none" else out / f"{key or source.stem}.{profile}"
    return MediaJob(key or source.stem, source, target, PROFILES[profile])


def only(results: Iterator[MediaResult]) -> MediaResult:
    (result,) = results
    return result


@pytest.fixture(autouse=True)
def nothing_left_behind(tmp_path: Path) -> Iterator[None]:
    with none_grows_old():
        yield
    assert children() == []
    assert list(tmp_path.rglob("*.part")) == []


def test_each_job_has_one_result_and_the_bytes_are_those_of_a_direct_transcode(
    ogg: Path, ogg_mono: Path, m4a: Path, wav: Path, tmp_path: Path
) -> None:
    (tmp_path / "cut.ogg").write_bytes(ogg.read_bytes()[:-500])
    (tmp_path / "page.ogg").write_bytes(b"<html>")
    sources = [ogg, ogg_mono, m4a, wav, tmp_path / "cut.ogg", tmp_path / "page.ogg", tmp_path / "lost.ogg"]
    jobs = [job(s, tmp_path, p, f"{i}-{p}") for i, s in enumerate(sources) for p in PROFILES]
    results = {result.recording_key: result for result in run_jobs(jobs, workers=2)}
    assert sorted(results) == sorted(j.recording_key for j in jobs)
    for one in jobs:
        result, profile = results[one.recording_key], one.profile
        if one.source.stem in {"cut", "page", "lost"}:
            codes = {"cut": "MEDIA_DAMAGED", "page": "MEDIA_NOT_AUDIO", "lost": "STAGING_LOST"}
            assert result.failure is not None
            assert result.failure.code == codes[one.source.stem]
            assert result.failure.transient == (one.source.stem == "lost")
            assert result.derivatives == ()
        else:
            assert result.failure is None
            assert result.examination == examine(one.source)
            direct = transcode(one.source, tmp_path / "direct", profile).derivatives if profile.alters else ()
            assert result.derivatives == direct
            for made in direct:
                whole = one.target or one.source
                assert (
                    part_path(whole, made.part).read_bytes() == part_path(tmp_path / "direct", made.part).read_bytes()
                )


def test_no_jobs_no_workers_no_results() -> None:
    assert list(run_jobs([])) == []
    with pytest.raises(ValueError, match="0 workers"):
        list(run_jobs([], workers=0))


def test_the_reported_duration_is_a_figure_and_no_verdict(ogg: Path) -> None:
    result = only(run_jobs([MediaJob("a", ogg, None, PROFILES["none"], reported_duration=10.0)]))
    assert result.failure is None
    assert result.duration_difference == pytest.approx(-7.0)


def test_a_job_that_could_never_work_is_refused_at_once(ogg: Path) -> None:
    with pytest.raises(ValueError, match="needs a target"):
        MediaJob("a", ogg, None, PROFILES["alaw_8k"])


def test_hostile_names_are_only_names(ogg: Path, tmp_path: Path) -> None:
    odd = tmp_path / 'http:\n"\udcff ;$(x)'
    odd.mkdir()
    source = odd / "concat:a|b.ogg"
    source.write_bytes(ogg.read_bytes())
    result = only(run_jobs([MediaJob("k\n\udc80", source, odd / "pipe:1", PROFILES["pcm_16k"])]))
    assert (result.recording_key, result.failure) == ("k\n\udc80", None)
    assert examine(odd / "pipe:1").verdict is Verdict.INTACT


def test_a_killed_worker_costs_one_recording(silent_hour: Path, ogg: Path, tmp_path: Path) -> None:
    jobs = [job(silent_hour, tmp_path, "opus_24k"), job(ogg, tmp_path), job(ogg, tmp_path, key="later")]
    found: list[MediaResult] = []
    runner = threading.Thread(target=lambda: found.extend(run_jobs(jobs, workers=1)))
    runner.start()
    wait_for(lambda: list(tmp_path.glob(".hour*.part")))
    os.kill(children()[0], signal.SIGKILL)
    runner.join()
    lost, second, third = found
    assert lost.failure is not None
    assert lost.failure.code == "MEDIA_WORKER_LOST"
    assert "signal 9 (Killed)" in lost.failure.reason
    assert not (tmp_path / "hour.opus_24k").exists()
    assert (second.failure, third.failure) == (None, None)


def test_a_worker_that_dies_at_rest_costs_nothing(ogg: Path, tmp_path: Path) -> None:
    results = run_jobs([job(ogg, tmp_path, key=str(number)) for number in range(3)], workers=1)
    assert next(results).failure is None
    (pid,) = children()
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: b"Z" in Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2])
    assert [result.failure for result in results] == [None, None]


def test_a_hang_is_ended_at_the_wall_deadline(ogg: Path, silent_hour: Path, tmp_path: Path) -> None:
    limits = MediaLimits(wall_seconds=1.5)
    found: list[MediaResult] = []
    jobs = [job(silent_hour, tmp_path, "opus_24k"), job(ogg, tmp_path)]
    runner = threading.Thread(target=lambda: found.extend(run_jobs(jobs, workers=1, limits=limits)))
    runner.start()
    wait_for(lambda: list(tmp_path.glob(".hour*.part")))
    os.kill(children()[0], signal.SIGSTOP)
    runner.join()
    assert [result.failure and result.failure.code for result in found] == ["MEDIA_LIMIT_EXCEEDED", None]
    assert found[0].failure is not None
    assert "1.5 s" in found[0].failure.reason


@pytest.mark.parametrize(
    ("limits", "profile", "words"),
    [
        (MediaLimits(cpu_seconds=0.2), "opus_24k", "of CPU time"),
        (MediaLimits(output_bytes=200_000), "alaw_8k", "limit of 200000 bytes"),
        (MediaLimits(decoded_seconds=30.0), "none", "limit of 30 s of audio"),
        (MediaLimits(wall_seconds=1.0), "opus_24k", "after the limit of 1 s"),
    ],
    ids=["cpu", "output", "decoded", "wall"],
)
def test_each_limit_is_really_reached_and_the_next_recording_is_well(
    silent_hour: Path, ogg: Path, tmp_path: Path, limits: MediaLimits, profile: str, words: str
) -> None:
    first = only(run_jobs([job(silent_hour, tmp_path, profile)], workers=1, limits=limits))
    assert first.failure is not None
    assert first.failure.code == "MEDIA_LIMIT_EXCEEDED"
    assert words in first.failure.reason
    assert [path.name for path in tmp_path.iterdir()] == []
    both = run_jobs([job(silent_hour, tmp_path, profile), job(ogg, tmp_path, "none")], workers=1, limits=limits)
    assert [result.failure is None for result in both] == [False, True]


def test_a_recording_that_wants_much_memory_does_not_get_it(m4a: Path, ogg: Path, tmp_path: Path) -> None:
    content, padding = m4a.read_bytes(), 60 * 1024 * 1024
    place = content.index(b"moov") - 4
    (length,) = struct.unpack_from(">I", content, place)
    index = struct.pack(">I", length + padding) + content[place + 4 : place + length]
    with (tmp_path / "greedy.m4a").open("wb") as stream:
        stream.write(content[:place] + index + struct.pack(">I4s", padding, b"free"))
        stream.truncate(place + length + padding)
    jobs = [job(tmp_path / "greedy.m4a", tmp_path, "none"), job(ogg, tmp_path)]
    greedy, good = run_jobs(jobs, workers=1, limits=MediaLimits(memory_bytes=264 * 1024 * 1024))
    assert greedy.failure is not None
    assert (greedy.failure.code, good.failure) == ("MEDIA_LIMIT_EXCEEDED", None)
    assert "bytes of memory" in greedy.failure.reason
    assert [result.failure for result in run_jobs(jobs[:1])] == [None]


def test_an_hour_of_silence_passes_in_little_memory(silent_hour: Path, tmp_path: Path) -> None:
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from cloud9_archive.media.jobs import MediaJob\n"
        "from cloud9_archive.media.profiles import PROFILES\n"
        "from cloud9_archive.media.workers import run_jobs\n"
        "jobs = [MediaJob('a', Path(sys.argv[1]), Path(sys.argv[2]), PROFILES['alaw_8k'])]\n"
        "(result,) = run_jobs(jobs)\n"
        "assert result.failure is None, result.failure\n"
        "assert result.derivatives[0].duration == 3600.0\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(silent_hour), str(tmp_path / "out.wav")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(ran.stdout) < 150 * 1024  # kB; the hour's samples alone are 700 MB as the decoder gives them


def test_default_limits_let_ten_hours_pass() -> None:
    for size in (1_000_000, 100_000_000):
        limits = DEFAULT_LIMITS.scaled(size, PROFILES["opus_24k"])
        assert limits.decoded_seconds >= 36_000
        assert limits.cpu_seconds >= 36_000 * 0.012 * 2
        assert limits.output_bytes >= 36_000 * 48_000 / 8
    small = DEFAULT_LIMITS.scaled(20_000, PROFILES["alaw_8k"])
    assert small.wall_seconds < 600


def test_the_parents_secrets_are_not_in_the_child(monkeypatch: pytest.MonkeyPatch, ogg: Path, tmp_path: Path) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CLOUD9_EMEA", "cloud9://key:topsecret@host")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "topsecret")
    results = run_jobs([job(ogg, tmp_path), job(ogg, tmp_path, key="b")], workers=1)
    next(results)
    environment = Path(f"/proc/{children()[0]}/environ").read_bytes()
    results.close()  # type: ignore[attr-defined]
    assert b"topsecret" not in environment
    assert b"AIRFLOW" not in environment


def test_a_worker_that_cannot_start_is_nobodys_recording(
    monkeypatch: pytest.MonkeyPatch, ogg: Path, tmp_path: Path
) -> None:
    (tmp_path / "av").mkdir()
    (tmp_path / "av" / "__init__.py").write_text("raise ImportError('no decoder here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="no decoder here"):
        list(run_jobs([job(ogg, tmp_path)]))


def test_a_place_that_cannot_be_written_is_the_hosts_fault(ogg: Path, tmp_path: Path) -> None:
    result = only(run_jobs([MediaJob("a", ogg, tmp_path / "absent" / "x.wav", PROFILES["alaw_8k"])]))
    assert result.failure is not None
    assert result.failure.transient


def test_what_a_worker_imports_under_its_limits_is_not_compiled_into_a_file_that_they_cut_short(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text(f"WORDS = {'x' * 9_000!r}\n", encoding="utf-8")
    program = (
        "import resource, sys\n"
        "from cloud9_archive.media.confine import confine\n"
        "confine()\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "import late\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["late.py"]
