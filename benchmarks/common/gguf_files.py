"""A Llama base and its adapters in the format of llama.cpp, from the very numbers that everybody else computes with.

llama.cpp turns neighbouring pairs of a head where transformers turns its halves, so the rows of q and k are reordered.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import GGMLQuantizationType, GGUFWriter, TokenType
from gguf.quants import quantize
from safetensors.torch import load_file
from torch import Tensor

from app.inference.adapter_file import Adapter
from app.inference.architecture import Architecture
from app.inference.card import weight_files

NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
KINDS = {
    "float32": GGMLQuantizationType.F32,
    "bfloat16": GGMLQuantizationType.BF16,
    "q4_1": GGMLQuantizationType.Q4_1,
}
DEFAULT_THETA = 10_000.0


def write_base(folder: Path, target: Path, *, kind: str) -> Path:
    """`kind` is one of KINDS; vectors stay float32, as llama.cpp wants them. Nothing is done if `target` is there."""
    if target.exists():
        return target
    architecture, config = Architecture.load(folder), json.loads((folder / "config.json").read_text())
    temporary = target.with_suffix(".new")
    temporary.parent.mkdir(parents=True, exist_ok=True)
    writer = GGUFWriter(temporary, "llama")
    _describe(writer, architecture, config)
    _vocabulary(writer, folder)
    for path in weight_files(folder):
        for name, tensor in load_file(path).items():
            translated, matrix = _translated(name, tensor, architecture)
            _add(writer, translated, matrix, KINDS[kind] if matrix.ndim == 2 else GGMLQuantizationType.F32)
    _close(writer)
    return temporary.replace(target)


def write_adapter(adapter: Adapter, architecture: Architecture, target: Path) -> Path:
    """A LoRA file; nothing is done if `target` is there."""
    if target.exists():
        return target
    temporary = target.with_suffix(".new")
    temporary.parent.mkdir(parents=True, exist_ok=True)
    writer = GGUFWriter(temporary, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", adapter.alpha)
    for group, down in adapter.down.items():
        linear = architecture.fused[group]
        for layer in range(architecture.layers):
            downs = torch.split(down[layer], adapter.rank)
            ups = torch.split(adapter.up[group][layer], list(linear.outputs))
            for part, a, b in zip(linear.parts, downs, ups, strict=True):
                name = f"blk.{layer}.{NAMES[part]}.weight"
                _add(writer, f"{name}.lora_a", a, GGMLQuantizationType.F32)
                _add(writer, f"{name}.lora_b", _paired(part, b, architecture), GGMLQuantizationType.F32)
    _close(writer)
    return temporary.replace(target)


def _describe(writer: GGUFWriter, architecture: Architecture, config: Mapping[str, Any]) -> None:
    rope = config.get("rope_parameters") or config
    writer.add_context_length(architecture.context_tokens)
    writer.add_embedding_length(architecture.hidden)
    writer.add_block_count(architecture.layers)
    writer.add_feed_forward_length(architecture.intermediate)
    writer.add_head_count(architecture.heads)
    writer.add_head_count_kv(architecture.kv_heads)
    writer.add_rope_dimension_count(architecture.head_dim)
    writer.add_rope_freq_base(rope.get("rope_theta", DEFAULT_THETA))
    writer.add_layer_norm_rms_eps(architecture.norm_epsilon)
    writer.add_vocab_size(architecture.vocabulary)


def _vocabulary(writer: GGUFWriter, folder: Path) -> None:
    """Enough to turn ids back into text; prompts are sent as ids."""
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    words = {number: word for word, number in content["model"]["vocab"].items()}
    special = {each["id"]: each["content"] for each in content.get("added_tokens", [])}
    words |= special
    size = Architecture.load(folder).vocabulary
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list([words.get(number, f"<unused-{number}>") for number in range(size)])
    writer.add_token_types([TokenType.CONTROL if number in special else TokenType.NORMAL for number in range(size)])
    merges = content["model"]["merges"]
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    writer.add_eos_token_id(Architecture.load(folder).end_id)
    writer.add_add_bos_token(False)


def _translated(name: str, tensor: Tensor, architecture: Architecture) -> tuple[str, Tensor]:
    whole = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    stem, _, suffix = name.rpartition(".")
    if stem in whole:
        return f"{whole[stem]}.{suffix}", tensor
    _, _, layer, part = stem.split(".", 3)
    return f"blk.{layer}.{NAMES[part]}.{suffix}", _paired(part, tensor, architecture)


def _paired(part: str, rows: Tensor, architecture: Architecture) -> Tensor:
    """Rows of q and k [heads * head_dim, ...] with the two halves of each head interleaved."""
    heads = {"self_attn.q_proj": architecture.heads, "self_attn.k_proj": architecture.kv_heads}.get(part)
    if heads is None:
        return rows
    halves = rows.reshape(heads, 2, architecture.head_dim // 2, *rows.shape[1:])
    return halves.transpose(1, 2).reshape(rows.shape)


def _add(writer: GGUFWriter, name: str, tensor: Tensor, kind: GGMLQuantizationType) -> None:
    values = np.ascontiguousarray(tensor.float().numpy())
    if kind == GGMLQuantizationType.F32:
        writer.add_tensor(name, values)
    else:
        writer.add_tensor(name, quantize(values, kind), raw_dtype=kind)


def _close(writer: GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
