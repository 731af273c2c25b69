"""Reading and writing with the cache of transformers, for decoders that model.py does not compute.

Rows lie at the right end of the cache, what is before a shorter row is zero and masked: so a row's distances are its
own whatever lies beside it, and one more token lengthens all alike. Rows join and leave at any token, each time at the
cost of a copy. Prompts are read one after the other, so that none is padded. Axes: _P prompt, _B row, _T token.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from app.inference.delta import Delta

if TYPE_CHECKING:
    from app.inference.general_model import GeneralModel

Layers = list[tuple[Tensor, Tensor] | None]
"""Keys and values [B, heads, T, size] of each layer; None for one that uses another's."""


class GeneralPrefill:
    """Prompts on their way through the model, one after the other or piece by piece."""

    def __init__(self, model: "GeneralModel", prompts: Sequence[Sequence[int]], delta: Delta | None) -> None:
        """`delta` has one row per prompt."""
        self.model, self.delta, self.prompts = model, delta, prompts
        self.lengths = [len(ids) for ids in prompts]
        self.read: list[Layers] = []
        """Of the prompts that were read to their end."""
        self._ends: list[Tensor] = []
        self._cache, self._done = _cache([]), 0

    def advance(self, most_tokens: int | None = None) -> bool:
        """Read so many tokens at most (but at least one); True at the end."""
        left = sum(self.lengths) if most_tokens is None else max(1, most_tokens)
        while left > 0 and len(self.read) < len(self.prompts):
            left -= self._go_on(left)
        return len(self.read) == len(self.prompts)

    def logits(self) -> Tensor:
        """[P, V] of what follows each prompt; call it at the end."""
        return self.model.logits(torch.stack(self._ends))

    def _go_on(self, most_tokens: int) -> int:
        """Read a piece of the first prompt that is not at its end; its length."""
        number, device = len(self.read), self.model.device
        piece, before = self.prompts[number][self._done : self._done + most_tokens], self._done
        after = self._done = before + len(piece)
        hidden = self.model.run(
            torch.tensor([piece], device=device),
            self.delta and self.delta.select(torch.tensor([number], device=device)),
            cache=self._cache,
            is_seen_B_S=torch.ones(1, after, dtype=torch.int64, device=device),
            positions_B_T=torch.arange(before, after, device=device)[None],
        )
        if after == self.lengths[number]:
            self._ends.append(hidden[0, -1])
            self.read.append(_layers(self._cache))
            self._cache, self._done = _cache([]), 0
        return len(piece)


class GeneralDecoding:
    takes_drafts = False
    """What is rejected would lie at the right end, where the next token belongs."""

    def __init__(self, model: "GeneralModel") -> None:
        self.model = model
        self.lengths: list[int] = []
        """Tokens of each row that are in the cache."""
        self._cache = _cache([])

    def join(self, prefill: GeneralPrefill, owners: Sequence[int], room: int) -> None:
        """Add a row for each of `owners`, numbers of read prompts."""
        read = [prefill.read[owner] for owner in owners]
        before = [_layers(self._cache)] if self.lengths else []
        self.lengths = [*self.lengths, *(prefill.lengths[owner] for owner in owners)]
        width = max(self.lengths)
        by_layer = zip(*before, *read, strict=True)
        self._cache = _cache([_abreast([each for each in layer if each is not None], width) for layer in by_layer])

    def feed(self, ids_B_T: Tensor, delta: Delta | None) -> Tensor:
        """Logits [B, T, V] after each of T more tokens of every row; all of them must stay with those who stay."""
        tokens, width, device = ids_B_T.shape[1], max(self.lengths), ids_B_T.device
        lengths_B = torch.tensor(self.lengths, device=device)
        is_seen_B_S = torch.arange(width + tokens, device=device) >= (width - lengths_B)[:, None]
        hidden = self.model.run(
            ids_B_T,
            delta,
            cache=self._cache,
            is_seen_B_S=is_seen_B_S.long(),
            positions_B_T=lengths_B[:, None] + torch.arange(tokens, device=device),
        )
        return self.model.logits(hidden)

    def advance(self, tokens: Sequence[int]) -> None:
        """So many of the tokens that were fed stay with each row: all, or it leaves."""
        self.lengths = [length + more for length, more in zip(self.lengths, tokens, strict=True)]

    def leave(self, staying: Sequence[int], *, is_tainted: bool = False) -> list[int]:
        """Keep only these rows, in their order; nothing stays of the others."""
        order = list(staying)
        self.lengths = [self.lengths[row] for row in order]
        if not order:
            self._cache = _cache([])
            return order
        rows, width = torch.tensor(order, device=self.model.device), max(self.lengths)

        def kept(half: Tensor) -> Tensor:
            return half[rows, :, half.shape[2] - width :]

        self._cache = _cache([layer and (kept(layer[0]), kept(layer[1])) for layer in _layers(self._cache)])
        return order


def _cache(layers: Layers) -> Any:
    """A cache of transformers, one that keeps all it is given, whatever window a layer looks through."""
    from transformers import DynamicCache

    return DynamicCache([(None, None) if layer is None else layer for layer in layers])


def _layers(cache: Any) -> Layers:
    return [(layer.keys, layer.values) if layer.is_initialized else None for layer in cache.layers]


def _abreast(layers: Sequence[tuple[Tensor, Tensor]], width: int) -> tuple[Tensor, Tensor] | None:
    """The rows of all of them, each at the right end of so many places."""
    if not layers:
        return None
    keys, values = (
        torch.cat([F.pad(half, (0, 0, width - half.shape[2], 0)) for half in halves])
        for halves in zip(*layers, strict=True)
    )
    return keys, values
