"""Chance that can be repeated: every draw is a function of (seed, where it is drawn), so no generator is ever saved.

A training that is resumed at step s draws what the uninterrupted one drew at step s.
"""

import hashlib
import random


def derive(*parts: int | str) -> int:
    """A seed in [0, 2**31) from a seed and the names of its use; the same in every process and on every machine."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % 2**31


def generator(*parts: int | str) -> random.Random:
    return random.Random(derive(*parts))


def stream(size: int, start: int, count: int, seed: int) -> list[int]:
    """Positions start..start+count of an endless reshuffling of range(size): everything comes up equally often."""
    passes: dict[int, list[int]] = {}
    drawn = []
    for position in range(start, start + count):
        turn, place = divmod(position, size)
        if turn not in passes:
            passes[turn] = generator(seed, "pass", turn).sample(range(size), size)
        drawn.append(passes[turn][place])
    return drawn
