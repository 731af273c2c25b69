"""The frozen weights of a base: read from safetensors, cast once, fused where linears share their input."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from app.inference.architecture import Architecture, UnsupportedModel

Read = Callable[[str], Tensor]


@dataclass(frozen=True)
class LayerWeights:
    attention_norm: Tensor
    mlp_norm: Tensor
    matrices: dict[str, Tensor]
    """Per group [sum(out), in]."""
    biases: dict[str, Tensor | None]


@dataclass(frozen=True)
class Weights:
    embedding: Tensor
    head: Tensor
    """[V, E]; the embedding itself where the model ties them."""
    final_norm: Tensor
    layers: list[LayerWeights]

    @classmethod
    def load(cls, folder: Path, architecture: Architecture, *, device: str, dtype: torch.dtype) -> Self:
        """Raises FileNotFoundError without weights, UnsupportedModel if one is missing or has another shape."""
        read = _reader(folder, device, dtype)
        size = (architecture.vocabulary, architecture.hidden)
        embedding = _shaped(read, "model.embed_tokens.weight", size)
        return cls(
            embedding=embedding,
            head=embedding if architecture.is_tied else _shaped(read, "lm_head.weight", size),
            final_norm=_shaped(read, "model.norm.weight", (architecture.hidden,)),
            layers=[_layer(read, architecture, layer) for layer in range(architecture.layers)],
        )


def _layer(read: Read, architecture: Architecture, layer: int) -> LayerWeights:
    prefix, matrices, biases = f"model.layers.{layer}", {}, {}
    for group, linear in architecture.fused.items():
        parts = list(zip(linear.parts, linear.outputs, strict=True))
        matrices[group] = torch.cat(
            [_shaped(read, f"{prefix}.{part}.weight", (width, linear.inputs)) for part, width in parts]
        )
        biases[group] = (
            torch.cat([_shaped(read, f"{prefix}.{part}.bias", (width,)) for part, width in parts])
            if architecture.has_bias(group)
            else None
        )
    size = (architecture.hidden,)
    return LayerWeights(
        attention_norm=_shaped(read, f"{prefix}.input_layernorm.weight", size),
        mlp_norm=_shaped(read, f"{prefix}.post_attention_layernorm.weight", size),
        matrices=matrices,
        biases=biases,
    )


def _shaped(read: Read, name: str, shape: tuple[int, ...]) -> Tensor:
    tensor = read(name)
    if tuple(tensor.shape) != shape:
        raise UnsupportedModel(f"{name} has shape {tuple(tensor.shape)}, and config.json says {shape}")
    return tensor


def _reader(folder: Path, device: str, dtype: torch.dtype) -> Read:
    """A function from a tensor's name to the tensor; knows the single-file and the sharded layout."""
    index, single = folder / "model.safetensors.index.json", folder / "model.safetensors"
    if index.exists():
        shards: dict[str, str] = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
    elif single.exists():
        with safe_open(single, framework="pt") as file:
            shards = dict.fromkeys(file.keys(), single.name)
    else:
        raise FileNotFoundError(f"{folder} holds neither model.safetensors nor model.safetensors.index.json")

    def read(name: str) -> Tensor:
        if name not in shards:
            raise UnsupportedModel(f"{folder.name} has no weight {name}")
        try:
            with safe_open(folder / Path(shards[name]).name, framework="pt") as file:
                tensor: Tensor = file.get_tensor(name)
                return tensor.to(device=device, dtype=dtype)
        except SafetensorError as error:
            raise UnsupportedModel(f"{shards[name]} in {folder.name} cannot be read: {error}") from error

    return read
