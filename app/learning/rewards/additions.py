"""Pay against words put into a person's mouth: "I trust" at the end of a message, by somebody who never says so.

A word is strange if neither the source nor the person has it. Strange words that stand for others are how a voice is
found: only those are additions for which the source gave up no word of its own and that make the text longer.
"""

import re
from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from app.learning.lexicon import BARE_CONTRACTIONS, CONTRACTIONS
from app.learning.rewards import length

PRICE = 0.5
"""Of each added word."""
_WORD = re.compile(r"\w+(?:'\w+)*")
_WHOLE = {short.lower(): long.lower().split() for long, short in CONTRACTIONS.items()} | {
    short: long.lower().split() for short, long in BARE_CONTRACTIONS.items() if " " not in short
}


def vocabulary(texts: Sequence[str]) -> frozenset[str]:
    """The words of all texts, as they are compared here."""
    return frozenset(word for text in texts for word in _words(text))


def strange(source: str, text: str, own: Collection[str]) -> int:
    """How many words of `text` are strange. Contracting or drawing out a word ("sooo") makes no new one of it."""
    known = set(_words(source))
    return sum(word not in known and word not in own for word in _words(text))


def nothing_added(sources: Sequence[str], texts: Sequence[str], own: Collection[str]) -> Tensor:
    """1 less a price for every strange word too many, not below 0 [N]; 1 where nobody's words are known."""
    if not own:
        return torch.ones(len(texts))
    pairs = zip(sources, texts, strict=True)
    return torch.tensor([1 - PRICE * _added(source, text, own) for source, text in pairs]).clamp(0, 1)


def _added(source: str, text: str, own: Collection[str]) -> int:
    given_up = len(set(_words(source)) - set(_words(text)))
    longer = length.words(text) - length.words(source)
    return max(0, min(strange(source, text, own) - given_up, longer))


def _words(text: str) -> list[str]:
    """Lower case, contractions in full ("dont" too), every run of one letter as that letter."""
    found = _WORD.findall(text.lower().replace("’", "'"))
    return [re.sub(r"(.)\1+", r"\1", word) for short in found for word in _WHOLE.get(short, [short])]
