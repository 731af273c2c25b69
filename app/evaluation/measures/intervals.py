"""How sure is a figure that was measured with several seeds on the same inputs? A crossed bootstrap.

Texts of one training share its luck, so resampling texts alone would call a lucky training a better method. Seeds and
inputs are resampled independently of each other; with one seed only the inputs are, and the report says so.

_S seed, _N input, _C component of what the statistic is made of, _R resample.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from app.learning.bootstrap import Interval
from app.learning.seeding import derive

LEVEL = 0.95
RESAMPLES = 2000

Statistic = Callable[[Tensor], Tensor]
"""Means over inputs [..., C] to one value each [...]."""


def crossed(values_S_N_C: Tensor, statistic: Statistic | None = None, *, seed: int = 0) -> Interval:
    """The mean over seeds of `statistic` of the means over inputs, and its central 95 % interval.

    The statistic is taken per seed: two trainings that each kept one voice have not kept two. NaN entries are left
    out; without any value all three are NaN.
    """
    of = statistic or (lambda mean: mean.squeeze(-1))
    values = values_S_N_C.double()
    seeds, inputs = values.shape[:2]
    whole = of(values.nanmean(1)).nanmean().item()
    if math.isnan(whole):
        return Interval(whole, whole, whole)
    random = torch.Generator().manual_seed(derive(seed, "crossed"))
    rows_R_N = torch.randint(inputs, (RESAMPLES, inputs), generator=random)
    # How often each input is drawn, [R, N]: a weighted mean instead of a copy of everything for each resample.
    weight_R_N = torch.zeros(RESAMPLES, inputs, dtype=torch.float64).scatter_add_(
        1, rows_R_N, torch.ones_like(rows_R_N, dtype=torch.float64)
    )
    known_S_N_C = (~values.isnan()).double()
    total_R_S_C = torch.einsum("rn,snc->rsc", weight_R_N, values.nan_to_num())
    count_R_S_C = torch.einsum("rn,snc->rsc", weight_R_N, known_S_N_C)
    found_R_S = of(total_R_S_C / count_R_S_C)
    drawn_R_S = torch.randint(seeds, (RESAMPLES, seeds), generator=random)
    found_R = found_R_S.gather(1, drawn_R_S).nanmean(1)
    found_R = found_R[~found_R.isnan()]
    tail = (1 - LEVEL) / 2
    return Interval(whole, found_R.quantile(tail).item(), found_R.quantile(1 - tail).item())


def mean(values_S_N: Tensor, *, seed: int = 0) -> Interval:
    return crossed(values_S_N.unsqueeze(-1), seed=seed)


def entropy(shares: Tensor) -> Tensor:
    """Of distributions [..., C], in nats [...]."""
    return -torch.xlogy(shares, shares).sum(-1)


def perplexity(log_likelihood: Tensor) -> Tensor:
    """Of mean log-likelihoods per token [..., 1], in nats [...]."""
    return (-log_likelihood).exp().squeeze(-1)
