"""A causal language model of the Llama family or a relative as plain tensors: frozen weights, fused linears, and a
seam for adapters.

Why not transformers' own forward: decoding small batches on a CPU is bound by the number of small operations and by
the bytes of the weights, and training a frozen base by the activations autograd keeps. Axes: _B row, _T token of a row,
_N token of all rows, _E hidden, _V word. The weights keep one dtype, `best_dtype(device)` unless told otherwise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from app.inference.architecture import Architecture
from app.inference.decoding import Decoding, Prefill
from app.inference.delta import Delta, Group, PackedDelta
from app.inference.ops import geglu, rms_norm, swiglu, word_logprobs
from app.inference.packing import Packed, pack
from app.inference.rope import Rotation, Rotations
from app.inference.weights import Weights, may_pack

CPU_ACTIVATION_BYTES = 256 * 2**20
"""Keeps a training of the packaged base, in float32 and with everything else that its worker holds, near 2.5 GB."""

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
    activation_bytes: int
    """What autograd may keep of a training pass; 0 on a GPU: half of the memory that is free then."""

    @classmethod
    def load(
        cls, folder: Path, *, device: str = "cpu", dtype: torch.dtype | None = None, is_packed: bool = True
    ) -> Self:
        """From a transformers folder (config.json and safetensors).

        `is_packed` keeps the copy that decodes fastest, where there is one; without it `packed()` makes it for a while
        (less the head: a tenth of the memory, and rollouts hardly wait for it).

        Raises UnsupportedModel (a ValueError) for anything but the Llama family, FileNotFoundError without the files.
        """
        architecture = Architecture.load(folder)
        dtype = dtype or best_dtype(device)
        is_packed = is_packed and may_pack(architecture, device, dtype)
        weights = Weights.load(folder, architecture, device=device, dtype=dtype, is_packed=is_packed)
        rotations = Rotations.load(folder, device=device, dtype=dtype)
        return cls(architecture, weights, rotations, CPU_ACTIVATION_BYTES if device == "cpu" else 0)

    @property
    def device(self) -> torch.device:
        return self.weights.embedding.device

    @property
    def dtype(self) -> torch.dtype:
        return self.weights.embedding.dtype

    @property
    def is_packed(self) -> bool:
        return self.weights.layers[0].linears["qkv"].packed is not None

    def packed(self) -> Self:
        """The model for decoding batches, with all else shared: half a second and most of the weights once more."""
        if not may_pack(self.architecture, self.device.type, self.dtype):
            return self
        return replace(self, weights=self.weights.with_packed())

    def hidden(self, ids_B_T: Tensor, delta: Delta | None = None) -> Tensor:
        """Final hidden states [B, T, E] of rows that start together (padding, if any, on the right)."""
        rotation = self.rotations.at(torch.arange(ids_B_T.shape[1], device=self.device))
        return self.run(ids_B_T, rotation, _attend_causally, delta)

    def logits(self, hidden: Tensor) -> Tensor:
        """[..., E] -> [..., V]."""
        return self.weights.head(hidden)

    def logprobs(
        self,
        sequences: Sequence[Sequence[int]],
        prompt_lengths: Sequence[int],
        delta: PackedDelta | None = None,
        *,
        kinds: Sequence[int] | None = None,
        temperature: float = 1.0,
    ) -> Tensor:
        """See LanguageModel. Rows that begin with one prompt share the reading of it."""
        packed = pack(sequences, prompt_lengths, kinds)
        words_N = torch.tensor(packed.words_M, device=self.device)
        return word_logprobs(self._predicting(packed, delta), self.weights.head.matrix, words_N, temperature)

    def states(
        self,
        sequences: Sequence[Sequence[int]],
        prompt_lengths: Sequence[int],
        delta: PackedDelta | None = None,
        *,
        kinds: Sequence[int] | None = None,
    ) -> Tensor:
        """The final hidden state that predicts every token after its row's prompt [N, E], as flat as logprobs()."""
        return self._predicting(pack(sequences, prompt_lengths, kinds), delta)

    def prefill(self, prompts: Sequence[Sequence[int]], delta: Delta | None) -> Prefill:
        return Prefill(self, prompts, delta)

    def decoding(self) -> Decoding:
        return Decoding(self)

    def run(self, ids_B_T: Tensor, rotation: Rotation, attend: Attend, delta: Delta | None) -> Tensor:
        """The layers themselves, for callers that bring their own positions, mask and cache."""
        x = F.embedding(ids_B_T, self.weights.embedding)
        if self.architecture.family.scales_embedding:
            x = x * x.new_tensor(self.architecture.hidden**0.5)
        recomputed = self._recomputed_layers(ids_B_T.numel()) if delta and torch.is_grad_enabled() else 0
        for layer in range(self.architecture.layers):
            if layer < recomputed:
                x = checkpoint(self._layer, layer, x, rotation, attend, delta, use_reentrant=False)
            else:
                x = self._layer(layer, x, rotation, attend, delta)
        return self.normed(x)

    def _recomputed_layers(self, tokens: int) -> int:
        """How many layers must compute their activations again in the backward pass for the rest to fit in memory."""
        layers = self.architecture.layers
        needed = tokens * layers * self.architecture.activations * self.dtype.itemsize
        room = self.activation_bytes or torch.cuda.mem_get_info(self.device)[0] // 2
        return 0 if needed <= room else layers - layers * room // needed

    def _predicting(self, packed: Packed, delta: PackedDelta | None) -> Tensor:
        return self._hidden_packed(packed, delta)[torch.tensor(packed.predictors_M, device=self.device)]

    def _hidden_packed(self, packed: Packed, delta: PackedDelta | None) -> Tensor:
        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            segments = [torch.split(x, packed.lengths_S, 2) for x in (q, k, v)]
            mixed = []
            for prefix, (queries, *own) in zip(packed.prefix_S, zip(*segments, strict=True), strict=True):
                before = [] if prefix is None else [part[prefix] for part in segments[1:]]
                mixed.append(_attend_after(before, queries, own))
            return torch.cat(mixed, 2)

        ids_N = torch.tensor(packed.ids_N, device=self.device)
        rotation = self.rotations.at(torch.tensor(packed.positions_N, device=self.device))
        along = delta and delta.along(torch.tensor(packed.kinds_N, device=self.device))
        return self.run(ids_N.unsqueeze(0), rotation, attend, along).squeeze(0)

    def normed(self, x: Tensor) -> Tensor:
        return rms_norm(x, self.weights.final_norm, self.architecture.norm_epsilon)

    def _layer(self, layer: int, x: Tensor, rotation: Rotation, attend: Attend, delta: Delta | None) -> Tensor:
        shape, weights = self.architecture, self.weights.layers[layer]
        rows, tokens, _ = x.shape

        normed = rms_norm(x, weights.attention_norm, shape.norm_epsilon)
        qkv = self._linear(layer, "qkv", normed, delta).view(rows, tokens, -1, shape.head_dim)
        qk, v = torch.split(qkv, [shape.heads + shape.kv_heads, shape.kv_heads], 2)
        if weights.qk_norm is not None:
            qk = rms_norm(qk, weights.qk_norm, shape.norm_epsilon)
        q, k = torch.split(rotation.apply(qk).transpose(1, 2), [shape.heads, shape.kv_heads], 1)
        mixed = attend(layer, q, k, v.transpose(1, 2)).transpose(1, 2).reshape(rows, tokens, -1)
        x = x + self._linear(layer, "o", mixed, delta)

        normed = rms_norm(x, weights.mlp_norm, shape.norm_epsilon)
        gate_up = self._linear(layer, "gate_up", normed, delta)
        gated = swiglu(gate_up) if shape.family.activation == "silu" else geglu(gate_up)
        return x + self._linear(layer, "down", gated, delta)

    def _linear(self, layer: int, group: Group, x: Tensor, delta: Delta | None) -> Tensor:
        y = self.weights.layers[layer].linears[group](x)
        return y if delta is None else delta.add(layer, group, x, y)


def _attend_causally(_layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=q.shape[1] != k.shape[1])


def _attend_after(before: list[Tensor], queries: Tensor, own: list[Tensor]) -> Tensor:
    """Causal attention of a segment to itself and to all of the keys and values `before` it, if any."""
    if not before:
        return _attend_causally(0, queries, *own)
    k, v = (torch.cat(pair, 2) for pair in zip(before, own, strict=True))
    new, known = queries.shape[2], k.shape[2]
    mask = torch.ones(new, known, dtype=torch.bool, device=k.device).tril(known - new)
    return F.scaled_dot_product_attention(queries, k, v, attn_mask=mask, enable_gqa=queries.shape[1] != k.shape[1])
