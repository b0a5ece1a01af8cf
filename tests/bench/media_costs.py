"""What media work costs in a process of its own: ``media_speed`` starts one for each thing that it measures."""

from __future__ import annotations

import json
import math
import os
import resource
import shutil
import sys
import tempfile
import time
from array import array
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from cloud9_archive.media import transcode
from cloud9_archive.media.jobs import MediaJob
from cloud9_archive.media.probe import examine
from cloud9_archive.media.profiles import Profile, profile_named
from cloud9_archive.media.workers import run_jobs

RATE = 48_000
Cpu = dict[str, float]


def batch(source: Path, place: Path, profile: str, count: int, workers: int) -> Cpu:
    """CPU and wall seconds of a batch through the workers, their start included, and the peak of one in megabytes."""
    form = profile_named(profile)
    folder = Path(tempfile.mkdtemp(dir=place))
    jobs = [MediaJob(str(n), source, folder / f"{n}.{form.extension}", form) for n in range(count)]
    began, cpu = time.perf_counter(), sum(os.times()[:4])
    failures = [result.failure for result in run_jobs(jobs, workers=workers) if result.failure]
    wall, cpu = time.perf_counter() - began, sum(os.times()[:4]) - cpu
    shutil.rmtree(folder)
    if failures:
        raise SystemExit(f"a recording failed: {failures[0]}")
    return {"cpu": cpu, "wall": wall, "peak": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6}


def codecs(source: Path, place: Path, profile: str, rounds: int) -> Cpu:
    """CPU seconds in this process of each part of the work by itself, of our pass and of a whole job: the least of rounds."""
    form, examination = profile_named(profile), examine(source)
    bare = _Bare(form, examination.channels or 1, place / f"out.{form.extension}")
    parts = transcode._parts(bare.target, form, bare.channels)
    work: dict[str, Callable[[], object]] = {
        "decode": lambda: _decoded(source),
        "resample": bare.resample,
        "encode": bare.encode,
        "pass": lambda: transcode._write(source, parts, form, examination, math.inf),
        "whole": lambda: transcode.transcode(source, bare.target, form, examination=examination),
        "decode again": lambda: _decoded(bare.target),
    }
    spent: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        bare.prepare(source)
        for name, do in work.items():
            began = time.process_time()
            do()
            spent[name].append(time.process_time() - began)
    return {name: min(each) for name, each in spent.items()}


def _decoded(path: Path, *, keep: bool = False) -> list[Any]:
    with av.open(str(path)) as container:
        container.streams.audio[0].thread_type = "NONE"
        return [frame for frame in container.decode(audio=0) if keep]


class _Bare:
    """The codecs without anything of ours around them: large frames, made beforehand, and no look at any of them."""

    def __init__(self, form: Profile, channels: int, target: Path) -> None:
        self.form, self.channels, self.target = form, channels, target
        self._layout = {1: "mono", 2: "stereo"}[channels]
        self._blocks: list[Any] = []
        self._ready: list[Any] = []

    def prepare(self, source: Path) -> None:
        """The audio stands in memory, in blocks of a second."""
        fifo = av.AudioFifo()
        for frame in _decoded(source, keep=True):
            frame.pts = None
            fifo.write(frame)
        self._blocks = fifo.read_many(RATE, partial=True)

    def resample(self) -> None:
        """The audio stands in memory as the encoder takes it; of the blocks nothing is left."""
        with av.open(os.devnull, "w", format=self.form.container) as container:
            size = self._opened(container).codec_context.frame_size if self.form.codec == "libopus" else 0
        resampler = av.AudioResampler(self.form.sample_format, self._layout, self.form.rate, frame_size=size or None)
        self._ready = [part for block in [*self._blocks, None] for part in resampler.resample(block)]
        self._blocks, position = [], 0
        for frame in self._ready:
            frame.pts, frame.time_base = position, Fraction(1, self.form.rate)
            position += frame.samples

    def encode(self) -> None:
        """The file is written."""
        with av.open(str(self.target), "w", format=self.form.container, options={"fflags": "+bitexact"}) as container:
            stream = self._opened(container)
            for frame in [*self._ready, None]:
                container.mux(stream.encode(frame))
        self._ready = []

    def _opened(self, container: Any) -> Any:
        form, options = self.form, dict(self.form.encoder_options)
        stream = container.add_stream(form.codec, rate=form.rate, layout=self._layout, options=options)
        stream.codec_context.format = form.sample_format
        if form.codec == "libopus":
            stream.bit_rate = form.bit_rate(self.channels)
        stream.codec_context.open()
        return stream


def speech(path: Path, seconds: int, channels: int = 1) -> Path:
    """Syllables of changing pitch and loudness with pauses between, as Ogg/Opus at 48 kHz: no codec finds them easy."""
    second: list[array[int]] = []
    for pitch in (110, 140, 175, 125):
        samples = array("h")
        for at in range(RATE):
            swell = max(0.0, math.sin(2 * math.pi * at / RATE * 3.5)) * (0.6 + 0.4 * math.sin(2 * math.pi * at / RATE))
            angle = 2 * math.pi * pitch * (at / RATE + 0.02 * math.sin(2 * math.pi * 2 * at / RATE))
            value = swell * 5_000 * (math.sin(angle) + 0.5 * math.sin(2 * angle) + 0.35 * math.sin(5 * angle + 1))
            samples.extend([int(value)] * channels)
        second.append(samples)
    layout = {1: "mono", 2: "stereo"}[channels]
    with av.open(str(path), "w", format="ogg", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libopus", rate=RATE, layout=layout)
        stream.bit_rate = 32_000 * channels
        stream.codec_context.open()
        resampler = av.AudioResampler("s16", layout, RATE, frame_size=stream.codec_context.frame_size)
        for number in range(seconds):
            frame = av.AudioFrame(format="s16", layout=layout, samples=RATE)
            frame.sample_rate, frame.pts, frame.time_base = RATE, number * RATE, Fraction(1, RATE)
            frame.planes[0].update(second[number % 4].tobytes())
            for part in resampler.resample(frame):
                container.mux(stream.encode(part))
        for part in resampler.resample(None):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


if __name__ == "__main__":
    kind, given, beside, *rest = sys.argv[1:]
    if kind == "codecs":
        found = codecs(Path(given), Path(beside), rest[0], int(rest[1]))
    else:
        found = batch(Path(given), Path(beside), rest[0], int(rest[1]), int(rest[2]))
    sys.stdout.write(json.dumps(found) + "\n")
