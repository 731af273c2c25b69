import json
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM

from app.inference.architecture import Architecture, UnsupportedModel
from tests.tiny import build_tiny_base


def changed(base: Path, folder: Path, **entries: Any) -> Path:
    config = json.loads((base / "config.json").read_text()) | entries
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_sizes_and_fused_shapes_come_from_the_config(tiny_base: Path) -> None:
    shape = Architecture.load(tiny_base)
    assert (shape.layers, shape.hidden, shape.heads, shape.kv_heads, shape.head_dim) == (2, 64, 4, 2, 16)
    assert shape.fused["qkv"].outputs == (64, 32, 32)
    assert shape.fused["gate_up"].width == 192
    assert shape.fused["down"].inputs == 96
    assert shape.stop_ids == {0}
    assert shape.end_id == 0


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"tie_word_embeddings": False, "attention_bias": True, "mlp_bias": True},
        {"kind": "mistral", "sliding_window": None},
        {"kind": "qwen2"},
        {"kind": "qwen3"},
        {"kind": "gemma"},
    ],
)
def test_parameters_are_counted_as_transformers_counts_them(tmp_path: Path, config: dict[str, Any]) -> None:
    base = build_tiny_base(tmp_path, **config)
    assert Architecture.load(base).parameters == AutoModelForCausalLM.from_pretrained(base).num_parameters()


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"model_type": "mistral"}, "whole text"),
        ({"model_type": "mistral", "sliding_window": 4096}, "whole text"),
        ({"model_type": "phi"}, "model_type 'phi'"),
        ({"hidden_act": "gelu"}, "hidden_act 'gelu'"),
        ({"model_type": "qwen2", "use_sliding_window": True}, "whole text"),
        ({"layer_types": ["full_attention", "sliding_attention"]}, "whole text"),
        ({"quantization_config": {"quant_method": "gptq"}}, "quantized"),
        ({"eos_token_id": None}, "eos_token_id"),
    ],
)
def test_what_is_not_computed_is_refused_by_name(
    tiny_base: Path, tmp_path: Path, entries: dict[str, Any], words: str
) -> None:
    with pytest.raises(UnsupportedModel, match=words):
        Architecture.load(changed(tiny_base, tmp_path, **entries))


def test_the_refusal_names_what_is_supported(tiny_base: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="supported is model_type 'llama'"):
        Architecture.load(changed(tiny_base, tmp_path, model_type="gpt2"))


def test_every_end_token_of_the_generation_config_stops(tiny_base: Path, tmp_path: Path) -> None:
    changed(tiny_base, tmp_path, eos_token_id=[7, 8])
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": [8, 9]}))
    shape = Architecture.load(tmp_path)
    assert shape.stop_ids == {7, 8, 9}
    assert shape.end_id == 7
