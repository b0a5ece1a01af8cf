"""Over a thousand damaged Ogg files: whenever a player plays other sound than of the good file, the examination says so."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import av
import pytest
from good_audio import by_pyav, by_soundfile, opus_files, speech
from ogg_damage import DAMAGES, FORGERIES, Damage
from ogg_parts import Paging, last_granule, packets_of, pages_of, repaged, whole

from cloud9_archive.emulator.audio.ogg_writer import looped, read_sample
from cloud9_archive.media.jobs import MediaJob
from cloud9_archive.media.profiles import PROFILES
from cloud9_archive.media.verdicts import Verdict
from cloud9_archive.media.workers import run_jobs

SEEDS = range(32)
NAMES = ("x.ogg", "x.ogg", "x.m4a", "x.ogg", "x.mp3", "x.ogg", "x.wav", "x")
FEWEST_PAGES = 6
UNHEARD = {"renumber", "garbage_before", "garbage_behind", "end_early"}
"""What FFmpeg plays over as if nothing were; other players may not."""


@dataclass(frozen=True)
class Case:
    """One file of the corpus; damage, base and seed say how to make it again."""

    damage: Damage
    base: str
    seed: int

    def __str__(self) -> str:
        """Enough to replay the case."""
        return f"{self.damage.__name__} of {self.base!r} with seed {self.seed}"

    def content(self, bases: dict[str, tuple[bytes, bytes]]) -> bytes:
        chance = random.Random(f"{self.damage.__name__} {self.base} {self.seed}")  # noqa: S311 - a corpus, not a secret
        return self.damage(chance, *bases[self.base])


def heard(path: Path) -> tuple[object, ...]:
    """What a player that complains of nothing plays of the file: the truth that verdicts are held against."""
    sound, shape = hashlib.sha256(), set()
    try:
        with av.open(str(path), format="ogg", metadata_errors="replace") as container:
            for packet in container.demux(container.streams.audio[0]):
                try:
                    frames = packet.decode()
                except av.FFmpegError:
                    continue
                for frame in frames:
                    shape.add((frame.sample_rate, frame.layout.name))
                    sound.update(b"".join(bytes(plane)[: frame.samples * frame.format.bytes] for plane in frame.planes))
    except (av.FFmpegError, IndexError, ValueError):
        shape.add((0, "the reader gives up"))
    return sound.hexdigest(), *sorted(shape)


def found_in(paths: Iterable[tuple[str, Path]]) -> dict[str, str]:
    """The code that a run of the pipeline gives each file, by its name: examined and decoded by a worker."""
    jobs = (MediaJob(name, path, None, PROFILES["none"]) for name, path in paths)
    codes = {}
    for result in run_jobs(jobs, workers=1):
        assert result.examination
        refused = result.examination.verdict is not Verdict.INTACT
        assert refused == (result.failure is not None), f"{result.recording_key}: {result.failure}"
        codes[result.recording_key] = result.examination.code
    return codes


@pytest.fixture(scope="module")
def sample(repository: Path) -> bytes:
    folder = repository / "plugins" / "cloud9_archive" / "emulator" / "audio" / "samples"
    return (folder / "mono-5s.ogg").read_bytes()


@pytest.fixture(scope="module")
def bases(sample: bytes) -> dict[str, tuple[bytes, bytes]]:
    """Good files of a few seconds and several makers; to each another call from the same maker."""
    made: dict[str, list[bytes]] = {}
    for seed in (1, 2):
        mono, stereo = speech(2.23, seed=seed), speech(1.57, channels=2, seed=seed)
        fine = {"page_duration": "200000"}
        packets = by_pyav(mono, 16_000)
        parts = packets_of(packets)
        files = {
            "libopus, mono": by_pyav(mono, 16_000, options=fine),
            "libopus, stereo": by_pyav(stereo, 16_000, options=fine, bit_rate=64_000),
            "libopus, frames of 60 ms": by_pyav(
                mono, 16_000, options=fine, codec_options={"frame_duration": "60", "application": "voip"}
            ),
            "libopus, frames of 2.5 ms": by_pyav(
                mono[:16_000], 16_000, options=fine, codec_options={"frame_duration": "2.5"}
            ),
            "libsndfile": by_soundfile(speech(6.3, rate=8_000, seed=seed), 8_000),
            "the emulator": looped(
                read_sample(sample), milliseconds=5_100 + 333 * seed, serial=seed, comment=f"call {seed}"
            ),
            "a packet a page": whole(repaged(parts, Paging(packets=1), end=last_granule(packets))),
            "joined late": whole(repaged(parts, Paging(packets=9), end=last_granule(packets), start=seed << 20)),
        }
        for name, content in files.items():
            # Encoders that give the same bytes each time give the same serial number each time, which calls do not have.
            pages = [replace(page, serial=0xC0FFEE + seed) for page in pages_of(content)]
            made.setdefault(name, []).append(whole(pages))
    assert all(len(pages_of(content)) >= FEWEST_PAGES for pair in made.values() for content in pair)
    return {name: (first, second) for name, (first, second) in made.items()}


def written(cases: list[Case], bases: dict[str, tuple[bytes, bytes]], folder: Path) -> dict[str, Path]:
    """Each case as a file of its own, some under the name of another container."""
    paths = {}
    for number, case in enumerate(cases):
        path = folder / str(number) / NAMES[case.seed % len(NAMES)]
        path.parent.mkdir()
        path.write_bytes(case.content(bases))
        paths[str(case)] = path
    return paths


def test_whatever_changes_the_sound_is_flagged(
    bases: dict[str, tuple[bytes, bytes]], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    names = list(bases)
    cases = [Case(damage, names[seed % len(names)], seed) for damage in DAMAGES for seed in SEEDS]
    assert len(cases) >= 1_000
    paths = written(cases, bases, tmp_path)
    good = {name: put(tmp_path, f"good {name}", content) for name, (content, _) in bases.items()}
    sound = {name: heard(path) for name, path in good.items()}
    codes = found_in(paths.items())
    changed = [case for case in cases if heard(paths[str(case)]) != sound[case.base]]
    missed = [str(case) for case in changed if codes[str(case)] == "INTACT"]
    flagged = sum(code != "INTACT" for code in codes.values())
    figures = f"{len(cases)} cases, {len(changed)} sound different, {flagged} flagged"
    assert not missed, f"{figures}; not flagged though they sound different: {missed}"
    assert len(changed) >= 0.8 * len(cases), figures
    harmless = {damage.__name__ for damage in DAMAGES} - {case.damage.__name__ for case in changed}
    assert harmless <= UNHEARD, f"{figures}; damages that never change the sound prove nothing: {harmless - UNHEARD}"
    record_property("figures", figures)


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_no_good_file_is_flagged(sample: bytes, bases: dict[str, tuple[bytes, bytes]], tmp_path: Path) -> None:
    files = opus_files(sample) | {name: content for name, (content, _) in bases.items()}
    paths = [(name, put(tmp_path, f"{number}.ogg", files[name])) for number, name in enumerate(files)]
    assert {name: code for name, code in found_in(paths).items() if code != "INTACT"} == {}


def test_what_makes_another_whole_recording_cannot_be_found(
    bases: dict[str, tuple[bytes, bytes]], tmp_path: Path
) -> None:
    names = list(bases)
    cases = [Case(damage, names[seed], seed) for damage in FORGERIES for seed in range(len(names))]
    paths = written(cases, bases, tmp_path)
    found = {name: code for name, code in found_in(paths.items()).items() if code != "INTACT"}
    assert found == {}, "docs/media.md says that these are not found; strike from there what is found now"
    sound = {name: heard(put(tmp_path, f"good {name}", content)) for name, (content, _) in bases.items()}
    heard_of = {case.damage for case in cases if heard(paths[str(case)]) != sound[case.base]}
    assert heard_of == set(FORGERIES)
