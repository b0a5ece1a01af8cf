"""From M4A to derivatives: nothing is lost at its edges, left stays left, and an hour costs no more memory than a second."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from m4a_writer import FRAME, Layout, Sound, read_sound, write_m4a

from cloud9_archive.media.codings import CODINGS
from cloud9_archive.media.decode import count_samples
from cloud9_archive.media.naming import part_path
from cloud9_archive.media.probe import examine
from cloud9_archive.media.profiles import PROFILES, Profile
from cloud9_archive.media.transcode import transcode
from cloud9_archive.media.verdicts import Verdict

TICK = 0.001
LEFT, RIGHT = 300.0, 520.0
MONO_ONLY = {coding.encoder for coding in CODINGS.values() if coding.mono_only}


@pytest.fixture(scope="module")
def sides(m4a: Path, ogg: Path) -> dict[str, Path]:
    """The left party's tone is not the right one's."""
    return {"aac": m4a, "opus": ogg}


def tones(path: Path) -> list[tuple[float, float]]:
    """For each channel, how much of the left's and of the right's tone is in it."""
    rows: list[Any] = []
    with av.open(str(path)) as container:
        convert = av.AudioResampler("fltp", None, 8_000)
        for frame in [*container.decode(audio=0), None]:
            rows += [made.to_ndarray() for made in convert.resample(frame)]
    sound = np.concatenate(rows, axis=1)[:, :24_000]
    wave = np.exp(-2j * np.pi * np.outer([LEFT, RIGHT], np.arange(sound.shape[1])) / 8_000)
    found = np.abs(sound @ wave.T) / sound.shape[1]
    return [(float(left), float(right)) for left, right in found]


def kinds_of(profile: Profile) -> Iterator[Profile]:
    yield replace(profile, channels="split")
    if profile.codec not in MONO_ONLY:
        yield replace(profile, channels="keep")


WAYS = [way for profile in PROFILES.values() if profile.alters for way in kinds_of(profile)]


@pytest.mark.parametrize("source", ["aac", "opus"])
@pytest.mark.parametrize("profile", WAYS, ids=lambda way: f"{way.name}-{way.channels}")
def test_left_stays_left_through_everything(
    sides: dict[str, Path], tmp_path: Path, source: str, profile: Profile
) -> None:
    made = transcode(sides[source], tmp_path / "out", profile).derivatives
    assert [each.part for each in made] == (["channel-1", "channel-2"] if profile.channels == "split" else [""])
    assert {each.channels for each in made} == {2 if profile.channels == "keep" else 1}
    heard = [channel for each in made for channel in tones(part_path(tmp_path / "out", each.part))]
    (left, none_left), (none_right, right) = heard
    assert left > 0.02
    assert right > 0.02
    # A voice coder adds sounds of its own to a tone, but each party has a file of its own then.
    apart = 30 if profile.channels == "keep" else 8
    assert none_left < left / apart
    assert none_right < right / apart


def test_the_sources_themselves_keep_both_apart(sides: dict[str, Path]) -> None:
    for path in sides.values():
        (left, none_left), (none_right, right) = tones(path)
        assert none_left < left / 30
        assert none_right < right / 30


@pytest.fixture(scope="module")
def click(audio_dir: Path) -> Callable[..., Path]:
    """Files that begin and end with a burst of noise, so that an edge that is lost is heard."""

    def make(samples: int, rate: int) -> Path:
        chance = np.random.default_rng(samples)
        path = audio_dir / f"click-{samples}-{rate}.m4a"
        rows = 0.3 * chance.standard_normal((1, samples)).astype(np.float32)
        rows[:, rate // 5 : -(rate // 5)] *= 0.01
        with av.open(str(path), "w", format="ipod", options={"fflags": "+bitexact"}) as container:
            stream = container.add_stream("aac", rate=rate, layout="mono")
            stream.bit_rate = 64_000
            stream.codec_context.format = "fltp"
            stream.codec_context.open()
            for start in range(0, samples, FRAME):
                part = np.ascontiguousarray(rows[:, start : start + FRAME])
                frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
                frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), start
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return make


def edges(path: Path, rate: int) -> tuple[int, float, float]:
    """Samples, and the level of the first and of the last tenth of a second of the audio proper."""
    with av.open(str(path)) as container:
        rows = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)[0]
    rows = rows / (32_768 if rows.dtype == np.int16 else 1)
    tenth = rate // 10
    heard = np.flatnonzero(np.abs(rows) > 0.05)
    last = int(heard[-1]) + 1
    return (
        len(rows),
        float(np.sqrt((rows[:tenth] ** 2).mean())),
        float(np.sqrt((rows[last - tenth : last] ** 2).mean())),
    )


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("over", [0, 1, 511, 1_023])
def test_the_tail_is_at_most_one_frame_and_no_edge_is_lost(
    tmp_path: Path, click: Callable[..., Path], rate: int, over: int
) -> None:
    samples = (rate // FRAME + 1) * FRAME + over
    source = click(samples, rate)
    found = examine(source)
    assert found.verdict is Verdict.INTACT
    assert found.duration == pytest.approx(samples / rate, abs=0.0011)
    played = count_samples(source, found)
    # The last frame is kept whole: up to a frame longer, 64 ms at 16 kHz. FFmpeg writes edit lists in milliseconds, so a
    # last frame that holds less than one of them is not played.
    assert -TICK * rate < played - samples < FRAME
    before = edges(source, rate)
    assert before[0] == played
    for profile in (PROFILES["pcm_16k"], PROFILES["flac"]):
        (made,) = transcode(source, tmp_path / "out", profile).derivatives
        assert made.samples == pytest.approx(played * made.rate / rate, abs=2)
        _, first, last = edges(tmp_path / "out", made.rate)
        share = 0.5 if made.rate < rate else 0.9  # noise above 8 kHz is not in the one of 16 kHz
        assert first > share * before[1]
        assert last > share * before[2]


def test_an_hour_is_examined_by_its_tables_and_decoded_in_little_memory(
    tmp_path: Path, audio_dir: Path, make_audio: Callable[..., Path]
) -> None:
    short = read_sound(
        make_audio(audio_dir / "short.m4a", seconds=2.0, channels=1, rate=16_000, codec="aac", kind="ipod")
    )
    inside = short.packets[2:-2]
    count = round(3_600 * 16_000 / FRAME)
    packets = (inside * (count // len(inside) + 1))[:count]
    played = count * FRAME - 1024
    content = write_m4a(
        Sound(packets, short.config, 16_000, 1), Layout(edits=((played, 1024),), parts=("ftyp", "moov", "mdat"))
    )
    path = tmp_path / "hour.m4a"
    path.write_bytes(content)
    tracemalloc.start()
    found = examine(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found.verdict, found.duration) == (Verdict.INTACT, pytest.approx(3_600, abs=0.1))
    assert peak < 5_000_000
    assert count_samples(path, found) == played
    media = sum(map(len, packets))
    path.write_bytes(content[: -media // 2])
    cut = examine(path)
    assert (cut.code, cut.lost_is_estimate) == ("M4A_CUT", True)
    assert cut.lost_seconds == pytest.approx(1_800, abs=30)
