"""How good is a score or a probability? Area under the ROC curve, calibration error, Pearson's correlation."""

from collections.abc import Sequence

import torch
from torch import Tensor

BINS = 15


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """The chance that a positive has the higher score than a negative, ties half (Mann-Whitney); NaN without either."""
    if not positive or not negative:
        return float("nan")
    margin_P_N = torch.tensor(positive).unsqueeze(1) - torch.tensor(negative).unsqueeze(0)
    return torch.heaviside(margin_P_N, torch.tensor(0.5)).mean().item()


def calibration_error(probabilities_N_C: Tensor, truth_N: Tensor) -> float:
    """Expected calibration error of the most probable class, 15 equal bins: mean |confidence - accuracy|, weighted."""
    confidence_N, guess_N = probabilities_N_C.max(-1)
    is_right_N = (guess_N == truth_N).double()
    bin_N = (confidence_N * BINS).long().clamp(max=BINS - 1)
    error = 0.0
    for place in sorted(set(bin_N.tolist())):
        chosen = bin_N == place
        gap = confidence_N[chosen].double().mean() - is_right_N[chosen].mean()
        error += gap.abs().item() * chosen.double().mean().item()
    return error


def pearson(left: Sequence[float], right: Sequence[float]) -> float:
    """NaN where one side is constant, or there are fewer than two pairs."""
    if len(left) < 2:
        return float("nan")
    rows_2_N = torch.tensor([list(left), list(right)], dtype=torch.float64)
    if (rows_2_N.std(-1) < 1e-12).any():
        return float("nan")
    return torch.corrcoef(rows_2_N)[0, 1].item()
