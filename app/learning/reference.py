"""The policy as it was: a copy of its trainable parameters that takes their place for one forward pass.

Adapters are small, so a reference costs megabytes and no second model. It lies among what a LoopState keeps, so a
resumed training is measured against the same reference.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor

from app.learning.experience import Experience
from app.learning.loop import MICRO_BATCH, GiveWay, LoopState
from app.learning.objective import Practice
from app.learning.types import Policy, Rollouts

NAME = "reference."


def remember(state: LoopState) -> None:
    """Make the policy as it is now its own reference."""
    for i, parameter in enumerate(_trainable(state.policy)):
        state.kept[f"{NAME}{i}"] = parameter.detach().clone()


@contextmanager
def recalled(state: LoopState) -> Iterator[Policy]:
    """The policy as it was remembered; what is computed within has no gradient. Afterwards it is as before."""
    parameters = _trainable(state.policy)
    present = [parameter.data for parameter in parameters]
    with torch.no_grad():
        for i, parameter in enumerate(parameters):
            parameter.data = state.kept[f"{NAME}{i}"].to(parameter.device)
        try:
            yield state.policy
        finally:
            for parameter, data in zip(parameters, present, strict=True):
                parameter.data = data


class Leash(Protocol):
    """The part of a configuration that says how near a policy stays to its reference."""

    @property
    def kl(self) -> float: ...

    @property
    def temperature(self) -> float: ...


def leash(config: Leash, seen: Experience, practice: Practice) -> Tensor | None:
    """Log-probabilities [B, T] of a step's rollouts under the policy as the loop found it; None without a weight."""
    if config.kl == 0:
        return None
    if seen.step == 0:
        remember(practice.state)
    return logprobs_then(practice.state, seen.rollouts, temperature=config.temperature, give_way=practice.give_way)


def logprobs_then(state: LoopState, rollouts: Rollouts, *, temperature: float, give_way: GiveWay) -> Tensor:
    """Log-probabilities [B, T] of all sampled tokens under the reference, in micro-batches that give way."""
    parts, rows = [], range(len(rollouts.texts))
    with recalled(state) as policy:
        for first in rows[::MICRO_BATCH]:
            give_way()
            parts.append(policy.logprobs(rollouts, rows[first : first + MICRO_BATCH], temperature=temperature))
    return torch.cat(parts)


def _trainable(policy: Policy) -> list[torch.nn.Parameter]:
    return [parameter for parameter in policy.parameters() if parameter.requires_grad]
