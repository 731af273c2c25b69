"""Losses as pure functions: log-probabilities in, a Loss out. No model, no optimizer, no I/O.

Every loss is a weighted sum over rows, with weights that were worked out for the whole batch (`row_weights`): so the
losses of micro-batches add up to the loss of the batch, whatever they are normalised by.

Suffixes name axes: _B row of the (micro-)batch, _T token. Masks are 1.0 on tokens that count and 0.0 on padding; what
stands on padding never reaches a value or a gradient, not even as inf or NaN. `sampled` log-probabilities are those of
the policy that wrote the rows; ratio = exp(logprobs - sampled).
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from app.learning.types import Metrics

Average = Literal["constant", "tokens", "rows"]
Ratio = Literal["arithmetic", "geometric"]


@dataclass(frozen=True)
class Loss:
    value: Tensor
    """A scalar with gradient."""
    metrics: Metrics
    """Means over what counts in this part of the batch; the value itself is not among them."""

    def plus(self, other: "Loss", weight: float) -> "Loss":
        return Loss(self.value + weight * other.value, self.metrics | other.metrics)


def on_tokens(x_B_T: Tensor, mask_B_T: Tensor) -> Tensor:
    return x_B_T.masked_fill(mask_B_T == 0, 0.0)


def masked_mean(x_B_T: Tensor, mask_B_T: Tensor) -> Tensor:
    return on_tokens(x_B_T, mask_B_T).sum() / mask_B_T.sum().clamp(min=1)


def row_sums(x_B_T: Tensor, mask_B_T: Tensor) -> Tensor:
    return on_tokens(x_B_T, mask_B_T).sum(-1)


def row_means(x_B_T: Tensor, mask_B_T: Tensor) -> Tensor:
    return row_sums(x_B_T, mask_B_T) / mask_B_T.sum(-1).clamp(min=1)


def row_weights(mask_B_T: Tensor, average: Average, *, max_tokens: int) -> Tensor:
    """What each token of each row of the whole batch weighs [B].

    `constant`  1 / (rows * max_tokens)      Dr.GRPO: a long bad answer is not forgiven for being long
    `tokens`    1 / (all tokens)             DAPO, PPO: the mean over tokens
    `rows`      1 / (rows * its own tokens)  GRPO: the mean over rows of the mean over their tokens
    """
    rows, lengths_B = len(mask_B_T), mask_B_T.sum(-1).clamp(min=1)
    if average == "constant":
        return torch.full_like(lengths_B, 1 / (rows * max_tokens))
    if average == "tokens":
        return torch.full_like(lengths_B, 1 / lengths_B.sum().item())
    return 1 / (rows * lengths_B)


def nll(logprobs_B_T: Tensor, mask_B_T: Tensor) -> Loss:
    """Imitate: the mean negative log-likelihood per token, in nats, of the person's own words."""
    value = -masked_mean(logprobs_B_T, mask_B_T)
    return Loss(value, {"nll": value.item()})


def imitation(logprobs_B_T: Tensor, mask_B_T: Tensor, weights_B: Tensor) -> Loss:
    """Imitate each row as much as it weighs: - sum_i weight_i mean_t logprobs. Metric: `nll`, nats per token."""
    value = -(weights_B * row_means(logprobs_B_T, mask_B_T)).sum()
    return Loss(value, {"nll": -masked_mean(logprobs_B_T.detach(), mask_B_T).item()})


def policy_gradient(
    logprobs_B_T: Tensor,
    sampled_B_T: Tensor,
    advantages: Tensor,
    mask_B_T: Tensor,
    weights_B: Tensor,
    *,
    clip: float,
    clip_high: float | None = None,
) -> Loss:
    """Reinforce token by token, importance-weighted and clipped (PPO, arXiv:1707.06347).

        - sum_i weight_i sum_t min(ratio_it * A, clamp(ratio_it, 1 - clip, 1 + clip_high) * A)

    `advantages` are of rows [B] or of tokens [B, T]. `clip_high` is `clip` unless told (DAPO's clip-higher). Metrics:
    `kl`, the k3 estimate against the policy that sampled, in nats per token, and `clipped`, the share of tokens whose
    gradient the clip has cut.
    """
    log_ratio_B_T = on_tokens(logprobs_B_T - sampled_B_T, mask_B_T)
    advantages_B_T = advantages if advantages.dim() == 2 else advantages.unsqueeze(-1)
    gain_B_T, cut_B_T = _clipped(log_ratio_B_T.exp(), advantages_B_T, clip, clip_high)
    value = -(weights_B * row_sums(gain_B_T, mask_B_T)).sum()
    with torch.no_grad():
        metrics = {
            "kl": masked_mean(torch.expm1(log_ratio_B_T) - log_ratio_B_T, mask_B_T).item(),
            "clipped": masked_mean(cut_B_T, mask_B_T).item(),
        }
    return Loss(value, metrics)


def sequence_policy_gradient(
    logprobs_B_T: Tensor,
    sampled_B_T: Tensor,
    advantages_B: Tensor,
    mask_B_T: Tensor,
    weights_B: Tensor,
    *,
    clip: float,
    clip_high: float | None = None,
) -> Loss:
    """Reinforce whole rows as one action each (RLOO, arXiv:2402.14740): the ratio is that of their probabilities.

        - sum_i weight_i min(ratio_i * A_i, clamp(ratio_i, 1 - clip, 1 + clip_high) * A_i)
        ratio_i = exp(sum_t logprobs - sum_t sampled)

    Metrics: `kl` as in policy_gradient, `clipped` as a share of rows.
    """
    log_ratio_B_T = on_tokens(logprobs_B_T - sampled_B_T, mask_B_T)
    gain_B, cut_B = _clipped(log_ratio_B_T.sum(-1).exp(), advantages_B, clip, clip_high)
    with torch.no_grad():
        kl = masked_mean(torch.expm1(log_ratio_B_T) - log_ratio_B_T, mask_B_T).item()
    return Loss(-(weights_B * gain_B).sum(), {"kl": kl, "clipped": cut_B.mean().item()})


def double_average(
    logprobs_B_T: Tensor,
    sampled_B_T: Tensor,
    advantages_B_T: Tensor,
    mask_B_T: Tensor,
    weights_B: Tensor,
    *,
    ratio: Ratio,
) -> Loss:
    """Reinforce by averages in place of a clip (DAM, ARF-RLHF arXiv:2507.03069; the formula is our reading of it).

        - sum_i weight_i rho_i A_i       A_i = mean_t A_it, over the row's own tokens
        rho_i = mean_t ratio_it          `arithmetic`
        rho_i = exp(mean_t log ratio_it) `geometric`, the sequence ratio of GSPO

    One token among L moves rho_i by 1 / L of its own ratio, and every row weighs the same whatever its length. Metrics:
    `kl` as in policy_gradient, `ratio` the mean of rho_i.
    """
    log_ratio_B_T = on_tokens(logprobs_B_T - sampled_B_T, mask_B_T)
    averaged_B = (
        row_means(log_ratio_B_T.exp(), mask_B_T) if ratio == "arithmetic" else row_means(log_ratio_B_T, mask_B_T).exp()
    )
    value = -(weights_B * averaged_B * row_means(advantages_B_T, mask_B_T)).sum()
    with torch.no_grad():
        kl = masked_mean(torch.expm1(log_ratio_B_T) - log_ratio_B_T, mask_B_T).item()
        return Loss(value, {"kl": kl, "ratio": averaged_B.mean().item()})


def divergence(logprobs_B_T: Tensor, reference_B_T: Tensor, mask_B_T: Tensor, weights_B: Tensor) -> Loss:
    """How far the policy has moved from a reference: the k3 estimate exp(d) - 1 - d, d = reference - logprobs.

    Never negative, zero only where both agree, unbiased on the policy's own samples. Metric: `reference_kl`, in nats
    per token.
    """
    d_B_T = on_tokens(reference_B_T - logprobs_B_T, mask_B_T)
    k3_B_T = torch.expm1(d_B_T) - d_B_T
    return Loss((weights_B * row_sums(k3_B_T, mask_B_T)).sum(), {"reference_kl": masked_mean(k3_B_T, mask_B_T).item()})


def squared_error(
    values_B_T: Tensor, old_values_B_T: Tensor, returns_B_T: Tensor, mask_B_T: Tensor, weights_B: Tensor, *, clip: float
) -> Loss:
    """Half the squared error of a critic, clipped around its old values as PPO does it: the larger of both errors.

    Metric: `value_error`, the root mean squared error before the clip.
    """
    moved_B_T = on_tokens(values_B_T - old_values_B_T, mask_B_T)
    before_B_T = on_tokens(old_values_B_T - returns_B_T, mask_B_T)
    error_B_T = (before_B_T + moved_B_T).square()
    worse_B_T = torch.maximum(error_B_T, (before_B_T + moved_B_T.clamp(-clip, clip)).square())
    value = 0.5 * (weights_B * row_sums(worse_B_T, mask_B_T)).sum()
    return Loss(value, {"value_error": masked_mean(error_B_T.detach(), mask_B_T).sqrt().item()})


def preference(
    chosen_B: Tensor,
    rejected_B: Tensor,
    reference_chosen_B: Tensor,
    reference_rejected_B: Tensor,
    weights_B: Tensor,
    *,
    beta: float,
) -> Loss:
    """Prefer one text to another (DPO, arXiv:2305.18290), by log-probabilities summed over each text.

        - sum_i weight_i log sigmoid(beta * ((chosen - rejected) - (reference_chosen - reference_rejected)))

    Metrics: `margin`, the mean argument of the sigmoid, `accuracy`, the share of pairs where it is above 0, and what
    the policy now gives to both texts beyond the reference, `chosen_gain` and `rejected_gain`, in nats.
    """
    chosen_gain_B, rejected_gain_B = chosen_B - reference_chosen_B, rejected_B - reference_rejected_B
    margin_B = beta * (chosen_gain_B - rejected_gain_B)
    value = -(weights_B * F.logsigmoid(margin_B)).sum()
    return Loss(
        value,
        {
            "margin": margin_B.mean().item(),
            "accuracy": (margin_B > 0).float().mean().item(),
            "chosen_gain": chosen_gain_B.mean().item(),
            "rejected_gain": rejected_gain_B.mean().item(),
        },
    )


def preferring(
    logprobs_2B_T: Tensor,
    reference_2B: Tensor,
    mask_2B_T: Tensor,
    weights_B: Tensor,
    *,
    beta: float,
    imitation_weight: float,
) -> Loss:
    """preference() of rows 0..B to rows B..2B, and if that has a weight, imitation() of rows 0..B."""
    pairs = len(weights_B)
    summed_2B = row_sums(logprobs_2B_T, mask_2B_T)
    loss = preference(
        summed_2B[:pairs], summed_2B[pairs:], reference_2B[:pairs], reference_2B[pairs:], weights_B, beta=beta
    )
    if imitation_weight == 0:
        return loss
    return loss.plus(imitation(logprobs_2B_T[:pairs], mask_2B_T[:pairs], weights_B), imitation_weight)


def _clipped(ratio: Tensor, advantages: Tensor, clip: float, clip_high: float | None) -> tuple[Tensor, Tensor]:
    """The smaller of free and clipped gain, and 1.0 where the clip decided."""
    free = ratio * advantages
    held = ratio.clamp(1 - clip, 1 + (clip if clip_high is None else clip_high)) * advantages
    return torch.minimum(free, held), (held < free).float()
