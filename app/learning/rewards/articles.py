"""Pay against telegrams that have lost more than the person leaves out: "made from leaves of parks", by somebody who
writes "Skip the slides". To an encoder of style the barest telegram is the likest."""

from collections.abc import Sequence

import torch
from torch import Tensor

from app.learning.manners import articles_within


def kept(sources: Sequence[str], texts: Sequence[str], own_N: Sequence[float | None]) -> Tensor:
    """What of the articles within the source's sentences is there, over the share that the person keeps [N]; at most 1,
    which is also for a person who leaves none out (None), and where there are none.
    """
    shares = []
    for source, text, own in zip(sources, texts, own_N, strict=True):
        given = articles_within(source) if own else 0
        shares.append(articles_within(text) / (given * own) if own and given else 1.0)
    return torch.tensor(shares).clamp(0, 1)
