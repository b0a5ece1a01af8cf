from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.media.profiles import PROFILES
from cloud9_archive.media.transcode import transcode
from cloud9_archive.media.waveform import MOST_PEAKS, PeakMeter


def test_the_peaks_of_a_call_stand_beside_its_derivative(ogg: Path, tmp_path: Path) -> None:
    made = transcode(ogg, tmp_path / "alaw_8k.wav", PROFILES["alaw_8k"])
    content = (tmp_path / "alaw_8k.peaks.json").read_bytes()
    told = json.loads(content)
    assert made.waveform is not None
    assert (made.waveform.sha256, made.waveform.size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert (made.waveform.channels, made.waveform.peaks_per_second, made.waveform.peaks) == (2, 20.0, 60)
    data = told.pop("data")
    assert told == {
        "version": 2,
        "channels": 2,
        "sample_rate": 48_000,
        "samples_per_pixel": 2400,
        "bits": 8,
        "length": 60,
    }
    pairs = np.array(data).reshape(60, 2, 2)
    assert (pairs[..., 0] <= pairs[..., 1]).all()
    near, far = pairs[:, 0, 1], pairs[:, 1, 1]
    assert near[:9].min() > 5 > far[2:9].max()
    assert far[11:19].min() > 5 > near[12:19].max()


def test_peaks_are_of_the_original_whatever_the_profile(ogg: Path, tmp_path: Path) -> None:
    for name in ("gsm_8k", "opus_24k"):
        transcode(ogg, tmp_path / f"{name}.x", PROFILES[name])
    assert (tmp_path / "gsm_8k.peaks.json").read_bytes() == (tmp_path / "opus_24k.peaks.json").read_bytes()


@given(
    sizes=st.lists(st.integers(1, 900), min_size=1, max_size=12),
    rate=st.sampled_from([100, 8_000, 11_025]),
    channels=st.integers(1, 2),
)
def test_blocks_of_any_size_give_the_same_peaks_and_lose_none(sizes: list[int], rate: int, channels: int) -> None:
    rows = np.random.default_rng(sum(sizes)).uniform(-1, 1, (channels, sum(sizes))).astype(np.float32)
    parts, whole = PeakMeter(rate, channels), PeakMeter(rate, channels)
    whole.take(rows)
    for end, size in zip(np.cumsum(sizes), sizes, strict=True):
        parts.take(rows[:, end - size : end])
    found = parts.peaks()
    assert found.document() == whole.peaks().document()
    assert len(found.pairs) == -(-sum(sizes) // (rate // 20))
    assert (found.pairs[..., 1].max(axis=0) == np.rint(rows.max(axis=1) * 127)).all()
    assert (found.pairs[..., 0].min(axis=0) == np.rint(rows.min(axis=1) * 127)).all()


@pytest.mark.parametrize("more", [0, 1, 5 * MOST_PEAKS + 3])
def test_the_number_of_peaks_is_bounded_and_a_click_in_a_day_still_shows(more: int) -> None:
    meter = PeakMeter(20, 1)
    count = MOST_PEAKS + more
    rows = np.zeros((1, count), np.float32)
    rows[0, count - 3] = 0.5
    meter.take(rows)
    found = meter.peaks()
    assert MOST_PEAKS / 2 < len(found.pairs) <= MOST_PEAKS
    assert len(found.pairs) * found.span >= count
    assert found.pairs.max() == 64
    assert len(found.document()) < 400_000
