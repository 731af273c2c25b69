"""One trainable low-rank adapter (arXiv:2106.09685) for all rows, in the fused shapes of the base.

Per group two tensors: A [layers, parts * rank, in] and B [layers, sum(out), rank]. Part j of a fused group owns rows
j * rank .. (j + 1) * rank of A and its own stretch of B, so q, k and v learn as independently as three adapters would.
Masters are float32: at the learning rates of reinforcement learning, bfloat16 would round most updates away.
"""

import math
from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from app.inference.architecture import Architecture, FusedLinear
from app.inference.delta import GROUPS, Group


@dataclass(frozen=True)
class LoraDelta:
    """A Lora as the model's layers want it: cast, scaled by alpha / rank, B as one dense block-diagonal matrix."""

    down: dict[Group, tuple[Tensor, ...]]
    """Per group and layer [parts * rank, in]."""
    up: dict[Group, tuple[Tensor, ...]]
    """Per group and layer [parts * rank, sum(out)]."""

    def add(self, layer: int, group: Group, x: Tensor, y: Tensor) -> Tensor:
        reduced = F.linear(x, self.down[group][layer]).flatten(0, 1)
        flat = y.flatten(0, 1)
        if torch.is_grad_enabled():
            return torch.addmm(flat, reduced, self.up[group][layer]).view_as(y)
        return flat.addmm_(reduced, self.up[group][layer]).view_as(y)

    def select(self, rows: Tensor) -> Self:
        return self


class Lora(nn.Module):
    """The trainable tensors. B starts at zero, so a new adapter changes nothing; `seed` decides A."""

    def __init__(self, architecture: Architecture, *, rank: int, alpha: float, seed: int = 0) -> None:
        super().__init__()
        self.architecture, self.rank, self.alpha = architecture, rank, alpha
        chance = torch.Generator().manual_seed(seed)
        self.A, self.B = nn.ParameterDict(), nn.ParameterDict()
        for group in GROUPS:
            linear, layers = architecture.fused[group], architecture.layers
            down = torch.rand(layers, len(linear.parts) * rank, linear.inputs, generator=chance)
            # kaiming_uniform with a = sqrt(5), as PEFT starts A: uniform within 1 / sqrt(inputs).
            self.A[group] = nn.Parameter((2 * down - 1) / math.sqrt(linear.inputs))
            self.B[group] = nn.Parameter(torch.zeros(layers, linear.width, rank))

    def delta(self, dtype: torch.dtype) -> LoraDelta:
        """For one forward pass, or for many without gradients; the cast and the scaling are differentiable."""
        scale, down, up = self.alpha / self.rank, {}, {}
        for group in GROUPS:
            down[group] = self.A[group].to(dtype).unbind()
            up[group] = dense(self.B[group].mT * scale, self.architecture.fused[group]).to(dtype).unbind()
        return LoraDelta(down, up)


def dense(up: Tensor, linear: FusedLinear) -> Tensor:
    """[layers, rank, sum(out)] as block-diagonal [layers, parts * rank, sum(out)], one block per part."""
    if len(linear.parts) == 1:
        return up
    stretches = torch.split(up, list(linear.outputs), -1)
    before = 0
    blocks = []
    for stretch in stretches:
        after = linear.width - before - stretch.shape[-1]
        blocks.append(F.pad(stretch, (before, after)))
        before += stretch.shape[-1]
    return torch.cat(blocks, 1)
