"""Prefer: DPO (arXiv:2305.18290) on pairs that somebody else made, such as a text and what a person made of it.

No sampling and no reward: each pair pushes the probability of the better text up against that of the worse one, as
seen from the policy that the loop found. Both texts may become less likely, so a little imitation of the better one
keeps the policy where it can write.
"""

import time
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from app.learning import losses, reference
from app.learning.configs import DpoConfig
from app.learning.loop import MICRO_BATCH, GiveWay, LoopState, add_part, linear_decay
from app.learning.losses import Loss, row_sums
from app.learning.seeding import stream
from app.learning.types import Metrics, Pair, Policy, Preference, Step


def train(
    policy: Policy,
    pairs: Sequence[Preference],
    config: DpoConfig,
    *,
    state: LoopState | None = None,
    give_way: GiveWay = lambda: None,
) -> Iterator[Step]:
    """Yield a Step after each optimizer step, from `state.step` on; save `state` between yields to survive a crash.

    Metrics: those of losses.preference, `nll` of the preferred texts where they are imitated, loss, seconds,
    learning_rate, gradient_norm. Raises ValueError without pairs, and Diverged before a loss that is not finite can
    touch a parameter.
    """
    if not pairs:
        raise ValueError("there is nothing to prefer: no pairs")
    state = state or LoopState.new(policy)
    while state.step < config.steps:
        started = time.monotonic()
        if state.step == 0:
            reference.remember(state)
        batch = stream(len(pairs), state.step * config.batch_size, config.batch_size, config.seed)
        metrics: Metrics = {}
        for first in range(0, len(batch), MICRO_BATCH // 2):
            give_way()
            part = [pairs[i] for i in batch[first : first + MICRO_BATCH // 2]]
            loss = _loss(state, part, torch.full((len(part),), 1 / len(batch)), config)
            state.accumulate(loss.value)
            add_part(metrics, {"loss": loss.value.item()}, 1)
            add_part(metrics, loss.metrics, len(part) / len(batch))
        rate = config.learning_rate * linear_decay(state.step, config.steps, config.warmup_steps)
        metrics |= state.descend(rate)
        metrics["seconds"] = time.monotonic() - started
        yield Step(state.step, config.steps, metrics)


def _loss(state: LoopState, pairs: Sequence[Preference], weights_B: Tensor, config: DpoConfig) -> Loss:
    """Better and worse texts go through the model together: rows 0..B are the better, B..2B the worse ones."""
    texts = [Pair(pair.prompt, pair.chosen) for pair in pairs] + [Pair(pair.prompt, pair.rejected) for pair in pairs]
    with reference.recalled(state) as then:
        before_2B = row_sums(*then.imitation_logprobs(texts))
    logprobs_2B_T, mask_2B_T = state.policy.imitation_logprobs(texts)
    return losses.preferring(
        logprobs_2B_T, before_2B, mask_2B_T, weights_B, beta=config.beta, imitation_weight=config.imitation
    )
