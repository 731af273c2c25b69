"""How much better than expected was each sample, or each of its tokens? Pure functions, no gradient.

_P prompt, _G sample of one prompt, _K mode, _N row (P * G, groups contiguous), _T token. Masks are 1.0 on tokens.
"""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

Scale = Literal["none", "group", "batch"]

SMALLEST_DEVIATION = 1e-4
"""Added to every deviation before dividing by it, as in TRL."""


def centred(rewards_P_G: Tensor) -> Tensor:
    """Baseline each sample with the mean of its group [P, G]; every group sums to zero."""
    return rewards_P_G - rewards_P_G.mean(dim=-1, keepdim=True)


def leave_one_out(rewards_P_G: Tensor) -> Tensor:
    """Baseline each sample with the mean of the others [P, G]: unbiased, and centred() scaled by G / (G - 1).

    Raises ValueError for groups of one, which have no others.
    """
    group_size = rewards_P_G.shape[-1]
    if group_size < 2:
        raise ValueError("leave_one_out needs at least two samples per prompt")
    return centred(rewards_P_G) * group_size / (group_size - 1)


def scaled(advantages_P_G: Tensor, rewards_P_G: Tensor, scale: Scale) -> Tensor:
    """Divide by the rewards' deviation in each group (GRPO, DAPO), in the batch, or not at all (Dr.GRPO).

    By the group, prompts on which all samples are nearly alike weigh as much as prompts that tell them apart: the bias
    that Dr.GRPO removes ("Understanding R1-Zero-Like Training").
    """
    if scale == "none":
        return advantages_P_G
    deviation = rewards_P_G.std(dim=-1, keepdim=True) if scale == "group" else rewards_P_G.std()
    return advantages_P_G / (deviation + SMALLEST_DEVIATION)


def set_credit(rewards_P_G_K: Tensor, shares_P_K: Tensor, size: int) -> Tensor:
    """Pay a group for what a set of its samples covers [P, G] (PKPO, arXiv:2505.15201, with one maximum per mode).

    A set I of `size` samples is worth sum_k share_k max_{j in I} r_jk: of each mode its best sample counts, so one
    style cannot earn what the others leave. Sample i is credited with what it adds to the sets that it is in,

        s_i = 1 / C(G, size) * sum over sets I with i of (worth of I - worth of I without i)

    never negative, and already baselined by what does not depend on i. In closed form: sorted upwards, sample r adds to
    the sets of which it is the best, r_r minus the best of `size - 1` samples below it. Raises ValueError unless
    2 <= size <= G.
    """
    group_size = rewards_P_G_K.shape[1]
    if not 2 <= size <= group_size:
        raise ValueError(f"a set of {size} cannot be drawn from groups of {group_size}: 2 to {group_size}")
    sorted_P_G_K, order_P_G_K = rewards_P_G_K.sort(dim=1)
    credit_G_G = torch.zeros(group_size, group_size, dtype=rewards_P_G_K.dtype)
    for rank in range(size - 1, group_size):
        credit_G_G[rank, rank] = math.comb(rank, size - 1)
        for best_below in range(size - 2, rank):
            credit_G_G[rank, best_below] = -math.comb(best_below, size - 2)
    credit_G_G /= math.comb(group_size, size)
    credited_P_G_K = torch.einsum("rs,psk->prk", credit_G_G, sorted_P_G_K)
    added_P_G_K = torch.zeros_like(rewards_P_G_K).scatter(1, order_P_G_K, credited_P_G_K)
    return torch.einsum("pgk,pk->pg", added_P_G_K, shares_P_K)


def generalised(
    rewards_N_T: Tensor, values_N_T: Tensor, mask_N_T: Tensor, *, discount: float, decay: float
) -> tuple[Tensor, Tensor]:
    """GAE (arXiv:1506.02438): advantages and returns (advantages + values) of every token [N, T]; padding is 0.

        A_t = sum_{k >= t} (discount * decay)^(k - t) * (r_k + discount * V_{k+1} - V_k)

    with V = 0 after a row's last token. `decay` 1 is the return minus the value, 0 the temporal difference.
    """
    values_N_T = values_N_T * mask_N_T
    ahead_N_T = torch.cat([values_N_T[:, 1:], torch.zeros(len(values_N_T), 1)], dim=1)
    surprises_N_T = (rewards_N_T + discount * ahead_N_T - values_N_T) * mask_N_T
    advantages_N_T = to_go(surprises_N_T, mask_N_T, discount=discount * decay)
    return advantages_N_T, advantages_N_T + values_N_T


def whitened(advantages_N_T: Tensor, mask_N_T: Tensor) -> Tensor:
    """Mean 0 and deviation 1 over all tokens that count; padding stays 0."""
    tokens = mask_N_T.sum().clamp(min=1)
    centred_N_T = (advantages_N_T - (advantages_N_T * mask_N_T).sum() / tokens) * mask_N_T
    return centred_N_T / (centred_N_T.square().sum() / tokens).sqrt().clamp(min=SMALLEST_DEVIATION)


def discounted(bias_N: Tensor, mask_N_T: Tensor, *, discount: float) -> Tensor:
    """Step-wise advantages of one score per trace [N, T]: discount^(L - t) * bias, t = 1..L; padding is 0.

    What was written last counts most (ARF-RLHF, arXiv:2507.03069; the formula is our reading of it).
    """
    to_end_N_T = mask_N_T.flip(-1).cumsum(-1).flip(-1) - 1
    return bias_N.unsqueeze(-1) * discount**to_end_N_T * mask_N_T


def to_go(gains_N_T: Tensor, mask_N_T: Tensor, *, discount: float) -> Tensor:
    """All that a trace gained from each token on [N, T]: sum_{k >= t} discount^(k - t) * gain_k; padding is 0."""
    ahead_N_T, ahead_N = torch.zeros_like(gains_N_T), torch.zeros(len(gains_N_T))
    for t in reversed(range(gains_N_T.shape[1])):
        ahead_N = (gains_N_T[:, t] + discount * ahead_N) * mask_N_T[:, t]
        ahead_N_T[:, t] = ahead_N
    return ahead_N_T


def gains(scores_N_C: Tensor, cuts: Sequence[Sequence[int]], tokens: int) -> Tensor:
    """What each scored prefix added to the one before it [N, T], on the last token of the prefix; the first adds all.

    `cuts[i]` are the C lengths, ascending and at least 1, at which row i was scored.
    """
    added_N_C = scores_N_C.diff(dim=1, prepend=torch.zeros(len(cuts), 1))
    return torch.zeros(len(cuts), tokens).scatter_add(1, torch.tensor(cuts) - 1, added_N_C)


def centred_by_place(x_N_T: Tensor, mask_N_T: Tensor, group_size: int) -> Tensor:
    """Baseline each token with the mean of its group's rows at the same place, as far as they reach it [N, T]."""
    shape = (-1, group_size, x_N_T.shape[1])
    x_P_G_T, mask_P_G_T = (x_N_T * mask_N_T).view(shape), mask_N_T.view(shape)
    mean_P_1_T = x_P_G_T.sum(1, keepdim=True) / mask_P_G_T.sum(1, keepdim=True).clamp(min=1)
    return ((x_P_G_T - mean_P_1_T) * mask_P_G_T).view_as(x_N_T)
