"""Pay for as many articles as the person leaves in their telegrams: "made from leaves of parks" is not by somebody who
writes "Skip the slides". To an encoder of style the barest telegram is the likest, and the plain text the safest."""

from collections.abc import Sequence

import torch
from torch import Tensor

from app.learning.manners import articles_within


def kept(sources: Sequence[str], texts: Sequence[str], own_N: Sequence[float | None]) -> Tensor:
    """How near the share of the articles within the source's sentences that are there is to the share that the person
    keeps [N]: 1 at that share, 0 at what is farther from it of none and all; 1 for whoever leaves none out (None), and
    where there are none.
    """
    near = []
    for source, text, own in zip(sources, texts, own_N, strict=True):
        given = articles_within(source) if own is not None else 0
        away = abs(articles_within(text) / given - own) if own is not None and given else 0.0
        near.append(1 - away / max(own or 0.0, 1 - (own or 0.0)))
    return torch.tensor(near).clamp(0, 1)
