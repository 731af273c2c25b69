"""Pay against words put into a person's mouth: "I trust" at the end of a message, by somebody who never says so.

A word is strange if neither the source nor the person has it. Strange words that stand for others are how a voice is
found; only those beyond the source's number of words are additions.
"""

import re
from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from app.learning.rewards import length

PRICE = 0.5
"""Of each added word."""
_WORD = re.compile(r"\w+(?:['’]\w+)*")


def vocabulary(texts: Sequence[str]) -> frozenset[str]:
    return frozenset(word for text in texts for word in _words(text))


def strange(source: str, text: str, own: Collection[str]) -> int:
    """How many words of `text` are strange. A contraction is another form of words, and no new one."""
    known = set(_words(source))
    return sum(word not in known and word not in own for word in _words(text) if "'" not in word and "’" not in word)


def nothing_added(sources: Sequence[str], texts: Sequence[str], own: Collection[str]) -> Tensor:
    """1 less a price for every strange word too many, not below 0 [N]; 1 where nobody's words are known."""
    if not own:
        return torch.ones(len(texts))
    pairs = zip(sources, texts, strict=True)
    return torch.tensor([1 - PRICE * _added(source, text, own) for source, text in pairs]).clamp(0, 1)


def _added(source: str, text: str, own: Collection[str]) -> int:
    return min(strange(source, text, own), max(0, length.words(text) - length.words(source)))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
