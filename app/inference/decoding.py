"""The cache of keys and values of the rows being written, and the passes through the model that read and fill it.

Every row lies at the left of its own stretch, so rows of any length stand side by side, join and leave at any token,
and may be fed several tokens at once. What lies beyond a row's length is its own or zero, and masked.
Axes: _P prompt, _B row.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from app.inference.delta import Delta

if TYPE_CHECKING:
    from app.inference.model import LlamaModel

STRIDE = 64
"""The cache grows by so many places, so that it is copied seldom."""


class Prefill:
    """Prompts on their way through the model, all at once or piece by piece."""

    def __init__(self, model: "LlamaModel", prompts: Sequence[Sequence[int]], delta: Delta | None) -> None:
        """`delta` has one row per prompt."""
        self.model, self.delta, self.lengths = model, delta, [len(ids) for ids in prompts]
        self.width, self.done = max(self.lengths), 0
        padded = [[*ids, *[0] * (self.width - len(ids))] for ids in prompts]
        self._ids_P_T = torch.tensor(padded, device=model.device)
        lengths_P = torch.tensor(self.lengths, device=model.device)
        self._is_padding_P_T = torch.arange(self.width, device=model.device) >= lengths_P[:, None]
        self._ends: list[Tensor | None] = [None] * len(padded)
        self.keys = _rooms(model, len(padded), self.width)
        """Per layer [P, T, kv_heads, head_dim]."""
        self.values = _rooms(model, len(padded), self.width)

    def advance(self, most_tokens: int | None = None) -> bool:
        """One pass over so many tokens at most (of all prompts together, at least one of each); True at the end."""
        before = self.done
        step = self.width if most_tokens is None else max(1, most_tokens // len(self.lengths))
        after = self.done = min(before + step, self.width)
        places = torch.arange(before, after, device=self.model.device)
        mask = torch.arange(after, device=self.model.device) <= places[:, None] if before else None
        is_padding = self._is_padding_P_T[:, None, before:after, None] if min(self.lengths) < after else None

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            if is_padding is not None:
                # What an adapter makes of padding need not be finite, and a masked NaN would still spread.
                k, v = k.masked_fill(is_padding, 0), v.masked_fill(is_padding, 0)
            self.keys[layer][:, before:after] = k.transpose(1, 2)
            self.values[layer][:, before:after] = v.transpose(1, 2)
            if before:
                k, v = (room[layer][:, :after].transpose(1, 2) for room in (self.keys, self.values))
            # Padding on the right needs no mask: nothing before it looks at it.
            is_grouped = q.shape[1] != k.shape[1]
            return F.scaled_dot_product_attention(
                q, k, v, attn_mask=mask, is_causal=mask is None, enable_gqa=is_grouped
            )

        ids_P_T = self._ids_P_T[:, before:after]
        hidden = self.model.run(ids_P_T, self.model.rotations.at(places), attend, self.delta)
        for prompt, length in enumerate(self.lengths):
            if before < length <= after:
                self._ends[prompt] = hidden[prompt, length - 1 - before]
        return after == self.width

    def logits(self) -> Tensor:
        """[P, V] of what follows each prompt; call it at the end."""
        return self.model.logits(torch.stack([end for end in self._ends if end is not None]))


class Decoding:
    takes_drafts = True

    def __init__(self, model: "LlamaModel") -> None:
        self.model = model
        self.lengths: list[int] = []
        """Tokens of each row that are in the cache."""
        self._rows = self._places = self._written = 0
        """Size of the cache, and how many of its places have ever been written in any row."""
        self._keys: list[Tensor] = []
        """Per layer [rows, places, kv_heads, head_dim], of which the first rows are in use."""
        self._values: list[Tensor] = []

    def join(self, prefill: Prefill, owners: Sequence[int], room: int) -> None:
        """Add a row for each of `owners`, numbers of read prompts, expecting up to `room` more tokens each."""
        first = len(self.lengths)
        lengths = [*self.lengths, *(prefill.lengths[owner] for owner in owners)]
        self._make_room(len(lengths), max(lengths) + room)
        self.lengths = lengths
        owners_B = torch.tensor(owners, device=self.model.device)
        for rooms, read in ((self._keys, prefill.keys), (self._values, prefill.values)):
            for layer, new in enumerate(read):
                rooms[layer][first : len(lengths), : prefill.width] = new[owners_B]
                # Behind them may be a former row's, hidden; a hostile adapter's are so large that hiding overflows.
                rooms[layer][first : len(lengths), prefill.width : self._written] = 0
        self._written = max(self._written, prefill.width)

    def feed(self, ids_B_T: Tensor, delta: Delta | None) -> Tensor:
        """Logits [B, T, V] after each of T more tokens of every row; `advance` says how many of them stay."""
        rows, tokens = ids_B_T.shape
        width = max(self.lengths) + tokens
        self._make_room(rows, width)
        self._written = max(self._written, width)
        device = ids_B_T.device
        lengths_B = torch.tensor(self.lengths, device=device)
        positions_B_T = lengths_B[:, None] + torch.arange(tokens, device=device)
        targets = (positions_B_T + self._places * torch.arange(rows, device=device)[:, None]).flatten()
        mask = self._mask(positions_B_T, width)

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            keys, values = self._keys[layer], self._values[layer]
            for room, new in ((keys, k), (values, v)):
                room.view(-1, *room.shape[2:]).index_copy_(0, targets, new.transpose(1, 2).flatten(0, 1))
            # Queries that share a key head take the place of the query axis: no key is copied.
            _, heads, _, size = q.shape
            grouped = q.reshape(rows, k.shape[1], -1, size)
            seen_keys, seen_values = (room[:rows, :width].transpose(1, 2) for room in (keys, values))
            mixed = F.scaled_dot_product_attention(grouped, seen_keys, seen_values, attn_mask=mask)
            return mixed.reshape(rows, heads, tokens, size)

        hidden = self.model.run(ids_B_T, self.model.rotations.at(positions_B_T), attend, delta)
        return self.model.logits(hidden)

    def advance(self, tokens: Sequence[int]) -> None:
        """So many of the tokens that were fed stay with each row; the others are forgotten."""
        self.lengths = [length + more for length, more in zip(self.lengths, tokens, strict=True)]

    def leave(self, staying: Sequence[int], *, is_tainted: bool = False) -> list[int]:
        """Keep only these rows, moving the last ones into the gaps; their new order.

        `is_tainted`: those who leave wrote numbers that are not finite, which must not stay in the cache.
        """
        stays, count, width = set(staying), len(staying), max(self.lengths, default=0)
        movers = [row for row in range(count, len(self.lengths)) if row in stays]
        gaps = [row for row in range(count) if row not in stays]
        order = list(range(count))
        for gap, mover in zip(gaps, movers, strict=True):
            order[gap] = mover
        for room in (*self._keys, *self._values):
            if is_tainted:
                room[gaps] = 0  # beyond what moves there too
            if gaps:
                room[gaps, :width] = room[movers, :width]
                room[gaps, width : self._written] = 0
            if is_tainted:
                room[count:] = 0
        self.lengths = [self.lengths[row] for row in order]
        if not order:
            self._keys, self._values = [], []
            self._rows = self._places = self._written = 0
        return order

    def _mask(self, positions_B_T: Tensor, width: int) -> Tensor | None:
        """[B, 1, G * T, width], or None where everybody sees all."""
        rows, tokens = positions_B_T.shape
        if tokens == 1 and min(self.lengths) == max(self.lengths):
            return None
        is_seen = torch.arange(width, device=positions_B_T.device) <= positions_B_T[:, :, None]
        hidden = torch.zeros(is_seen.shape, dtype=self.model.dtype, device=is_seen.device)
        hidden.masked_fill_(~is_seen, float("-inf"))
        group = 1 if tokens == 1 else self.model.architecture.heads // self.model.architecture.kv_heads
        return hidden.unsqueeze(1).repeat(1, group, 1, 1).view(rows, 1, group * tokens, width)

    def _make_room(self, rows: int, places: int) -> None:
        if rows <= self._rows and places <= self._places:
            return
        used, width = len(self.lengths), max(self.lengths, default=0)
        rows = rows if not self._rows or rows <= self._rows else max(rows, 2 * self._rows)
        rows, places = max(rows, self._rows), max(-(-places // STRIDE) * STRIDE, self._places)
        for name in ("_keys", "_values"):
            old, new = getattr(self, name), _rooms(self.model, rows, places)
            for layer, room in enumerate(old):
                new[layer][:used, :width] = room[:used, :width]
            setattr(self, name, new)
        self._rows, self._places = rows, places


def _rooms(model: "LlamaModel", rows: int, places: int) -> list[Tensor]:
    shape = model.architecture
    size = (rows, places, shape.kv_heads, shape.head_dim)
    return [torch.zeros(size, dtype=model.dtype, device=model.device) for _ in range(shape.layers)]
