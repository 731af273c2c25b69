"""Which samples a training learns from and which it is only tested on: decided once for each sample, for good.

What was learned from cannot show that a voice fits new texts, nor may a text of the test be learned from later. So the
part of a sample is kept in its row, and a training deals out only those that no training has seen. What the test lacks,
since the person wrote more or deleted some of it, is filled up from these, lowest hash first.
"""

from collections.abc import Collection, Sequence

from app.learning.modes import named_voices
from app.learning.rewards.style import FEWEST_TEXTS
from app.learning.tags import tag_of
from app.models import StyleSample

AT_MOST, SHARE = 12, 1 / 3
FEWEST_SAMPLES = 6
"""Of fewer all are needed to learn from."""


def deal(rows: Sequence[StyleSample], idle: Collection[str] = ()) -> None:
    """Give every sample without a part its part, in place. A third of all is held out, at most 12 beside the `idle`:
    ids of those that test nothing, though nothing is learned from them either.

    Each voice that the person named gives by its size; whatever else they wrote is one more group. A group keeps what
    makes a voice to learn from, and the largest gives what others cannot.
    """
    third = int(len(rows) * SHARE) if len(rows) >= FEWEST_SAMPLES else 0
    budget = min(AT_MOST, third)
    missing = min(budget - _held_out(rows, idle), third - _held_out(rows))
    for group, quota in _quotas(_groups(rows), budget):
        room = min(quota - _held_out(group, idle), len(group) - FEWEST_TEXTS - _held_out(group))
        unseen = sorted((row for row in group if row.is_held_out is None), key=lambda row: row.sha256)
        for row in unseen[: max(0, min(room, missing))]:
            row.is_held_out = True
            missing -= 1
    for row in rows:
        row.is_held_out = bool(row.is_held_out)


def _quotas(groups: Sequence[list[StyleSample]], budget: int) -> list[tuple[list[StyleSample], int]]:
    """How many of which group, in turn: each by its size, the last all that is left; then the largest again."""
    total = sum(map(len, groups))
    by_size = [(group, round(budget * (len(group) / total))) for group in groups[:-1]]
    return by_size + [(group, budget) for group in [*groups[-1:], *sorted(groups, key=len, reverse=True)]]


def _groups(rows: Sequence[StyleSample]) -> list[list[StyleSample]]:
    """What belongs to no named voice, if there is such, then the named voices in the order of their names."""
    named = named_voices([row.context for row in rows])
    groups: dict[str, list[StyleSample]] = {}
    for row in rows:
        tag = tag_of(row.context or "")
        groups.setdefault(tag if tag in named else "", []).append(row)
    return [groups[tag] for tag in sorted(groups)]


def _held_out(rows: Sequence[StyleSample], idle: Collection[str] = ()) -> int:
    return sum(row.is_held_out is True and row.id not in idle for row in rows)
