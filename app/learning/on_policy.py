"""The loop of all algorithms that learn from their own samples: sample, judge, improve, tell.

An algorithm is a function from a step's Experience to an Objective: which rows to back-propagate, and the loss of any
part of them. Everything else (drawing passages, dynamic sampling, minibatches, giving way, resuming, metrics) is here
once, so two algorithms differ in nothing but what their papers differ in.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from app.learning.configs import RlConfig
from app.learning.experience import ALIKE, Experience, PromptFor, Rewards, experience
from app.learning.loop import MICRO_BATCH, GiveWay, LoopState, add_part, cosine_decay
from app.learning.losses import Loss
from app.learning.rewards.format import stripped
from app.learning.seeding import generator
from app.learning.types import Metrics, Policy, Step

TEXTS_SHOWN = 3


@dataclass(frozen=True)
class Objective:
    """What one step is to improve."""

    rows: list[int]
    """Of the rollouts, to be back-propagated, in the order that pads least."""
    loss: Callable[[list[int]], Loss]
    """Of some of `rows`; the values of parts add up to the value of the whole."""
    metrics: Metrics = field(default_factory=dict)


def train(
    policy: Policy,
    passages: Sequence[str],
    rewards: Rewards,
    config: RlConfig,
    objective: Callable[[Experience], Objective],
    *,
    prompt_for: PromptFor,
    state: LoopState,
    give_way: GiveWay,
) -> Iterator[Step]:
    """Yield a Step after each batch, from `state.step` on; save `state` between yields to survive a crash.

    `passages` are neutral texts of one passage each. Raises ValueError without passages, and Diverged before a loss
    that is not finite can touch a parameter. Metrics: those of the experience, of the losses (means over all passes)
    and of LoopState, `loss`, `rows` (back-propagated in a pass) and `seconds_update`.
    """
    if not passages:
        raise ValueError("there is nothing to rewrite: no passages")
    while state.step < config.steps:
        seen = experience(policy, passages, rewards, config, step=state.step, prompt_for=prompt_for, give_way=give_way)
        judged = time.monotonic()
        aim = objective(seen)
        metrics = seen.metrics | aim.metrics | _improve(state, aim, config, give_way)
        state.step += 1
        metrics["seconds_update"] = time.monotonic() - judged
        shown = seen.rollouts.texts[:: config.group_size][:TEXTS_SHOWN]
        yield Step(state.step, config.steps, metrics, [stripped(text) for text in shown])


def telling_rows(advantages_P_G: Tensor, share: float, lengths: Sequence[int]) -> list[int]:
    """Of every group the `share` of its rows with the largest |advantage|, shortest first; never one without any.

    Of every group and not of all rows: else the voice whose rewards differ most would be the only one to learn.
    `lengths` are those of all P * G rows, by which they are ordered (less padding).
    """
    groups, size = advantages_P_G.shape
    most = max(1, round(share * size))
    magnitudes_P_G, places_P_G = advantages_P_G.abs().sort(dim=-1, descending=True, stable=True)
    rows_P_G = places_P_G + size * torch.arange(groups).unsqueeze(-1)
    rows: list[int] = rows_P_G[:, :most][magnitudes_P_G[:, :most] > ALIKE].tolist()
    return sorted(rows, key=lambda row: lengths[row])


def _improve(state: LoopState, aim: Objective, config: RlConfig, give_way: GiveWay) -> Metrics:
    """Follow the objective's gradient, `epochs` times `minibatches` optimizer steps of it."""
    totals: Metrics = {"rows": float(len(aim.rows))}
    if not aim.rows:
        return totals
    rate = config.learning_rate * cosine_decay(
        state.step, config.steps, config.warmup_steps, config.final_learning_rate_share
    )
    for epoch in range(config.epochs):
        batches = _minibatches(aim.rows, config.minibatches, config.seed, state.step, epoch)
        for batch in batches:
            for first in range(0, len(batch), MICRO_BATCH):
                give_way()
                chosen = batch[first : first + MICRO_BATCH]
                loss = aim.loss(chosen)
                state.accumulate(loss.value)
                add_part(totals, {"loss": loss.value.item()}, 1 / config.epochs)
                add_part(totals, loss.metrics, len(chosen) / len(aim.rows) / config.epochs)
            # The losses of a pass add up to that of the whole batch, of which this is one part of several.
            add_part(totals, state.update(rate, scale=len(batches)), 1 / len(batches) / config.epochs)
    return totals


def _minibatches(rows: Sequence[int], count: int, seed: int, step: int, epoch: int) -> list[list[int]]:
    """The rows in `count` random parts of like size (fewer if there are fewer rows), each in its old order."""
    if count == 1:
        return [list(rows)]
    places = generator(seed, "minibatch", step, epoch).sample(range(len(rows)), len(rows))
    parts = [sorted(places[first::count]) for first in range(min(count, len(rows)))]
    return [[rows[place] for place in part] for part in parts]
