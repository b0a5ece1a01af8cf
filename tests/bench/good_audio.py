"""Good audio of several makers, small enough to be made anew in each run of the tests."""

from __future__ import annotations

import io
import struct
from fractions import Fraction
from typing import Any

import av
import numpy as np
import soundfile
from numpy.typing import NDArray
from ogg_parts import Paging, last_granule, packets_of, repaged, whole

from cloud9_archive.emulator.audio.ogg_writer import looped, read_sample

LAYOUTS = {1: "mono", 2: "stereo"}
Sound = NDArray[np.int16]


def speech(seconds: float, *, rate: int = 16_000, channels: int = 1, seed: int = 1) -> Sound:
    """
    Noise in syllables over a gliding tone, of which no two tenths of a second are alike.

    :return: samples by channels
    """
    count = max(1, round(seconds * rate))
    chance, at = np.random.default_rng(seed), np.arange(count) / rate
    columns = []
    for channel in range(channels):
        swell = np.abs(np.sin(2 * np.pi * (1.3 + channel) * at + seed)) ** 2
        glide = np.sin(2 * np.pi * (180 + 40 * channel) * at * (1 + 0.2 * at))
        columns.append(swell * (6000 * glide + 2500 * chance.standard_normal(count)))
    return np.stack(columns, axis=1).clip(-32_000, 32_000).astype(np.int16)


def by_pyav(
    sound: Sound,
    rate: int,
    codec: str = "libopus",
    kind: str = "ogg",
    *,
    codec_options: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
    bit_rate: int | None = None,
) -> bytes:
    """
    The sound as FFmpeg writes it.

    :param sound: samples by channels
    :param rate: Hz
    """
    room = io.BytesIO()
    channels = sound.shape[1]
    with av.open(room, "w", format=kind, options={"fflags": "+bitexact", **(options or {})}) as container:
        container.metadata.update(metadata or {})
        stream: Any = container.add_stream(codec, rate=rate, layout=LAYOUTS[channels], options=codec_options or {})
        if bit_rate:
            stream.bit_rate = bit_rate
        stream.codec_context.open()
        container.start_encoding()
        step = stream.codec_context.frame_size or 1024
        convert = av.AudioResampler(stream.codec_context.format.name, LAYOUTS[channels], rate, frame_size=step)
        frame = av.AudioFrame.from_ndarray(sound.reshape(1, -1), format="s16", layout=LAYOUTS[channels])
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), 0
        for made in [*convert.resample(frame), *convert.resample(None)]:
            container.mux(stream.encode(made))
        container.mux(stream.encode(None))
    return room.getvalue()


def by_soundfile(sound: Sound, rate: int, kind: str = "OGG", subtype: str = "OPUS") -> bytes:
    """The sound as libsndfile writes it."""
    room = io.BytesIO()
    soundfile.write(room, sound, rate, format=kind, subtype=subtype)
    return room.getvalue()


def opus_files(sample: bytes) -> dict[str, bytes]:
    """
    Good Ogg/Opus files by name.

    :param sample: one of the emulator's own
    """
    made: dict[str, bytes] = {}
    for milliseconds in ("2.5", "5", "10", "20", "40", "60", "120"):
        for application in ("voip", "lowdelay" if float(milliseconds) <= 20 else "audio"):
            name = f"libopus, frames of {milliseconds} ms, {application}"
            asked = {"frame_duration": milliseconds, "application": application}
            made[name] = by_pyav(speech(1.31), 16_000, codec_options=asked)
    for rate in (8_000, 12_000, 16_000, 24_000, 48_000):
        for channels in (1, 2):
            sound = speech(0.77, rate=rate, channels=channels)
            made[f"libopus, {rate} Hz, {channels} channels"] = by_pyav(sound, rate, bit_rate=32_000 * channels)
            made[f"libsndfile, {rate} Hz, {channels} channels"] = by_soundfile(sound, rate)
    for count in (1, 60, 319, 320, 321, 647, 648, 649, 960):
        made[f"libopus, {count} samples"] = by_pyav(speech(count / 16_000), 16_000)
        made[f"libsndfile, {count} samples"] = by_soundfile(speech(count / 16_000), 16_000)
    silence = np.zeros((60 * 16_000, 1), np.int16)
    asked = {"dtx": "1", "application": "voip"}
    made["libopus, a minute of silence, not transmitted"] = by_pyav(silence, 16_000, codec_options=asked)
    pauses = np.concatenate([speech(1.0), silence[:64_000], speech(1.0, seed=2)])
    made["libopus, a pause that is not transmitted"] = by_pyav(pauses, 16_000, codec_options=asked, bit_rate=12_000)
    made["libopus, constant rate"] = by_pyav(speech(1.0), 16_000, codec_options={"vbr": "off"})
    made["libopus, one page a packet"] = by_pyav(speech(1.0), 16_000, options={"page_duration": "1"})
    made["libopus, one page for all"] = by_pyav(speech(4.0), 16_000, options={"page_duration": "20000000"})
    for milliseconds in (1, 20, 4_321, 150_000):
        made[f"the emulator, {milliseconds} ms"] = looped(
            read_sample(sample), milliseconds=milliseconds, serial=9, comment="a call"
        )
    return made | repaged_files()


def repaged_files() -> dict[str, bytes]:
    """One encoder's packets as other writers may put them on pages, all allowed by RFC 3533 and RFC 7845."""
    content = by_pyav(speech(1.7, channels=2), 16_000, bit_rate=256_000, codec_options={"vbr": "off"})
    packets, end = packets_of(content), last_granule(content)
    assert max(map(len, packets[2:])) > 2 * 255
    made = {
        f"repaged, {segments} segments and {most} packets a page": whole(
            repaged(packets, Paging(segments, most), end=end)
        )
        for segments, most in ((1, 1), (2, 255), (3, 1), (7, 255), (255, 1), (255, 5), (255, 255))
    }
    made["an empty page ends it"] = whole(repaged(packets, Paging(empty_end=True), end=end))
    picture = tags(b"METADATA_BLOCK_PICTURE=" + b"iVBORw0KGgo" * 20_000)
    for segments in (255, 16):
        name = f"comments with a picture on pages of {segments} segments"
        made[name] = whole(repaged([packets[0], picture, *packets[2:]], Paging(segments), end=end))
    for start in (1, 960, 123_456, 1 << 40):
        made[f"joined after {start} samples"] = whole(repaged(packets, Paging(packets=25), end=end, start=start))
    # What the packets hold decides the end; 960 samples are one packet.
    held = 960 * (len(packets) - 2)
    for trim in (0, 1, 480, 959, 960):
        made[f"{trim} samples trimmed at the end"] = whole(repaged(packets, Paging(packets=25), end=held - trim))
        made[f"{trim} samples trimmed, one page"] = whole(repaged(packets, Paging(), end=held - trim))
    for skip in (0, 1, 312, 961, 3_840, 40_000):
        head = packets[0][:10] + struct.pack("<H", skip) + packets[0][12:]
        made[f"{skip} samples skipped"] = whole(repaged([head, *packets[1:]], Paging(packets=25), end=end))
    gain = packets[0][:16] + struct.pack("<h", -1536) + packets[0][18:]
    made["softer by the header's gain"] = whole(repaged([gain, *packets[1:]], Paging(), end=end))
    return made


def tags(*comments: bytes) -> bytes:
    """A comment header."""
    listed = b"".join(struct.pack("<I", len(comment)) + comment for comment in comments)
    return b"OpusTags" + struct.pack("<I", 4) + b"test" + struct.pack("<I", len(comments)) + listed
