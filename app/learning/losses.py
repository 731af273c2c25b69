"""Losses as pure functions: log-probabilities in, a Loss out. No model, no optimizer, no I/O.

Suffixes name axes: _B row of the (micro-)batch, _T token. Masks are 1.0 on tokens that count and 0.0 on padding; what
stands on padding never reaches a value or a gradient, not even as inf or NaN.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from app.learning.types import Metrics


@dataclass(frozen=True)
class Loss:
    value: Tensor
    """A scalar with gradient."""
    metrics: Metrics


def masked_sum(x_B_T: Tensor, mask_B_T: Tensor) -> Tensor:
    return x_B_T.masked_fill(mask_B_T == 0, 0.0).sum()


def masked_mean(x_B_T: Tensor, mask_B_T: Tensor) -> Tensor:
    return masked_sum(x_B_T, mask_B_T) / mask_B_T.sum().clamp(min=1)


def nll(logprobs_B_T: Tensor, mask_B_T: Tensor) -> Loss:
    """Imitate: the mean negative log-likelihood per token, in nats, of the person's own words."""
    value = -masked_mean(logprobs_B_T, mask_B_T)
    return Loss(value, {"nll": value.item()})


def policy_gradient(
    logprobs_B_T: Tensor,
    sampled_logprobs_B_T: Tensor,
    advantages_B: Tensor,
    mask_B_T: Tensor,
    *,
    clip: float,
    max_tokens: int,
    batch_rows: int | None = None,
) -> Loss:
    """Reinforce: importance-weighted and clipped (arXiv:1707.06347), normalised by constants (Dr.GRPO).

    Summed over tokens and divided by `max_tokens`, not by each row's own length, so that a long bad answer is not
    forgiven for being long; then averaged over `batch_rows` rows (default: the rows given). Micro-batches of one batch
    pass the size of the whole, and their losses add up to the loss of the whole.

    Metrics: `kl`, the k3 estimate against the sampling policy in nats per token, and `clipped`, the share of tokens
    whose gradient the clip has cut.
    """
    log_ratio_B_T = (logprobs_B_T - sampled_logprobs_B_T).masked_fill(mask_B_T == 0, 0.0)
    ratio_B_T = log_ratio_B_T.exp()
    advantages_B_T = advantages_B.unsqueeze(-1)
    free_B_T = ratio_B_T * advantages_B_T
    clipped_B_T = ratio_B_T.clamp(1 - clip, 1 + clip) * advantages_B_T
    rows = batch_rows if batch_rows is not None else len(advantages_B)
    value = -masked_sum(torch.minimum(free_B_T, clipped_B_T), mask_B_T) / (max_tokens * rows)
    with torch.no_grad():
        metrics = {
            "policy_gradient": value.item(),
            "kl": masked_mean(torch.expm1(log_ratio_B_T) - log_ratio_B_T, mask_B_T).item(),
            "clipped": masked_mean((clipped_B_T < free_B_T).float(), mask_B_T).item(),
        }
    return Loss(value, metrics)
