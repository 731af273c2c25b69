"""Reinforce: TraceBias with DAM (ARF-RLHF, arXiv:2507.03069), on what is known to please a person.

Traces are cut at a random length, as the scores they are paid by were learned from cut traces, too. How much better
than expected a trace was is its bias; every token has a discounted share in it, and averages of ratios and of these
advantages stand in for PPO's clip (losses.double_average). No formulas are public; these are our readings of the text:

`scores`   the cut trace's score, minus the mean of its group
`gains`    what each of several prefixes added to the score, summed up from a token on, minus its group's mean there
`running`  the mean score over a trace's prefixes, minus a running mean of all traces so far

Nothing but the leash bounds the ratios, so a step is one optimizer step unless told otherwise.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from app.learning import losses, reference
from app.learning.advantages import centred, centred_by_place, discounted, gains, to_go
from app.learning.configs import TraceBiasConfig
from app.learning.experience import Experience
from app.learning.losses import Loss
from app.learning.objective import Objective, Practice, telling_rows
from app.learning.rollouts import cut
from app.learning.seeding import generator
from app.learning.types import Policy, Rollouts

RUNNING = "running.score"
PERSISTENCE = 0.9
"""What a running mean keeps of itself at each step."""


def objective(config: TraceBiasConfig, seen: Experience, practice: Practice) -> Objective:
    """Its rows are cut traces.

    Metrics of its own: those of losses.double_average, with a leash those of losses.divergence, and `kept`, the share
    of the sampled tokens that cutting left.
    """
    traces = shortened(practice.policy, seen.rollouts, config, seen.step)
    mask_N_T = traces.mask_B_T
    advantages_N_T = _advantages(config, seen, traces, practice)
    weights_N = torch.full((len(traces.texts),), 1 / len(traces.texts))
    token_weights_N = losses.row_weights(mask_N_T, "rows", max_tokens=config.max_tokens)
    before_N_T = reference.leash(config, seen, practice)

    def loss(rows: list[int]) -> Loss:
        logprobs_B_T = practice.policy.logprobs(traces, rows, temperature=config.temperature)
        improvement = losses.double_average(
            logprobs_B_T,
            traces.logprobs_B_T[rows],
            advantages_N_T[rows],
            mask_N_T[rows],
            weights_N[rows],
            ratio=config.ratio,
        )
        if before_N_T is None:
            return improvement
        drift = losses.divergence(logprobs_B_T, before_N_T[rows], mask_N_T[rows], token_weights_N[rows])
        return improvement.plus(drift, config.kl)

    lengths = [len(ids) for ids in traces.completion_ids]
    bias_P_G = losses.row_means(advantages_N_T, mask_N_T).view_as(seen.scored.rewards_P_G)
    metrics = {"kept": sum(lengths) / sum(seen.lengths)}
    return Objective(telling_rows(bias_P_G, config.update_share, lengths), loss, metrics)


def shortened(policy: Policy, rollouts: Rollouts, config: TraceBiasConfig, step: int) -> Rollouts:
    """Each row cut at a length drawn from `shortest` of its tokens to all of them."""
    lengths = []
    for row, ids in enumerate(rollouts.completion_ids):
        least = math.ceil(config.shortest * len(ids))
        lengths.append(generator(config.seed, "cut", step, row).randint(least, len(ids)))
    return _first(policy, rollouts, lengths)


def _advantages(config: TraceBiasConfig, seen: Experience, traces: Rollouts, practice: Practice) -> Tensor:
    """[N, T]."""
    mask_N_T, kept = traces.mask_B_T, practice.state.kept

    def scores(texts: Sequence[str]) -> Tensor:
        return practice.rewards.prefixes(seen.sources, texts, seen.scored)

    if config.reading == "scores":
        scores_P_G = scores(traces.texts).view(len(seen.sources), -1)
        return discounted(centred(scores_P_G).flatten(), mask_N_T, discount=config.discount)

    cuts = [
        [math.ceil(len(ids) * (part + 1) / config.prefixes) for part in range(config.prefixes)]
        for ids in traces.completion_ids
    ]
    scores_N_C = torch.stack(
        [scores(_first(practice.policy, traces, lengths).texts) for lengths in zip(*cuts, strict=True)],
        dim=-1,
    )
    if config.reading == "gains":
        gains_N_T = gains(scores_N_C, cuts, mask_N_T.shape[1])
        return centred_by_place(
            to_go(gains_N_T, mask_N_T, discount=config.discount), mask_N_T, len(traces.texts) // len(seen.sources)
        )
    mean_N = scores_N_C.mean(-1)
    running = kept.get(RUNNING, mean_N.mean())
    kept[RUNNING] = PERSISTENCE * running + (1 - PERSISTENCE) * mean_N.mean()
    return discounted(mean_N - running, mask_N_T, discount=config.discount)


def _first(policy: Policy, rollouts: Rollouts, lengths: Sequence[int]) -> Rollouts:
    texts = policy.texts([ids[:length] for ids, length in zip(rollouts.completion_ids, lengths, strict=True)])
    return cut(rollouts, lengths, texts)
