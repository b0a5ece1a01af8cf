"""MPEG-4 audio files (ISO/IEC 14496-12): whether the index agrees with itself and with the bytes of the file."""

from __future__ import annotations

from typing import BinaryIO, Final

from cloud9_archive.media.aac_config import AacConfig, read_aac_config
from cloud9_archive.media.mp4_boxes import Box, Index, named, top_boxes
from cloud9_archive.media.mp4_edits import SLACK_SECONDS, Track, edited_seconds, header_times
from cloud9_archive.media.mp4_gapless import noted_priming
from cloud9_archive.media.mp4_places import check_places
from cloud9_archive.media.mp4_playing import check_playing
from cloud9_archive.media.mp4_samples import Samples, read_samples
from cloud9_archive.media.structure import Reading, Structure, StructureFault

# An index larger than this describes weeks of audio, or nothing but a wish to fill memory.
MAX_INDEX_BYTES: Final = 64 * 1024 * 1024
CODECS: Final = {b"mp4a": "aac", b"alac": "alac", b"Opus": "opus"}
_SOUND_ENTRY_GROWTH: Final = {1: 16, 2: 36}  # QuickTime's later sample entries carry more before the boxes inside
_SOUND_ENTRY_BYTES: Final = 36
_AAC: Final = frozenset({0x40, 0x66, 0x67, 0x68})
_NOT_AAC: Final = frozenset({0x69, 0x6B, 0xA5, 0xA6, 0xA9, 0xDD, 0xE1})  # MP3, AC-3, E-AC-3, DTS, Vorbis, QCELP
_SELF_CONTAINED: Final = 1


def read_m4a(stream: BinaryIO, size: int) -> Reading:
    """
    The audio that the index promises, after it has been held against itself and the bytes of the media box.

    :param stream: seekable
    :param size: of the file, bytes
    :raises StructureFault: if the file cannot be read on
    """
    reading = Reading()
    boxes = list(top_boxes(stream, size, reading))
    cut = reading.count > 0
    media = [box for box in boxes if box.kind == b"mdat"]
    movies = [box for box in boxes if box.kind == b"moov"]
    if any(box.kind == b"moof" for box in boxes):
        reading.note("M4A_FRAGMENTED", "an MPEG-4 file in fragments, which is not read here")
        return reading
    if not movies or (cut and boxes[-1] is movies[0]):
        reading.note("M4A_NO_INDEX", "the MPEG-4 file has no whole index (moov box): none of its audio can be played")
        return reading
    if not media:
        reading.note("M4A_NO_MEDIA", "the MPEG-4 file has no media box (mdat)")
        return reading
    if len(movies) > 1:
        reading.note("M4A_INDEX", "the file has two indexes: two files were joined", offset=movies[1].start)
    movie = movies[0]
    if movie.end - movie.start > MAX_INDEX_BYTES:
        words = f"the index of the MPEG-4 file has {movie.end - movie.start} bytes"
        raise StructureFault("M4A_INDEX_SIZE", words, movie.start)
    stream.seek(movie.start)
    index = Index(stream.read(movie.end - movie.start), movie.start)
    try:
        _read_index(stream, size, index, media, cut=cut, reading=reading)
    except StructureFault as fault:
        reading.note(fault.code, fault.words, offset=fault.offset)
    return reading


def _read_index(stream: BinaryIO, size: int, index: Index, media: list[Box], *, cut: bool, reading: Reading) -> None:
    tracks = [box for box in index.boxes(index.root) if box.kind == b"trak"]
    sound = [track for track in tracks if _is_sound(index, track)]
    if len(sound) != 1:
        words = f"the MPEG-4 file has {len(sound)} sound tracks, exactly one is read here"
        raise StructureFault("M4A_TRACKS", words)
    samples = read_samples(index, sound[0])
    others = [read_samples(index, track) for track in tracks if track != sound[0]]
    check_places(stream, [samples, *others], media, whole=not cut, reading=reading)
    promise = _promise(index, sound[0], samples, reading)
    reading.structure = promise
    if cut and samples.count:
        reading.lose(promise.duration * samples.cut(size) / samples.count, estimated=True)


def _is_sound(index: Index, track: Box) -> bool:
    handler = index.find(track, b"mdia", b"hdlr")
    return handler is not None and index.content[handler.start + 8 : handler.start + 12] == b"soun"


def _promise(index: Index, track: Box, samples: Samples, reading: Reading) -> Structure:
    entries = index.need(track, b"mdia", b"minf", b"stbl", b"stsd")
    _check_source(index, track, entries)
    (length,) = index.numbers(">I", entries, 8)
    kind = index.content[entries.start + 12 : entries.start + 16]
    if not _SOUND_ENTRY_BYTES <= length <= entries.end - entries.start - 8:
        words = f"the description of the audio claims {length} bytes, its table holds others"
        raise index.fault("M4A_BOX", words, entries.start + 8)
    codec = CODECS.get(kind)
    if codec is None:
        words = f"the MPEG-4 file holds audio of the kind {named(kind)}, which is not read here"
        raise index.fault("M4A_CODEC", words, entries.start)
    config = _config(index, entries, length) if codec == "aac" else None
    (counted,) = index.numbers(">H", entries, 8 + 8 + 16)
    (rate,) = index.numbers(">I", entries, 8 + 8 + 24)
    header = index.need(track, b"mdia", b"mdhd")
    timescale, ticks = header_times(index, header)
    if not timescale:
        raise index.fault("M4A_INDEX", "the track counts its time in units of nothing", header.start)
    rate = rate >> 16 or timescale
    frame = shortened = priming = 0.0
    if config is not None and config.rate and config.delivered_rate:
        rate = _check_rate(index, entries, config, rate, timescale)
        frame = config.frame / config.rate
        if samples.even_ticks and abs(samples.even_ticks - frame * timescale) > 1:
            words = f"a frame of {frame:.6f} s is said to last {samples.even_ticks} of {timescale} ticks in a second"
            reading.note("M4A_TIMES", words)
        shortened = max(0, samples.even_ticks - samples.last_ticks) / timescale
        priming = noted_priming(index, samples.count * config.frame, reading) / rate
        _compare(samples.count * frame, samples.ticks / timescale, 2 * frame, "the frames", reading)
    _compare(ticks / timescale, samples.ticks / timescale, 2 * frame, "the track", reading)
    check_playing(index, track, reading)
    played = edited_seconds(index, Track(track, ticks / timescale, frame, shortened, priming), reading)
    return Structure(codec, (config.channels if config else None) or counted, rate, played)


def _compare(expected: float, found: float, within: float, what: str, reading: Reading) -> None:
    if abs(expected - found) > within + SLACK_SECONDS:
        words = f"{what} last {expected:.3f} s, the durations of the samples add up to {found:.3f} s"
        reading.note("M4A_TIMES", words)


def _check_source(index: Index, track: Box, entries: Box) -> None:
    (described,) = index.numbers(">I", entries, 4)
    references = index.find(track, b"mdia", b"minf", b"dinf", b"dref")
    outside = False
    if references is not None:
        inner = Box(references.kind, references.start + 8, references.end)
        outside = any(
            not index.content[box.start + 3] & _SELF_CONTAINED for box in index.boxes(inner) if box.end > box.start + 3
        )
    if described != 1 or outside:
        words = "the audio lies in another file" if outside else f"the track has {described} descriptions"
        raise index.fault("M4A_ENTRIES", words, entries.start)


def _config(index: Index, entries: Box, length: int) -> AacConfig:
    (version,) = index.numbers(">H", entries, 8 + 8 + 8)
    fixed = 28 + _SOUND_ENTRY_GROWTH.get(version, 0)
    entry = Box(b"mp4a", entries.start + 8 + 8 + fixed, entries.start + 8 + length)
    esds = index.find(entry, b"esds") or index.find(entry, b"wave", b"esds")
    config = read_aac_config(index.content[esds.start : esds.end]) if esds else None
    if config is not None and config.object_type in _NOT_AAC:
        words = f"the MPEG-4 file holds audio of the type {config.object_type:#04x}, which is not read here"
        raise index.fault("M4A_CODEC", words, entries.start)
    if config is None or config.object_type not in _AAC:
        raise index.fault("M4A_CONFIG", "the track has no decoder configuration that can be read", entries.start)
    if config.rate is None or config.delivered_rate is None:
        raise index.fault(
            "M4A_CONFIG", "the decoder configuration names a sample rate that there is not", entries.start
        )
    return config


def _check_rate(index: Index, entries: Box, config: AacConfig, stated: int, timescale: int) -> int:
    """The rate that the decoder delivers, if the sample entry does not contradict it."""
    core, delivered = config.rate or 0, config.delivered_rate or 0
    # Band replication may be left unsaid in the configuration, and rates above 65,535 Hz do not fit into the entry.
    if delivered in {core, 2 * core} and (stated in {core, delivered, 2 * core, timescale} or core > 0xFFFF):  # noqa: PLR2004
        return delivered
    words = f"the sample entry says {stated} Hz, the decoder configuration {core} and {delivered} Hz"
    raise index.fault("M4A_CONFIG", words, entries.start)
