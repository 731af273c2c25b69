"""How sure is a mean of few values? Percentile bootstrap, seeded."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from app.learning.seeding import derive


@dataclass(frozen=True)
class Interval:
    mean: float
    low: float
    high: float


def interval(values: Sequence[float], *, level: float, seed: int = 0, resamples: int = 2000) -> Interval:
    """Mean and its central `level` interval over resampled values; NaNs are left out; without values all are NaN."""
    values_N = torch.tensor([value for value in values if value == value], dtype=torch.float64)
    if not len(values_N):
        return Interval(float("nan"), float("nan"), float("nan"))
    random = torch.Generator().manual_seed(derive(seed, "bootstrap"))
    drawn = torch.randint(len(values_N), (resamples, len(values_N)), generator=random)
    means = values_N[drawn].mean(-1)
    tail = (1 - level) / 2
    return Interval(values_N.mean().item(), means.quantile(tail).item(), means.quantile(1 - tail).item())
