"""Pay against monotone endings: a policy that has found one good last word puts it under everything.

An ending is the last two tokens of a text (words, marks, emoji). Siblings of one prompt may well end alike, because the
prompt does; what gives the habit away is an ending shared with rewrites of *other* prompts. A person who really signs
off that way keeps as much of it as their samples have.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

Ending = tuple[str, ...]

ALLOWANCE = 0.15
"""Sharing up to this much beyond the person's own habit costs nothing."""
_TOKEN = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")


def ending(text: str) -> Ending:
    return tuple(_TOKEN.findall(text.lower())[-2:])


def habits(samples: Sequence[str]) -> dict[Ending, float]:
    """The share of the person's samples that have each ending; those of a single sample are not a habit."""
    counts = Counter(ending(sample) for sample in samples)
    return {end: count / len(samples) for end, count in counts.items() if count > 1}


def distinct_endings(
    texts: Sequence[str], voices: Sequence[str | None], own: Mapping[str | None, Mapping[Ending, float]]
) -> Tensor:
    """1 minus how much oftener than the person each row's ending occurs in the other groups, less the allowance [N].

    `voices` are what the groups were told; rows of a group are contiguous. Groups are compared with those of the same
    voice, and with `own` habits in it: among three voices a letter's good wishes are under a third of all rows, and
    under every letter. Where a voice has one group only there is nothing to compare with, and every row gets 1.
    """
    ends = [ending(text) for text in texts]
    size = len(ends) // len(voices)
    groups = [Counter(ends[start : start + size]) for start in range(0, len(ends), size)]
    scores = []
    for row, end in enumerate(ends):
        voice = voices[row // size]
        others = [group for place, group in enumerate(groups) if place != row // size and voices[place] == voice]
        shared = sum(group[end] for group in others) / max(1, size * len(others))
        scores.append(1 - max(0.0, shared - own.get(voice, {}).get(end, 0.0) - ALLOWANCE))
    return torch.tensor(scores).clamp(0, 1)
