from __future__ import annotations

import io
from importlib.resources import files

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud9_archive.emulator.audio.ogg_writer import looped, packet_samples, page_crc, read_sample

SAMPLES = files("cloud9_archive.emulator.audio").joinpath("samples")


def decoded_samples(content: bytes) -> int:
    with av.open(io.BytesIO(content)) as container:
        return sum(frame.samples for frame in container.decode(audio=0))


def slow_crc(page: bytes) -> int:
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = ((crc << 1) ^ 0x04C11DB7) & 0xFFFFFFFF if crc & 0x80000000 else crc << 1
    return crc


@given(st.binary(max_size=300))
def test_the_fast_checksum_is_the_one_that_ogg_defines(page: bytes) -> None:
    assert page_crc(page) == slow_crc(page)


@given(
    milliseconds=st.integers(1, 15_000),
    serial=st.integers(0, 2**32 - 1),
    name=st.sampled_from(["mono-5s.ogg", "stereo-5s.ogg"]),
)
@settings(max_examples=15, deadline=None)
def test_a_looped_sample_decodes_to_exactly_the_length_asked_for(milliseconds: int, serial: int, name: str) -> None:
    sample = read_sample(SAMPLES.joinpath(name).read_bytes())
    content = looped(sample, milliseconds=milliseconds, serial=serial, comment="one")
    assert decoded_samples(content) == milliseconds * 48
    assert content != looped(sample, milliseconds=milliseconds, serial=serial, comment="two")


def test_pages_are_numbered_checked_and_closed() -> None:
    content = looped(
        read_sample(SAMPLES.joinpath("stereo-20s.ogg").read_bytes()), milliseconds=61_003, serial=7, comment="x"
    )
    at, sequence, granule, flags = 0, 0, 0, 2
    while at < len(content):
        count = content[at + 26]
        end = at + 27 + count + sum(content[at + 27 : at + 27 + count])
        page = bytearray(content[at:end])
        crc = int.from_bytes(page[22:26], "little")
        page[22:26] = bytes(4)
        assert page[:4] == b"OggS"
        assert crc == page_crc(bytes(page))
        assert int.from_bytes(page[18:22], "little") == sequence
        assert int.from_bytes(page[14:18], "little") == 7
        assert (flags := page[5]) == (2 if sequence == 0 else 4 if end == len(content) else 0)
        assert granule <= (granule := int.from_bytes(page[6:14], "little"))
        at, sequence = end, sequence + 1
    assert flags == 4
    assert granule - 312 == 61_003 * 48


@pytest.mark.parametrize(
    ("head", "samples"), [(b"\x08", 960), (b"\x09", 1920), (b"\x1b\x03", 8640), (b"\xe0", 120), (b"\x60", 480)]
)
def test_packet_lengths_follow_from_the_first_bytes(head: bytes, samples: int) -> None:
    assert packet_samples(head) == samples
