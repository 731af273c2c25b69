"""Reinforce: PPO with a critic and GAE (arXiv:1707.06347, arXiv:1506.02438), as in RLHF on token level.

What a row earns is paid on its last token, and with a leash each token pays for its own drift: r_t = - kl * (log pi -
log reference). The critic foresees what comes, GAE says how much better than foreseen each token was, and the batch is
gone over several times under the clip. Groups only give a critic several answers to the same question.
"""

import torch
from torch import Tensor

from app.learning import losses, reference
from app.learning.advantages import generalised, whitened
from app.learning.configs import PpoConfig
from app.learning.critic import Critic
from app.learning.experience import Experience
from app.learning.loop import MICRO_BATCH
from app.learning.losses import Loss
from app.learning.objective import Objective, Practice
from app.learning.types import Rollouts


def objective(config: PpoConfig, seen: Experience, practice: Practice) -> Objective:
    """Metrics of its own: those of losses.policy_gradient and losses.squared_error, `value`, the mean of what the
    critic foresaw, and with a leash `reference_kl` (nats per token).
    """
    rollouts, mask_N_T = seen.rollouts, seen.rollouts.mask_B_T
    paid_N_T, metrics = paid_last(seen.scored.rewards_P_G.flatten(), mask_N_T), {}
    before_N_T = reference.leash(config, seen, practice)
    if before_N_T is not None:
        drift_N_T = losses.on_tokens(rollouts.logprobs_B_T - before_N_T, mask_N_T)
        paid_N_T = paid_N_T - config.kl * drift_N_T
        metrics["reference_kl"] = losses.masked_mean(drift_N_T, mask_N_T).item()

    states_N_T_E = _states(rollouts, practice)
    critic = Critic.of(practice.state, states_N_T_E.shape[-1])
    values_N_T = critic.values(states_N_T_E)
    advantages_N_T, returns_N_T = generalised(
        paid_N_T, values_N_T, mask_N_T, discount=config.discount, decay=config.decay
    )
    advantages_N_T = whitened(advantages_N_T, mask_N_T)
    metrics["value"] = losses.masked_mean(values_N_T, mask_N_T).item()
    metrics |= critic.fit(states_N_T_E, returns_N_T, mask_N_T, config)
    critic.keep(practice.state)
    weights_N = losses.row_weights(mask_N_T, "tokens", max_tokens=config.max_tokens)

    def loss(rows: list[int]) -> Loss:
        return losses.policy_gradient(
            practice.policy.logprobs(rollouts, rows, temperature=config.temperature),
            rollouts.logprobs_B_T[rows],
            advantages_N_T[rows],
            mask_N_T[rows],
            weights_N[rows],
            clip=config.clip,
            clip_high=config.clip_high,
        )

    rows = sorted(range(len(mask_N_T)), key=lambda row: seen.lengths[row])
    return Objective(rows, loss, metrics)


def paid_last(rewards_N: Tensor, mask_N_T: Tensor) -> Tensor:
    """Each row's reward on its last token [N, T]; a row without tokens gets none."""
    is_last_N_T = mask_N_T.flip(-1).cumsum(-1).flip(-1) == 1
    return rewards_N.unsqueeze(-1) * is_last_N_T * mask_N_T


def _states(rollouts: Rollouts, practice: Practice) -> Tensor:
    parts, rows = [], range(len(rollouts.texts))
    for first in rows[::MICRO_BATCH]:
        practice.give_way()
        parts.append(practice.policy.states(rollouts, rows[first : first + MICRO_BATCH]))
    return torch.cat(parts)
