from __future__ import annotations

import subprocess
import sys

import pytest

from cloud9_archive.errors import ConfigurationError
from cloud9_archive.media.profiles import PROFILES, profile_named


def test_a_wrong_name_is_answered_with_the_nearest_and_all() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        profile_named("alaw8k")
    assert "did you mean 'alaw_8k'?" in str(refusal.value)
    assert all(name in str(refusal.value) for name in PROFILES)


def test_opus_keeps_two_parties_apart_by_its_bit_rate() -> None:
    opus = profile_named("opus_24k")
    assert opus.bit_rate(1) == 24_000
    assert opus.bit_rate(2) >= 32_000


@pytest.mark.parametrize(("name", "megabytes"), [("none", 0), ("pcm_16k", 230), ("alaw_8k", 58), ("opus_24k", 22)])
def test_an_hour_of_stereo_needs(name: str, megabytes: int) -> None:
    assert round(profile_named(name).bytes_per_hour(2) / 1e6) == megabytes


def test_profiles_and_jobs_load_without_a_decoder() -> None:
    code = "import sys, cloud9_archive.media.profiles, cloud9_archive.media.workers; sys.exit('av' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
