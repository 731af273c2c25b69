"""Reinforce: sample, judge, improve, tell. The loop of all algorithms that learn from their own samples.

Drawing passages, dynamic sampling, minibatches, giving way, resuming and metrics are here once. What is to be improved
is the algorithm's to say, and which algorithm that is, the type of the configuration says.
"""

import time
from collections.abc import Iterator, Sequence
from functools import partial

from app.learning import dr_grpo, iterative_dpo, ppo, rloo, trace_bias
from app.learning.configs import DrGrpoConfig, IterativeDpoConfig, PpoConfig, RlConfig, RlooConfig, TraceBiasConfig
from app.learning.experience import PromptFor, Rewards, experience
from app.learning.loop import MICRO_BATCH, GiveWay, LoopState, add_part, cosine_decay
from app.learning.objective import Algorithm, Objective, Practice
from app.learning.rewards.format import stripped
from app.learning.seeding import generator
from app.learning.types import Metrics, Policy, Step

TEXTS_SHOWN = 3


def train(
    policy: Policy,
    passages: Sequence[str],
    rewards: Rewards,
    config: RlConfig,
    *,
    prompt_for: PromptFor,
    state: LoopState | None = None,
    give_way: GiveWay = lambda: None,
) -> Iterator[Step]:
    """Yield a Step after each batch, from `state.step` on; save `state` between yields to survive a crash.

    `passages` are neutral texts of one passage each. Raises ValueError without passages or for a configuration of no
    algorithm, and Diverged before a loss that is not finite can touch a parameter. Metrics: those of the experience, of
    the objective and its losses (means over all passes) and of LoopState, `loss`, `rows` (back-propagated in a pass)
    and `seconds_update`.
    """
    if not passages:
        raise ValueError("there is nothing to rewrite: no passages")
    algorithm = algorithm_of(config)
    practice = Practice(state or LoopState.new(policy), rewards, give_way)
    state = practice.state
    while state.step < config.steps:
        seen = experience(policy, passages, rewards, config, step=state.step, prompt_for=prompt_for, give_way=give_way)
        judged = time.monotonic()
        objective = algorithm(seen, practice)
        metrics = seen.metrics | objective.metrics | _improve(objective, config, practice)
        state.step += 1
        metrics["seconds_update"] = time.monotonic() - judged
        shown = seen.rollouts.texts[:: config.group_size][:TEXTS_SHOWN]
        yield Step(state.step, config.steps, metrics, [stripped(text) for text in shown])


def algorithm_of(config: RlConfig) -> Algorithm:
    """Raises ValueError for a configuration of no algorithm."""
    match config:
        case DrGrpoConfig():
            return partial(dr_grpo.objective, config)
        case RlooConfig():
            return partial(rloo.objective, config)
        case PpoConfig():
            return partial(ppo.objective, config)
        case TraceBiasConfig():
            return partial(trace_bias.objective, config)
        case IterativeDpoConfig():
            return partial(iterative_dpo.objective, config)
    raise ValueError(f"{type(config).__name__} belongs to no algorithm")


def _improve(objective: Objective, config: RlConfig, practice: Practice) -> Metrics:
    """Follow the objective's gradient, `epochs` times `minibatches` optimizer steps of it."""
    state, totals = practice.state, {"rows": float(len(objective.rows))}
    if not objective.rows:
        return totals
    rate = config.learning_rate * cosine_decay(
        state.step, config.steps, config.warmup_steps, config.final_learning_rate_share
    )
    for epoch in range(config.epochs):
        batches = _minibatches(objective.rows, config.minibatches, config.seed, state.step, epoch)
        for batch in batches:
            for first in range(0, len(batch), MICRO_BATCH):
                practice.give_way()
                chosen = batch[first : first + MICRO_BATCH]
                loss = objective.loss(chosen)
                state.accumulate(loss.value)
                add_part(totals, {"loss": loss.value.item()}, 1 / config.epochs)
                add_part(totals, loss.metrics, len(chosen) / len(objective.rows) / config.epochs)
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
