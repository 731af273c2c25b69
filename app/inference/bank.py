"""Many adapters of one base, resident side by side: a slot per adapter, and a delta that gives every row its own.

Per group two tensors hold all slots: down, A transposed [layers, slots, in, parts * rank], and up, B in stretches of
equal width that no part's border crosses [layers, slots, stretches, rank, width]. So every row of either is what one
number is multiplied with, fused parts carry no zeros, and a slot is as large as an adapter of the bank's rank. Smaller
ranks are padded with zeros, which add nothing. Slot 0 stays zero: it is the base. How numbers are held is known here
only: packed ternary ones would be another pair of tensors, and another `format` in their files.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple, Self

import torch
from torch import Tensor

from app.inference.adapter_file import Adapter, Branch
from app.inference.architecture import FusedLinear, Shape
from app.inference.delta import Group

BASE_SLOT = 0
FEW_TOKENS: Final = 8
"""Of a row: the numbers of so many are summed as bags, those of more are multiplied as matrices."""
MOST_WASTE: Final = 2
"""So many times the adapters in use may be read, or rows computed, to be spared a copy of them."""


class Bank:
    def __init__(self, architecture: Shape, *, slots: int, rank: int, dtype: torch.dtype, device: torch.device) -> None:
        """Room for `slots` adapters of at most `rank` beside the base."""
        self.architecture, self.slots, self.rank = architecture, slots, rank
        self.has_bags = device.type == "cpu"
        self.ranks = [0] * (slots + 1)
        """What is used of each slot's rank."""
        self.down: dict[Group, Tensor] = {}
        self.up: dict[Group, Tensor] = {}
        self.owners: dict[Group, list[int]] = {}
        """Which part each stretch belongs to."""
        for group, linear in architecture.fused.items():
            width, self.owners[group] = _stretches(linear)
            place = (architecture.layers, slots + 1)
            down = (*place, linear.inputs, len(linear.parts) * rank)
            up = (*place, len(self.owners[group]), rank, width)
            self.down[group] = torch.zeros(down, dtype=dtype, device=device)
            self.up[group] = torch.zeros(up, dtype=dtype, device=device)

    @staticmethod
    def bytes_per_slot(architecture: Shape, rank: int, dtype: torch.dtype) -> int:
        width = sum(len(linear.parts) * linear.inputs + linear.width for linear in architecture.fused.values())
        return architecture.layers * rank * width * dtype.itemsize

    def load(self, slot: int, adapter: Adapter, voice: str | None = None) -> None:
        """Put a checked adapter into a slot: its trunk and, beside it, the branch of this voice.

        Raises ValueError for the base's slot or a rank above the bank's, KeyError for a voice without a branch.
        """
        if not BASE_SLOT < slot <= self.slots:
            raise ValueError(f"slot {slot} is not one of 1 to {self.slots}")
        sides: list[tuple[int, Adapter | Branch]] = [(adapter.rank, adapter)]
        if voice is not None:
            sides.append((adapter.voice_rank, adapter.voices[voice]))
        before, rank = self.ranks[slot], sum(width for width, _ in sides)
        if rank > self.rank:
            raise ValueError(f"the adapter's rank is {rank}; this engine takes up to {self.rank}")
        self.ranks[slot] = max(before, rank)  # of whatever lies there while it is being written
        for group, linear in self.architecture.fused.items():
            down, up = self.down[group][:, slot], self.up[group][:, slot]
            if group not in adapter.down or rank < before:
                # Else every number that was ever written is replaced.
                down.zero_()
                up.zero_()
            if group not in adapter.down:
                continue
            layers, parts, first = len(down), len(linear.parts), 0
            down = down.view(layers, linear.inputs, parts, self.rank)
            for width, side in sides:
                after = first + width
                # First whole, as it lies in the host's memory; put in its place over there, where that is a GPU.
                a, b = (x[group].to(down.device, non_blocking=True) for x in (side.down, side.up))
                theirs = a.view(layers, parts, width, linear.inputs)
                down[..., first:after] = theirs.permute(0, 3, 1, 2)
                # Scaled in the finer dtype of the two, and rounded once.
                theirs = b.to(torch.promote_types(b.dtype, up.dtype)).view(layers, up.shape[1], up.shape[3], width)
                torch.mul(theirs.mT, adapter.scale, out=up[:, :, first:after])
                first = after
        self.ranks[slot] = rank

    def clear(self, slot: int) -> None:
        """Leave nothing in it."""
        self.ranks[slot] = 0
        for half in (self.down, self.up):
            for tensor in half.values():
                tensor[:, slot] = 0

    def rows(self, slots: Sequence[int]) -> "BankDelta":
        """The delta of a batch whose row i speaks through slot `slots[i]`."""
        return BankDelta(self, slots)


class BankDelta:
    """What its slot's adapter adds for every row.

    Decoding is bound by the bytes it reads, so on a CPU every number is multiplied with its own row of the bank where
    that lies: sums over bags, at which processors are good (measured for rows of different adapters: 2 to 3 times
    faster than products of matrices). Rows of many tokens, and GPUs, are given products both ways; the second adds to
    what the base wrote while it multiplies (measured for 16 prompts of 60 tokens: 7 % of the base's linears, and 12 %
    where it is added after).
    """

    def __init__(self, bank: Bank, slots: Sequence[int]) -> None:
        self.bank, self.slots = bank, list(slots)
        self._is_base = set(self.slots) == {BASE_SLOT}
        self._products: _Products | None = None
        self._down: dict[tuple[int, int], _Bags] = {}
        """By the numbers of inputs and tokens."""
        self._up: dict[tuple[int, tuple[int, ...], int], tuple[_Bags, Tensor]] = {}
        """By parts, stretches and tokens; with the place, in what comes down, of the number that each row of the bank
        is multiplied with.
        """

    def add(self, layer: int, group: Group, x: Tensor, y: Tensor) -> Tensor:
        if self._is_base:
            return y
        down, up, tokens = self.bank.down[group][layer], self.bank.up[group][layer], x.shape[1]
        owners, rank = self.bank.owners[group], self.bank.rank
        if self.bank.has_bags and tokens <= FEW_TOKENS:
            reduced = self._down_bags(x.shape[-1], tokens).sums(down.flatten(0, 1), x.flatten())
            bags, places = self._up_bags(down.shape[-1] // rank, owners, tokens)
            return y.add_(bags.sums(up.flatten(0, 2), reduced.view(-1).index_select(0, places)).view_as(y))
        products = self._of_slots(x.device)
        reduced = products.product(down, x)
        for stretch, (part, of_y) in enumerate(zip(owners, y.chunk(len(owners), -1), strict=True)):
            products.add_to(of_y, up[:, stretch], reduced[..., part * rank : (part + 1) * rank])
        return y

    def select(self, rows: Tensor) -> Self:
        return type(self)(self.bank, [self.slots[row] for row in rows.tolist()])

    def _of_slots(self, device: torch.device) -> "_Products":
        if self._products is None:
            self._products = _Products(self.slots, device)
        return self._products

    def _down_bags(self, inputs: int, tokens: int) -> "_Bags":
        """A bag for every token: all rows of its slot."""
        if (inputs, tokens) not in self._down:
            slots_N = torch.tensor(self.slots).repeat_interleave(tokens)
            rows = (slots_N[:, None] * inputs + torch.arange(inputs)).flatten()
            self._down[inputs, tokens] = _Bags.of(rows, torch.full_like(slots_N, inputs))
        return self._down[inputs, tokens]

    def _up_bags(self, parts: int, owned: Sequence[int], tokens: int) -> "tuple[_Bags, Tensor]":
        """A bag for every token and stretch: as many rows as the rank of the adapter."""
        key = (parts, tuple(owned), tokens)
        if key not in self._up:
            rank, owners = self.bank.rank, torch.tensor(owned)
            steps = torch.arange(rank)
            slots_N = torch.tensor(self.slots).repeat_interleave(tokens)
            ranks_N = torch.tensor([self.bank.ranks[slot] for slot in self.slots]).repeat_interleave(tokens)
            stretches = slots_N[:, None] * len(owners) + torch.arange(len(owners))
            taken = torch.arange(len(slots_N))[:, None] * parts + owners
            rows, places = (each.unsqueeze(-1) * rank + steps for each in (stretches, taken))
            is_used = (steps < ranks_N[:, None, None]).expand_as(rows)
            bags = _Bags.of(rows[is_used], ranks_N.repeat_interleave(len(owners)))
            self._up[key] = bags, places[is_used].int()
        return self._up[key]


class _Bags(NamedTuple):
    """Which rows of a table are summed, bag by bag."""

    rows: Tensor
    starts: Tensor

    @classmethod
    def of(cls, rows: Tensor, sizes: Tensor) -> Self:
        return cls(rows.int(), (sizes.cumsum(0) - sizes).int())

    def sums(self, table: Tensor, weights: Tensor) -> Tensor:
        """[bags, table's width]; every row is multiplied with its weight first."""
        # What F.embedding_bag calls, without its checks: they cost as much as a small sum.
        return torch.embedding_bag(table, self.rows, self.starts, False, 0, False, weights)[0]


class _Products:
    """One product per slot in use, for all the rows that speak through it.

    Adapters are multiplied where they lie: the stretch of the bank from the first slot in use to the last. Where most
    of that would be read for nothing, those in use are gathered first; and where their numbers of rows are very
    different, one is gathered for every row.
    """

    def __init__(self, slots: Sequence[int], device: torch.device) -> None:
        used = sorted(set(slots))
        first, last, abreast = used[0], used[-1], max(map(slots.count, used))
        seats = list(range(first, last + 1))
        if len(seats) > MOST_WASTE * len(used):
            seats = used
        if len(seats) * abreast > MOST_WASTE * len(slots):
            seats, abreast, places = list(slots), 1, list(range(len(slots)))
        else:
            places = _places(slots, seats, abreast)
        rows = [0] * (len(seats) * abreast)  # what comes of a place that nobody takes is not read
        for row, place in enumerate(places):
            rows[place] = row

        self._stretch = slice(first, last + 1) if seats == list(range(first, last + 1)) else None
        self._seats, self._rows, self._places = (torch.tensor(each, device=device) for each in (seats, rows, places))
        self._is_in_order = rows == list(range(len(slots)))

    def product(self, matrices: Tensor, x: Tensor) -> Tensor:
        """x [B, T, in] times its slot's matrix, of [slots, in, out]."""
        used = self._used(matrices)
        given = x if self._is_in_order else x[self._rows]
        products = torch.bmm(given.reshape(len(used), -1, x.shape[-1]), used).view(*given.shape[:2], -1)
        return products if self._is_in_order else products[self._places]

    def add_to(self, y: Tensor, matrices: Tensor, x: Tensor) -> None:
        """The same, added to y [B, T, out] in place."""
        if not self._is_in_order:
            y.add_(self.product(matrices, x))
            return
        used = self._used(matrices)
        y.view(len(used), -1, y.shape[-1]).baddbmm_(x.reshape(len(used), -1, x.shape[-1]), used)

    def _used(self, matrices: Tensor) -> Tensor:
        return matrices[self._seats if self._stretch is None else self._stretch]


def _stretches(linear: FusedLinear) -> tuple[int, list[int]]:
    """The width that all outputs are multiples of, and the part of each stretch of it."""
    width = math.gcd(*linear.outputs)
    return width, [part for part, outputs in enumerate(linear.outputs) for _ in range(outputs // width)]


def _places(slots: Sequence[int], seats: Sequence[int], abreast: int) -> list[int]:
    """Every row's own among the `abreast` places that each seat has for the rows of its slot."""
    free = {slot: iter(range(seat * abreast, (seat + 1) * abreast)) for seat, slot in enumerate(seats)}
    return [next(free[slot]) for slot in slots]
