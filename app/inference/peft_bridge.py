"""Our adapters as PEFT folders (adapter_config.json and adapter_model.safetensors) and back.

PEFT keeps one A and one B per linear, all of one rank; ours are the same numbers, stacked by layer and side by side by
part. So both directions are exact.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from reprlib import repr as short
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from app.inference.adapter_file import MAX_RANK, Adapter, InvalidAdapter
from app.inference.architecture import FusedLinear, Shape
from app.inference.delta import Group

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
NEUTRAL: Mapping[str, tuple[object, ...]] = {
    "peft_type": ("LORA",),
    "bias": ("none",),
    "use_dora": (None, False),
    "use_rslora": (None, False),
    "rank_pattern": (None, {}),
    "alpha_pattern": (None, {}),
    "modules_to_save": (None, []),
    "layers_to_transform": (None,),
    "lora_bias": (None, False),
    # Those starts but these that PEFT knows also take something away from the base's own weights.
    "init_lora_weights": (None, True, False, "gaussian", "orthogonal", "eva"),
    "alora_invocation_tokens": (None, []),
    "layer_replication": (None, []),
    "target_parameters": (None, []),
    "trainable_token_indices": (None, [], {}),
    "use_qalora": (None, False),
    "use_bdlora": (None, False),
    "arrow_config": (None,),
    "kasa_config": (None,),
    "monteclora_config": (None,),
}
"""Settings of PEFT that change what an adapter computes, and the values under which it computes what ours does."""
PREFIX = "base_model.model."
"""Before the name that a module has in transformers."""


def export(adapter: Adapter, architecture: Shape, folder: Path, *, base_name: str) -> None:
    """Write a PEFT folder (made if missing) that loads onto `base_name`, the very base the adapter was trained on."""
    tensors = {}
    for group, down in adapter.down.items():
        linear, up = architecture.fused[group], adapter.up[group]
        for layer in range(architecture.layers):
            downs = torch.split(down[layer], adapter.rank)
            ups = torch.split(up[layer], list(linear.outputs))
            for part, a, b in zip(linear.parts, downs, ups, strict=True):
                name = architecture.module(layer, part)
                tensors[_name(name, "A")] = a.contiguous()
                tensors[_name(name, "B")] = b.contiguous()
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_name,
        "r": adapter.rank,
        "lora_alpha": adapter.alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": architecture.fan_in_fan_out,
        "inference_mode": True,
        "target_modules": _targets(adapter, architecture),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def import_folder(folder: Path, architecture: Shape, *, base_digest: str, max_rank: int = MAX_RANK) -> Adapter:
    """Read a PEFT folder as an adapter of this base; a linear that it leaves out gets zeros.

    A PEFT folder does not prove its base: shapes are checked, the caller vouches for the rest. Raises InvalidAdapter
    for anything but plain LoRA of a rank from 1 to `max_rank` on the linears of the layers, FileNotFoundError without
    the two files.
    """
    rank, alpha = _config(folder, max_rank, architecture.fan_in_fan_out)
    try:
        tensors = load_file(folder / WEIGHTS)
    except SafetensorError as error:
        raise InvalidAdapter(f"{WEIGHTS} is damaged: {error}") from error
    down: dict[Group, Tensor] = {}
    up: dict[Group, Tensor] = {}
    for group, linear in architecture.fused.items():
        layers = [
            _take(tensors, [architecture.module(layer, part) for part in linear.parts], linear, rank)
            for layer in range(architecture.layers)
        ]
        if any(found for _, _, found in layers):
            down[group] = torch.stack([a for a, _, _ in layers])
            up[group] = torch.stack([b for _, b, _ in layers])
    if tensors or not down:
        raise InvalidAdapter(f"{WEIGHTS} holds no adapter of this base, or more: {', '.join(sorted(tensors)[:3])}")
    return Adapter(rank, alpha, base_digest, down, up)


def _targets(adapter: Adapter, architecture: Shape) -> list[str]:
    """Every linear by its own name where it is a group of its own, else by the name that it has in every layer."""
    parts = [part for group in adapter.down for part in architecture.fused[group].parts]
    return parts if architecture.route == "general" else [part.split(".")[1] for part in parts]


def _take(
    tensors: dict[str, Tensor], modules: Sequence[str], linear: FusedLinear, rank: int
) -> tuple[Tensor, Tensor, bool]:
    """Pop a layer's A and B of all parts, which are these modules, side by side, and whether any was there."""
    downs, ups, found = [], [], False
    for module, width in zip(modules, linear.outputs, strict=True):
        pair = []
        for kind, shape in (("A", (rank, linear.inputs)), ("B", (width, rank))):
            name = _name(module, kind)
            tensor = tensors.pop(name, None)
            if tensor is not None and tuple(tensor.shape) != shape:
                raise InvalidAdapter(f"{name} has shape {tuple(tensor.shape)}; this base and rank need {shape}")
            found = found or tensor is not None
            pair.append(torch.zeros(shape) if tensor is None else tensor.float())
        downs.append(pair[0])
        ups.append(pair[1])
    return torch.cat(downs), torch.cat(ups), found


def _config(folder: Path, max_rank: int, fan_in_fan_out: bool) -> tuple[int, float]:
    """Rank and alpha. The rank is checked before anything is made of its size."""
    try:
        config: dict[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        rank, alpha = config["r"], float(config["lora_alpha"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise InvalidAdapter(f"{CONFIG} is not the configuration of a LoRA adapter: {repr(error)[:200]}") from error
    if not (isinstance(rank, int) and 1 <= rank <= max_rank):
        raise InvalidAdapter(f"{CONFIG}: the rank is {short(rank)}, allowed are whole numbers from 1 to {max_rank}")
    neutral = {**NEUTRAL, "fan_in_fan_out": (fan_in_fan_out, None, False)}
    for key, allowed in neutral.items():
        if config.get(key, allowed[0]) not in allowed:
            raise InvalidAdapter(f"{CONFIG} sets {key} to {short(config[key])}; supported is {allowed[0]!r} only")
    return rank, alpha


def _name(module: str, kind: str) -> str:
    return f"{PREFIX}{module}.lora_{kind}.weight"
