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


def distinct_endings(texts: Sequence[str], group_size: int, own: Mapping[Ending, float]) -> Tensor:
    """1 minus how much oftener than the person each row's ending occurs in the other groups, less the allowance [N].

    Rows of a group are contiguous. With one group only there is nothing to compare with, and every row gets 1.
    """
    ends = [ending(text) for text in texts]
    everywhere = Counter(ends)
    scores = []
    for start in range(0, len(ends), group_size):
        group = ends[start : start + group_size]
        here, others = Counter(group), max(1, len(ends) - len(group))
        for end in group:
            shared = (everywhere[end] - here[end]) / others
            scores.append(1 - max(0.0, shared - own.get(end, 0.0) - ALLOWANCE))
    return torch.tensor(scores).clamp(0, 1)
