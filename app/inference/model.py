"""A Llama-family causal language model as plain tensors: frozen weights, fused linears, and a seam for adapters.

Why not transformers' own forward: decoding small batches on a CPU is bound by the number of small operations and by
the bytes of the weights, and training a frozen base by the activations autograd keeps. Axes: _B row, _T token of a row,
_N token of all rows, _E hidden, _V word. The weights keep one dtype, `best_dtype(device)` unless told otherwise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from app.inference.architecture import Architecture
from app.inference.delta import Delta, Group
from app.inference.ops import rms_norm, swiglu, word_logprobs
from app.inference.rope import Rotation, Rotations
from app.inference.weights import Weights

Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""(layer, q [B, H, T, D], k [B, K, T, D], v [B, K, T, D]) -> [B, H, T, D]; decoding puts its cache behind this."""


def best_dtype(device: str) -> torch.dtype:
    """bfloat16 where the processor multiplies it natively, else float32: emulated, it is 3-5 times slower."""
    if device != "cpu":
        return torch.bfloat16
    # Private names, but the public torch.cpu.get_capabilities() is younger than the oldest torch we support.
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if native else torch.float32


@dataclass(frozen=True)
class LlamaModel:
    architecture: Architecture
    weights: Weights
    rotations: Rotations

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu", dtype: torch.dtype | None = None) -> Self:
        """From a transformers folder (config.json and safetensors).

        Raises UnsupportedModel (a ValueError) for anything but the Llama family, FileNotFoundError without the files.
        """
        architecture = Architecture.load(folder)
        dtype = dtype or best_dtype(device)
        weights = Weights.load(folder, architecture, device=device, dtype=dtype)
        return cls(architecture, weights, Rotations.load(folder, device=device, dtype=dtype))

    @property
    def device(self) -> torch.device:
        return self.weights.embedding.device

    @property
    def dtype(self) -> torch.dtype:
        return self.weights.embedding.dtype

    def hidden(self, ids_B_T: Tensor, delta: Delta | None = None) -> Tensor:
        """Final hidden states [B, T, E] of rows that start together (padding, if any, on the right)."""
        rotation = self.rotations.at(torch.arange(ids_B_T.shape[1], device=self.device))
        return self.run(ids_B_T, rotation, _attend_causally, delta)

    def hidden_packed(self, sequences: Sequence[Sequence[int]], delta: Delta | None = None) -> Tensor:
        """Final hidden states [N, E] of all tokens, one row after the other: no work is spent on padding.

        The delta sees them as one row [1, N, .], so it must treat all rows alike.
        """
        lengths = [len(ids) for ids in sequences]
        ids_N = torch.tensor([i for ids in sequences for i in ids], device=self.device)
        rotation = self.rotations.at(torch.cat([torch.arange(n, device=self.device) for n in lengths]))

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            rows = zip(*(torch.split(x, lengths, 2) for x in (q, k, v)), strict=True)
            return torch.cat([_attend_causally(layer, *row) for row in rows], 2)

        return self.run(ids_N.unsqueeze(0), rotation, attend, delta).squeeze(0)

    def logits(self, hidden: Tensor) -> Tensor:
        """[..., E] -> [..., V]."""
        return F.linear(hidden, self.weights.head)

    def logprobs(
        self,
        sequences: Sequence[Sequence[int]],
        prompt_lengths: Sequence[int],
        delta: Delta | None = None,
        *,
        temperature: float = 1.0,
    ) -> Tensor:
        """Float32 log-probabilities of every token after its row's prompt, flat: one row after the other.

        Differentiable by whatever the delta trains. Prompts need at least one token. At `temperature` the logits are
        divided by it, as they were when the tokens were sampled.
        """
        hidden_N_E = self.hidden_packed(sequences, delta)
        offset = 0
        positions: list[Tensor] = []
        words: list[int] = []
        for ids, prompt_length in zip(sequences, prompt_lengths, strict=True):
            # The token at t is predicted by the hidden state at t - 1.
            positions.append(torch.arange(offset + prompt_length - 1, offset + len(ids) - 1))
            words += ids[prompt_length:]
            offset += len(ids)
        chosen = torch.cat(positions).to(self.device)
        target_N = torch.tensor(words, dtype=torch.int64, device=self.device)
        return word_logprobs(hidden_N_E[chosen], self.weights.head, target_N, temperature)

    def run(self, ids_B_T: Tensor, rotation: Rotation, attend: Attend, delta: Delta | None) -> Tensor:
        """The layers themselves, for callers that bring their own positions, mask and cache."""
        x = F.embedding(ids_B_T, self.weights.embedding)
        for layer in range(self.architecture.layers):
            x = self._layer(layer, x, rotation, attend, delta)
        return self.normed(x)

    def normed(self, x: Tensor) -> Tensor:
        return rms_norm(x, self.weights.final_norm, self.architecture.norm_epsilon)

    def _layer(self, layer: int, x: Tensor, rotation: Rotation, attend: Attend, delta: Delta | None) -> Tensor:
        shape, weights = self.architecture, self.weights.layers[layer]
        rows, tokens, _ = x.shape

        normed = rms_norm(x, weights.attention_norm, shape.norm_epsilon)
        qkv = self._linear(layer, "qkv", normed, delta).view(rows, tokens, -1, shape.head_dim)
        qk, v = torch.split(qkv, [shape.heads + shape.kv_heads, shape.kv_heads], 2)
        q, k = torch.split(rotation.apply(qk).transpose(1, 2), [shape.heads, shape.kv_heads], 1)
        mixed = attend(layer, q, k, v.transpose(1, 2)).transpose(1, 2).reshape(rows, tokens, -1)
        x = x + self._linear(layer, "o", mixed, delta)

        normed = rms_norm(x, weights.mlp_norm, shape.norm_epsilon)
        return x + self._linear(layer, "down", swiglu(self._linear(layer, "gate_up", normed, delta)), delta)

    def _linear(self, layer: int, group: Group, x: Tensor, delta: Delta | None) -> Tensor:
        weights = self.weights.layers[layer]
        y = F.linear(x, weights.matrices[group], weights.biases[group])
        return y if delta is None else delta.add(layer, group, x, y)


def _attend_causally(_layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=q.shape[1] != k.shape[1])
