"""How many flipped bits in the audio of M4A files are found, by which means, and what each means costs."""

from __future__ import annotations

import hashlib
import importlib.resources
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from m4a_writer import Sound, read_sound
from measuring import Figure

FLIPS = 400
MOST_BITS = "crccheck+bitstream+buffer+explode+careful+compliant+aggressive"
SAMPLES = Path(str(importlib.resources.files("cloud9_archive.emulator") / "audio" / "samples"))
FILES = ("mono-20s.m4a", "stereo-20s.m4a")
LOUD = 8.0
"""Eight times full scale: nothing that anyone has recorded."""

JUMP = 20.0
"""Decibels; a voice that sets in can do as much."""


@dataclass(frozen=True)
class Decoded:
    """What one decoder made of some packets, and what gave it away."""

    digest: str
    refused: int
    logged: bool
    uneven: bool
    loudest: float
    levels: tuple[float, ...]


def decode(sound: Sound, packets: tuple[bytes, ...], codec: str = "aac", **options: str) -> Decoded:
    """The packets, by a decoder that has seen nothing else."""
    context = av.CodecContext.create(codec, "r")
    context.extradata = sound.config
    context.options = dict(options)
    digest, refused, uneven, loudest, levels = hashlib.sha256(), 0, False, 0.0, []
    errors, _ = av.logging.get_last_error()
    for packet in packets:
        try:
            frames = context.decode(av.Packet(packet))
        except av.FFmpegError:
            refused += 1
            digest.update(b"refused")
            continue
        uneven = uneven or len(frames) != 1
        for frame in frames:
            rows = frame.to_ndarray()
            digest.update(rows.tobytes())
            loudest = max(loudest, float(np.abs(rows).max()))
            levels.append(20 * np.log10(float(np.sqrt((rows.astype(float) ** 2).mean())) + 1e-4))
    logged = av.logging.get_last_error()[0] > errors
    return Decoded(digest.hexdigest(), refused, logged, uneven, loudest, tuple(levels))


def jumps(levels: tuple[float, ...]) -> int:
    """Frames that are much louder than the two before them, and so might have been altered."""
    return sum(bool(now > max(levels[at - 2 : at]) + JUMP) for at, now in enumerate(levels) if at > 1)


MEANS = (
    "refused",
    "refused with every err_detect",
    "refused by aac_fixed",
    "error logged",
    "not one frame",
    "far too loud",
    "jump of level",
)


def found_by(sound: Sound, hurt: tuple[bytes, ...], usual: Decoded) -> dict[str, bool]:
    """Which means notices."""
    return {
        "refused": usual.refused > 0,
        "refused with every err_detect": decode(sound, hurt, err_detect=MOST_BITS).refused > 0,
        "refused by aac_fixed": decode(sound, hurt, "aac_fixed", err_detect="explode").refused > 0,
        "error logged": usual.logged,
        "not one frame": usual.refused == 0 and usual.uneven,
        "far too loud": usual.loudest > LOUD,
        "jump of level": jumps(usual.levels) > 0,
    }


def flips(sound: Sound, chance: random.Random, bits: int) -> Iterator[tuple[tuple[bytes, ...], tuple[bytes, ...]]]:
    """Five packets as they were, and the same with so many bits of the middle one flipped."""
    while True:
        at = chance.randrange(3, len(sound.packets) - 3)
        hurt = bytearray(sound.packets[at])
        for place in chance.sample(range(len(hurt) * 8), min(bits, len(hurt) * 8)):
            hurt[place // 8] ^= 128 >> place % 8
        good = sound.packets[at - 2 : at + 3]
        yield good, (*good[:2], bytes(hurt), *good[3:])


def shares(path: Path, *, bits: int, count: int, seed: int = 7) -> tuple[int, dict[str, int]]:
    """Flips that another sound comes of, and how many of them each means finds; the last is all that is adopted."""
    sound, total, found = read_sound(path), 0, dict.fromkeys((*MEANS, "adopted"), 0)
    before = av.logging.get_level()
    av.logging.set_level(av.logging.FATAL)
    try:
        for (good, hurt), _ in zip(flips(sound, random.Random(seed), bits), range(count), strict=False):  # noqa: S311
            usual = decode(sound, hurt)
            if usual.digest == decode(sound, good).digest:
                continue
            total += 1
            for means, noticed in found_by(sound, hurt, usual).items():
                found[means] += noticed
            found["adopted"] += usual.refused > 0 or usual.logged
    finally:
        av.logging.set_level(before)
    return total, found


def seconds(sound: Sound, codec: str = "aac") -> float:
    """CPU time of decoding all of it, the best of five."""
    best = float("inf")
    for _ in range(5):
        context = av.CodecContext.create(codec, "r")
        context.extradata = sound.config
        packets = [av.Packet(packet) for packet in sound.packets]
        begun = time.process_time()
        for packet in packets:
            context.decode(packet)
        best = min(best, time.process_time() - begun)
    return best


def measure() -> Iterator[Figure]:
    """Found flips beside those that alter the sound; CPU time with each means beside that without it."""
    for name in FILES:
        for bits in (1, 10, 100):
            total, found = shares(SAMPLES / name, bits=bits, count=FLIPS)
            notes = {means: f"{found[means] / total:.1%}" for means in MEANS}
            yield Figure(
                f"{name}, bits flipped in a frame: {bits}", found["adopted"], total, "altered sounds", notes=notes
            )
    sound = read_sound(SAMPLES / "stereo-60s.m4a")
    alarms = jumps(decode(sound, sound.packets).levels)
    yield Figure("jumps of level in a good minute", alarms, len(sound.packets), "frames")
    bare = seconds(sound)
    av.logging.set_level(av.logging.FATAL)
    counted = seconds(sound)
    av.logging.set_level(None)
    yield Figure("a minute with errors counted", round(counted * 1e3, 2), round(bare * 1e3, 2), "ms bare")
    yield Figure(
        "a minute with aac_fixed too",
        round((seconds(sound, "aac_fixed") + bare) * 1e3, 2),
        round(bare * 1e3, 2),
        "ms bare",
    )
