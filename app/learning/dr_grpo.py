"""Reinforce: Dr.GRPO, GRPO without its two biases ("Understanding R1-Zero-Like Training", sail-sg), and its relatives.

Sample a group per prompt, centre rewards within the group without dividing by their deviation, take a clipped step
whose loss is normalised by constants instead of each row's length. No KL term: the article found that any positive
weight kept the policy from exploring. Options make it GRPO (`scale` group, `average` rows) or DAPO (arXiv:2503.14476:
`scale` group, `average` tokens, `clip_high`, `resample`), or pay for sets of samples (PKPO, arXiv:2505.15201).

At 3B: batch 32, learning rate 1e-6. At 135M: 4 prompts of 8, 4e-4, a few steps after a supervised warm start.
"""

from torch import Tensor

from app.learning import losses, reference
from app.learning.advantages import centred, scaled, set_credit
from app.learning.configs import DrGrpoConfig
from app.learning.experience import Experience
from app.learning.losses import Loss
from app.learning.objective import Objective, Practice, telling_rows


def objective(config: DrGrpoConfig, seen: Experience, practice: Practice) -> Objective:
    """Metrics of its own: those of losses.policy_gradient, and with a leash those of losses.divergence."""
    rollouts, mask_N_T = seen.rollouts, seen.rollouts.mask_B_T
    advantages_P_G = _advantages(seen, config)
    advantages_N = advantages_P_G.flatten()
    weights_N = losses.row_weights(mask_N_T, config.average, max_tokens=config.max_tokens)
    before_N_T = reference.leash(config, seen, practice)

    def loss(rows: list[int]) -> Loss:
        logprobs_B_T = practice.policy.logprobs(rollouts, rows, temperature=config.temperature)
        improvement = losses.policy_gradient(
            logprobs_B_T,
            rollouts.logprobs_B_T[rows],
            advantages_N[rows],
            mask_N_T[rows],
            weights_N[rows],
            clip=config.clip,
            clip_high=config.clip_high,
        )
        if before_N_T is None:
            return improvement
        drift = losses.divergence(logprobs_B_T, before_N_T[rows], mask_N_T[rows], weights_N[rows])
        return improvement.plus(drift, config.kl)

    return Objective(telling_rows(advantages_P_G, config.update_share, seen.lengths), loss)


def _advantages(seen: Experience, config: DrGrpoConfig) -> Tensor:
    """[P, G]. Sets begin at `set_size` and shrink to single samples: explore first, then settle."""
    size = max(1, round(config.set_size * (1 - seen.step / config.steps)))
    if size == 1:
        return scaled(centred(seen.scored.rewards_P_G), seen.scored.rewards_P_G, config.scale)
    return set_credit(seen.scored.rewards_P_G_M, seen.scored.shares_P_M, size)
