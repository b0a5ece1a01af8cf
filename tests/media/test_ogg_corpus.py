"""Over a thousand damaged Ogg files: whenever a player plays other sound than of the good file, the examination says so."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from damage import Damage
from good_audio import by_pyav, by_soundfile, opus_files, speech
from media_truth import found_in, judged, put
from ogg_damage import DAMAGES
from ogg_forgery import FORGERIES
from ogg_parts import Paging, last_granule, packets_of, pages_of, repaged, whole

from cloud9_archive.emulator.audio.ogg_writer import looped, read_sample

SEEDS = range(32)
FEWEST_PAGES = 6
UNHEARD = {"renumber", "garbage_before", "garbage_behind", "end_early"}
"""What FFmpeg plays over as if nothing were; other players may not."""


Bases = dict[str, tuple[bytes, bytes]]


def drawn(damages: Sequence[Damage], seeds: Sequence[int], bases: Bases) -> dict[str, tuple[bytes, bytes]]:
    """Damaged files and the good ones that they were, by a name that says how to make one again."""
    names, made = list(bases), {}
    for damage in damages:
        for seed in seeds:
            base = names[seed % len(names)]
            chance = random.Random(f"{damage.__name__} {seed}")  # noqa: S311 - a corpus, not a secret
            made[f"{damage.__name__}, seed {seed}, of {base!r}"] = damage(chance, *bases[base]), bases[base][0]
    return made


@pytest.fixture(scope="module")
def sample(repository: Path) -> bytes:
    folder = repository / "plugins" / "cloud9_archive" / "emulator" / "audio" / "samples"
    return (folder / "mono-5s.ogg").read_bytes()


@pytest.fixture(scope="module")
def bases(sample: bytes) -> Bases:
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


def test_whatever_changes_the_sound_is_flagged(
    bases: Bases, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    cases = drawn(DAMAGES, SEEDS, bases)
    assert len(cases) >= 1_000
    changed, flagged = judged(cases, tmp_path, "ogg")
    figures = f"{len(cases)} cases, {len(changed)} sound different, {len(flagged)} flagged"
    assert changed <= flagged, f"{figures}; not flagged though they sound different: {sorted(changed - flagged)}"
    assert len(changed) >= 0.8 * len(cases), figures
    harmless = {damage.__name__ for damage in DAMAGES} - {name.partition(",")[0] for name in changed}
    assert harmless <= UNHEARD, f"{figures}; damages that never change the sound prove nothing: {harmless - UNHEARD}"
    record_property("figures", figures)


def test_no_good_file_is_flagged(sample: bytes, bases: Bases, tmp_path: Path) -> None:
    files = opus_files(sample) | {name: content for name, (content, _) in bases.items()}
    paths = [(name, put(tmp_path, f"{number}.ogg", files[name])) for number, name in enumerate(files)]
    assert {name: code for name, code in found_in(paths).items() if code != "INTACT"} == {}


def test_what_makes_another_whole_recording_cannot_be_found(bases: Bases, tmp_path: Path) -> None:
    changed, flagged = judged(drawn(FORGERIES, range(len(bases)), bases), tmp_path, "ogg")
    assert flagged == set(), "docs/media.md says that these are not found; strike from there what is found now"
    assert {name.partition(",")[0] for name in changed} == {forgery.__name__ for forgery in FORGERIES}
