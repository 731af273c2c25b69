"""The frozen weights of a base: read from safetensors, cast once, fused where linears share their input."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

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
