"""Good and damaged MP3 and WAVE files: what must be found is, and what these formats cannot show is known."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from damage import (
    Damage,
    cut_anywhere,
    garbage_before,
    garbage_behind,
    insert_bytes,
    put_after_another,
    remove_bytes,
)
from good_audio import mp3_files, wav_files
from media_truth import found_in, heard, judged, put
from mp3_damage import COUNTED, swap_frames

from cloud9_archive.errors import RecordError
from cloud9_archive.media.decode import count_samples
from cloud9_archive.media.probe import examine
from cloud9_archive.media.verdicts import Verdict

SEEDS = range(6)
LENGTH: tuple[Damage, ...] = (
    cut_anywhere,
    insert_bytes,
    remove_bytes,
    put_after_another,
    garbage_before,
    garbage_behind,
)
"""What changes the length of a file."""
COUNTING = ("16000 Hz, 2 channels, constant rate", "varying rate", "average rate", "no reservoir", "tag ID3v2.4")
WAVES = (
    "FFmpeg, pcm_s16le, 8000 Hz, 2 channels",
    "libsndfile, ALAW, 8000 Hz, 1 channels",
    "libsndfile, FLOAT, 8000 Hz, 1 channels",
    "libsndfile, GSM",
    "libsndfile, MS_ADPCM, 8000 Hz, 2 channels",
    "libsndfile, IMA_ADPCM, 8000 Hz, 1 channels",
    "libsndfile, extensible, PCM_24, 44100 Hz, 2 channels",
    "FFmpeg, G.722",
)


@pytest.fixture(scope="module")
def waves() -> dict[str, bytes]:
    return wav_files()


@pytest.fixture(scope="module")
def mp3s() -> dict[str, bytes]:
    return mp3_files()


def test_no_good_file_is_flagged(waves: dict[str, bytes], mp3s: dict[str, bytes], tmp_path: Path) -> None:
    files = waves | mp3s
    assert len(files) > 100
    paths = [(name, put(tmp_path, str(number), files[name])) for number, name in enumerate(files)]
    assert {name: code for name, code in found_in(paths).items() if code != "INTACT"} == {}


def drawn(damages: Sequence[Damage], good: dict[str, bytes]) -> dict[str, tuple[bytes, bytes]]:
    """Damaged files and the good ones that they were, by a name that says how to make one again."""
    made = {}
    for damage in damages:
        for name, content in good.items():
            for seed in SEEDS:
                chance = random.Random(f"{damage.__name__} {name} {seed}")  # noqa: S311 - a corpus, not a secret
                made[f"{damage.__name__}, seed {seed}, of {name!r}"] = damage(chance, content, content), content
    return made


def test_wave_files_of_another_length_are_flagged(waves: dict[str, bytes], tmp_path: Path) -> None:
    cases = drawn(LENGTH, {name: waves[name] for name in WAVES})
    changed, flagged = judged(cases, tmp_path, "wav")
    assert set(cases) - flagged == set()
    assert len(changed) > 0.5 * len(cases)


# What one bit of the format chunk may be turned into that is as good a WAVE file: where it is, byte and bit.
RATE = {(byte, bit) for byte in range(4, 8) for bit in range(8)}
AS_GOOD = {
    "FFmpeg, pcm_s16le, 8000 Hz, 2 channels": set(),
    "libsndfile, ALAW, 8000 Hz, 1 channels": {(0, 0)},  # µ-law
    "libsndfile, FLOAT, 8000 Hz, 1 channels": {(0, 1)},  # whole numbers of 32 bits
    "libsndfile, GSM": {(4, 0), (4, 1), (4, 2)},  # faster by a thousandth: bytes in a second are rounded
    "libsndfile, MS_ADPCM, 8000 Hz, 2 channels": RATE,
    "libsndfile, IMA_ADPCM, 8000 Hz, 1 channels": RATE,
    "libsndfile, extensible, PCM_24, 44100 Hz, 2 channels": {(byte, bit) for byte in range(20, 24) for bit in range(8)},
}


@pytest.mark.parametrize("name", AS_GOOD)
def test_one_bit_in_a_wave_header_is_found_unless_it_makes_another_good_one(
    waves: dict[str, bytes], tmp_path: Path, name: str
) -> None:
    good = waves[name]
    begin, sound = good.index(b"fmt ") + 8, heard(put(tmp_path, "good", good), "wav")
    places = [(byte, bit) for byte in range(-begin, good.index(b"data") + 8 - begin) for bit in range(8)]
    missed = set()
    for byte, bit in places:
        hurt = bytearray(good)
        hurt[begin + byte] ^= 1 << bit
        path = put(tmp_path, "x.wav", bytes(hurt))
        found = examine(path)
        if found.verdict is Verdict.INTACT and heard(path, "wav") != sound:
            with suppress(RecordError):
                count_samples(path, found)
                missed.add((byte, bit))
    assert missed <= AS_GOOD[name]


def test_mp3_files_of_another_length_are_flagged(mp3s: dict[str, bytes], tmp_path: Path) -> None:
    cases = drawn((*LENGTH, *COUNTED), {name: mp3s[name] for name in COUNTING})
    changed, flagged = judged(cases, tmp_path, "mp3")
    assert changed - flagged == set()
    assert len(changed) > 0.5 * len(cases)


def test_what_mp3_without_a_count_and_pcm_cannot_show(
    waves: dict[str, bytes], mp3s: dict[str, bytes], tmp_path: Path
) -> None:
    cases = drawn(COUNTED, {"no header frame": mp3s["no header frame"]})
    cases |= drawn([swap_frames], {name: mp3s[name] for name in COUNTING})
    changed, flagged = judged(cases, tmp_path, "mp3")
    assert (len(changed), flagged) == (len(cases), set()), "docs/media.md says that these are not found"
    sound = waves[WAVES[0]]
    beyond = {"a sample": (sound[:-4] + b"\1\1\1\1", sound)}
    assert judged(beyond, tmp_path, "wav") == ({"a sample"}, set())
