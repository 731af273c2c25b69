"""A Llama-family causal language model with a place for adapters in every fused linear.

Frozen weights in bfloat16, q/k/v and gate/up fused, so that an adapter is touched four times a layer. Everything that
is not Llama arithmetic comes in from outside: a `Delta` adds adapters, a generator callback lets others go first.

Axes: _B row, _T token, _H hidden, _V vocabulary, _P prompt.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from app.inference.base import BaseCard, read_card
from app.inference.delta import Delta, Group

COMPACT_BELOW = 0.8
"""Finished rows leave the batch once less than this share of it is still writing."""


@dataclass(frozen=True)
class Shape:
    """Sizes of a base model; `groups` maps each fused linear to its input size and its parts' output sizes."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    vocabulary: int
    context_tokens: int

    @property
    def groups(self) -> dict[Group, tuple[int, tuple[int, ...]]]:
        queries, keys = self.heads * self.head_dim, self.kv_heads * self.head_dim
        return {
            "qkv": (self.hidden, (queries, keys, keys)),
            "o": (queries, (self.hidden,)),
            "gate_up": (self.hidden, (self.ffn, self.ffn)),
            "down": (self.ffn, (self.hidden,)),
        }


@dataclass(frozen=True)
class Generation:
    completion_ids: list[list[int]]
    """With the stop token where one was written."""
    is_finished: list[bool]
    logprobs: list[list[float]]
    """Of the sampled tokens, at the row's temperature (at 1 for greedy rows)."""


class RMSNorm(torch.autograd.Function):
    """Keeps only its input and a scalar a row for the backward pass; frozen weights need no gradient."""

    @staticmethod
    def forward(ctx, x, weight, eps):  # type: ignore[no-untyped-def]
        scale = torch.rsqrt(x.float().pow(2).mean(-1, keepdim=True) + eps).to(x.dtype)
        ctx.save_for_backward(x, weight, scale)
        return x * scale * weight

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        x, weight, scale = ctx.saved_tensors
        gradient, unit = gradient * weight, x * scale
        return scale * (gradient - unit * (gradient * unit).float().mean(-1, keepdim=True).to(x.dtype)), None, None


class TokenLogprob(torch.autograd.Function):
    """log softmax(logits / temperature) at the target, holding the probabilities once in the model's own precision."""

    @staticmethod
    def forward(ctx, logits, target, temperature):  # type: ignore[no-untyped-def]
        scaled = logits.float() / temperature
        normaliser = scaled.logsumexp(-1, keepdim=True)
        chosen = scaled.gather(1, target[:, None])[:, 0] - normaliser[:, 0]
        probabilities = scaled.sub_(normaliser).exp_().to(logits.dtype)
        ctx.save_for_backward(probabilities, target)
        ctx.temperature = temperature
        return chosen

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        probabilities, target = ctx.saved_tensors
        share = (gradient / ctx.temperature).to(probabilities.dtype)
        logits_gradient = probabilities * -share[:, None]
        logits_gradient[torch.arange(len(target), device=target.device), target] += share
        return logits_gradient, None, None


class CausalLM:
    """Frozen weights of one base model. Build it with `load`."""

    def __init__(self, folder: Path, device: str, dtype: torch.dtype) -> None:
        config = AutoConfig.from_pretrained(folder)
        if config.model_type != "llama":
            raise ValueError(f"this engine runs Llama-family models (Llama, SmolLM2, ...), not {config.model_type!r}")
        self.device, self.dtype = torch.device(device), dtype
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.card: BaseCard = read_card(folder)
        head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        self.shape = Shape(
            layers=config.num_hidden_layers,
            hidden=config.hidden_size,
            heads=config.num_attention_heads,
            kv_heads=config.num_key_value_heads,
            head_dim=head_dim,
            ffn=config.intermediate_size,
            vocabulary=config.vocab_size,
            context_tokens=config.max_position_embeddings,
        )
        stop = config.eos_token_id
        self.stop_ids: frozenset[int] = frozenset(stop if isinstance(stop, list) else [stop])
        self.end_id: int = min(self.stop_ids)
        self.eps: float = config.rms_norm_eps
        rotary = LlamaRotaryEmbedding(config)
        self._frequencies = torch.cat([rotary.inv_freq.float()] * 2).to(self.device)
        self._rotary_scale: float = rotary.attention_scaling
        self._read(folder)

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu", dtype: torch.dtype = torch.bfloat16) -> "CausalLM":
        """From a transformers folder with config.json, tokenizer.json, safetensors and base.json.

        Raises ValueError for another architecture, OSError for missing files.
        """
        return cls(folder, device, dtype)

    def _read(self, folder: Path) -> None:
        tensors: dict[str, Tensor] = {}
        for path in sorted(folder.glob("*.safetensors")):
            tensors |= load_file(path)

        def take(name: str) -> Tensor:
            return tensors[name].to(self.device, self.dtype)

        def fused(prefix: str, names: Sequence[str], suffix: str) -> Tensor | None:
            found = [f"{prefix}{name}.{suffix}" for name in names]
            return torch.cat([take(name) for name in found]).contiguous() if found[0] in tensors else None

        self.embedding_V_H = take("model.embed_tokens.weight")
        self.head_V_H = take("lm_head.weight") if "lm_head.weight" in tensors else self.embedding_V_H
        self.final_norm_H = take("model.norm.weight")
        self.norms: list[tuple[Tensor, Tensor]] = []
        self.weights: list[dict[Group, tuple[Tensor, Tensor | None]]] = []
        members: dict[Group, tuple[str, tuple[str, ...]]] = {
            "qkv": ("self_attn.", ("q_proj", "k_proj", "v_proj")),
            "o": ("self_attn.", ("o_proj",)),
            "gate_up": ("mlp.", ("gate_proj", "up_proj")),
            "down": ("mlp.", ("down_proj",)),
        }
        for layer in range(self.shape.layers):
            prefix = f"model.layers.{layer}."
            self.norms.append((take(prefix + "input_layernorm.weight"), take(prefix + "post_attention_layernorm.weight")))
            row: dict[Group, tuple[Tensor, Tensor | None]] = {}
            for group, (part, names) in members.items():
                weight = fused(prefix + part, names, "weight")
                if weight is None:
                    raise OSError(f"{folder.name}: layer {layer} has no weights for {group}")
                row[group] = (weight, fused(prefix + part, names, "bias"))
            self.weights.append(row)

    def encode(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        text: str = self.tokenizer.decode(list(ids), skip_special_tokens=True)
        return text

    def _rotations(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        angles = positions[..., None].float() * self._frequencies
        return (angles.cos() * self._rotary_scale).to(self.dtype), (angles.sin() * self._rotary_scale).to(self.dtype)

    def _linear(self, layer: int, group: Group, x: Tensor, delta: Delta | None) -> Tensor:
        weight, bias = self.weights[layer][group]
        y = F.linear(x, weight, bias)
        return y if delta is None else delta.add(layer, group, x, y)

    def _block(
        self,
        layer: int,
        x_B_T_H: Tensor,
        delta: Delta | None,
        rotations: tuple[Tensor, Tensor],
        attend: Callable[[int, Tensor, Tensor, Tensor], Tensor],
    ) -> Tensor:
        shape, (before, after) = self.shape, self.norms[layer]
        rows, length, _ = x_B_T_H.shape
        queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
        q, k, v = self._linear(layer, "qkv", RMSNorm.apply(x_B_T_H, before, self.eps), delta).split(
            [queries, keys, keys], -1
        )
        q = q.view(rows, length, shape.heads, shape.head_dim).transpose(1, 2)
        k = k.view(rows, length, shape.kv_heads, shape.head_dim).transpose(1, 2)
        v = v.view(rows, length, shape.kv_heads, shape.head_dim).transpose(1, 2)
        cos, sin = rotations
        q, k = q * cos + _turned(q) * sin, k * cos + _turned(k) * sin
        attended = attend(layer, q, k, v).transpose(1, 2).reshape(rows, length, queries)
        x_B_T_H = x_B_T_H + self._linear(layer, "o", attended, delta)
        gate, up = self._linear(layer, "gate_up", RMSNorm.apply(x_B_T_H, after, self.eps), delta).chunk(2, -1)
        return x_B_T_H + self._linear(layer, "down", F.silu(gate) * up, delta)

    def _grouped(self, k: Tensor) -> Tensor:
        return k.repeat_interleave(self.shape.heads // self.shape.kv_heads, 1)

    def hidden(self, ids_B_T: Tensor, delta: Delta | None = None) -> Tensor:
        """Final hidden states [B, T, H] of right-padded rows."""

        def attend(_: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            return F.scaled_dot_product_attention(q, self._grouped(k), self._grouped(v), is_causal=True)

        x = self.embedding_V_H[ids_B_T]
        rotations = self._rotations(torch.arange(ids_B_T.shape[1], device=self.device))
        for layer in range(self.shape.layers):
            x = self._block(layer, x, delta, rotations, attend)
        final: Tensor = RMSNorm.apply(x, self.final_norm_H, self.eps)
        return final

    def logits(self, ids_B_T: Tensor, delta: Delta | None = None) -> Tensor:
        return F.linear(self.hidden(ids_B_T, delta), self.head_V_H)

    def logprobs(
        self,
        prompt_ids: Sequence[Sequence[int]],
        completion_ids: Sequence[Sequence[int]],
        delta: Delta | None = None,
        *,
        temperature: float = 1.0,
        width: int | None = None,
    ) -> Tensor:
        """Log-probabilities [B, width] of each completion's tokens after its prompt; padding is 0.

        Prompts must not be empty. `width` defaults to the longest completion.
        """
        rows = [[*p, *c] for p, c in zip(prompt_ids, completion_ids, strict=True)]
        ids_B_T = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
        for line, row in zip(ids_B_T, rows, strict=True):
            line[: len(row)] = torch.tensor(row)
        ids_B_T = ids_B_T.to(self.device)
        row_N = torch.cat([torch.full((len(c),), b) for b, c in enumerate(completion_ids)]).to(self.device)
        place_N = torch.cat([torch.arange(len(c)) for c in completion_ids]).to(self.device)
        start_B = torch.tensor([len(p) for p in prompt_ids], device=self.device)
        at_N = start_B[row_N] + place_N
        hidden_N_H = self.hidden(ids_B_T, delta)[row_N, at_N - 1]
        chosen_N = TokenLogprob.apply(F.linear(hidden_N_H, self.head_V_H), ids_B_T[row_N, at_N], temperature)
        out_B_T = torch.zeros(len(rows), width or max(map(len, completion_ids)), device=self.device)
        return out_B_T.index_put((row_N, place_N), chosen_N)

    @torch.no_grad()
    def generate(
        self,
        prompt_ids: Sequence[Sequence[int]],
        *,
        delta: Delta | None = None,
        max_tokens: int | Sequence[int],
        temperature: float | Sequence[float] = 1.0,
        top_p: float | Sequence[float] = 1.0,
        seeds: Sequence[int] = (),
        group_size: int = 1,
        between: Callable[[], None] | None = None,
    ) -> Generation:
        """Continue each prompt `group_size` times; B = P * group_size rows, groups contiguous.

        Per-row arguments and `seeds` have B entries. A row draws from its own seeded stream of numbers, so its text
        depends on its neighbours only through rounding. Temperature 0 is greedy. `between` runs before every token.
        """
        rows = len(prompt_ids) * group_size
        limits = torch.tensor(_spread(max_tokens, rows))
        temperatures = torch.tensor(_spread(temperature, rows), dtype=torch.float32)
        nuclei = torch.tensor(_spread(top_p, rows), dtype=torch.float32)
        longest = int(limits.max())
        chances_B_T = torch.stack(
            [torch.rand(longest, generator=torch.Generator().manual_seed(s)) for s in (seeds or range(rows))]
        )
        cache = _Cache(self, prompt_ids, longest, group_size)
        hidden_B_H = cache.prefill(delta)
        fan_out = torch.arange(len(prompt_ids)).repeat_interleave(group_size)
        hidden_B_H = hidden_B_H[fan_out.to(self.device)]
        delta = delta.select(fan_out.to(self.device)) if delta is not None else None

        written: list[list[int]] = [[] for _ in range(rows)]
        logprobs: list[list[float]] = [[] for _ in range(rows)]
        finished = [False] * rows
        active = torch.arange(rows)
        for step in range(longest):
            if between is not None:
                between()
            logits = F.linear(hidden_B_H, self.head_V_H).float().cpu()
            next_B, logprob_B = _draw(logits, temperatures[active], nuclei[active], chances_B_T[active, step])
            going = []
            for place, (row, token, logprob) in enumerate(
                zip(active.tolist(), next_B.tolist(), logprob_B.tolist(), strict=True)
            ):
                if finished[row] or len(written[row]) >= limits[row]:
                    continue
                written[row].append(token)
                logprobs[row].append(logprob)
                finished[row] = token in self.stop_ids
                if not finished[row] and len(written[row]) < limits[row]:
                    going.append(place)
            if not going:
                break
            if len(going) < COMPACT_BELOW * len(active):
                kept = torch.tensor(going)
                active, next_B = active[kept], next_B[kept]
                cache.keep(kept.to(self.device))
                delta = delta.select(kept.to(self.device)) if delta is not None else None
            hidden_B_H = cache.decode(next_B.to(self.device), delta)
        return Generation(written, finished, logprobs)


class _Cache:
    """Keys and values of left-padded rows: prompts are read once and then shared out to their groups."""

    def __init__(self, model: CausalLM, prompt_ids: Sequence[Sequence[int]], room: int, group_size: int) -> None:
        self.model, self.group_size = model, group_size
        self.width = max(map(len, prompt_ids))
        self.ids_P_T = torch.zeros(len(prompt_ids), self.width, dtype=torch.long)
        self.pad_B = torch.tensor([self.width - len(ids) for ids in prompt_ids], device=model.device)
        for line, ids in zip(self.ids_P_T, prompt_ids, strict=True):
            line[self.width - len(ids) :] = torch.tensor(ids, dtype=torch.long)
        self.ids_P_T = self.ids_P_T.to(model.device)
        self.length, self.room = self.width, self.width + room
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []

    def prefill(self, delta: Delta | None) -> Tensor:
        """Read the prompts; the hidden state [P, H] after each."""
        model, width = self.model, self.width
        place_T = torch.arange(width, device=model.device)
        rotations = model._rotations((place_T[None] - self.pad_B[:, None]).clamp(min=0))
        rotations = (rotations[0][:, None], rotations[1][:, None])
        causal = place_T[None, :, None] >= place_T[None, None, :]
        mask = (causal & (place_T[None, None] >= self.pad_B[:, None, None])) | torch.eye(
            width, dtype=torch.bool, device=model.device
        )

        def attend(_: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            self._store(k, v)
            return F.scaled_dot_product_attention(q, model._grouped(k), model._grouped(v), attn_mask=mask[:, None])

        x = model.embedding_V_H[self.ids_P_T]
        for layer in range(model.shape.layers):
            x = model._block(layer, x, delta, rotations, attend)
        self.pad_B = self.pad_B.repeat_interleave(self.group_size)
        final: Tensor = RMSNorm.apply(x[:, -1], model.final_norm_H, model.eps)
        return final

    def _store(self, k: Tensor, v: Tensor) -> None:
        for store, new in ((self.keys, k), (self.values, v)):
            prompts, heads, width, size = new.shape
            room = new.new_zeros(prompts * self.group_size, heads, self.room, size)
            room[:, :, :width] = new.repeat_interleave(self.group_size, 0)
            store.append(room)

    def keep(self, rows: Tensor) -> None:
        self.pad_B = self.pad_B[rows]
        for layer in range(len(self.keys)):
            self.keys[layer], self.values[layer] = self.keys[layer][rows], self.values[layer][rows]

    def decode(self, tokens_B: Tensor, delta: Delta | None) -> Tensor:
        """Append a token to every row; the hidden state [B, H] after it."""
        model, shape = self.model, self.model.shape
        self.length += 1
        length, rows, share = self.length, len(tokens_B), shape.heads // shape.kv_heads
        rotations = model._rotations(length - 1 - self.pad_B)
        rotations = (rotations[0][:, None, None], rotations[1][:, None, None])
        mask = (torch.arange(length, device=model.device)[None] >= self.pad_B[:, None])[:, None, None]
        mask = mask.expand(rows, 1, share, length)

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            keys, values = self.keys[layer], self.values[layer]
            keys[:, :, length - 1], values[:, :, length - 1] = k[:, :, 0], v[:, :, 0]
            grouped = q.view(rows, shape.kv_heads, share, shape.head_dim)
            attended = F.scaled_dot_product_attention(grouped, keys[:, :, :length], values[:, :, :length], attn_mask=mask)
            return attended.reshape(rows, shape.heads, 1, shape.head_dim)

        x = model.embedding_V_H[tokens_B][:, None]
        for layer in range(shape.layers):
            x = model._block(layer, x, delta, rotations, attend)
        final: Tensor = RMSNorm.apply(x[:, 0], model.final_norm_H, model.eps)
        return final


def _turned(x: Tensor) -> Tensor:
    first, second = x.chunk(2, -1)
    return torch.cat([-second, first], -1)


def _spread(value: float | Sequence[float], rows: int) -> list[float]:
    return list(value) if isinstance(value, Sequence) else [value] * rows


def _draw(logits_B_V: Tensor, temperature_B: Tensor, top_p_B: Tensor, chance_B: Tensor) -> tuple[Tensor, Tensor]:
    """Token and log-probability of each row, by inverse cumulative probability: far cheaper than multinomial on CPUs."""
    greedy_B = temperature_B == 0
    scaled = logits_B_V / torch.where(greedy_B, 1.0, temperature_B)[:, None]
    logprobs = scaled.log_softmax(-1)
    probabilities = logprobs.exp()
    if (top_p_B < 1).any():
        ranked, order = probabilities.sort(-1, descending=True)
        outside = ranked.cumsum(-1) - ranked >= top_p_B[:, None]
        probabilities = torch.zeros_like(probabilities).scatter(1, order, ranked.masked_fill(outside, 0.0))
    cumulative = probabilities.cumsum(-1)
    token_B = torch.searchsorted(cumulative, chance_B[:, None] * cumulative[:, -1:])[:, 0]
    token_B = torch.where(greedy_B, logits_B_V.argmax(-1), token_B.clamp(max=logits_B_V.shape[1] - 1))
    return token_B, logprobs.gather(1, token_B[:, None])[:, 0]
