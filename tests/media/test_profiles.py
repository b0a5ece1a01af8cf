from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cloud9_archive.errors import ConfigurationError
from cloud9_archive.media.codings import CODINGS
from cloud9_archive.media.jobs import MediaJob, MediaLimits
from cloud9_archive.media.naming import part_path
from cloud9_archive.media.profiles import PROFILES, firm_profile, profile_named
from cloud9_archive.media.transcode import transcode
from cloud9_archive.media.workers import run_jobs

ELSEWHERE = """
import json, sys
from pathlib import Path
from cloud9_archive.media.profiles import PROFILES
from cloud9_archive.media.transcode import transcode
print(json.dumps({
    profile.name: [made.sha256 for made in transcode(Path(sys.argv[1]), Path(sys.argv[2]), profile).derivatives]
    for profile in PROFILES.values() if profile.alters
}))
"""


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


def test_every_profile_gives_the_same_bytes_in_another_process(ogg: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", ELSEWHERE, str(ogg), str(tmp_path / "there")]
    there = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    for profile in PROFILES.values():
        if profile.alters:
            made = transcode(ogg, tmp_path / "here", profile).derivatives
            files = [part_path(tmp_path / "here", each.part).read_bytes() for each in made]
            assert there[profile.name] == [each.sha256 for each in made]
            assert there[profile.name] == [hashlib.sha256(content).hexdigest() for content in files]
    assert set(there) == set(PROFILES) - {"none"}


@pytest.mark.parametrize("name", [name for name in PROFILES if name not in {"none", "flac"}])
def test_what_an_hour_needs_is_what_it_takes(ogg: Path, tmp_path: Path, name: str) -> None:
    made = transcode(ogg, tmp_path / "x", PROFILES[name]).derivatives
    hourly = sum(each.size / each.duration for each in made) * 3600
    assert hourly == pytest.approx(PROFILES[name].bytes_per_hour(2), rel=0.7 if "opus" in name else 0.25)


@pytest.mark.parametrize("codec", CODINGS)
def test_a_firms_profile_works_with_what_the_codec_usually_has(ogg: Path, tmp_path: Path, codec: str) -> None:
    own = firm_profile("desk", codec=codec)
    made = transcode(ogg, tmp_path / "desk.x", own).derivatives
    assert len(made) == (2 if CODINGS[codec].mono_only else 1)
    assert profile_named("desk", {"desk": own}) is own


@pytest.mark.parametrize("codec", CODINGS)
def test_a_firms_profile_works_at_the_ends_of_what_is_offered(ogg: Path, tmp_path: Path, codec: str) -> None:
    coding = CODINGS[codec]
    for rate in {min(coding.rates), max(coding.rates)}:
        for bit_rate in coding.bit_rates or (None,):
            own = firm_profile("desk", codec=codec, rate=rate, bit_rate=bit_rate, channels="split")
            assert [each.part for each in transcode(ogg, tmp_path / "x", own).derivatives] == ["channel-1", "channel-2"]
    if coding.bit_rates and not coding.mono_only:
        least = max(coding.bit_rates[0], coding.least_together)
        assert transcode(ogg, tmp_path / "x", firm_profile("desk", codec=codec, bit_rate=least)).derivatives


@pytest.mark.parametrize(
    ("name", "wish", "place", "words"),
    [
        ("desk", {"codec": "opus", "bit_rate": 15_999}, "desk.bit_rate", "would merge the two parties"),
        ("desk", {"codec": "opus", "bit_rate": 11_000, "channels": "split"}, "desk.bit_rate", "from 12000 to 128000"),
        ("desk", {"codec": "opus", "rate": 16_000}, "desk.rate", "it can have: 48000"),
        ("desk", {"codec": "opus", "channels": "mono"}, "desk.channels", "would merge the two parties"),
        ("desk", {"codec": "gsm", "channels": "keep"}, "desk.channels", "would merge two parties"),
        ("desk", {"codec": "gsm", "rate": 16_000}, "desk.rate", "it can have: 8000"),
        ("desk", {"codec": "amr_nb", "bit_rate": 12_200}, "desk.bit_rate", "no choice"),
        ("desk", {"codec": "speex"}, "desk.codec", "the codecs are: pcm"),
        ("desk", {"codec": "opsu"}, "desk.codec", "did you mean 'opus'?"),
        ("desk", {"codec": "opus", "channels": "both"}, "desk.channels", "use keep or split"),
        ("opus_24k", {"codec": "opus"}, "opus_24k", "there already"),
        ("../desk", {"codec": "opus"}, "../desk", "no name"),
        ("", {"codec": "opus"}, "", "no name"),
    ],
)
def test_a_profile_that_cannot_be_or_would_merge_two_parties_is_refused(
    name: str, wish: dict[str, Any], place: str, words: str
) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        firm_profile(name, **wish)
    assert refusal.value.subject == f"media.profiles.{place}"
    assert words in str(refusal.value)


def test_no_shipped_profile_merges_anybody() -> None:
    for profile in PROFILES.values():
        if profile.alters:
            assert profile.channels == ("split" if profile.coding.mono_only else "keep")
            assert profile.bit_rates[1] == 2 * profile.bit_rates[0]
            assert profile.bit_rates[0] >= profile.coding.least_together


@pytest.mark.parametrize("name", [name for name in PROFILES if name != "none"])
def test_a_file_that_may_not_grow_is_a_limit_under_every_profile(ogg: Path, tmp_path: Path, name: str) -> None:
    limits = MediaLimits(output_bytes=2_000)
    (result,) = run_jobs([MediaJob("k", ogg, tmp_path / "out.x", PROFILES[name])], workers=1, limits=limits)
    assert result.failure is not None
    assert result.failure.code == "MEDIA_LIMIT_EXCEEDED", result.failure.reason
    assert list(tmp_path.iterdir()) == []
