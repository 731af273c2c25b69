"""Pay for saying it in about as many words: without this the policy pads, or drops half of what was said."""

from collections.abc import Sequence

import torch
from torch import Tensor

SHORTEST = 0.75
"""Below this share of the input's words something was left out."""
FALL = 0.7
"""How far beyond the longest allowed ratio the reward reaches 0."""


def words(text: str) -> int:
    """Words with a letter or digit in them: emoji and loose punctuation are decoration, not length."""
    return sum(any(character.isalnum() for character in word) for word in text.split())


def ratios(sources: Sequence[str], texts: Sequence[str]) -> Tensor:
    """Words of each text per word of its source [N]; a source without words counts as one."""
    return torch.tensor([words(text) / max(1, words(source)) for source, text in zip(sources, texts, strict=True)])


def relative_length(ratio_N: Tensor, slack: float) -> Tensor:
    """1 for ratios in [.75, 1 + slack], falling in straight lines to 0 at 0 and at 1 + slack + .7 [N]."""
    too_short_N = ratio_N / SHORTEST
    too_long_N = 1 - (ratio_N - 1 - slack) / FALL
    return torch.minimum(too_short_N, too_long_N).clamp(0, 1)
