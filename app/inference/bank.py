"""Many adapters of one base, resident side by side: a slot per adapter, and a delta that gives every row its own.

Per group two tensors hold all slots: down [layers, slots, parts * rank, in] and up [layers, slots, parts * rank, out],
with B as one block-diagonal matrix, so that a fused group costs two products. Smaller ranks are padded with zeros,
which add nothing. Slot 0 stays zero: it is the base.
"""

from collections.abc import Sequence
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from app.inference.adapter_file import Adapter
from app.inference.architecture import Architecture
from app.inference.delta import GROUPS, Group
from app.inference.lora import dense

BASE_SLOT = 0


class Bank:
    def __init__(
        self, architecture: Architecture, *, slots: int, rank: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        """Room for `slots` adapters of at most `rank` beside the base."""
        self.architecture, self.slots, self.rank = architecture, slots, rank
        self.down: dict[Group, Tensor] = {}
        self.up: dict[Group, Tensor] = {}
        for group in GROUPS:
            linear, layers = architecture.fused[group], architecture.layers
            rows = len(linear.parts) * rank
            self.down[group] = torch.zeros(layers, slots + 1, rows, linear.inputs, dtype=dtype, device=device)
            self.up[group] = torch.zeros(layers, slots + 1, rows, linear.width, dtype=dtype, device=device)

    @staticmethod
    def bytes_per_slot(architecture: Architecture, rank: int, dtype: torch.dtype) -> int:
        width = sum(
            len(linear.parts) * (linear.inputs + linear.width) for linear in (architecture.fused[g] for g in GROUPS)
        )
        return architecture.layers * rank * width * dtype.itemsize

    def load(self, slot: int, adapter: Adapter) -> None:
        """Put a checked adapter into a slot. Raises ValueError for the base's slot or a rank above the bank's."""
        if not BASE_SLOT < slot <= self.slots:
            raise ValueError(f"slot {slot} is not one of 1 to {self.slots}")
        if adapter.rank > self.rank:
            raise ValueError(f"the adapter's rank is {adapter.rank}; this engine takes up to {self.rank}")
        for group in GROUPS:
            self.down[group][:, slot] = 0
            self.up[group][:, slot] = 0
            if group not in adapter.down:
                continue
            linear = self.architecture.fused[group]
            up = dense(adapter.up[group].float().mT * adapter.scale, linear)
            # Each part's rows start at its own multiple of the bank's rank.
            for part in range(len(linear.parts)):
                theirs = slice(part * adapter.rank, (part + 1) * adapter.rank)
                ours = slice(part * self.rank, part * self.rank + adapter.rank)
                self.down[group][:, slot, ours] = adapter.down[group][:, theirs].to(self.down[group])
                self.up[group][:, slot, ours] = up[:, theirs].to(self.up[group])

    def rows(self, slots: Sequence[int]) -> "BankDelta":
        """The delta of a batch whose row i speaks through slot `slots[i]`."""
        return BankDelta(self, torch.tensor(slots, device=next(iter(self.down.values())).device))


class BankDelta:
    def __init__(self, bank: Bank, slots_B: Tensor) -> None:
        self.bank, self.slots_B = bank, slots_B
        slots = set(slots_B.tolist())
        self._only: int | None = slots.pop() if len(slots) == 1 else None

    def add(self, layer: int, group: Group, x: Tensor, y: Tensor) -> Tensor:
        if self._only == BASE_SLOT:
            return y
        down, up = self.bank.down[group][layer], self.bank.up[group][layer]
        if self._only is not None:
            reduced = F.linear(x, down[self._only]).flatten(0, 1)
            return y.flatten(0, 1).addmm_(reduced, up[self._only]).view_as(y)
        return y.baddbmm_(torch.bmm(x, down[self.slots_B].mT), up[self.slots_B])

    def select(self, rows: Tensor) -> Self:
        return type(self)(self.bank, self.slots_B[rows])
