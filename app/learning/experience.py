"""One step's experience: groups of samples of some passages, and what they were paid. The first half of every loop
that learns from its own samples; what each algorithm makes of it is its own file."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from app.learning.configs import RlConfig
from app.learning.loop import Diverged, GiveWay
from app.learning.rewards.compose import GroupPlan, Scored
from app.learning.rollouts import joined, pick
from app.learning.seeding import derive, stream
from app.learning.types import Metrics, Policy, Rollouts

ALIKE = 1e-6
"""Rewards of a group that differ by less teach nothing."""

PromptFor = Callable[[str, str | None], str]
"""A passage and a tag (or None) to the prompt as the policy sees it."""


class Rewards(Protocol):
    """What pays the samples; `rewards.compose.Reward` is one."""

    def plan(self, seed: int, step: int, groups: int) -> list[GroupPlan]:
        """What each group of a step is asked and measured by; the same seed and step draw the same plan."""
        ...

    def score(self, sources: Sequence[str], rollouts: Rollouts, plan: Sequence[GroupPlan]) -> Scored:
        """Judge the rollouts of these passages, one group of rows after the other."""
        ...

    def prefixes(self, sources: Sequence[str], texts: Sequence[str], scored: Scored) -> Tensor:
        """What the rows that were scored would earn [N] by what pleases in these texts, which are their beginnings."""
        ...


@dataclass(frozen=True)
class Experience:
    step: int
    """0-based."""
    sources: list[str]
    plan: list[GroupPlan]
    rollouts: Rollouts
    scored: Scored
    metrics: Metrics
    """Those of the rewards, and reward_std (mean over groups), alike (share of groups without a difference), resampled
    (groups), tokens, seconds_rollout, seconds_reward."""

    @property
    def lengths(self) -> list[int]:
        return [len(ids) for ids in self.rollouts.completion_ids]


def experience(
    policy: Policy,
    passages: Sequence[str],
    rewards: Rewards,
    config: RlConfig,
    *,
    step: int,
    prompt_for: PromptFor,
    give_way: GiveWay,
) -> Experience:
    """Sample and judge the groups of a step, some of them again where asked for. Raises Diverged for a bad reward.

    Dynamic sampling (DAPO): groups whose rewards are all alike make room for new groups of other passages, at most
    `config.resample` times; a new group without a difference is not taken either.
    """
    started = time.monotonic()
    seconds_judging = 0.0

    def sample(again: int, groups: int) -> tuple[list[str], list[GroupPlan], Rollouts]:
        seed = derive(config.seed, "again", again) if again else config.seed
        sources = [passages[i] for i in stream(len(passages), step * config.prompts_per_step, groups, seed)]
        plan = rewards.plan(seed, step, groups)
        prompts = [prompt_for(source, group.tag) for source, group in zip(sources, plan, strict=True)]
        give_way()
        return (
            sources,
            plan,
            policy.sample(
                prompts,
                config.group_size,
                max_tokens=config.max_tokens,
                temperature=config.temperature,
                seed=derive(seed, "rollout", step),
            ),
        )

    def judge(sources: Sequence[str], plan: Sequence[GroupPlan], rollouts: Rollouts) -> Scored:
        nonlocal seconds_judging
        began = time.monotonic()
        scored = rewards.score(sources, rollouts, plan)
        seconds_judging += time.monotonic() - began
        if not torch.isfinite(scored.rewards_P_G).all():
            raise Diverged(f"a reward is not finite at step {step + 1}")
        return scored

    sources, plan, rollouts = sample(0, config.prompts_per_step)
    scored, resampled = judge(sources, plan, rollouts), 0
    for again in range(1, config.resample + 1):
        dull = [group for group, is_dull in enumerate(without_difference(scored.rewards_P_G)) if is_dull]
        if not dull:
            break
        other_sources, other_plan, other_rollouts = sample(again, len(dull))
        is_dull = without_difference(judge(other_sources, other_plan, other_rollouts).rewards_P_G)
        taken = [(old, new) for new, old in enumerate(dull) if not is_dull[new]]
        if taken:
            for old, new in taken:
                sources[old], plan[old] = other_sources[new], other_plan[new]
            rollouts = _replaced(rollouts, other_rollouts, taken, config.group_size)
            scored, resampled = judge(sources, plan, rollouts), resampled + len(taken)

    deviation_P = scored.rewards_P_G.std(dim=-1, correction=0)
    metrics = {
        "reward_std": deviation_P.mean().item(),
        "alike": sum(without_difference(scored.rewards_P_G)) / len(plan),
        "resampled": float(resampled),
        "tokens": rollouts.mask_B_T.sum().item(),
        "seconds_rollout": time.monotonic() - started - seconds_judging,
        "seconds_reward": seconds_judging,
    }
    return Experience(step, sources, plan, rollouts, scored, scored.metrics | metrics)


def without_difference(rewards_P_G: Tensor) -> list[bool]:
    found: list[bool] = (rewards_P_G.std(dim=-1, correction=0) <= ALIKE).tolist()
    return found


def _replaced(rollouts: Rollouts, others: Rollouts, taken: Sequence[tuple[int, int]], group_size: int) -> Rollouts:
    """Group `new` of `others` in the place of group `old`, for each (old, new)."""
    order = list(range(len(rollouts.texts)))
    for old, new in taken:
        first = len(rollouts.texts) + new * group_size
        order[old * group_size : (old + 1) * group_size] = range(first, first + group_size)
    return pick(joined(rollouts, others), order)
