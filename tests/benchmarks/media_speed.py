"""What transcoding costs: CPU beside one ffmpeg a file and beside the bare codecs, both cores, and memory up to ten hours."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import media_costs
from long_audio import write_silence
from measuring import Figure
from media_costs import speech

CALLS = {5: 100, 60: 10, 600: 2}
"""Lengths of the calls in seconds, and how many make a batch."""

PROFILES = {
    "alaw_8k": ("pcm_alaw", "8000", []),
    "opus_24k": ("libopus", "48000", ["-b:a", "24k", "-application", "voip"]),
}
"""What is made, and how ffmpeg is told to make it."""

ROUNDS = 3
BATCH_OF_TWO_CORES, CORES_SECONDS = 24, 60
LONG = {"60 s": 60.0, "1 h": 3_600.0, "10 h": 36_000.0}
ALLOWED_MEMORY = 150.0
"""Megabytes for a worker, whatever the length."""

COSTS = str(Path(media_costs.__file__))
Cpu = dict[str, float]


def measure() -> Iterator[Figure]:
    """Each goal as a ratio that it should have at least; what costs less stands below."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for seconds, count in CALLS.items():
            source = speech(place / f"{seconds}.ogg", seconds)
            for profile in PROFILES:
                bare = alone("codecs", source, place, profile, ROUNDS)
                yield from _beside_codecs(f"{seconds} s to {profile}", bare, seconds, profile)
                yield from _beside_ffmpeg(source, place, profile, seconds, count)
        yield _both_cores(place)
        for name, length in LONG.items():
            yield _memory(place, name, length)


def _beside_codecs(what: str, cpu: Cpu, seconds: int, profile: str) -> Iterator[Figure]:
    floor = cpu["decode"] + cpu["resample"] + cpu["encode"]
    parts = {name: f"{cpu[name] * 1000:.1f} ms" for name in ("decode", "resample", "encode")}
    goal = 1 / 1.15 if (seconds, profile) == (60, "opus_24k") else None
    yield Figure(f"{what}: bare codecs of our pass", _ms(floor), _ms(cpu["pass"]), "ms", goal=goal, notes=parts)
    again = {"whole job": f"{cpu['whole'] * 1000:.1f} ms"}
    checked = cpu["whole"] - cpu["pass"]
    yield Figure(f"{what}: one decode of verification", _ms(cpu["decode again"]), _ms(checked), "ms", notes=again)


def _beside_ffmpeg(source: Path, place: Path, profile: str, seconds: int, count: int) -> Iterator[Figure]:
    ours = alone("batch", source, place, profile, count, 1)["cpu"] / count
    what = f"{seconds} s to {profile}: one ffmpeg a file of ours"
    goal = 5.0 if (seconds, profile) == (5, "alaw_8k") else None
    if shutil.which("ffmpeg") is None:
        yield Figure(what, _ms(ours), _ms(ours), "ms", notes={"ffmpeg": "not on PATH: nothing is compared"})
        return
    theirs = by_ffmpeg(source, place, profile, count) / count
    yield Figure(what, _ms(theirs), _ms(ours), "ms", goal=goal, notes={"files": count, "ffmpeg": ffmpeg_version()})


def _both_cores(place: Path) -> Figure:
    source = speech(place / "cores.ogg", CORES_SECONDS)
    load = os.getloadavg()[0]
    one, two = (alone("batch", source, place, "opus_24k", BATCH_OF_TWO_CORES, workers)["wall"] for workers in (1, 2))
    enough = (os.cpu_count() or 1) > 1
    notes = {"files": BATCH_OF_TWO_CORES, "load before": round(load, 2)}
    goal = 1.8 if enough else None
    return Figure(
        f"{CORES_SECONDS} s to opus_24k: one worker of two", round(one, 2), round(two, 2), "s", goal=goal, notes=notes
    )


def _memory(place: Path, name: str, length: float) -> Figure:
    source = write_silence(place / "long.ogg", seconds=length)
    taken = alone("batch", source, place, "alaw_8k", 1, 1)
    notes = {"source": f"{source.stat().st_size / 1e6:.1f} MB", "CPU": f"{taken['cpu']:.1f} s"}
    return Figure(
        f"memory allowed for {name}", ALLOWED_MEMORY, round(taken["peak"], 1), "MB taken", goal=1.0, notes=notes
    )


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)


def alone(what: str, source: Path, place: Path, *words: object) -> Cpu:
    """What a process of its own found."""
    command = [sys.executable, COSTS, what, str(source), str(place), *map(str, words)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: Cpu = json.loads(done.stdout)
    return found


def by_ffmpeg(source: Path, place: Path, profile: str, count: int) -> float:
    """CPU seconds of so many ffmpeg processes, one after the other."""
    codec, rate, options = PROFILES[profile]
    target = place / f"ffmpeg.{'ogg' if codec == 'libopus' else 'wav'}"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(count):
        command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", source]
        command += ["-ar", rate, "-c:a", codec, *options, target]
        subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ffmpeg_version() -> str:
    """The version of the ffmpeg that is compared with."""
    told = subprocess.run(["ffmpeg", "-version"], check=True, capture_output=True, text=True).stdout
    return " ".join(told.split()[2:3])
