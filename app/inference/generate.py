"""Writing: prefill the prompts of a batch once, then decode all rows together, token by token, with a key-value cache.

Prompts are padded on the left, so that all rows write to the same place of the cache. A prompt that is wanted several
times (a group) is prefilled once and its cache repeated. Rows that are done leave the batch when enough of them are.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from app.inference.delta import Delta
from app.inference.model import LlamaModel
from app.inference.sampling import Sampler

COMPACT_BELOW = 0.8
"""Drop finished rows when fewer than this share of the batch is left: compaction copies the cache."""

T = TypeVar("T")

Likelier = Callable[[Sequence[int]], Mapping[int, float]]
"""What to add to which of a row's logits after the ids that it has written; asked once before each of its tokens."""

Ended = Callable[[int, Sequence[int], bool], Collection[int]]
"""(row, its ids, whether it wrote a stop id) when a row has ended; answers which rows nobody wants any more."""


def keep_all(_row: int, _ids: Sequence[int], _is_finished: bool) -> Collection[int]:
    return ()


@dataclass(frozen=True)
class Generation:
    """B rows: every prompt as often as its group is large, groups contiguous."""

    ids: list[list[int]]
    """With the stop id, where the row wrote one."""
    is_finished: list[bool]
    """Whether the row wrote a stop id; else it met its limit, or nobody wanted it any more."""
    logprobs: list[list[float]]
    """Of the tokens in `ids`, at the row's temperature (1 where it is 0), with what was added."""


@torch.inference_mode()
def generate(
    model: LlamaModel,
    prompts: Sequence[Sequence[int]],
    *,
    seeds: Sequence[int],
    max_tokens: int | Sequence[int],
    temperature: float | Sequence[float] = 1.0,
    top_p: float | Sequence[float] = 1.0,
    group_size: int | Sequence[int] = 1,
    delta: Delta | None = None,
    stop_ids: frozenset[int] | None = None,
    between: Callable[[], None] = lambda: None,
    ended: Ended = keep_all,
    likelier: Sequence[Likelier] = (),
) -> Generation:
    """Continue every prompt `group_size` times. Lists hold one value for each of the B rows; seeds must.

    A list of group sizes has one for each prompt.

    `delta` has one row per prompt. `stop_ids` default to the model's own. `between` is called before every pass
    through the model, about every 20-100 ms: it may wait, and it may raise to give up. `ended` is told of every row
    that ends, and rows that it gives up stay as far as they are. `likelier` is empty or has one for each row.
    Raises ValueError for an empty prompt or one that leaves no room for its tokens in the context, and NotFinite.
    """
    sizes = _per_row(group_size, len(prompts))
    owners = [prompt for prompt, size in enumerate(sizes) for _ in range(size)]
    rows = len(owners)
    if rows == 0:
        return Generation([], [], [])
    limits = _per_row(max_tokens, rows)
    _check([len(prompts[prompt]) for prompt in owners], limits, model.architecture.context_tokens)
    stops = model.architecture.stop_ids if stop_ids is None else stop_ids
    sampler = Sampler.new(
        temperatures=_per_row(temperature, rows),
        top_p=_per_row(top_p, rows),
        seeds=_per_row(seeds, rows),
        tokens=max(limits),
        device=model.device,
    )
    result = Generation([[] for _ in range(rows)], [False] * rows, [[] for _ in range(rows)])

    between()
    decoding = _Decoding.prefill(model, prompts, owners, max(limits), delta)
    active, is_over = list(range(rows)), [False] * rows
    for step in range(max(limits)):
        if likelier:
            _add(decoding.logits, [likelier[row](result.ids[row]) for row in active])
        ids_B, logprobs_B = sampler.draw(decoding.logits, step)
        for row, word, logprob in zip(active, ids_B.tolist(), logprobs_B.tolist(), strict=True):
            if is_over[row]:
                continue
            result.ids[row].append(word)
            result.logprobs[row].append(logprob)
            result.is_finished[row] = word in stops
            if result.is_finished[row] or len(result.ids[row]) == limits[row]:
                is_over[row] = True
                for unwanted in ended(row, result.ids[row], result.is_finished[row]):
                    is_over[unwanted] = True
        staying = [place for place, row in enumerate(active) if not is_over[row]]
        if not staying:
            break
        if len(staying) < COMPACT_BELOW * len(active):
            places = torch.tensor(staying, device=model.device)
            decoding.select(places)
            sampler, ids_B = sampler.select(places), ids_B[places]
            active = [active[place] for place in staying]
        between()
        decoding.step(ids_B)
    return result


class _Decoding:
    """The rows of a batch under way: their caches, the padding in front of each, the logits of what comes next."""

    def __init__(self, model: LlamaModel, delta: Delta | None, padding_B: Tensor, filled: int) -> None:
        self.model, self.delta, self.padding_B, self.filled = model, delta, padding_B, filled
        self.has_padding = bool(padding_B.any())
        self.keys: list[Tensor] = []
        """Per layer [B, kv_heads, places, head_dim]."""
        self.values: list[Tensor] = []
        self.logits = torch.empty(0)

    @classmethod
    def prefill(
        cls, model: LlamaModel, prompts: Sequence[Sequence[int]], owners: list[int], tokens: int, delta: Delta | None
    ) -> "_Decoding":
        """Run the prompts and make room for `tokens` more in rows, of which row i continues prompt `owners[i]`."""
        longest = max(map(len, prompts))
        padded = [[0] * (longest - len(ids)) + list(ids) for ids in prompts]
        padding_P = torch.tensor([longest - len(ids) for ids in prompts], device=model.device)
        places_T = torch.arange(longest, device=model.device)
        repeat_B = torch.tensor(owners, device=model.device)
        self = cls(model, delta.select(repeat_B) if delta else None, padding_P[repeat_B], longest)
        mask = None
        if self.has_padding:
            seen = (places_T[None, :] <= places_T[:, None]) & (places_T[None, None, :] >= padding_P[:, None, None])
            # Padding attends to itself: a row of a softmax must not be empty.
            mask = (seen | torch.eye(longest, dtype=torch.bool, device=model.device)).unsqueeze(1)

        def attend(_layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            for cache, new in ((self.keys, k), (self.values, v)):
                room = new.new_empty(len(repeat_B), new.shape[1], longest + tokens, new.shape[3])
                room[:, :, :longest] = new[repeat_B]
                cache.append(room)
            return F.scaled_dot_product_attention(
                q, k, v, attn_mask=mask, is_causal=mask is None, enable_gqa=q.shape[1] != k.shape[1]
            )

        positions_P_T = (places_T[None, :] - padding_P[:, None]).clamp(min=0)
        ids_P_T = torch.tensor(padded, device=model.device)
        hidden = model.run(ids_P_T, model.rotations.at(positions_P_T), attend, delta)
        self.logits = model.logits(hidden[:, -1])[repeat_B]
        return self

    def step(self, ids_B: Tensor) -> None:
        """Feed one token per row."""
        place, end = self.filled, self.filled + 1
        mask = None
        if self.has_padding:
            mask = (torch.arange(end, device=ids_B.device)[None, :] >= self.padding_B[:, None])[:, None, None]

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            keys, values = self.keys[layer], self.values[layer]
            keys[:, :, place] = k[:, :, 0]
            values[:, :, place] = v[:, :, 0]
            # Queries that share a key head take the place of the query axis: no key is copied.
            rows, heads, _, size = q.shape
            grouped = q.reshape(rows, k.shape[1], -1, size)
            mixed = F.scaled_dot_product_attention(grouped, keys[:, :, :end], values[:, :, :end], attn_mask=mask)
            return mixed.reshape(rows, heads, 1, size)

        rotation = self.model.rotations.at((place - self.padding_B).unsqueeze(-1))
        hidden = self.model.run(ids_B.unsqueeze(-1), rotation, attend, self.delta)
        self.logits = self.model.logits(hidden[:, -1])
        self.filled = end

    def select(self, places: Tensor) -> None:
        """Keep only the rows at `places`."""
        self.padding_B = self.padding_B[places]
        for cache in (self.keys, self.values):
            for layer, room in enumerate(cache):
                cache[layer] = room[places]
        self.delta = self.delta.select(places) if self.delta else None


def _add(logits_B_V: Tensor, likelier: Sequence[Mapping[int, float]]) -> None:
    """All at once, since on a GPU every single write would wait."""
    added = [(place, word, more) for place, words in enumerate(likelier) for word, more in words.items()]
    if added:
        places, words, values = zip(*added, strict=True)
        device = logits_B_V.device
        index = torch.tensor(places, device=device), torch.tensor(words, device=device)
        logits_B_V.index_put_(index, logits_B_V.new_tensor(values), accumulate=True)


def _per_row(value: T | Sequence[T], rows: int) -> list[T]:
    """One value for each row, from one for all or one for each."""
    if not isinstance(value, Sequence):
        return [value] * rows
    if len(value) != rows:
        raise ValueError(f"{len(value)} values for {rows} rows")
    return list(value)


def _check(lengths: Sequence[int], limits: Sequence[int], context: int) -> None:
    """Prompt tokens and limit of each row."""
    for length, limit in zip(lengths, limits, strict=True):
        if length == 0:
            raise ValueError("a prompt needs at least one token")
        if limit < 1 or length + limit > context:
            raise ValueError(f"{length} prompt tokens and up to {limit} more do not fit a context of {context}")
