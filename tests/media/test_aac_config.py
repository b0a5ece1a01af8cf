from __future__ import annotations

import importlib.resources
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.media.aac_config import configured_channels
from cloud9_archive.media.jobs import MediaJob
from cloud9_archive.media.probe import examine
from cloud9_archive.media.profiles import PROFILES
from cloud9_archive.media.workers import run_jobs

SAMPLES = sorted(Path(str(importlib.resources.files("cloud9_archive.emulator") / "audio")).rglob("*.m4a"))


def esds(config: bytes, *, long_lengths: bool = False) -> bytes:
    def descriptor(tag: int, body: bytes) -> bytes:
        length = bytes([0x80, 0x80, 0x80, len(body)]) if long_lengths else bytes([len(body)])
        return bytes([tag]) + length + body

    specific = descriptor(5, config)
    decoder = descriptor(4, bytes(13) + specific)
    return bytes(4) + descriptor(3, bytes(3) + decoder + descriptor(6, b"\x02"))


@pytest.mark.parametrize("long_lengths", [False, True])
@pytest.mark.parametrize(
    ("config", "channels"),
    [
        (bytes.fromhex("1208"), 1),  # AAC-LC, 44.1 kHz, mono
        (bytes.fromhex("1190"), 2),  # AAC-LC, 48 kHz, stereo
        (bytes.fromhex("1180"), None),  # channels are defined by the stream
        (int(f"000101111{44_100:024b}0001000", 2).to_bytes(5, "big"), 1),  # AAC-LC, rate written out, mono
        (bytes.fromhex("eb098800"), 2),  # parametric stereo: mono on the wire, stereo out of the decoder
    ],
)
def test_channels_are_read_from_the_decoder_configuration(
    config: bytes, channels: int | None, *, long_lengths: bool
) -> None:
    assert configured_channels(esds(config, long_lengths=long_lengths)) == channels


@given(st.binary(max_size=64))
def test_any_bytes_give_an_answer(content: bytes) -> None:
    assert configured_channels(content) in {None, 1, 2, 3, 4, 5, 6}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_examination_agrees_with_the_decoder(sample: Path) -> None:
    with av.open(str(sample)) as container:
        decoded = next(container.decode(audio=0))
    assert examine(sample).channels == len(decoded.layout.channels)


def test_mono_m4a_is_transcoded(tmp_path: Path) -> None:
    mono = next(path for path in SAMPLES if path.name == "mono-5s.m4a")
    (result,) = run_jobs([MediaJob("one", mono, tmp_path / "out.wav", PROFILES["alaw_8k"])], workers=1)
    assert result.failure is None
    assert [derivative.channels for derivative in result.derivatives] == [1]
