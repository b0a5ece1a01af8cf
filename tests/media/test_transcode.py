from __future__ import annotations

import hashlib
import struct
from array import array
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.errors import (
    DamagedMediaError,
    EmptyMediaError,
    MediaLimitError,
    TranscodeError,
    UnsupportedMediaError,
)
from cloud9_archive.media.blocks import as_array, in_blocks
from cloud9_archive.media.conversion import Converter
from cloud9_archive.media.naming import part_path
from cloud9_archive.media.probe import examine
from cloud9_archive.media.profiles import PROFILES, Profile
from cloud9_archive.media.transcode import transcode
from cloud9_archive.media.verdicts import Verdict
from cloud9_archive.media.verify import length_complaint, tolerance

ALTERING = [profile for profile in PROFILES.values() if profile.alters]
every_profile = pytest.mark.parametrize("profile", ALTERING, ids=lambda profile: profile.name)
every_source = pytest.mark.parametrize("source", ["ogg", "ogg_mono", "m4a", "wav"])


def loudness(path: Path, *, channel: int) -> list[float]:
    """Root mean square of each quarter second of one channel."""
    samples = array("h")
    with av.open(str(path)) as container:
        convert = av.AudioResampler("s16", "stereo", 8000)
        for frame in [*container.decode(audio=0), None]:
            for made in convert.resample(frame):
                samples.frombytes(bytes(made.planes[0])[: made.samples * 4])
    mine = samples[channel::2]
    quarters = [mine[at : at + 2000] for at in range(0, len(mine) - 1999, 2000)]
    return [(sum(value * value for value in quarter) / len(quarter)) ** 0.5 for quarter in quarters]


@every_profile
@every_source
def test_a_derivative_is_whole_repeatable_and_of_the_same_length(
    request: pytest.FixtureRequest, tmp_path: Path, source: str, profile: Profile
) -> None:
    original = request.getfixturevalue(source)
    before = examine(original)
    first, second = (transcode(original, tmp_path / name, profile) for name in ("one", "two"))
    assert first == second
    assert before.duration is not None
    assert before.channels is not None
    split = profile.channels == "split" and before.channels == 2
    assert [made.part for made in first.derivatives] == (["channel-1", "channel-2"] if split else [""])
    for made in first.derivatives:
        content = part_path(tmp_path / "one", made.part).read_bytes()
        assert content == part_path(tmp_path / "two", made.part).read_bytes()
        assert (made.sha256, made.size) == (hashlib.sha256(content).hexdigest(), len(content))
        rate = profile.rate or before.sample_rate
        assert (made.channels, made.rate, made.codec) == (1 if split else before.channels, rate, profile.codec)
        if profile.codec in {"pcm_s16le", "pcm_alaw", "libopus"}:
            after = examine(part_path(tmp_path / "one", made.part))
            assert (after.verdict, after.container) == (Verdict.INTACT, profile.container)
        extra = (0.064 if source == "m4a" else 2 / made.rate) + profile.coding.padding / made.rate
        assert before.duration - 2 / made.rate <= made.duration <= before.duration + extra
        assert profile.codec in made.encoder
    peaks = [(tmp_path / f"{name}.peaks.json").read_bytes() for name in ("one", "two")]
    assert peaks[0] == peaks[1]
    assert first.waveform is not None
    assert first.waveform.sha256 == hashlib.sha256(peaks[0]).hexdigest()
    names = [part_path(tmp_path / name, made.part).name for name in ("one", "two") for made in first.derivatives]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names, "one.peaks.json", "two.peaks.json"])


@every_profile
def test_the_two_parties_stay_apart(ogg: Path, tmp_path: Path, profile: Profile) -> None:
    made = transcode(ogg, tmp_path / "out", profile).derivatives
    files = [part_path(tmp_path / "out", each.part) for each in made] * (3 - len(made))
    near, far = loudness(files[0], channel=0), loudness(files[1], channel=1)
    for quarter in range(len(near)):
        speaking, silent = (near, far) if quarter % 4 < 2 else (far, near)
        assert speaking[quarter] > 1000
        # Voice coders ring on for a moment; each party has a file of its own there.
        assert silent[quarter] < speaking[quarter] / (20 if len(made) == 1 else 5)


def test_a_wav_derivative_is_what_the_profile_says(ogg: Path, tmp_path: Path) -> None:
    for name, tag, bits in (("pcm_16k", 1, 16), ("alaw_8k", 6, 8)):
        transcode(ogg, tmp_path / name, PROFILES[name])
        kind, channels, rate, _, _, depth = struct.unpack_from("<HHIIHH", (tmp_path / name).read_bytes(), 20)
        assert (kind, channels, rate, depth) == (tag, 2, PROFILES[name].rate, bits)


def test_opus_gets_its_bit_rate(ogg: Path, ogg_mono: Path, tmp_path: Path) -> None:
    (stereo,) = transcode(ogg, tmp_path / "s", PROFILES["opus_24k"]).derivatives
    (mono,) = transcode(ogg_mono, tmp_path / "m", PROFILES["opus_24k"]).derivatives
    assert 32_000 < stereo.size * 8 / stereo.duration < 80_000
    assert 16_000 < mono.size * 8 / mono.duration < 40_000


def test_bad_originals_leave_nothing_behind(ogg: Path, tmp_path: Path) -> None:
    content, out = ogg.read_bytes(), tmp_path / "out"
    out.mkdir()
    bad = {DamagedMediaError: content[:-200], EmptyMediaError: b"", UnsupportedMediaError: b"<html>"}
    for kind, stuff in bad.items():
        (tmp_path / "x").write_bytes(stuff)
        with pytest.raises(kind):
            transcode(tmp_path / "x", out / "y.wav", PROFILES["pcm_16k"])
    with pytest.raises(MediaLimitError, match="limit of 1 s"):
        transcode(ogg, out / "y.wav", PROFILES["pcm_16k"], max_seconds=1.0)
    with pytest.raises(TranscodeError, match="makes no derivative"):
        transcode(ogg, out / "y", PROFILES["none"])
    assert list(out.iterdir()) == []


def test_a_failed_repeat_leaves_the_earlier_derivative(ogg: Path, tmp_path: Path) -> None:
    target = tmp_path / "y.wav"
    (made,) = transcode(ogg, target, PROFILES["alaw_8k"]).derivatives
    with pytest.raises(MediaLimitError):
        transcode(ogg, target, PROFILES["alaw_8k"], max_seconds=1.0)
    assert hashlib.sha256(target.read_bytes()).hexdigest() == made.sha256


def test_an_original_whose_stamps_promise_more_than_it_holds_is_damaged(
    tmp_path: Path, make_silence: Callable[..., list[bytes]], make_page: Callable[..., bytes]
) -> None:
    pages = make_silence(6.0)
    extended = make_page([b"\xf8\xff\xfe"], sequence=len(pages) - 1, granule=500_000, flags=4)
    (tmp_path / "x.ogg").write_bytes(b"".join([*pages[:-1], extended]))
    found = examine(tmp_path / "x.ogg")
    assert (found.verdict, found.code) == (Verdict.DAMAGED, "OGG_GRANULE_GAP")
    blind = replace(found, verdict=Verdict.INTACT)
    with pytest.raises(DamagedMediaError, match="shorter than the original"):
        transcode(tmp_path / "x.ogg", tmp_path / "y.wav", PROFILES["alaw_8k"], examination=blind)


def test_more_than_a_wav_file_can_hold_is_refused(ogg: Path, tmp_path: Path) -> None:
    endless = replace(examine(ogg), duration=36.0 * 3600)
    with pytest.raises(TranscodeError, match="do not fit into a WAVE file"):
        transcode(ogg, tmp_path / "y.wav", PROFILES["pcm_16k"], examination=endless)


@pytest.mark.parametrize(("skip", "blocks"), [(0, [240_000, 32_000]), (40, [240_000, 31_960]), (272_000, [])])
def test_frames_are_joined_to_blocks_of_whole_seconds_and_no_sample_is_lost(skip: int, blocks: list[int]) -> None:
    rows = np.arange(272_000, dtype=np.int16)[None]

    def frames() -> Iterator[av.AudioFrame]:
        for start in range(0, rows.shape[1], 160):
            frame = av.AudioFrame.from_ndarray(rows[:, start : start + 160].copy(), format="s16p", layout="mono")
            frame.sample_rate = 8_000
            yield frame

    found = [as_array(block).copy() for block in in_blocks(frames(), skip=skip)]
    assert [block.shape[1] for block in found] == blocks
    assert np.array_equal(np.concatenate([rows[:, :0], *found], axis=1), rows[:, skip:])


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted where Linux lists them")
@pytest.mark.parametrize("name", ["pcm_8k", "alaw_8k", "gsm_8k"])
def test_no_thread_is_started_however_many_cores_there_are(
    name: str, ogg: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, threads, seen = Converter.convert, Path("/proc/self/task"), set[Path]()

    def counted(self: Converter, frame: av.AudioFrame | None) -> list[av.AudioFrame]:
        made = right(self, frame)
        seen.update(threads.iterdir())
        return made

    before = set(threads.iterdir())
    monkeypatch.setattr(Converter, "convert", counted)
    transcode(ogg, tmp_path / "out.x", PROFILES[name])
    assert seen
    assert seen <= before


@given(expected=st.floats(0, 1e5), found=st.floats(0, 1e5), frame=st.sampled_from([0.02, 0.1]))
def test_lengths_may_differ_by_what_the_container_allows(expected: float, found: float, frame: float) -> None:
    for container, allowed in (("ogg", frame), ("m4a", max(0.064, frame))):
        within = tolerance(container, frame_seconds=frame)
        complaint = length_complaint(expected, found, within=within, what="it")
        assert (complaint is None) == (abs(found - expected) <= allowed + 1e-6)
