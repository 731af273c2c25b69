"""Pay for keeping the names, places, dates and sums of the input, in whatever case the person writes them."""

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from app.learning.types import EntityFinder

_SEPARATORS = re.compile(r"[\W_]+")
_LEADING = ("the ", "a ", "an ")


def recall(find: EntityFinder, sources: Sequence[str], texts: Sequence[str]) -> Tensor:
    """Share of each source's entities that its text names [N]; NaN where the source has none.

    Compared as whole words, without case, punctuation, a leading article or a possessive s.
    """
    distinct = list(dict.fromkeys(sources))
    wanted = dict(zip(distinct, find(distinct), strict=True))
    return torch.tensor([_share(wanted[source], text) for source, text in zip(sources, texts, strict=True)])


def kept_entities(recall_N: Tensor) -> Tensor:
    """The recall, and 1 where there was nothing to keep [N]."""
    return recall_N.nan_to_num(nan=1.0)


def _share(names: frozenset[str], text: str) -> float:
    keys = {_folded(name) for name in names} - {""}
    if not keys:
        return float("nan")
    haystack = f" {_folded(text)} "
    return sum(f" {key} " in haystack for key in keys) / len(keys)


def _folded(text: str) -> str:
    words = _SEPARATORS.sub(" ", re.sub(r"['’]s\b", "", text.lower().strip())).strip()
    for article in _LEADING:
        words = words.removeprefix(article)
    return words
