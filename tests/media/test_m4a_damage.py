"""Thousands of damaged M4A files: what a player plays differently is found, and what cannot be found is counted."""

from __future__ import annotations

import random
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import pytest
from m4a_damage import (
    TABLES,
    Damage,
    alter_row,
    audible,
    blank,
    cut_out,
    exchange,
    flip,
    insert,
    overwrite,
    regions,
    repeat,
    swap_rows,
    truncate,
)
from m4a_writer import FRAME, Layout, gapless_tag, read_sound, write_m4a

from cloud9_archive.errors import DamagedMediaError, RecordError
from cloud9_archive.media.decode import count_samples, decoded_frames
from cloud9_archive.media.probe import examine
from cloud9_archive.media.verdicts import Examination, Verdict

TICK = 0.001
"""Seconds; what most makers, FFmpeg among them, state the length of an edit in."""


@dataclass(frozen=True)
class Good:
    content: bytes
    played: tuple[str, int, int, int]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, make_audio: Callable[..., Path]) -> dict[str, Good]:
    folder = tmp_path_factory.mktemp("good")
    stereo = make_audio(folder / "stereo.m4a", seconds=1.3, rate=16_000, codec="aac", kind="ipod")
    mono = make_audio(folder / "mono.m4a", seconds=0.9, channels=1, rate=44_100, codec="aac", kind="mp4")
    two, one = read_sound(stereo), read_sound(mono)
    whole = len(two.packets) * FRAME
    contents = {
        "FFmpeg stereo": stereo.read_bytes(),
        "FFmpeg mono": mono.read_bytes(),
        "Apple": write_m4a(
            two,
            Layout(
                parts=("ftyp", "moov", "free", "mdat"),
                movie_scale=two.rate,
                edits=((whole - 2570, 2112),),
                beside={"moov": gapless_tag(whole)},
            ),
        ),
        "several boxes": write_m4a(
            one,
            Layout(parts=("ftyp", "free", "mdat", "uuid", "mdat", "moov"), wide=True, length="64", version=1, per_chunk=(4, 3)),
        ),
        "even frames": write_m4a(two, Layout(even_size=True, per_chunk=(4,))),
    }  # fmt: skip
    found = {}
    for name, content in contents.items():
        path = folder / "good.m4a"
        path.write_bytes(content)
        assert refusal(path) is None
        played = audible(path)
        assert played is not None
        found[name] = Good(content, played)
    return found


def refusal(path: Path) -> str | None:
    """The code under which a file is refused, by its structure or by decoding it; None for a good one."""
    found = examine(path)
    if found.verdict is not Verdict.INTACT:
        return found.code
    try:
        count_samples(path, found)
    except RecordError as fault:
        return fault.code
    return None


NAMES = ("FFmpeg stereo", "FFmpeg mono", "Apple", "several boxes", "even frames")
ANYWHERE: dict[str, Damage] = {"cut out": cut_out, "insert": insert, "repeat": repeat, "truncate": truncate}


def altered_structure(chance: random.Random, content: bytes) -> Iterator[tuple[str, bytes]]:
    """Damage of each kind, all of which touches more than the audio inside of its frames."""
    while True:
        boxes = [box for box in regions(content) if box.end > box.start and not box.path.endswith("mdat")]
        for box in boxes:
            yield f"1 bit of {box.path}", flip(chance, content, box, 1)
            yield f"bits of {box.path}", flip(chance, content, box, chance.randrange(2, 501))
            yield f"bytes of {box.path}", overwrite(chance, content, box, chance.randrange(1, 501))
        for kind in sorted({box.path.rpartition("/")[2] for box in boxes} & TABLES.keys()):
            if kind != "elst" or content[content.index(b"elst") + 4] == 0:
                yield f"rows of {kind} swapped", swap_rows(chance, content, kind)
                yield f"row of {kind} altered", alter_row(chance, content, kind)
        for name, damage in ANYWHERE.items():
            yield name, damage(chance, content)


def cases(good: Good, seed: str, count: int) -> Iterator[tuple[str, bytes]]:
    made = altered_structure(random.Random(seed), good.content)  # noqa: S311 - a corpus, not a secret
    return ((what, content) for _, (what, content) in zip(range(count), made, strict=False) if content != good.content)


def plays_otherwise(good: Good, path: Path, what: str) -> bool:
    """Whether a player gives another sound; an edit that is moved by less than a tick can be told from none."""
    played = audible(path)
    if played == good.played:
        return False
    if played is None or ("elst" not in what and "edts" not in what):
        return True
    return played[2:] != good.played[2:] or abs(played[1] - good.played[1]) > TICK * good.played[2]


@pytest.mark.parametrize("name", NAMES)
def test_every_altered_structure_that_plays_otherwise_is_found(
    tmp_path: Path, good: dict[str, Good], name: str
) -> None:
    path, missed, heard = tmp_path / "x.m4a", [], 0
    for what, content in cases(good[name], name, 280):
        path.write_bytes(content)
        if plays_otherwise(good[name], path, what):
            heard += 1
            if refusal(path) is None:
                missed.append(what)
    assert missed == []
    assert heard > 120


@pytest.mark.parametrize("name", NAMES)
def test_every_cut_and_every_joint_is_found_without_decoding(tmp_path: Path, good: dict[str, Good], name: str) -> None:
    content, path, chance = good[name].content, tmp_path / "x.m4a", random.Random(name)  # noqa: S311
    others = [each.content for each in good.values() if each.content != content]
    at = {box.path: box.start for box in regions(content)}
    hurt = {f"cut at {end}": content[:end] for end in sorted(chance.sample(range(len(content)), 60))}
    hurt |= {f"index cut at {place}": content[: at["/moov"] + place] for place in range(0, 100, 7)}
    hurt["header only"] = content[: content.index(b"ftyp") - 4 + struct.unpack_from(">I", content)[0]]
    hurt["nothing"] = b""
    hurt["without index"] = content.replace(b"moov", b"free")
    hurt["without media"] = content.replace(b"mdat", b"free")
    for number, other in enumerate(others):
        hurt[f"{number} behind it"] = content + other
        hurt[f"{number} goes on from the middle"] = content[: len(content) // 2] + other[len(other) // 2 :]
        hurt[f"media of {number}"] = content[: at["/mdat"]] + other[at["/mdat"] :]
    for what, spoilt in hurt.items():
        path.write_bytes(spoilt)
        assert examine(path).verdict in {Verdict.DAMAGED, Verdict.EMPTY}, what


def payload(content: bytes) -> Iterator[tuple[int, int]]:
    return ((box.start, box.end) for box in regions(content) if box.path == "/mdat")


# Bits that are flipped in the audio, and the least share of the altered sounds that is found. AAC has no checksum.
FLOORS = {1: 0.30, 2: 0.50, 5: 0.80, 20: 0.97, 100: 1.0, 500: 1.0}


@pytest.mark.parametrize("bits", FLOORS)
def test_flips_inside_of_the_audio_are_found_as_often_as_is_said(
    tmp_path: Path, good: dict[str, Good], bits: int
) -> None:
    path, chance, counted = tmp_path / "x.m4a", random.Random(bits), Counter[bool]()  # noqa: S311
    for each in (good["FFmpeg stereo"], good["FFmpeg mono"]):
        (box,) = (box for box in regions(each.content) if box.path == "/mdat")
        for _ in range(100 if bits < 20 else 15):
            path.write_bytes(flip(chance, each.content, box, bits))
            if audible(path) != each.played:
                counted[refusal(path) is not None] += 1
    assert counted.total() > 25
    assert counted[True] / counted.total() >= FLOORS[bits]


@pytest.mark.parametrize("damage", [blank, exchange])
def test_blocks_that_are_lost_or_in_the_wrong_place_are_found(
    tmp_path: Path, good: dict[str, Good], damage: Damage
) -> None:
    path, missed, heard = tmp_path / "x.m4a", 0, 0
    for name, each in good.items():
        chance = random.Random(f"{name}{damage.__name__}")  # noqa: S311
        for _ in range(40):
            path.write_bytes(damage(chance, each.content))
            if audible(path) != each.played:
                heard += 1
                missed += refusal(path) is None
    assert heard > 100
    assert missed <= heard / 100


def test_a_tag_that_tells_players_what_to_leave_out_is_believed_only_whole(
    tmp_path: Path, make_audio: Callable[..., Path]
) -> None:
    sound = read_sound(make_audio(tmp_path / "s.m4a", seconds=1.0, rate=16_000, codec="aac", kind="ipod"))
    whole = len(sound.packets) * FRAME
    content = write_m4a(sound, Layout(beside={"moov": gapless_tag(whole)}))
    path = tmp_path / "x.m4a"
    path.write_bytes(content)
    played = audible(path)
    assert refusal(path) is None
    for begin in (2112 - 64, 2112 + 64, 1024):
        edits = ((whole - begin - 458, begin),)
        path.write_bytes(write_m4a(sound, Layout(edits=edits, movie_scale=16_000, beside={"moov": gapless_tag(whole)})))
        assert refusal(path) == "M4A_EDITS"
    place = content.index(b"00000840")
    for spoilt in (
        content[:place] + b"00000940" + content[place + 8 :],
        content[:place] + b"0000084g" + content[place + 8 :],
        content.replace(b"iTunSMPB", b"iTunSMPC"),
        content.replace(b"mean", b"meam"),
        content.replace(b"ilst", b"ilsu"),
        content.replace(b"----", b"---,"),
        content.replace(b"udta", b"udtb"),
        content.replace(b"meta", b"metb"),
        content.replace(gapless_tag(whole), gapless_tag(whole + 5 * FRAME)),
    ):
        path.write_bytes(spoilt)
        if audible(path) != played or spoilt.count(b"iTunSMPB") == 1:
            assert refusal(path) == "M4A_EDITS"


@pytest.mark.parametrize(("box", "offset", "code"), [
    ("mvhd", 20, "M4A_PLAYING"), ("mvhd", 22, "M4A_PLAYING"), ("mvhd", 24, "M4A_PLAYING"),
    ("tkhd", 3, "M4A_PLAYING"), ("tkhd", 36, "M4A_PLAYING"), ("smhd", 4, "M4A_PLAYING"),
    ("mvhd", 12, "M4A_EDITS"), ("mvhd", 16, "M4A_EDITS"), ("mvhd", 18, "M4A_EDITS"), ("tkhd", 22, "M4A_EDITS"),
    ("elst", 10, "M4A_EDITS"), ("elst", 12, "M4A_EDITS"), ("elst", 14, "M4A_EDITS"), ("elst", 16, "M4A_EDITS"),
    ("mdhd", 12, "M4A_CONFIG"), ("mdhd", 17, "M4A_TIMES"), ("stts", 13, "M4A_TIMES"),
])  # fmt: skip
@pytest.mark.parametrize("name", ["FFmpeg stereo", "FFmpeg mono", "Apple"])
def test_each_field_that_decides_what_is_played_is_looked_at(
    tmp_path: Path, good: dict[str, Good], name: str, box: str, offset: int, code: str
) -> None:
    content = bytearray(good[name].content)
    region = next(region for region in regions(bytes(content)) if region.path.endswith("/" + box))
    content[region.start + offset] ^= 1 if offset == 3 else 2
    path = tmp_path / "x.m4a"
    path.write_bytes(content)
    found = examine(path)
    assert found.verdict is Verdict.DAMAGED
    assert found.code == code or code in {"M4A_TIMES", "M4A_CONFIG"}


@pytest.mark.parametrize(
    "edits",
    [
        [(0.5, 0.0), (0.5, 0.0)],  # the first half twice, the second never
        [(0.5, 0.5), (0.5, 0.0)],
        [(0.2, 0.0), (0.6, 0.3)],
        [(0.5, 0.0)],
        [(1.0, 0.7)],
        [(0.2, 0.8)],
        [(0.0, 0.0)],
    ],
)
def test_an_edit_list_that_leaves_audio_out_is_found(
    tmp_path: Path, make_audio: Callable[..., Path], edits: list[tuple[float, float]]
) -> None:
    sound = read_sound(make_audio(tmp_path / "s.m4a", seconds=2.0, rate=16_000, codec="aac", kind="ipod"))
    whole = len(sound.packets) * FRAME
    parts = tuple((round(length * whole), round(begin * whole)) for length, begin in edits)
    path = tmp_path / "x.m4a"
    path.write_bytes(write_m4a(sound, Layout(edits=parts)))
    assert examine(path).code == "M4A_EDITS"
    halves = ((whole // 2, 0), (whole - whole // 2, whole // 2))
    path.write_bytes(write_m4a(sound, Layout(edits=halves)))
    assert refusal(path) is None


@pytest.mark.parametrize("name", ["FFmpeg stereo", "FFmpeg mono", "Apple"])
def test_an_edit_list_that_is_gone_is_missed(tmp_path: Path, good: dict[str, Good], name: str) -> None:
    path = tmp_path / "x.m4a"
    path.write_bytes(good[name].content.replace(b"edts", b"free"))
    assert examine(path).code == "M4A_BOX"
    path.write_bytes(good[name].content.replace(b"edts", b"free").replace(b"elst", b"nils"))
    assert examine(path).code == "M4A_EDITS"


# Fields of headers that tell of a file and not of its sound: days, numbers of tracks, language, where a picture stands.
UNHEARD = {"mvhd": [4, 11, 30, 50, 99], "tkhd": [0, 4, 11, 32, 34, 60, 83], "mdhd": [4, 11, 20, 22], "hdlr": [20, 26]}


@pytest.mark.parametrize("box", [box for box in UNHEARD if box != "tkhd"])
def test_fields_that_no_player_hears_are_left_alone(tmp_path: Path, good: dict[str, Good], box: str) -> None:
    each = good["FFmpeg stereo"]
    region = next(region for region in regions(each.content) if region.path.endswith("/" + box))
    for offset in UNHEARD[box]:
        content = bytearray(each.content)
        content[region.start + offset] ^= 2
        path = tmp_path / "x.m4a"
        path.write_bytes(content)
        assert audible(path) == each.played
        assert refusal(path) is None


@pytest.mark.parametrize("suffix", [".ogg", ".wav", ".txt", ""])
def test_a_name_is_neither_believed_nor_held_against_a_file(
    tmp_path: Path, good: dict[str, Good], ogg: Path, suffix: str
) -> None:
    path = tmp_path / f"call{suffix}"
    path.write_bytes(good["Apple"].content)
    assert (examine(path).verdict, examine(path).container, refusal(path)) == (Verdict.INTACT, "m4a", None)
    path.write_bytes(good["Apple"].content[:-1])
    assert refusal(path) == "M4A_CUT"
    other = tmp_path / "call.m4a"
    other.write_bytes(ogg.read_bytes())
    assert examine(other).container == "ogg"
    other.write_bytes(b"<html>no recording</html>")
    assert examine(other).verdict is Verdict.NOT_AUDIO


def kind_of_refusal(path: Path, found: Examination) -> str | None:
    with pytest.raises(DamagedMediaError) as refused:
        count_samples(path, found)
    return refused.value.kind


def test_what_stands_behind_a_frame_is_found_though_the_frame_decodes(
    tmp_path: Path, make_audio: Callable[..., Path]
) -> None:
    sound = read_sound(make_audio(tmp_path / "s.m4a", seconds=1.0, rate=16_000, codec="aac", kind="ipod"))
    path, chance, kinds = tmp_path / "x.m4a", random.Random(1), Counter[str | None]()  # noqa: S311

    def with_rest(rest: bytes) -> Examination:
        packets = (*sound.packets[:5], sound.packets[5] + rest, *sound.packets[6:])
        path.write_bytes(write_m4a(replace(sound, packets=packets), Layout()))
        found = examine(path)
        assert found.verdict is Verdict.INTACT
        return found

    assert count_samples(path, with_rest(bytes(9))) == len(sound.packets) * FRAME
    for _ in range(30):
        kinds[kind_of_refusal(path, with_rest(b"\xff" + chance.randbytes(20)))] += 1
    assert kinds.keys() <= {"DECODE_FAILED", "DECODE_CORRUPT"}
    assert kinds["DECODE_CORRUPT"] > 0
    # Nothing that was logged for one file is held against the next, and nobody's logging is altered.
    path.write_bytes(write_m4a(sound, Layout()))
    level = av.logging.get_level()
    assert refusal(path) is None
    assert av.logging.get_level() == level


def test_channels_that_nobody_promised_never_leave_the_decoder(tmp_path: Path) -> None:
    path = tmp_path / "six.m4a"
    with av.open(str(path), "w", format="ipod") as container:
        stream = container.add_stream("aac", rate=16_000, layout="5.1")
        stream.codec_context.format = "fltp"
        for start in range(0, 5 * FRAME, FRAME):
            frame = av.AudioFrame(format="fltp", layout="5.1", samples=FRAME)
            frame.sample_rate, frame.time_base, frame.pts = 16_000, Fraction(1, 16_000), start
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    found = examine(path)
    assert found.code == "CHANNELS"
    assert kind_of_refusal(path, replace(found, verdict=Verdict.INTACT, channels=2)) == "DECODE_CHANGE"


def test_a_second_channel_in_the_midst_of_one_is_found_and_no_frame_of_it_given(
    tmp_path: Path, make_audio: Callable[..., Path]
) -> None:
    one, two = (
        read_sound(make_audio(tmp_path / f"{n}.m4a", seconds=0.8, channels=n, rate=16_000, codec="aac", kind="ipod"))
        for n in (1, 2)
    )
    path = tmp_path / "x.m4a"
    path.write_bytes(write_m4a(replace(one, packets=(*one.packets[:7], *two.packets[7:])), Layout()))
    found, given = examine(path), []
    assert (found.verdict, found.channels) == (Verdict.INTACT, 1)
    with pytest.raises(DamagedMediaError, match=r"from .*mono.* to .*stereo.* after 7168 samples") as refused:
        given.extend(frame.layout.name for frame in decoded_frames(path, found, max_seconds=10))
    assert (refused.value.kind, refused.value.count) == ("DECODE_CHANGE", len(two.packets) - 7)
    assert (set(given), len(given)) == ({"mono"}, 7)


def test_less_or_more_than_was_promised_is_found(tmp_path: Path, good: dict[str, Good]) -> None:
    path = tmp_path / "x.m4a"
    path.write_bytes(good["FFmpeg stereo"].content)
    found = examine(path)
    assert found.duration is not None
    for other in (found.duration - 0.2, found.duration + 0.2):
        assert kind_of_refusal(path, replace(found, duration=other)) == "DECODE_LENGTH"
