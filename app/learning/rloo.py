"""Reinforce: RLOO ("Back to Basics", arXiv:2402.14740). A rewrite is one action, not a row of tokens.

Each sample is baselined with the mean of the others of its group, and its ratio is that of whole rows: the clip keeps
or cuts all of a rewrite's gradient. The leash is part of the reward, r_i = R_i - kl * sum_t (log pi - log reference):
it shapes what is worth writing and needs no gradient of its own.
"""

from collections.abc import Iterator, Sequence

import torch

from app.learning import losses, on_policy, reference
from app.learning.advantages import leave_one_out
from app.learning.configs import RlooConfig
from app.learning.experience import Experience, PromptFor, Rewards
from app.learning.loop import GiveWay, LoopState
from app.learning.losses import Loss
from app.learning.on_policy import Objective, telling_rows
from app.learning.types import Policy, Step


def train(
    policy: Policy,
    passages: Sequence[str],
    rewards: Rewards,
    config: RlooConfig,
    *,
    prompt_for: PromptFor,
    state: LoopState | None = None,
    give_way: GiveWay = lambda: None,
) -> Iterator[Step]:
    """Yield a Step after each batch; all else as on_policy.train says.

    Metrics of its own: those of losses.sequence_policy_gradient, and with a leash `reference_kl` (nats per rewrite).
    """
    state = state or LoopState.new(policy)

    def objective(seen: Experience) -> Objective:
        rollouts, mask_N_T = seen.rollouts, seen.rollouts.mask_B_T
        paid_P_G, metrics = seen.scored.rewards_P_G, {}
        before_N_T = reference.leash(state, seen, config, give_way)
        if before_N_T is not None:
            drift_N = losses.row_sums(rollouts.logprobs_B_T - before_N_T, mask_N_T)
            paid_P_G = paid_P_G - config.kl * drift_N.view_as(paid_P_G)
            metrics["reference_kl"] = drift_N.mean().item()
        advantages_P_G = leave_one_out(paid_P_G)
        advantages_N = advantages_P_G.flatten()
        weights_N = torch.full_like(advantages_N, 1 / len(advantages_N))

        def loss(rows: list[int]) -> Loss:
            return losses.sequence_policy_gradient(
                policy.logprobs(rollouts, rows, temperature=config.temperature),
                rollouts.logprobs_B_T[rows],
                advantages_N[rows],
                mask_N_T[rows],
                weights_N[rows],
                clip=config.clip,
                clip_high=config.clip_high,
            )

        return Objective(telling_rows(advantages_P_G, config.update_share, seen.lengths), loss, metrics)

    return on_policy.train(
        policy, passages, rewards, config, objective, prompt_for=prompt_for, state=state, give_way=give_way
    )
