"""Reinforce: Dr.GRPO, GRPO without its two biases ("Understanding R1-Zero-Like Training", sail-sg), and its relatives.

Sample a group per prompt, centre rewards within the group without dividing by their deviation, take a clipped step
whose loss is normalised by constants instead of each row's length. No KL term: the article found that any positive
weight kept the policy from exploring. Options make it GRPO (`scale` group, `average` rows) or DAPO (arXiv:2503.14476:
`scale` group, `average` tokens, `clip_high`, `resample`), or pay for sets of samples (PKPO, arXiv:2505.15201).

At 3B: batch 32, learning rate 1e-6. At 135M: 4 prompts of 8, 3e-4, a few steps after a supervised warm start.
"""

from collections.abc import Iterator, Sequence

from torch import Tensor

from app.learning import losses, on_policy, reference
from app.learning.advantages import centred, scaled, set_credit
from app.learning.configs import DrGrpoConfig
from app.learning.experience import Experience, PromptFor, Rewards
from app.learning.loop import GiveWay, LoopState
from app.learning.losses import Loss
from app.learning.on_policy import Objective, telling_rows
from app.learning.types import Policy, Step


def train(
    policy: Policy,
    passages: Sequence[str],
    rewards: Rewards,
    config: DrGrpoConfig,
    *,
    prompt_for: PromptFor,
    state: LoopState | None = None,
    give_way: GiveWay = lambda: None,
) -> Iterator[Step]:
    """Yield a Step after each batch; all else as on_policy.train says.

    Metrics of its own: those of losses.policy_gradient, and with a leash those of losses.divergence.
    """
    state = state or LoopState.new(policy)

    def objective(seen: Experience) -> Objective:
        rollouts, mask_N_T = seen.rollouts, seen.rollouts.mask_B_T
        advantages_P_G = _advantages(seen, config)
        advantages_N = advantages_P_G.flatten()
        weights_N = losses.row_weights(mask_N_T, config.average, max_tokens=config.max_tokens)
        before_N_T = reference.leash(state, seen, config, give_way)

        def loss(rows: list[int]) -> Loss:
            logprobs_B_T = policy.logprobs(rollouts, rows, temperature=config.temperature)
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

    return on_policy.train(
        policy, passages, rewards, config, objective, prompt_for=prompt_for, state=state, give_way=give_way
    )


def _advantages(seen: Experience, config: DrGrpoConfig) -> Tensor:
    """[P, G]. Sets begin at `set_size` and shrink to single samples: explore first, then settle."""
    size = max(1, round(config.set_size * (1 - seen.step / config.steps)))
    if size == 1:
        return scaled(centred(seen.scored.rewards_P_G), seen.scored.rewards_P_G, config.scale)
    return set_credit(seen.scored.rewards_P_G_M, seen.scored.shares_P_M, size)
