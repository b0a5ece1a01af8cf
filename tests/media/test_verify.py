"""Derivatives against their originals: good ones of any sound pass, and each fault that an encoder could have is found."""

from __future__ import annotations

import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from av.audio.frame import AudioFrame

from cloud9_archive.errors import DerivativeMismatchError, RecordError, TranscodeError
from cloud9_archive.media import transcode as making
from cloud9_archive.media.blocks import as_array
from cloud9_archive.media.codings import CODINGS, Likeness
from cloud9_archive.media.compare import compare
from cloud9_archive.media.envelope import FRAMES_PER_SECOND, Envelope, EnvelopeMeter
from cloud9_archive.media.profiles import PROFILES, Profile
from cloud9_archive.media.transcode import transcode

RATE = 16_000
ALTERING = [profile for profile in PROFILES.values() if profile.alters]
every_profile = pytest.mark.parametrize("profile", ALTERING, ids=lambda profile: profile.name)
Rows = Any


def voice(chance: np.random.Generator, seconds: float, level: float) -> Rows:
    """Syllables of a buzzing larynx with formants, hisses, and pauses, at a root mean square of ``level``."""
    out, at = np.zeros(round(seconds * RATE)), 0
    while at < len(out):
        if chance.random() < 0.25:
            at += int(RATE * chance.uniform(0.1, 0.6))
            continue
        size = min(int(RATE * chance.uniform(0.06, 0.3)), len(out) - at)
        time = np.arange(size) / RATE
        if chance.random() < 0.25:
            sound = np.diff(chance.standard_normal(size), prepend=0.0) / 4
        else:
            pitch, formants = chance.uniform(90, 220), (chance.uniform(300, 800), chance.uniform(900, 2200), 2800.0)
            partials = np.arange(pitch, 7000, pitch)
            weights = sum(1 / (1 + ((partials - each) / 80) ** 2) for each in formants) + 0.01
            sound = weights @ np.sin(2 * np.pi * partials[:, None] * time)
        out[at : at + size] += np.sin(np.pi * (np.arange(size) + 0.5) / size) ** 0.6 * sound * chance.uniform(0.3, 1)
        at += size
    return out * level / max(1e-9, float(np.sqrt((out**2).mean())))


def keys(seconds: float) -> Rows:
    """A row of dialled digits, a tenth of a second each."""
    time = np.arange(round(seconds * RATE)) / RATE
    digits = (time * 5).astype(int)
    low, high = np.array([697, 770, 852, 941])[digits % 4], np.array([1209, 1336, 1477])[digits % 3]
    return 0.2 * (np.sin(2 * np.pi * low * time) + np.sin(2 * np.pi * high * time)) * ((time * 5) % 1 < 0.5)


def sounds(seed: int, seconds: float) -> dict[str, Callable[[], Rows]]:
    chance = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    turns = time % 2 < 1

    def tone(frequency: float) -> Rows:
        return 0.3 * np.sin(2 * np.pi * frequency * time)

    def speech(level: float = 0.1) -> Rows:
        return voice(chance, seconds, level)

    def quiet(level: int) -> Callable[[], Rows]:
        return lambda: np.stack([speech(10 ** (level / 20)), speech(0.7 * 10 ** (level / 20))])

    return {
        "two voices": lambda: np.stack([speech(), speech(0.05)]),
        "turns": lambda: np.stack([speech() * turns, speech() * ~turns]),
        "one voice": lambda: speech()[None],
        "one silent": lambda: np.stack([speech(), 0 * time]),
        "the same twice": lambda: np.repeat(speech()[None], 2, axis=0),
        "nearly the same twice": lambda: speech() + 1e-4 * chance.standard_normal((2, len(time))),
        "noise": lambda: np.stack([level * chance.standard_normal(len(time)) for level in (0.1, 0.05)]),
        "tones": lambda: np.stack([tone(1000), tone(440) / 3]),
        "low and high": lambda: np.stack([tone(210), tone(3300)]),
        "hum": lambda: np.stack([tone(50), speech()]),
        "ringing": lambda: (tone(425) * (time % 5 < 1))[None],
        "keys": lambda: np.stack([keys(seconds), speech()]),
        "silence": lambda: np.zeros((2, len(time))),
        "clipped": lambda: np.stack([speech(2.0), speech(2.0)]),
        "quiet": quiet(-40),
        "very quiet": quiet(-55),
        "hardly there": quiet(-70),
        "uneven": lambda: np.stack([speech(0.2), speech(0.002)]),
        "in noise": lambda: np.stack([speech() + 0.02 * chance.standard_normal(len(time)), speech(0.02)]),
    }


def write(path: Path, rows: Rows, *, rate: int = RATE) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(rows))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(rows, -1, 1) * 32_767).astype("<i2").T.tobytes())
    return path


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    chance = np.random.default_rng(5)
    rows = np.stack([voice(chance, 6.3, 0.1), voice(chance, 6.3, 0.05)])
    return write(tmp_path_factory.mktemp("call") / "call.wav", rows)


@every_profile
def test_no_good_derivative_is_refused_whatever_is_heard(tmp_path: Path, profile: Profile) -> None:
    lengths = (0.02, 2.5, 0.1, 0.3, 4.1, 1.0)
    refused = []
    for number, what in enumerate(sounds(0, 0.0)):
        seconds = lengths[(number + ALTERING.index(profile)) % len(lengths)]
        source = write(tmp_path / "source.wav", sounds(number, seconds)[what]())
        try:
            made = transcode(source, tmp_path / "out.x", profile).derivatives
        except DerivativeMismatchError as refusal:
            refused.append((what, seconds, refusal.message))
            continue
        assert all(each.checks and each.checks.matches for each in made)
    assert refused == []


def changed(block: AudioFrame, change: Callable[[Rows], Rows], *, slower: int = 1) -> AudioFrame:
    rows = np.ascontiguousarray(change(as_array(block).copy()))
    kind = block.format.name.removesuffix("p") + "p"
    frame = AudioFrame.from_ndarray(rows, format=kind, layout="stereo" if len(rows) == 2 else "mono")
    frame.sample_rate = block.sample_rate // slower
    return frame


def without(rows: Rows, begin: float, end: float) -> Rows:
    rows[:, int(begin * RATE) : int(end * RATE)] = 0
    return rows


def louder(rows: Rows, decibels: float) -> Rows:
    return np.clip(rows * 10 ** (decibels / 20), -32_768, 32_767).astype(rows.dtype)


def merged(rows: Rows) -> Rows:
    return np.repeat(rows.mean(axis=0, keepdims=True), 2, axis=0).astype(rows.dtype)


def silenced(rows: Rows) -> Rows:
    rows[1] = 0
    return rows


FAULTS: dict[str, tuple[Callable[[Rows], Rows], str]] = {
    "swapped": (lambda rows: rows[::-1], "other channel"),
    "merged": (merged, "channel"),
    "one lost": (silenced, "channel 2: .*softer"),
    "gap": (lambda rows: without(rows, 2.1, 2.6), "missing|softer"),
    "3 dB softer": (lambda rows: louder(rows, -3), "dB softer"),
    "3 dB louder": (lambda rows: louder(rows, 3), "dB louder"),
    "end cut": (lambda rows: rows[:, : 6 * RATE], "fewer than"),
    "samples lost": (lambda rows: np.delete(rows, range(3 * RATE, 3 * RATE + 2000), axis=1), "fewer than"),
    "samples twice": (
        lambda rows: np.concatenate([rows[:, : 3 * RATE], rows[:, 3 * RATE - 2000 :]], axis=1),
        "more than",
    ),
}


@every_profile
@pytest.mark.parametrize("fault", [*FAULTS, "half speed"])
def test_what_an_encoder_could_do_wrong_is_found(
    call: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: Profile, fault: str
) -> None:
    change, words = FAULTS.get(fault, (lambda rows: rows, "more than"))
    right = making._shared

    def wrong(block: AudioFrame, parts: Sequence[Any]) -> Iterator[AudioFrame]:
        assert block.samples == round(6.3 * RATE), "the call comes in one block"
        return right(changed(block, change, slower=2 if fault == "half speed" else 1), parts)

    monkeypatch.setattr(making, "_shared", wrong)
    with pytest.raises(DerivativeMismatchError, match=words) as refusal:
        transcode(call, tmp_path / "out.x", profile)
    assert refusal.value.code == "DERIVATIVE_MISMATCH"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["pcm_8k", "opus_24k", "mp3_32k", "flac", "aac_32k"])
def test_a_channel_or_a_rate_that_the_file_does_not_have_is_found(
    call: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    right = making.open_encoder
    monkeypatch.setattr(making, "open_encoder", lambda path, profile, _, rate: right(path, profile, 1, rate))
    with pytest.raises(DerivativeMismatchError, match="1 channels instead of 2"):
        transcode(call, tmp_path / "out.x", PROFILES[name])
    if name == "opus_24k":  # has one clock, whatever rate its encoder works at
        return
    monkeypatch.setattr(making, "open_encoder", lambda path, profile, held, _: right(path, profile, held, 48_000))
    with pytest.raises(DerivativeMismatchError, match="48000 samples per second instead"):
        transcode(call, tmp_path / "out.x", PROFILES[name])


def test_bytes_that_are_no_audio_any_more_are_found(
    call: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = making.verify

    def spoilt(path: Path, *words: Any) -> Any:
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2] if words else b"")
        return right(path, *words)

    monkeypatch.setattr(making, "verify", spoilt)
    for profile in ALTERING:
        with pytest.raises(DerivativeMismatchError):
            transcode(call, tmp_path / "out.x", profile)
    monkeypatch.setattr(making, "verify", lambda path, *words: (path.write_bytes(b"<html>"), right(path, *words))[1])
    for profile in ALTERING:
        with pytest.raises(DerivativeMismatchError, match=r"read back|no audio"):
            transcode(call, tmp_path / "out.x", profile)


def test_the_figures_say_what_was_compared(tmp_path: Path) -> None:
    told = {}
    for what, make in sounds(3, 4.0).items():
        rows = make()
        made = transcode(write(tmp_path / "s.wav", rows), tmp_path / "o.x", PROFILES["alaw_8k"], reported_duration=5.0)
        checks = made.derivatives[0].checks
        assert checks is not None
        assert (checks.samples_expected, checks.samples_found) == (32_000, 32_000)
        assert (checks.duration_difference, checks.reported_difference) == (0.0, -1.0)
        assert checks.channels_expected == checks.channels_found == len(rows)
        told[what] = checks
    voices = told["two voices"]
    for straight, swapped in zip(voices.correlation, voices.correlation_swapped, strict=True):
        assert straight is not None
        assert swapped is not None
        assert straight > 0.97
        assert swapped < 0.9
    assert all(level is not None and abs(level) < 1 for level in voices.level_difference)
    assert voices.channels_distinct
    assert told["one silent"].channels_distinct
    assert told["one silent"].silent_channels == (2,)
    assert told["one silent"].correlation[1] is None
    assert told["silence"].silent_channels == (1, 2)
    assert not told["the same twice"].channels_distinct
    assert not told["nearly the same twice"].channels_distinct
    assert not told["silence"].channels_distinct
    assert told["tones"].correlation == (None, None)
    assert told["one voice"].correlation_swapped == (None,)


def test_a_note_that_swells_is_no_speech_and_only_voice_coders_are_refused_for_it(tmp_path: Path) -> None:
    time = np.arange(4 * RATE) / RATE
    note = 0.15 * (1 + np.sin(2 * np.pi * time)) * np.sin(2 * np.pi * 250 * time)
    source, refused = write(tmp_path / "note.wav", note[None]), {}
    for profile in ALTERING:
        try:
            transcode(source, tmp_path / "out.x", profile)
        except DerivativeMismatchError as refusal:
            refused[profile.name] = refusal.message
    assert [*refused] == ["amr_nb"]
    assert "softer than the original" in refused["amr_nb"]


def test_a_profile_of_one_channel_merges_nobody(call: Path, tmp_path: Path) -> None:
    mono = replace(PROFILES["opus_24k"], channels="mono")
    with pytest.raises(TranscodeError, match="would merge the 2 parties"):
        transcode(call, tmp_path / "out.ogg", mono)
    single = write(tmp_path / "single.wav", voice(np.random.default_rng(1), 1.0, 0.1)[None])
    assert transcode(single, tmp_path / "out.ogg", mono).derivatives[0].channels == 1


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100])
def test_originals_of_any_rate_pass(tmp_path: Path, rate: int) -> None:
    chance = np.random.default_rng(rate)
    rows = np.stack([voice(chance, 3.0, 0.1), voice(chance, 3.0, 0.05)])
    source = write(tmp_path / "s.wav", rows, rate=rate)
    for profile in ALTERING:
        for made in transcode(source, tmp_path / "o.x", profile).derivatives:
            assert made.rate == (profile.rate or rate)


def hour(seed: int) -> Envelope:
    """An hour of two voices, as it would have been measured."""
    chance = np.random.default_rng(seed)
    loud = chance.random((2, 3600 * FRAMES_PER_SECOND // 10)) < 0.6
    band = np.repeat(loud * chance.uniform(0.002, 0.02, loud.shape), 10, axis=1).astype(np.float32)
    return Envelope(band, np.full(3600, 0.02, np.float32), 3600 * RATE)


def test_half_a_second_is_missed_in_an_hour() -> None:
    source = hour(1)
    assert compare(source, source, (0, 1), Likeness()).complaints == ()
    speaking = int(np.flatnonzero(source.band[1, 80_000::10])[0]) * 10 + 80_000
    for coding in (CODINGS["pcm"], CODINGS["amr_nb"]):
        band = source.band.copy()
        band[1, speaking : speaking + 25] = 0
        (complaint,) = compare(source, replace(source, band=band), (0, 1), coding.likeness).complaints
        assert "something is missing" in complaint
        assert f"at {speaking // FRAMES_PER_SECOND}"[:6] in complaint


def test_a_voice_that_was_never_there_is_noticed() -> None:
    source = hour(2)
    source.band[0, 50_000:51_000] = 0
    band = source.band.copy()
    band[0, 50_100:50_300] = 0.01
    (complaint,) = compare(source, replace(source, band=band), (0, 1), Likeness()).complaints
    assert "louder than the original" in complaint


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 44_100, 48_000])
def test_a_level_is_the_same_at_every_rate_and_nothing_outside_the_band_counts(rate: int) -> None:
    time = np.arange(2 * rate) / rate
    rows = np.stack([0.1 * np.sin(2 * np.pi * 1000 * time), 0.1 * np.sin(2 * np.pi * 50 * time)])
    meter = EnvelopeMeter(rate, 2)
    for start in range(0, 2 * rate, rate):
        meter.take(rows[:, start : start + rate].astype(np.float32))
    found = meter.envelope()
    assert found.band.shape == (2, 100)
    assert found.band[0] == pytest.approx(0.005, rel=0.05)
    assert found.band[1].max() < 0.005 / 100
    assert found.loudest == pytest.approx(0.005, rel=0.01)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 48_000])
def test_an_envelope_is_the_same_in_blocks_of_any_number_of_seconds(rate: int) -> None:
    rows = np.random.default_rng(rate).standard_normal((2, 5 * rate + rate // 3)).astype(np.float32) / 10
    rows[:, : 2 * rate] /= 10
    found = []
    for seconds in (1, 2, 6):
        meter = EnvelopeMeter(rate, 2)
        for start in range(0, rows.shape[1], seconds * rate):
            meter.take(rows[:, start : start + seconds * rate])
        found.append(meter.envelope())
    one, *others = found
    assert (one.band.shape, one.loudest.shape, one.samples) == ((2, 267), (6,), rows.shape[1])
    second = rows.astype(np.float64)[:, -(rate // 3) :]
    assert one.loudest[-1] == pytest.approx((second**2).mean(axis=1).max(), rel=1e-4)
    for other in others:
        assert other.band == pytest.approx(one.band, rel=1e-4)
        assert other.loudest == pytest.approx(one.loudest, rel=1e-5)
        assert other.samples == one.samples


def test_an_original_without_audio_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(RecordError):
        transcode(write(tmp_path / "s.wav", np.zeros((1, 0))), tmp_path / "o.x", PROFILES["gsm_8k"])
