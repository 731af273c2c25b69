"""Reinforce: Dr.GRPO, GRPO without its two biases ("Understanding R1-Zero-Like Training", sail-sg).

Sample a group per prompt, centre rewards within the group without dividing by their deviation, take one clipped step
whose loss is normalised by constants instead of each row's length. No KL term: the article found that any positive
weight kept the policy from exploring. Only the rows with the largest advantage need be back-propagated.

At 3B: batch 32, learning rate 1e-6. At 135M: 4 prompts of 8, 3e-4, 24 steps after a supervised warm start.
"""

import time
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from app.learning import losses
from app.learning.advantages import centred
from app.learning.loop import MICRO_BATCH, Diverged, GiveWay, LoopState, cosine_decay
from app.learning.recipes import RlConfig
from app.learning.rewards.compose import Reward
from app.learning.rewards.format import stripped
from app.learning.seeding import derive, stream
from app.learning.types import Metrics, Policy, Rollouts, Step

TEXTS_SHOWN = 3
ALIKE = 1e-6
"""Rewards of a group that differ by less teach nothing."""

PromptFor = Callable[[str, str | None], str]
"""A passage and a tag (or None) to the prompt as the policy sees it."""


def train(
    policy: Policy,
    passages: Sequence[str],
    reward: Reward,
    config: RlConfig,
    *,
    prompt_for: PromptFor,
    state: LoopState | None = None,
    give_way: GiveWay = lambda: None,
) -> Iterator[Step]:
    """Yield a Step after each batch, from `state.step` on; save `state` between yields to survive a crash.

    `passages` are neutral texts of one passage each. Raises ValueError without passages, and Diverged before a loss
    that is not finite can touch a parameter. Metrics: those of Reward.score, losses.policy_gradient and LoopState, and
    reward_std (mean over groups), alike (share of groups without a difference), rows (back-propagated), tokens, and
    seconds_rollout, seconds_reward, seconds_update.
    """
    if not passages:
        raise ValueError("there is nothing to rewrite: no passages")
    state = state or LoopState.new(policy)

    while state.step < config.steps:
        step, started = state.step, time.monotonic()
        drawn = stream(len(passages), step * config.prompts_per_step, config.prompts_per_step, config.seed)
        sources = [passages[i] for i in drawn]
        plan = reward.plan(config.seed, step, len(sources))
        prompts = [prompt_for(source, group.tag) for source, group in zip(sources, plan, strict=True)]
        give_way()
        rollouts = policy.sample(
            prompts,
            config.group_size,
            max_tokens=config.max_tokens,
            temperature=config.temperature,
            seed=derive(config.seed, "rollout", step),
        )
        sampled = time.monotonic()

        scored = reward.score(sources, rollouts, plan)
        if not torch.isfinite(scored.rewards_P_G).all():
            raise Diverged(f"a reward is not finite at step {step + 1}")
        advantages_N = centred(scored.rewards_P_G).flatten()
        judged = time.monotonic()

        weights_N = losses.row_weights(rollouts.mask_B_T, "constant", max_tokens=config.max_tokens)
        rows = telling_rows(advantages_N, config.update_share, [len(ids) for ids in rollouts.completion_ids])
        metrics = scored.metrics | _group_metrics(scored.rewards_P_G, rollouts) | {"rows": float(len(rows))}
        for first in range(0, len(rows), MICRO_BATCH):
            give_way()
            chosen = rows[first : first + MICRO_BATCH]
            loss = losses.policy_gradient(
                policy.logprobs(rollouts, chosen, temperature=config.temperature),
                rollouts.logprobs_B_T[chosen],
                advantages_N[chosen],
                rollouts.mask_B_T[chosen],
                weights_N[chosen],
                clip=config.clip,
            )
            state.accumulate(loss.value)
            metrics["policy_gradient"] = metrics.get("policy_gradient", 0.0) + loss.value.item()
            _add(metrics, loss.metrics, len(chosen) / len(rows))
        if rows:
            decay = cosine_decay(step, config.steps, config.warmup_steps, config.final_learning_rate_share)
            metrics |= state.descend(config.learning_rate * decay)
        else:
            state.skip()

        metrics |= {
            "seconds_rollout": sampled - started,
            "seconds_reward": judged - sampled,
            "seconds_update": time.monotonic() - judged,
        }
        shown = rollouts.texts[:: config.group_size][:TEXTS_SHOWN]
        yield Step(state.step, config.steps, metrics, [stripped(text) for text in shown])


def telling_rows(advantages_N: Tensor, share: float, lengths: Sequence[int]) -> list[int]:
    """The `share` of the rows with the largest |advantage|, shortest first (less padding); never one without any."""
    most = max(1, round(share * len(advantages_N)))
    magnitudes = advantages_N.abs().tolist()
    ranked = sorted(range(len(magnitudes)), key=lambda row: -magnitudes[row])[:most]
    return sorted((row for row in ranked if magnitudes[row] > ALIKE), key=lambda row: lengths[row])


def _group_metrics(rewards_P_G: Tensor, rollouts: Rollouts) -> Metrics:
    deviation_P = rewards_P_G.std(dim=-1, correction=0)
    return {
        "reward_std": deviation_P.mean().item(),
        "alike": (deviation_P <= ALIKE).float().mean().item(),
        "tokens": rollouts.mask_B_T.sum().item(),
    }


def _add(totals: Metrics, part: Metrics, weight: float) -> None:
    for name, value in part.items():
        totals[name] = totals.get(name, 0.0) + weight * value
