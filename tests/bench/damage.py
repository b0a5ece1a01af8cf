"""What may befall any file, each drawn from a source of chance so that one case can be had again."""

from __future__ import annotations

import random
from collections.abc import Callable

Damage = Callable[[random.Random, bytes, bytes], bytes]
"""Takes a source of chance, a good file and another good one of the same kind; gives what became of the first."""


def cut_anywhere(chance: random.Random, content: bytes, _: bytes) -> bytes:
    return content[: chance.randrange(len(content))]


def flip_bits(chance: random.Random, content: bytes, _: bytes) -> bytes:
    hurt = bytearray(content)
    for place in chance.sample(range(8 * len(content)), min(chance.choice((1, 1, 2, 20, 100, 500)), 8 * len(content))):
        hurt[place // 8] ^= 1 << place % 8
    return bytes(hurt)


def alter_bytes(chance: random.Random, content: bytes, _: bytes) -> bytes:
    hurt = bytearray(content)
    for place in chance.sample(range(len(content)), min(chance.randint(1, 500), len(content))):
        hurt[place] ^= chance.randrange(1, 256)
    return bytes(hurt)


def splice(chance: random.Random, content: bytes, other: bytes) -> bytes:
    """The beginning of one call and the rest of another, anywhere."""
    return content[: chance.randrange(len(content))] + other[chance.randrange(len(other)) :]


def put_after_another(_: random.Random, content: bytes, other: bytes) -> bytes:
    return content + other


def zero_a_block(chance: random.Random, content: bytes, _: bytes) -> bytes:
    begin = chance.randrange(len(content))
    end = min(len(content), begin + chance.choice((16, 512, 4_096)))
    return content[:begin] + bytes(end - begin) + content[end:]


def zero_the_end(chance: random.Random, content: bytes, _: bytes) -> bytes:
    begin = chance.randrange(len(content))
    return content[:begin].ljust(len(content), b"\0")


def insert_bytes(chance: random.Random, content: bytes, _: bytes) -> bytes:
    at = chance.randrange(len(content) + 1)
    return content[:at] + chance.randbytes(chance.choice((1, 1, 2, 700))) + content[at:]


def remove_bytes(chance: random.Random, content: bytes, _: bytes) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + content[at + chance.choice((1, 1, 2, 700)) :]


def garbage_before(chance: random.Random, content: bytes, _: bytes) -> bytes:
    return chance.randbytes(chance.choice((1, 40))) + content


def garbage_behind(chance: random.Random, content: bytes, _: bytes) -> bytes:
    return content + chance.choice((b"\0", b"OggS", chance.randbytes(300), content[: chance.randrange(1, 100)]))


DAMAGES: tuple[Damage, ...] = (
    cut_anywhere,
    flip_bits,
    alter_bytes,
    splice,
    put_after_another,
    zero_a_block,
    zero_the_end,
    insert_bytes,
    remove_bytes,
    garbage_before,
    garbage_behind,
)
"""What no one meant."""
