"""What a scorer that learns online is reminded of: the newest traces, and a fair sample of all there ever were.

Recent: first in, first out. Long: a reservoir, a uniform sample of everything seen. Each trace has one random number of
its own and the reservoir holds the smallest, which is a uniform sample without replacement at every moment, needs no
state beside the traces themselves, and gives the same memory after a crash.
"""

import bisect
import random
from collections.abc import Iterable, Sequence
from typing import Final

from app.learning.satisfaction.traces import FADES_AFTER, Trace, draw, weight

RECENT: Final = 32
"""About ten replies with their copies: what a person said lately is half of every batch."""
LONG: Final = 1024


class Replay:
    def __init__(self, traces: Iterable[Trace] = (), *, recent: int = RECENT, long: int = LONG) -> None:
        """`traces`, oldest first."""
        self._recent_size, self._long_size = recent, long
        self.recent: list[Trace] = []
        self.long: list[Trace] = []
        self.add(traces)

    def add(self, traces: Iterable[Trace]) -> None:
        for trace in traces:
            self.recent.append(trace)
            bisect.insort(self.long, trace, key=_draw)
            del self.long[self._long_size :]
        del self.recent[: max(0, len(self.recent) - self._recent_size)]

    def __len__(self) -> int:
        return len(self.all())

    def all(self) -> list[Trace]:
        """Every remembered trace once, in no particular order."""
        return list({trace.id: trace for trace in (*self.long, *self.recent)}.values())

    def replace(self, traces: Iterable[Trace]) -> None:
        """Put traces with new scores in the place of those with the same ids."""
        new = {trace.id: trace for trace in traces}
        self.recent = [new.get(trace.id, trace) for trace in self.recent]
        self.long = [new.get(trace.id, trace) for trace in self.long]

    def batch(self, size: int, now: int, rng: random.Random, fades_after: float = FADES_AFTER) -> list[Trace]:
        """Half from the recent, half from the long memory, with replacement, by weight at reply number `now`."""
        recent = size // 2
        return [
            *_drawn(self.recent, recent, now, rng, fades_after),
            *_drawn(self.long, size - recent, now, rng, fades_after),
        ]


def _drawn(traces: Sequence[Trace], count: int, now: int, rng: random.Random, fades_after: float) -> list[Trace]:
    weights = [weight(trace.confidence, now - trace.reply, fades_after) for trace in traces]
    return rng.choices(traces, weights, k=count) if traces else []


def _draw(trace: Trace) -> float:
    return draw(trace.id)
