"""Pay for reading as if a person had written it, by the article's curve over an AI-text detector's P(human).

Only worth a weight where the detector is right: the packaged one is so on texts of 100 tokens and more, on some kinds
of shorter ones, and hardly on single sentences. So a training may weigh it only where the operator has named another.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Detector = Callable[[Sequence[str]], Tensor]
"""Texts to P(human) in [0, 1], one each [N]."""


def humanlike(p_human_N: Tensor) -> Tensor:
    """p up to .5, then clip(sqrt(p) * 1.11, 0, 1): continuous pay converges much faster than a yes or no [N]."""
    return torch.where(p_human_N > 0.5, (p_human_N.sqrt() * 1.11).clamp(0, 1), p_human_N)
