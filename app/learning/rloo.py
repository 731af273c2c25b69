"""Reinforce: RLOO ("Back to Basics", arXiv:2402.14740). A rewrite is one action, not a row of tokens.

Each sample is baselined with the mean of the others of its group, and its ratio is that of whole rows: the clip keeps
or cuts all of a rewrite's gradient. The leash is part of the reward, r_i = R_i - kl * sum_t (log pi - log reference):
it shapes what is worth writing and needs no gradient of its own.
"""

import torch

from app.learning import losses, reference
from app.learning.advantages import leave_one_out
from app.learning.configs import RlooConfig
from app.learning.experience import Experience
from app.learning.losses import Loss
from app.learning.objective import Objective, Practice, telling_rows


def objective(config: RlooConfig, seen: Experience, practice: Practice) -> Objective:
    """Metrics of its own: those of losses.sequence_policy_gradient, with a leash `reference_kl` (nats per rewrite)."""
    rollouts, mask_N_T = seen.rollouts, seen.rollouts.mask_B_T
    paid_P_G, metrics = seen.scored.rewards_P_G, {}
    before_N_T = reference.leash(config, seen, practice)
    if before_N_T is not None:
        drift_N = losses.row_sums(rollouts.logprobs_B_T - before_N_T, mask_N_T)
        paid_P_G = paid_P_G - config.kl * drift_N.view_as(paid_P_G)
        metrics["reference_kl"] = drift_N.mean().item()
    advantages_P_G = leave_one_out(paid_P_G)
    advantages_N = advantages_P_G.flatten()
    is_single = config.epochs * config.minibatches == 1
    weights_N = torch.full_like(advantages_N, 1 / len(advantages_N))

    def loss(rows: list[int]) -> Loss:
        logprobs_B_T = practice.policy.logprobs(rollouts, rows, temperature=config.temperature)
        return losses.sequence_policy_gradient(
            logprobs_B_T,
            # Before the first update the ratio is 1. As sampled it is 1 but for rounding, which adds up over a rewrite
            # until the clip cuts off whole rows.
            logprobs_B_T.detach() if is_single else rollouts.logprobs_B_T[rows],
            advantages_N[rows],
            mask_N_T[rows],
            weights_N[rows],
            clip=config.clip,
            clip_high=config.clip_high,
        )

    return Objective(telling_rows(advantages_P_G, config.update_share, seen.lengths), loss, metrics)
