"""What an algorithm is: a function from what a step saw to what is to be improved.

Each algorithm's file has one, `objective(config, seen, practice)`. All else is the same for all of them and stands in
reinforce.py, so two algorithms differ in nothing but what their papers differ in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from app.learning.experience import ALIKE, Experience, Rewards
from app.learning.loop import GiveWay, LoopState
from app.learning.losses import Loss
from app.learning.types import Metrics, Policy


@dataclass(frozen=True)
class Practice:
    """What a loop has at hand from its first step to its last."""

    state: LoopState
    rewards: Rewards
    give_way: GiveWay

    @property
    def policy(self) -> Policy:
        return self.state.policy


@dataclass(frozen=True)
class Objective:
    """What one step is to improve."""

    rows: list[int]
    """Of the rollouts, to be back-propagated, in the order that pads least."""
    loss: Callable[[list[int]], Loss]
    """Of some of `rows`; the values of parts add up to the value of the whole."""
    metrics: Metrics = field(default_factory=dict)


Algorithm = Callable[[Experience, Practice], Objective]
"""Of one configuration. It may keep in the state what the next step needs; it does not move the policy."""


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
