"""The bytes of each recording: a function of (seed, recording id), kept for a while."""

from __future__ import annotations

import hashlib
import random
import struct
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from cloud9_archive.emulator.audio.ogg_writer import OpusSample, looped, read_sample
from cloud9_archive.emulator.calls import Condition, Damage, Recording

MEMORY = 64 * 1024 * 1024
FLIPS = 20
HOLE_SHARE = 5
_HEADERS = 400  # bytes of the two Opus header pages and then some: damage strikes the audio behind them


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """
    What tells a recording's bytes from any others.

    :param sha256: lower-case hex
    :param size: bytes
    """

    sha256: str
    size: int


@dataclass(slots=True)
class Tape:
    """The recordings' bytes, made when asked for; the latest used are kept up to :data:`MEMORY` bytes."""

    seed: int
    _kept: OrderedDict[str, bytes] = field(default_factory=OrderedDict)
    _held: int = 0
    _fingerprints: dict[str, Fingerprint] = field(default_factory=dict)

    def content(self, recording: Recording) -> bytes:
        """The recording's bytes, damaged as the recording says."""
        key = recording.recording_id
        found = self._kept.get(key)
        if found is None:
            found = make_content(recording, seed=self.seed)
            self._kept[key] = found
            self._held += len(found)
            while self._held > MEMORY and len(self._kept) > 1:
                self._held -= len(self._kept.popitem(last=False)[1])
        self._kept.move_to_end(key)
        return found

    def fingerprint(self, recording: Recording) -> Fingerprint:
        """Digest and size of the recording's bytes."""
        key = recording.recording_id
        found = self._fingerprints.get(key)
        if found is None:
            content = self.content(recording)
            found = self._fingerprints[key] = Fingerprint(hashlib.sha256(content).hexdigest(), len(content))
        return found


def make_content(recording: Recording, *, seed: int) -> bytes:
    """The recording's bytes, made anew."""
    if recording.condition is Condition.EMPTY:
        return b""
    mark = hashlib.sha256(f"{seed}/{recording.recording_id}".encode()).digest()
    if recording.container == "m4a":
        content = _sample_bytes(recording.sample) + _free_box(mark)
    else:
        serial = int.from_bytes(mark[:4], "little")
        sample = _opus_sample(recording.sample)
        content = looped(sample, milliseconds=recording.milliseconds, serial=serial, comment=mark.hex())
    return content if recording.damage is None else damaged(content, damage=recording.damage, mark=mark)


def damaged(content: bytes, *, damage: Damage, mark: bytes) -> bytes:
    """
    The bytes after that damage.

    :param mark: what the places of the damage follow from
    """
    chance = random.Random(mark)  # noqa: S311 - repeatable on purpose
    if damage in {Damage.CUT_IN_HALF, Damage.CUT_M4A}:
        return content[: len(content) // 2]
    if damage is Damage.HOLE:
        length = len(content) // HOLE_SHARE
        at = chance.randrange(_HEADERS, len(content) - length)
        return content[:at] + content[at + length :]
    turned = bytearray(content)
    for at in chance.sample(range(_HEADERS, len(content)), FLIPS):
        turned[at] ^= chance.randrange(1, 256)
    return bytes(turned)


def flipped(content: bytes) -> bytes:
    """The bytes with sixteen of them in the middle turned over, as if on their way; nothing else changes."""
    middle, end = len(content) // 2, min(len(content), len(content) // 2 + 16)
    return content[:middle] + bytes(each ^ 0xFF for each in content[middle:end]) + content[end:]


def _free_box(mark: bytes) -> bytes:
    """An ISO base media box that every reader skips."""
    return struct.pack(">I4s", 8 + len(mark), b"free") + mark


@cache
def _sample_bytes(name: str) -> bytes:
    return files("cloud9_archive.emulator.audio").joinpath("samples", name).read_bytes()


@cache
def _opus_sample(name: str) -> OpusSample:
    return read_sample(_sample_bytes(name))
