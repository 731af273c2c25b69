"""Trainable low-rank adapters (arXiv:2106.09685) in the fused shapes of the base: one for all rows, or a trunk for all
rows and a small branch beside it for some of them.

Per group two tensors: A [layers, parts * rank, in] and B [layers, sum(out), rank]. Part j of a fused group owns rows
j * rank .. (j + 1) * rank of A and its own stretch of B, so q, k and v learn as independently as three adapters would.
Masters are float32: at the learning rates of reinforcement learning, bfloat16 would round most updates away.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from app.inference.architecture import FusedLinear, Shape
from app.inference.delta import Group


@dataclass(frozen=True)
class LoraDelta:
    """Loras as the model's layers want them: cast, scaled by alpha / rank, B as one dense block-diagonal matrix."""

    down: dict[Group, tuple[Tensor, ...]]
    """Per group and layer [parts * rank, in]."""
    up: dict[Group, tuple[Tensor, ...]]
    """Per group and layer [parts * rank, sum(out)]."""
    used: Tensor | None = None
    """[rows, 1 or T, rank]: 1 where a row has that part of the rank, 0 where not. None: all rows have all of it."""

    def add(self, layer: int, group: Group, x: Tensor, y: Tensor) -> Tensor:
        reduced = F.linear(x, self.down[group][layer])
        if self.used is not None:
            by_part = reduced.view(*reduced.shape[:2], -1, self.used.shape[-1])
            reduced = (by_part * self.used.unsqueeze(-2)).flatten(-2)
        reduced = reduced.flatten(0, 1)
        flat = y.flatten(0, 1)
        if torch.is_grad_enabled():
            return torch.addmm(flat, reduced, self.up[group][layer]).view_as(y)
        return flat.addmm_(reduced, self.up[group][layer]).view_as(y)

    def select(self, rows: Tensor) -> Self:
        return self if self.used is None else replace(self, used=self.used[rows])

    def along(self, rows: Tensor) -> Self:
        return self if self.used is None else replace(self, used=self.used[rows].transpose(0, 1))


class Lora(nn.Module):
    """The trainable tensors. B starts at zero, so a new adapter changes nothing; `seed` decides A."""

    def __init__(self, architecture: Shape, *, rank: int, alpha: float, seed: int = 0) -> None:
        super().__init__()
        self.architecture, self.rank, self.alpha = architecture, rank, alpha
        chance = torch.Generator().manual_seed(seed)
        self.A, self.B = nn.ParameterDict(), nn.ParameterDict()
        for group, linear in architecture.fused.items():
            layers = architecture.layers
            down = torch.rand(layers, len(linear.parts) * rank, linear.inputs, generator=chance)
            # kaiming_uniform with a = sqrt(5), as PEFT starts A: uniform within 1 / sqrt(inputs).
            self.A[group] = nn.Parameter((2 * down - 1) / math.sqrt(linear.inputs))
            self.B[group] = nn.Parameter(torch.zeros(layers, linear.width, rank))

    def delta(self, dtype: torch.dtype) -> LoraDelta:
        """For one forward pass, or for many without gradients; the cast and the scaling are differentiable."""
        return branched(self, [], dtype)


def branched(trunk: Lora, branches: Sequence[Lora], dtype: torch.dtype) -> LoraDelta:
    """A delta of 1 + branches rows: row 0 has the trunk alone, row i the trunk and the i-th branch."""
    loras, down, up = [trunk, *branches], {}, {}
    for group, linear in trunk.architecture.fused.items():
        scaled = torch.cat([lora.B[group] * (lora.alpha / lora.rank) for lora in loras], -1)
        down[group] = abreast([lora.A[group] for lora in loras], len(linear.parts)).to(dtype).unbind()
        up[group] = dense(scaled.mT, linear).to(dtype).unbind()
    device = next(trunk.parameters()).device
    return LoraDelta(down, up, _used([lora.rank for lora in loras], device, dtype) if branches else None)


def abreast(downs: Sequence[Tensor], parts: int) -> Tensor:
    """Several A [layers, parts * rank, in] of a group as one of all their ranks: part by part, one beside the other."""
    return torch.cat([down.reshape(len(down), parts, -1, down.shape[-1]) for down in downs], 2).flatten(1, 2)


def _used(ranks: Sequence[int], device: torch.device, dtype: torch.dtype) -> Tensor:
    """[rows, 1, sum of ranks] of a trunk and its branches."""
    owners = torch.arange(len(ranks), device=device).repeat_interleave(torch.tensor(ranks, device=device))
    rows = torch.arange(len(ranks), device=device)[:, None]
    return ((owners == 0) | (owners == rows)).to(dtype).unsqueeze(1)


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
