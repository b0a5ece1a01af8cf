"""MPEG-4 audio files in the layouts of many makers, written box by box around AAC that was encoded once."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, groupby
from pathlib import Path
from typing import Literal

import av

FRAME = 1024
_UNITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


@dataclass(frozen=True)
class Sound:
    """Encoded audio without a container."""

    packets: tuple[bytes, ...]
    config: bytes
    rate: int
    channels: int


def read_sound(path: Path) -> Sound:
    """The packets of a file, the first of which is the encoder's priming."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        packets = tuple(bytes(packet) for packet in container.demux(stream) if packet.size)
        context = stream.codec_context
        return Sound(packets, bytes(context.extradata or b""), context.sample_rate, context.channels)


@dataclass(frozen=True)
class Layout:
    """
    How a maker lays out a file; times are in frames of audio or in ticks of the track, as said.

    :param parts: top-level boxes in order; more than one mdat shares the chunks, the others are filled as named
    :param per_chunk: samples per chunk, in turn
    :param gap: bytes between two chunks
    :param length: how the size of an mdat is written: 32 or 64 bits, or 0 for all up to the end of the file
    :param wide: 64-bit chunk offsets
    :param version: of the headers and the edit list
    :param movie_scale: ticks per second of the file
    :param scale: ticks per second of the track; 0 for the sample rate
    :param short_last: ticks that the last sample is shorter than a frame
    :param edits: (ticks of the track to play, first tick) each; -1 for an empty edit. None writes no edit list
    :param track_ticks: that tkhd states in ticks of the track; None for what the edits play, or all
    :param entry: version of the sample entry; 1 puts the configuration into a QuickTime ``wave`` box
    :param config: instead of the encoder's own
    :param beside: boxes inside of others, by the name of the outer one
    """

    parts: tuple[str, ...] = ("ftyp", "mdat", "moov")
    brand: bytes = b"M4A "
    per_chunk: tuple[int, ...] = (5,)
    gap: bytes = b""
    length: Literal["32", "64", "0"] = "32"
    wide: bool = False
    version: int = 0
    movie_scale: int = 1000
    scale: int = 0
    short_last: int = 0
    edits: tuple[tuple[int, int], ...] | None = None
    track_ticks: int | None = None
    movie_ticks: int | None = None
    entry: int = 0
    entry_rate: int | None = None
    config: bytes | None = None
    even_size: bool = False
    compact_sizes: bool = False
    deltas: tuple[int, ...] = ()
    flags: int = 7
    long_lengths: bool = True
    beside: dict[str, bytes] = field(default_factory=dict)


def box(kind: bytes, *content: bytes) -> bytes:
    """A box with a size of 32 bits."""
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full(kind: bytes, *content: bytes, version: int = 0, flags: int = 0) -> bytes:
    """A box with version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *content)


def descriptor(tag: int, body: bytes, *, long: bool) -> bytes:
    """An MPEG-4 descriptor; many makers write its length in four bytes where one would do."""
    return bytes([tag]) + (b"\x80\x80\x80" if long else b"") + bytes([len(body)]) + body


def esds(config: bytes, *, long: bool = True) -> bytes:
    """The elementary stream descriptor around a decoder configuration."""
    decoder = descriptor(
        4, struct.pack(">BBHBII", 0x40, 0x15, 0, 0, 64_000, 64_000) + descriptor(5, config, long=long), long=long
    )
    return full(
        b"esds", descriptor(3, struct.pack(">HB", 0, 0) + decoder + descriptor(6, b"\x02", long=long), long=long)
    )


def gapless_tag(samples: int, *, before: int = 2112, after: int = 458) -> bytes:
    """What iTunes notes of an encoder's priming and padding, for a track of so many samples."""
    value = f" 00000000 {before:08X} {after:08X} {samples - before - after:016X} 00000000 00000000".encode()
    item = box(
        b"----",
        full(b"mean", b"com.apple.iTunes"),
        full(b"name", b"iTunSMPB"),
        full(b"data", bytes(4), value, flags=1),
    )
    name = box(b"\xa9too", full(b"data", bytes(4), b"a recorder", flags=1))
    kind = full(b"hdlr", struct.pack(">I4s4s8x", 0, b"mdir", b"appl"), b"\0")
    return box(b"udta", full(b"meta", kind, box(b"ilst", name, item), box(b"free", bytes(200))))


def roll_group(samples: int) -> bytes:
    """One frame must be decoded before any other is right."""
    described = full(b"sgpd", b"roll", struct.pack(">IIh", 2, 1, -1), version=1)
    return described + full(b"sbgp", b"roll", struct.pack(">III", 1, samples, 1))


def aac_config(
    kind: int, rate: int, channels: int, *, extension: int | None = None, behind: int | None = None
) -> bytes:
    """
    A decoder configuration.

    :param kind: 2 is LC, 5 announces band replication, 29 parametric stereo as well
    :param rate: number of the core's rate
    :param extension: number of the delivered rate, for the kinds that announce one
    :param behind: the same, announced behind the core's configuration where old decoders overlook it
    """
    fields = [(kind, 5), (rate, 4), (channels, 4)]
    fields += [(extension, 4), (2, 5)] if extension is not None else []
    fields += [(0, 3)]
    fields += [(0x2B7, 11), (5, 5), (1, 1), (behind, 4)] if behind is not None else []
    bits = "".join(f"{value:0{width}b}" for value, width in fields)
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def write_m4a(sound: Sound, layout: Layout) -> bytes:
    """The file."""
    packets = list(sound.packets)
    if layout.even_size:
        largest = max(map(len, packets))
        packets = [packet.ljust(largest, b"\0") for packet in packets]
    counts = _chunk_counts(len(packets), layout.per_chunk)
    firsts = [0, *accumulate(counts)]
    chunks = [b"".join(packets[first : first + count]) for first, count in zip(firsts, counts, strict=False)]
    where = [0] * len(chunks)
    for _ in range(2):  # once to learn how long the index is
        moov = _moov(sound, layout, packets, counts, where)
        content, where = _lay_out(layout, moov, chunks)
    return content


def _chunk_counts(samples: int, per_chunk: Sequence[int]) -> list[int]:
    counts: list[int] = []
    while samples:
        counts.append(min(samples, per_chunk[len(counts) % len(per_chunk)]))
        samples -= counts[-1]
    return counts


def _lay_out(layout: Layout, moov: bytes, chunks: Sequence[bytes]) -> tuple[bytes, list[int]]:
    boxes = layout.parts.count("mdat")
    share = -(-len(chunks) // boxes)
    content, where, media = b"", [], 0
    for part in layout.parts:
        if part == "mdat":
            mine = chunks[media * share : (media + 1) * share]
            media += 1
            body = layout.gap.join(mine)
            head = {
                "32": struct.pack(">I4s", 8 + len(body), b"mdat"),
                "64": struct.pack(">I4sQ", 1, b"mdat", 16 + len(body)),
            }
            content += head.get(layout.length, struct.pack(">I4s", 0, b"mdat"))
            place = len(content)
            for chunk in mine:
                where.append(place)
                place += len(chunk) + len(layout.gap)
            content += body
        elif part == "moov":
            content += moov
        elif part == "ftyp":
            content += box(b"ftyp", layout.brand, struct.pack(">I", 0), layout.brand, b"mp42isom")
        elif part == "uuid":
            content += box(b"uuid", bytes(range(16)), b"of some maker")
        elif part == "wide":
            content += box(b"wide")
        else:
            content += box(part.encode(), b"made by a recorder", bytes(30))
    return content, where


def _moov(sound: Sound, layout: Layout, packets: list[bytes], counts: list[int], where: list[int]) -> bytes:
    scale = layout.scale or sound.rate
    delta = FRAME * scale // sound.rate
    deltas = list(layout.deltas) or [delta] * (len(packets) - 1) + [delta - layout.short_last]
    whole = sum(deltas)
    played = whole if layout.edits is None else sum(length for length, begin in layout.edits if begin >= 0)
    delay = 0 if layout.edits is None else sum(length for length, begin in layout.edits if begin < 0)
    stated = played + delay if layout.track_ticks is None else layout.track_ticks
    movie = stated if layout.movie_ticks is None else layout.movie_ticks
    version, more = layout.version, layout.beside
    clock = ">QQ" if version else ">II"
    amount = ">Q" if version else ">I"

    def movie_time(ticks: int) -> int:
        return round(ticks * layout.movie_scale / scale)

    mvhd = full(
        b"mvhd", struct.pack(clock, 0, 0), struct.pack(">I", layout.movie_scale), struct.pack(amount, movie_time(movie)),
        struct.pack(">IH10x", 0x10000, 0x100), _UNITY, bytes(24), struct.pack(">I", 2), version=version,
    )  # fmt: skip
    tkhd = full(
        b"tkhd", struct.pack(clock, 0, 0), struct.pack(">II", 1, 0), struct.pack(amount, movie_time(stated)),
        struct.pack(">8xHHHH", 0, 0, 0x100, 0), _UNITY, bytes(8), version=version, flags=layout.flags,
    )  # fmt: skip
    mdhd = full(
        b"mdhd", struct.pack(clock, 0, 0), struct.pack(">I", scale), struct.pack(amount, whole),
        struct.pack(">HH", 0x55C4, 0), version=version,
    )  # fmt: skip
    edts = b""
    if layout.edits is not None:
        row = ">QqI" if version else ">IiI"
        rows = [struct.pack(row, movie_time(length), begin, 0x10000) for length, begin in layout.edits]
        edts = box(b"edts", full(b"elst", struct.pack(">I", len(rows)), *rows, version=version))
    hdlr = full(b"hdlr", struct.pack(">I4s12x", 0, b"soun"), b"Sound\0")
    dinf = box(b"dinf", full(b"dref", struct.pack(">I", 1), full(b"url ", flags=1)))
    stbl = box(b"stbl", *_tables(sound, layout, packets, counts, where, deltas), more.get("stbl", b""))
    minf = box(b"minf", full(b"smhd", bytes(4)), dinf, stbl, more.get("minf", b""))
    mdia = box(b"mdia", mdhd, hdlr, minf, more.get("mdia", b""))
    trak = box(b"trak", tkhd, edts, mdia, more.get("trak", b""))
    return box(b"moov", mvhd, trak, more.get("moov", b""))


def _tables(
    sound: Sound, layout: Layout, packets: list[bytes], counts: list[int], where: list[int], deltas: list[int]
) -> list[bytes]:
    runs = [(len(list(same)), each) for each, same in groupby(deltas)]
    changes = [(number, count) for number, count in enumerate(counts, 1) if number < 2 or count != counts[number - 2]]
    sizes = [len(packet) for packet in packets]
    if layout.even_size:
        stsz = full(b"stsz", struct.pack(">II", sizes[0], len(sizes)))
    elif layout.compact_sizes:
        stsz = full(b"stz2", struct.pack(">3xBI", 16, len(sizes)), struct.pack(f">{len(sizes)}H", *sizes))
    else:
        stsz = full(b"stsz", struct.pack(f">II{len(sizes)}I", 0, len(sizes), *sizes))
    kind, width = (b"co64", "Q") if layout.wide else (b"stco", "I")
    return [
        full(b"stsd", struct.pack(">I", 1), _entry(sound, layout)),
        full(b"stts", struct.pack(">I", len(runs)), *(struct.pack(">II", *run) for run in runs)),
        full(b"stsc", struct.pack(">I", len(changes)), *(struct.pack(">III", *change, 1) for change in changes)),
        stsz,
        full(kind, struct.pack(f">I{len(where)}{width}", len(where), *where)),
    ]


def _entry(sound: Sound, layout: Layout) -> bytes:
    rate = sound.rate if layout.entry_rate is None else layout.entry_rate
    fixed = struct.pack(
        ">6xHHHIHHHHI", 1, layout.entry, 0, 0, 2 if layout.entry != 1 else sound.channels, 16, 0, 0, rate << 16
    )
    described = esds(sound.config if layout.config is None else layout.config, long=layout.long_lengths)
    if layout.entry == 1:
        wave = box(b"wave", box(b"frma", b"mp4a"), box(b"mp4a", bytes(4)), described, box(b"\0\0\0\0"))
        return box(b"mp4a", fixed, struct.pack(">IIII", FRAME, 0, 0, 2), wave)
    return box(b"mp4a", fixed, described, layout.beside.get("entry", b""))
