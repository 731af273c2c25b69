"""Many adapters of one base, resident side by side: a slot per adapter, and a delta that gives every row its own.

Per group two tensors hold all slots: down [layers, slots, parts * rank, in] and up [layers, slots, parts * rank, out],
with B as one block-diagonal matrix, so that a fused group costs two products. Smaller ranks are padded with zeros,
which add nothing. Slot 0 stays zero: it is the base.
"""

from collections.abc import Sequence
from typing import Final, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from app.inference.adapter_file import Adapter
from app.inference.architecture import Shape
from app.inference.delta import Group

BASE_SLOT = 0
MOST_WASTE: Final = 2
"""So many times the adapters in use may be read, or rows computed, to be spared a copy of them."""


class Bank:
    def __init__(self, architecture: Shape, *, slots: int, rank: int, dtype: torch.dtype, device: torch.device) -> None:
        """Room for `slots` adapters of at most `rank` beside the base."""
        self.architecture, self.slots, self.rank = architecture, slots, rank
        self.down: dict[Group, Tensor] = {}
        self.up: dict[Group, Tensor] = {}
        for group, linear in architecture.fused.items():
            layers = architecture.layers
            rows = len(linear.parts) * rank
            self.down[group] = torch.zeros(layers, slots + 1, rows, linear.inputs, dtype=dtype, device=device)
            self.up[group] = torch.zeros(layers, slots + 1, rows, linear.width, dtype=dtype, device=device)

    @staticmethod
    def bytes_per_slot(architecture: Shape, rank: int, dtype: torch.dtype) -> int:
        width = sum(len(linear.parts) * (linear.inputs + linear.width) for linear in architecture.fused.values())
        return architecture.layers * rank * width * dtype.itemsize

    def load(self, slot: int, adapter: Adapter) -> None:
        """Put a checked adapter into a slot. Raises ValueError for the base's slot or a rank above the bank's."""
        if not BASE_SLOT < slot <= self.slots:
            raise ValueError(f"slot {slot} is not one of 1 to {self.slots}")
        if adapter.rank > self.rank:
            raise ValueError(f"the adapter's rank is {adapter.rank}; this engine takes up to {self.rank}")
        for group, linear in self.architecture.fused.items():
            down, up = self.down[group][:, slot], self.up[group][:, slot]
            if group not in adapter.down or adapter.rank < self.rank:
                # Else every number is replaced, but for the zeros beside each part's stretch of B, which always are.
                down.zero_()
                up.zero_()
            if group not in adapter.down:
                continue
            scaled, before = adapter.up[group].float().mT * adapter.scale, 0
            for part, outputs in enumerate(linear.outputs):
                # Each part's rows start at its own multiple of the bank's rank.
                theirs = slice(part * adapter.rank, (part + 1) * adapter.rank)
                ours = slice(part * self.rank, part * self.rank + adapter.rank)
                stretch = slice(before, before := before + outputs)
                down[:, ours] = adapter.down[group][:, theirs]
                up[:, ours, stretch] = scaled[..., stretch]

    def clear(self, slot: int) -> None:
        """Leave nothing in it."""
        for half in (self.down, self.up):
            for tensor in half.values():
                tensor[:, slot] = 0

    def rows(self, slots: Sequence[int]) -> "BankDelta":
        """The delta of a batch whose row i speaks through slot `slots[i]`."""
        return BankDelta(self, slots)


class BankDelta:
    """One product per slot in use, for all the rows that speak through it.

    Decoding is bound by the bytes it reads, so adapters are multiplied where they lie: the stretch of the bank from the
    first slot in use to the last. Where most of that would be read for nothing, those in use are gathered first; and
    where their numbers of rows are very different, one is gathered for every row.
    """

    def __init__(self, bank: Bank, slots: Sequence[int]) -> None:
        self.bank, self.slots = bank, list(slots)
        used = sorted(set(slots))
        self._only = used[0] if len(used) == 1 else None
        first, last, abreast = used[0], used[-1], max(map(self.slots.count, used))
        seats = list(range(first, last + 1))
        if len(seats) > MOST_WASTE * len(used):
            seats = used
        if len(seats) * abreast > MOST_WASTE * len(slots):
            seats, abreast, places = self.slots, 1, list(range(len(slots)))
        else:
            places = _places(slots, seats, abreast)
        rows = [0] * (len(seats) * abreast)  # what comes of a place that nobody takes is not read
        for row, place in enumerate(places):
            rows[place] = row

        device = next(iter(bank.down.values())).device
        self._stretch = slice(first, last + 1) if seats == list(range(first, last + 1)) else None
        self._seats, self._rows, self._places = (torch.tensor(each, device=device) for each in (seats, rows, places))
        self._is_in_order = rows == list(range(len(slots)))

    def add(self, layer: int, group: Group, x: Tensor, y: Tensor) -> Tensor:
        if self._only == BASE_SLOT:
            return y
        down, up = self.bank.down[group][layer], self.bank.up[group][layer]
        if self._only is not None:
            reduced = F.linear(x, down[self._only]).flatten(0, 1)
            return y.flatten(0, 1).addmm_(reduced, up[self._only]).view_as(y)
        seats = self._seats if self._stretch is None else self._stretch
        down, up = down[seats], up[seats]
        if self._is_in_order:
            y.view(len(down), -1, y.shape[-1]).baddbmm_(torch.bmm(x.reshape(len(down), -1, x.shape[-1]), down.mT), up)
            return y
        added = torch.bmm(torch.bmm(x[self._rows].view(len(down), -1, x.shape[-1]), down.mT), up)
        return y.add_(added.view(-1, *y.shape[1:])[self._places])

    def select(self, rows: Tensor) -> Self:
        return type(self)(self.bank, [self.slots[row] for row in rows.tolist()])


def _places(slots: Sequence[int], seats: Sequence[int], abreast: int) -> list[int]:
    """Every row's own among the `abreast` places that each seat has for the rows of its slot."""
    free = {slot: iter(range(seat * abreast, (seat + 1) * abreast)) for seat, slot in enumerate(seats)}
    return [next(free[slot]) for slot in slots]
