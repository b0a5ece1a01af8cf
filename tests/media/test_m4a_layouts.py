"""M4A files as many makers lay them out: none of them is called damaged, and each is as long as players play it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from m4a_damage import audible
from m4a_writer import (
    FRAME,
    Layout,
    Sound,
    aac_config,
    box,
    full,
    gapless_tag,
    read_sound,
    roll_group,
    write_m4a,
)

from cloud9_archive.media.decode import count_samples
from cloud9_archive.media.probe import examine
from cloud9_archive.media.verdicts import Verdict

SECONDS = 1.7
RATES = {16_000: 8, 24_000: 6, 32_000: 5}


@pytest.fixture(scope="module")
def sounds(audio_dir: Path, make_audio: Callable[..., Path]) -> dict[tuple[int, int], Sound]:
    """Encoded once for each rate and number of channels."""
    return {
        (rate, channels): read_sound(
            make_audio(audio_dir / f"{rate}-{channels}.m4a", seconds=SECONDS, channels=channels, rate=rate, codec="aac", kind="ipod")
        )
        for rate in (8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
        for channels in (1, 2)
    }  # fmt: skip


def whole(sound: Sound) -> int:
    return len(sound.packets) * FRAME


def apple(sound: Sound) -> Layout:
    played = whole(sound) - 2112 - 458
    return Layout(
        parts=("ftyp", "moov", "free", "free", "mdat"),
        movie_scale=sound.rate,
        edits=((played, 2112),),
        beside={"moov": gapless_tag(whole(sound)), "stbl": roll_group(len(sound.packets))},
    )


# The layout, and the samples that players leave out in front.
LAYOUTS: dict[str, tuple[Callable[[Sound], Layout], int]] = {
    "index last": (lambda _: Layout(), 0),
    "index first": (lambda _: Layout(parts=("ftyp", "moov", "mdat"), brand=b"isom"), 0),
    "Apple": (apple, 2112),
    "iTunes without edit list": (
        lambda s: Layout(parts=("ftyp", "moov", "free", "mdat"), movie_scale=600, beside={"moov": gapless_tag(whole(s))}),
        2112,
    ),
    "iTunes with an edit list of everything": (
        lambda s: Layout(edits=((whole(s), 0),), beside={"moov": gapless_tag(whole(s))}),
        2112,
    ),
    "last frame cut short": (
        lambda s: Layout(short_last=300, edits=((whole(s) - 1324, 1024),), beside={"stbl": roll_group(len(s.packets))}),
        1024,
    ),
    "GPAC": (
        lambda s: Layout(brand=b"isom", movie_scale=600, parts=("ftyp", "free", "mdat", "moov"), edits=((whole(s) - 1024, 1024),)),
        1024,
    ),
    "priming left out, length of everything": (lambda s: Layout(edits=((whole(s), 1024),)), 1024),
    "edit list of everything": (lambda s: Layout(edits=((whole(s), 0),), version=1), 0),
    "begins late": (lambda s: Layout(edits=((800, -1), (whole(s) - 1024, 1024))), 1024),
    "begins late, stated without": (lambda s: Layout(edits=((800, -1), (whole(s), 0)), track_ticks=whole(s)), 0),
    "priming of band replication": (lambda s: Layout(edits=((whole(s) - 2624, 2624),)), 2624),
    "several media boxes": (
        lambda _: Layout(parts=("ftyp", "free", "mdat", "free", "mdat", "skip", "mdat", "moov"), length="64", wide=True, version=1),
        0,
    ),
    "media up to the end": (lambda _: Layout(parts=("ftyp", "moov", "wide", "mdat"), length="0"), 0),
    "boxes of its own": (
        lambda _: Layout(
            parts=("ftyp", "uuid", "moov", "uuid", "mdat", "free"),
            beside={
                "trak": box(b"tapt", bytes(20)) + box(b"Xyzw", b"of some maker"),
                "moov": box(b"iods", bytes(13)) + full(b"meta", full(b"hdlr", bytes(20))) + box(b"udta", bytes(4)),
                "mdia": box(b"free", bytes(9)), "entry": box(b"btrt", bytes(12)), "stbl": box(b"sdtp", bytes(8)),
            },
        ),
        0,
    ),
    "a tag for videos": (lambda _: Layout(beside={"moov": box(b"udta", box(b"meta", bytes(2)), b"SDLN")}), 0),
    "QuickTime": (lambda _: Layout(parts=("ftyp", "wide", "mdat", "moov"), brand=b"qt  ", entry=1), 0),
    "constant frame size": (lambda _: Layout(even_size=True), 0),
    "short sizes": (lambda _: Layout(compact_sizes=True), 0),
    "chunks aligned": (lambda _: Layout(gap=bytes(7), per_chunk=(3, 4, 1)), 0),
    "one sample a chunk": (lambda _: Layout(per_chunk=(1,)), 0),
    "one chunk": (lambda _: Layout(per_chunk=(1_000,)), 0),
    "clock of the recorder": (
        lambda s: Layout(deltas=(*(1024, 1000, 1048, 1024, 900, 1148) * 3, *[FRAME] * (len(s.packets) - 18)), brand=b"mp42"),
        0,
    ),
    "short descriptor lengths": (lambda _: Layout(long_lengths=False), 0),
    "track time in 90 kHz": (
        lambda s: Layout(scale=90_000, movie_scale=90_000, deltas=tuple(round((n + 1) * FRAME * 90_000 / s.rate) - round(n * FRAME * 90_000 / s.rate) for n in range(len(s.packets)))),
        0,
    ),
    "track time in milliseconds": (
        lambda s: Layout(scale=1_000, deltas=tuple(round((n + 1) * FRAME * 1_000 / s.rate) - round(n * FRAME * 1_000 / s.rate) for n in range(len(s.packets)))),
        0,
    ),
    "length of the file not stated": (lambda _: Layout(movie_ticks=0), 0),
    "no lengths stated": (lambda _: Layout(movie_ticks=0, track_ticks=0), 0),
    "length of the track not stated": (lambda s: Layout(movie_ticks=whole(s), track_ticks=0), 0),
    "a frame of padding more": (lambda s: Layout(edits=((whole(s) - 1024 - 1700, 1024),)), 1024),
    "enabled and no more": (lambda _: Layout(flags=1), 0),
}  # fmt: skip


def kept(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "made.m4a"
    path.write_bytes(content)
    return path


def found_whole(path: Path, samples: int) -> None:
    """The file is intact, its decoder gives so many samples, and the verdict promises as many within a frame."""
    found = examine(path)
    assert (found.verdict, found.words) == (Verdict.INTACT, "every part of the file is accounted for")
    assert count_samples(path, found) == samples
    assert found.duration is not None
    assert found.sample_rate is not None
    played = audible(path)
    assert played is not None
    assert played[1:] == (samples, found.sample_rate, found.channels)
    assert abs(found.duration * found.sample_rate - samples) <= max(FRAME, 0.064 * found.sample_rate)


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 2), (44_100, 1)])
@pytest.mark.parametrize("name", LAYOUTS)
def test_no_layout_is_taken_for_damage(
    tmp_path: Path, sounds: dict[tuple[int, int], Sound], name: str, rate: int, channels: int
) -> None:
    sound = sounds[rate, channels]
    make, left_out = LAYOUTS[name]
    path = kept(tmp_path, write_m4a(sound, make(sound)))
    samples = whole(sound) - left_out
    played = audible(path)
    assert played is not None
    # Players cut the end as the list says, to the frame or to the sample.
    assert samples - 2 * FRAME < played[1] <= samples
    found_whole(path, played[1])


@pytest.mark.parametrize("rate", sorted(RATES))
@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize(("scale", "entry"), [(1, 1), (2, 2), (2, 1), (1, 2)])
def test_band_replication_may_be_announced_in_any_way(
    tmp_path: Path, sounds: dict[tuple[int, int], Sound], rate: int, scale: int, entry: int, *, behind: bool
) -> None:
    sound, numbers = sounds[rate, 2], {16_000: 5, 24_000: 3, 32_000: 2}
    extra = {"behind" if behind else "extension": numbers[rate]}
    config = aac_config(2 if behind else 5, RATES[rate], 2, **extra)
    layout = Layout(config=config, scale=rate * scale, entry_rate=rate * entry)
    path = kept(tmp_path, write_m4a(sound, layout))
    found = examine(path)
    assert (found.verdict, found.sample_rate, found.channels) == (Verdict.INTACT, 2 * rate, 2)
    found_whole(path, 2 * whole(sound))


@pytest.mark.parametrize("scale", [1, 2])
def test_parametric_stereo_has_two_channels(tmp_path: Path, sounds: dict[tuple[int, int], Sound], scale: int) -> None:
    sound = sounds[16_000, 1]
    layout = Layout(config=aac_config(29, 8, 1, extension=5), scale=16_000 * scale, entry_rate=16_000 * scale)
    path = kept(tmp_path, write_m4a(sound, layout))
    assert examine(path).channels == 2
    found_whole(path, 2 * whole(sound))


@pytest.mark.parametrize("kind", ["ipod", "mp4", "mov", "3gp", "3g2", "f4v"])
@pytest.mark.parametrize(
    "flags",
    [{}, {"movflags": "+faststart"}, {"use_editlist": "0"}, {"moov_size": "20000"}, {"movie_timescale": "48000"}],
)
def test_what_ffmpeg_writes_is_whole(
    tmp_path: Path, sounds: dict[tuple[int, int], Sound], audio_dir: Path, kind: str, flags: dict[str, str]
) -> None:
    for rate, channels in ((8_000, 1), (22_050, 2), (48_000, 1)):
        path = tmp_path / f"{rate}.m4a"
        with (
            av.open(str(audio_dir / f"{rate}-{channels}.m4a")) as source,
            av.open(str(path), "w", format=kind, options=flags) as container,
        ):
            stream = container.add_stream_from_template(source.streams.audio[0])
            for packet in source.demux(source.streams.audio[0]):
                if packet.dts is not None:
                    packet.stream = stream
                    container.mux(packet)
        played = audible(path)
        assert played is not None
        assert played[1] >= SECONDS * rate
        found_whole(path, played[1])


@pytest.mark.parametrize(("rate", "channels"), [(rate, channels) for rate in (8_000, 11_025, 24_000, 32_000, 48_000) for channels in (1, 2)])  # fmt: skip
def test_every_rate_is_whole(
    tmp_path: Path, sounds: dict[tuple[int, int], Sound], audio_dir: Path, rate: int, channels: int
) -> None:
    sound = sounds[rate, channels]
    found_whole(kept(tmp_path, write_m4a(sound, Layout())), whole(sound))
    encoded = audio_dir / f"{rate}-{channels}.m4a"
    played = audible(encoded)
    assert played is not None
    found_whole(encoded, played[1])


@pytest.mark.parametrize("number", [16, "size"])
def test_room_kept_for_a_large_size_is_no_audio(
    tmp_path: Path, sounds: dict[tuple[int, int], Sound], number: int | str
) -> None:
    content = write_m4a(sounds[16_000, 2], Layout(parts=("ftyp", "mdat", "moov")))
    place = content.index(b"mdat") - 4
    (size,) = struct.unpack_from(">I", content, place)
    room = struct.pack(">Q", size + 8 if number == "size" else number)
    body, moov = content[place + 8 : place + size], bytearray(content[place + size :])
    at = moov.index(b"stco") + 12
    for row in range(struct.unpack_from(">I", moov, at - 4)[0]):
        (offset,) = struct.unpack_from(">I", moov, at + 4 * row)
        struct.pack_into(">I", moov, at + 4 * row, offset + 8)
    head = content[:place] + struct.pack(">I4s", size + 8, b"mdat")
    found_whole(kept(tmp_path, head + room + body + bytes(moov)), whole(sounds[16_000, 2]))
    other = struct.pack(">Q", 17)
    assert examine(kept(tmp_path, head + other + body + bytes(moov))).code == "M4A_UNCLAIMED"
