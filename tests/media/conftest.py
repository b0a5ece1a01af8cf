"""Real audio made on the spot: two parties who take turns, and Ogg pages written by a second, slower writer."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import pytest
from long_audio import write_silence

LAYOUTS = {1: "mono", 2: "stereo"}
POLYNOMIAL = 0x04C11DB7
SILENCE_60_MS = bytes([0xFB, 0x03]) + b"\xff\xfe" * 3


def turns(seconds: float, channels: int, rate: int) -> array[int]:
    """Interleaved samples: the near end speaks in the first half of each second, the far end in the other."""
    period: array[int] = array("h")
    for at in range(rate):
        swell = 0.3 + 0.7 * math.sin(math.pi * at / rate * 8) ** 2
        near = int(9000 * swell * math.sin(2 * math.pi * 300 * at / rate)) if at < rate // 2 else 0
        far = int(7000 * swell * math.sin(2 * math.pi * 520 * at / rate)) if at >= rate // 2 else 0
        period.extend((near, far) if channels == 2 else (near + far,))
    count = round(seconds * rate) * channels
    return (period * math.ceil(count / len(period)))[:count]


def write_audio(
    path: Path,
    *,
    seconds: float = 3.0,
    channels: int = 2,
    rate: int = 48_000,
    codec: str = "libopus",
    kind: str = "ogg",
) -> Path:
    samples = turns(seconds, channels, rate)
    with av.open(str(path), "w", format=kind, options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream(codec, rate=rate, layout=LAYOUTS[channels])
        if codec in {"libopus", "aac"}:
            stream.bit_rate = 32_000 * channels
        if codec == "aac":
            stream.codec_context.format = "fltp"
        stream.codec_context.open()
        step = (stream.codec_context.frame_size or 1024) * channels
        convert = av.AudioResampler(stream.codec_context.format.name, LAYOUTS[channels], rate)
        for start in range(0, len(samples), step):
            part = samples[start : start + step]
            frame = av.AudioFrame(format="s16", layout=LAYOUTS[channels], samples=len(part) // channels)
            frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
            frame.pts = start // channels
            frame.planes[0].update(part.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
            for made in convert.resample(frame):
                container.mux(stream.encode(made))
        container.mux(stream.encode(None))
    return path


def _table_entry(byte: int) -> int:
    value = byte << 24
    for _ in range(8):
        value = (value << 1) ^ (POLYNOMIAL if value & 0x80000000 else 0)
    return value & 0xFFFFFFFF


TABLE = [_table_entry(byte) for byte in range(256)]


def slow_checksum(content: bytes) -> int:
    """Ogg's CRC as RFC 3533 describes it, byte by byte: the judge of the fast one."""
    value = 0
    for byte in content:
        value = ((value << 8) & 0xFFFFFFFF) ^ TABLE[(value >> 24) ^ byte]
    return value


def ogg_page(
    packets: Iterable[bytes], *, sequence: int, granule: int, flags: int = 0, serial: int = 7, version: int = 0
) -> bytes:
    lacing, body = b"", b""
    for packet in packets:
        lacing += b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255])
        body += packet
    page = bytearray(struct.pack("<4sBBqIIIB", b"OggS", version, flags, granule, serial, sequence, 0, len(lacing)))
    page += lacing + body
    page[22:26] = slow_checksum(bytes(page)).to_bytes(4, "little")
    return bytes(page)


def opus_head(channels: int = 2, pre_skip: int = 312) -> bytes:
    return struct.pack("<8sBBHIhB", b"OpusHead", 1, channels, pre_skip, 48_000, 0, 0)


@dataclass
class SilentLine:
    """An open line on which nobody speaks: 60 ms packets of silence, written page by page."""

    seconds: float
    start: int = 0
    serial: int = 7
    pages: list[bytes] = field(default_factory=list)

    def write(self) -> list[bytes]:
        tags = b"OpusTags" + struct.pack("<I", 4) + b"test" + struct.pack("<I", 0)
        self.pages = [
            ogg_page([opus_head()], sequence=0, granule=0, flags=2, serial=self.serial),
            ogg_page([tags], sequence=1, granule=0, serial=self.serial),
        ]
        granule, left, end = self.start, round(self.seconds / 0.06), self.start + 312 + round(self.seconds * 48_000)
        left += 1  # the pre-skip needs one more packet
        while left:
            count = min(100, left)
            left -= count
            granule += count * 2880
            self.pages.append(
                ogg_page(
                    [SILENCE_60_MS] * count,
                    sequence=len(self.pages),
                    granule=granule if left else end,
                    flags=0 if left else 4,
                    serial=self.serial,
                )
            )
        return self.pages


@pytest.fixture(scope="session")
def audio_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audio")


@pytest.fixture(scope="session")
def ogg(audio_dir: Path) -> Path:
    return write_audio(audio_dir / "two.ogg")


@pytest.fixture(scope="session")
def ogg_mono(audio_dir: Path) -> Path:
    return write_audio(audio_dir / "one.ogg", channels=1, seconds=2.0071)


@pytest.fixture(scope="session")
def m4a(audio_dir: Path) -> Path:
    return write_audio(audio_dir / "two.m4a", rate=16_000, codec="aac", kind="ipod")


@pytest.fixture(scope="session")
def wav(audio_dir: Path) -> Path:
    return write_audio(audio_dir / "two.wav", rate=16_000, codec="pcm_s16le", kind="wav")


@pytest.fixture(scope="session")
def silent_hour(audio_dir: Path) -> Path:
    path = audio_dir / "hour.ogg"
    path.write_bytes(b"".join(SilentLine(3600.0).write()))
    return path


@pytest.fixture(scope="session")
def silent_ten_hours(audio_dir: Path) -> Path:
    """A bomb of 11 MB: packets of silence, made larger with the padding that Opus allows."""
    return write_silence(audio_dir / "ten_hours.ogg", seconds=36_000)


@pytest.fixture(scope="session")
def make_audio() -> Callable[..., Path]:
    return write_audio


@pytest.fixture(scope="session")
def make_page() -> Callable[..., bytes]:
    return ogg_page


@pytest.fixture(scope="session")
def make_silence() -> Callable[..., list[bytes]]:
    return lambda seconds, **kwargs: SilentLine(seconds, **kwargs).write()


@pytest.fixture(scope="session")
def checksum() -> Callable[[bytes], int]:
    return slow_checksum
