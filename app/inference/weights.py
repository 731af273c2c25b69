"""The frozen weights of a base: read from safetensors, cast once, fused where linears share their input."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from app.inference.architecture import Architecture, UnsupportedModel
from app.inference.frozen import Frozen, can_pack

PACKED_BYTES = 2**30
"""Bases up to this size keep a second, packed copy of their weights on a CPU."""

Read = Callable[[str], Tensor]


@dataclass(frozen=True)
class LayerWeights:
    attention_norm: Tensor
    mlp_norm: Tensor
    qk_norm: Tensor | None
    """[heads + kv_heads, head_dim], where the family norms queries and keys."""
    linears: dict[str, Frozen]
    """Per group [sum(out), in]."""


@dataclass(frozen=True)
class Weights:
    embedding: Tensor
    head: Frozen
    """[V, E]; over the embedding itself where the model ties them."""
    final_norm: Tensor
    layers: list[LayerWeights]

    @classmethod
    def load(
        cls, folder: Path, architecture: Architecture, *, device: str, dtype: torch.dtype, is_packed: bool
    ) -> Self:
        """Raises FileNotFoundError without weights, UnsupportedModel if one is missing or has another shape."""
        read = _reader(folder, device, dtype)
        size = (architecture.vocabulary, architecture.hidden)
        embedding = _shaped(read, "model.embed_tokens.weight", size)
        return cls(
            embedding=embedding,
            head=Frozen.new(
                embedding if architecture.is_tied else _shaped(read, "lm_head.weight", size), is_packed=is_packed
            ),
            final_norm=_norm(read, architecture, "model.norm.weight", architecture.hidden),
            layers=[_layer(read, architecture, layer, is_packed) for layer in range(architecture.layers)],
        )

    def with_packed(self) -> Self:
        """The same weights with packed copies of the layers'; the plain ones are shared.

        Not of the head: a fifth of the base, read once per token, and the worker that learns has no room to spare.
        """
        layers = [
            replace(layer, linears={group: linear.with_packed() for group, linear in layer.linears.items()})
            for layer in self.layers
        ]
        return replace(self, layers=layers)


def may_pack(architecture: Architecture, device: str, dtype: torch.dtype) -> bool:
    """Whether the processor has a packed layout and the base is small enough to be kept twice."""
    return can_pack(device) and architecture.parameters * dtype.itemsize <= PACKED_BYTES


def _layer(read: Read, architecture: Architecture, layer: int, is_packed: bool) -> LayerWeights:
    prefix, linears = f"model.layers.{layer}", {}
    for group, linear in architecture.fused.items():
        parts = list(zip(linear.parts, linear.outputs, strict=True))
        matrix = torch.cat([_shaped(read, f"{prefix}.{part}.weight", (width, linear.inputs)) for part, width in parts])
        bias = None
        if architecture.has_bias(group):
            bias = torch.cat([_shaped(read, f"{prefix}.{part}.bias", (width,)) for part, width in parts])
        linears[group] = Frozen.new(matrix, bias, is_packed=is_packed)
    return LayerWeights(
        attention_norm=_norm(read, architecture, f"{prefix}.input_layernorm.weight", architecture.hidden),
        mlp_norm=_norm(read, architecture, f"{prefix}.post_attention_layernorm.weight", architecture.hidden),
        qk_norm=_qk_norm(read, architecture, prefix) if architecture.family.has_qk_norm else None,
        linears=linears,
    )


def _norm(read: Read, architecture: Architecture, name: str, size: int) -> Tensor:
    return _shaped(read, name, (size,)) + architecture.family.norm_offset


def _qk_norm(read: Read, architecture: Architecture, prefix: str) -> Tensor:
    return torch.cat(
        [
            _norm(read, architecture, f"{prefix}.self_attn.{name}_norm.weight", architecture.head_dim).expand(heads, -1)
            for name, heads in (("q", architecture.heads), ("k", architecture.kv_heads))
        ]
    )


def _shaped(read: Read, name: str, shape: tuple[int, ...]) -> Tensor:
    tensor = read(name)
    if tuple(tensor.shape) != shape:
        raise UnsupportedModel(f"{name} has shape {tuple(tensor.shape)}, and config.json says {shape}")
    return tensor


def _reader(folder: Path, device: str, dtype: torch.dtype) -> Read:
    """A function from a tensor's name to the tensor; knows the single-file and the sharded layout."""
    try:
        files: dict[str, Any] = {name: safe_open(folder / name, framework="pt") for name in _file_names(folder)}
        owners = {name: file for file in files.values() for name in file.keys()}  # noqa: SIM118 (not a dict)
    except SafetensorError as error:
        raise UnsupportedModel(f"the weights in {folder.name} cannot be read: {error}") from error

    def read(name: str) -> Tensor:
        if name not in owners:
            raise UnsupportedModel(f"{folder.name} has no weight {name}")
        tensor: Tensor = owners[name].get_tensor(name)
        # A copy, or the tensor would stay a view of the mapped file.
        return tensor.to(device=device, dtype=dtype, copy=True)

    return read


def _file_names(folder: Path) -> list[str]:
    index, single = folder / "model.safetensors.index.json", folder / "model.safetensors"
    if index.exists():
        # Only the name: an index must not lead out of its folder.
        return sorted({Path(name).name for name in json.loads(index.read_text())["weight_map"].values()})
    if single.exists():
        return [single.name]
    raise FileNotFoundError(f"{folder} holds neither {single.name} nor {index.name}")
