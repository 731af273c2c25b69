"""Imitate: learn (neutral text -> the person's own text) by maximum likelihood.

The warm start of every voice. Few steps: on 14-42 samples a visible change comes within 15-20 steps, and beyond about
25 the model starts to invent what the prompt does not say.
"""

import time
from collections.abc import Iterator, Sequence

from app.learning import losses
from app.learning.configs import SftConfig
from app.learning.loop import MICRO_BATCH, GiveWay, LoopState, linear_decay
from app.learning.seeding import generator, stream
from app.learning.types import Pair, Policy, Step

BUCKET = 8
"""Batches that are sorted by length together. Smaller sets are not: the variants of one sample would share a batch."""


def train(
    policy: Policy,
    pairs: Sequence[Pair],
    config: SftConfig,
    *,
    state: LoopState | None = None,
    give_way: GiveWay = lambda: None,
) -> Iterator[Step]:
    """Yield a Step after each optimizer step, from `state.step` on; save `state` between yields to survive a crash.

    Metrics: nll (nats per token, before the step), tokens, seconds, learning_rate, gradient_norm.
    Raises ValueError without pairs, and Diverged before a loss that is not finite can touch a parameter.
    """
    if not pairs:
        raise ValueError("there is nothing to imitate: no pairs")
    state = state or LoopState.new(policy)
    lengths = [len(pair.prompt) + len(pair.completion) for pair in pairs]

    while state.step < config.steps:
        started = time.monotonic()
        batch = batch_at(state.step, lengths, config.batch_size, config.seed)
        log_likelihood, tokens = 0.0, 0.0
        for first in range(0, len(batch), MICRO_BATCH):
            give_way()
            logprobs_B_T, mask_B_T = policy.imitation_logprobs([pairs[i] for i in batch[first : first + MICRO_BATCH]])
            loss = losses.nll(logprobs_B_T, mask_B_T)
            # Gradients add up as sums over tokens and become the batch's mean in descend(): rows differ in length.
            count = mask_B_T.sum().item()
            state.accumulate(loss.value * count)
            log_likelihood, tokens = log_likelihood - loss.metrics["nll"] * count, tokens + count

        rate = config.learning_rate * linear_decay(state.step, config.steps, config.warmup_steps)
        metrics = state.descend(rate, scale=1 / max(1.0, tokens))
        metrics |= {"nll": -log_likelihood / max(1.0, tokens), "tokens": tokens, "seconds": time.monotonic() - started}
        yield Step(state.step, config.steps, metrics)


def batch_at(step: int, lengths: Sequence[int], batch_size: int, seed: int) -> list[int]:
    """The rows of 0-based `step`: shuffled passes over everything, rows of like length together (less padding)."""
    if len(lengths) < BUCKET * batch_size:
        return stream(len(lengths), step * batch_size, batch_size, seed)
    bucket, place = divmod(step, BUCKET)
    rows = stream(len(lengths), bucket * BUCKET * batch_size, BUCKET * batch_size, seed)
    rows.sort(key=lambda i: lengths[i])
    chosen = generator(seed, "bucket", bucket).sample(range(BUCKET), BUCKET)[place]
    return rows[chosen * batch_size : (chosen + 1) * batch_size]
