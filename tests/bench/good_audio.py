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


def wav_files() -> dict[str, bytes]:
    """Good WAVE files by name: every coding that is read, by two makers, and what else may stand in them."""
    made: dict[str, bytes] = {}
    for rate, channels in ((8_000, 1), (8_000, 2), (44_100, 2)):
        sound = speech(0.31, rate=rate, channels=channels)
        named = f"{rate} Hz, {channels} channels"
        # libsndfile counts the samples of IMA in two channels wrong.
        for subtype in (*_WAV_SUBTYPES, *(("IMA_ADPCM",) if channels == 1 else ())):
            made[f"libsndfile, {subtype}, {named}"] = by_soundfile(sound, rate, "WAV", subtype)
        for subtype in ("PCM_16", "PCM_24", "FLOAT", "ULAW"):
            made[f"libsndfile, extensible, {subtype}, {named}"] = by_soundfile(sound, rate, "WAVEX", subtype)
        for codec in _WAV_CODECS:
            made[f"FFmpeg, {codec}, {named}"] = by_pyav(sound, rate, codec, "wav")
        listed = by_pyav(sound, rate, "pcm_s16le", "wav", metadata={"title": "odd", "artist": "ab"})
        made[f"FFmpeg, a list of names, {named}"] = listed
        made[f"FFmpeg, a broadcast extension, {named}"] = by_pyav(
            sound, rate, "pcm_s16le", "wav", options={"write_bext": "1"}, metadata={"description": "a call"}
        )
    made["libsndfile, GSM"] = by_soundfile(speech(1.003, rate=8_000), 8_000, "WAV", "GSM610")
    made["FFmpeg, G.722"] = by_pyav(speech(0.5), 16_000, "g722", "wav", bit_rate=64_000)
    odd = speech(0.1, rate=8_000)[:777]
    made["libsndfile, odd"] = by_soundfile(odd, 8_000, "WAV", "ULAW")
    made["FFmpeg, odd"] = by_pyav(odd, 8_000, "pcm_alaw", "wav")
    made["libsndfile, one sample"] = by_soundfile(odd[:1], 8_000, "WAV", "PCM_16")
    plain = by_soundfile(odd, 8_000, "WAV", "PCM_16")
    made["chunks before and behind the samples"] = riff(
        (b"JUNK", b"odd"),
        (b"fmt ", plain[20:36]),
        (b"data", plain[44:]),
        (b"LIST", b"INFOISFT\4\0\0\0abc\0"),
        (b"id3 ", b"x"),
    )
    return made


_WAV_SUBTYPES = ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW", "ULAW", "MS_ADPCM")
_WAV_CODECS = (
    "pcm_u8",
    "pcm_s16le",
    "pcm_s24le",
    "pcm_s32le",
    "pcm_f32le",
    "pcm_f64le",
    "pcm_alaw",
    "pcm_mulaw",
    "adpcm_ms",
    "adpcm_ima_wav",
)


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WAVE file of these chunks, each padded to an even length."""
    body = b"WAVE"
    for name, content in chunks:
        body += struct.pack("<4sI", name, len(content)) + content + b"\0" * (len(content) % 2)
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def mp3_files() -> dict[str, bytes]:
    """Good MP3 files by name: constant and varying rates of every version of MPEG audio, and tags of every kind."""
    made: dict[str, bytes] = {}
    for rate in (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000):
        for channels in (1, 2):
            sound = speech(0.6, rate=rate, channels=channels)
            made[f"{rate} Hz, {channels} channels, constant rate"] = by_pyav(
                sound, rate, "libmp3lame", "mp3", bit_rate=(32_000 if rate > 12_000 else 16_000) * channels
            )
    sound = speech(1.7, channels=2)
    made["varying rate"] = by_pyav(sound, 16_000, "libmp3lame", "mp3", codec_options={"q": "5"})
    made["average rate"] = by_pyav(sound, 16_000, "libmp3lame", "mp3", codec_options={"abr": "1"}, bit_rate=40_000)
    made["no reservoir"] = by_pyav(sound, 16_000, "libmp3lame", "mp3", codec_options={"reservoir": "0"})
    made["no header frame"] = by_pyav(sound, 16_000, "libmp3lame", "mp3", options={"write_xing": "0"})
    names = {"title": "a call", "artist": "a desk"}
    for version in ("0", "3", "4"):
        asked = {"id3v2_version": version}
        made[f"tag ID3v2.{version}"] = by_pyav(sound, 16_000, "libmp3lame", "mp3", options=asked, metadata=names)
    asked = {"write_id3v1": "1"}
    made["both tags"] = old = by_pyav(sound, 16_000, "libmp3lame", "mp3", options=asked, metadata=names)
    plain = made["tag ID3v2.0"]
    made["an APE tag"] = plain + ape_tag()
    made["an APE tag and an old one"] = old[:-128] + ape_tag() + old[-128:]
    made["two tags in front"] = b"ID3\4\0\0\0\0\1\0" + bytes(128) + made["tag ID3v2.4"]
    for count in (1, 500, 1_152):
        made[f"{count} samples"] = by_pyav(speech(count / 16_000), 16_000, "libmp3lame", "mp3")
    # Where frames have checksums, LAME counts in the header frame at the place where it would without one.
    assert plain.startswith(b"\xff\xf3")
    made["a header frame with a checksum"] = b"\xff\xf2" + plain[2:]
    return made


def ape_tag() -> bytes:
    """A tag of one item at the end, as players keep gains."""
    item = struct.pack("<II", 1, 0) + b"Name\0" + b"x"
    header, footer = (
        b"APETAGEX" + struct.pack("<IIII8x", 2_000, len(item) + 32, 1, flags) for flags in (5 << 29, 1 << 31)
    )
    return header + item + footer
