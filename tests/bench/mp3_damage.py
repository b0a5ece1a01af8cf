"""What may befall the frames of an MP3 file."""

from __future__ import annotations

import random

from damage import Damage

from cloud9_archive.media.mp3 import _frame


def frames_of(content: bytes) -> list[tuple[int, int]]:
    """Where each frame of a good file begins and ends, the header frame first."""
    at, found = 0, []
    while content.startswith(b"ID3", at):
        size = content[at + 6 : at + 10]
        at += 10 + (size[0] << 21 | size[1] << 14 | size[2] << 7 | size[3])
    while (frame := _frame(content[at : at + 4])) is not None:
        found.append((at, at + frame.size))
        at += frame.size
    return found


def cut_between_frames(chance: random.Random, content: bytes, _: bytes) -> bytes:
    return content[: chance.choice(frames_of(content)[2:])[0]]


def drop_frames(chance: random.Random, content: bytes, _: bytes) -> bytes:
    """One to three frames of audio."""
    frames = frames_of(content)
    first = chance.randrange(1, len(frames) - 2)
    return content[: frames[first][0]] + content[frames[first + chance.randrange(3)][1] :]


def double_a_frame(chance: random.Random, content: bytes, _: bytes) -> bytes:
    begin, end = chance.choice(frames_of(content)[1:])
    return content[:end] + content[begin:]


def swap_frames(chance: random.Random, content: bytes, _: bytes) -> bytes:
    (one, one_end), (other, other_end) = sorted(chance.sample(frames_of(content)[1:], 2))
    return (
        content[:one] + content[other:other_end] + content[one_end:other] + content[one:one_end] + content[other_end:]
    )


COUNTED: tuple[Damage, ...] = (cut_between_frames, drop_frames, double_a_frame)
"""What a header frame shows, which counts frames and bytes."""
