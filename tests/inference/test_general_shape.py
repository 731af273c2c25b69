import json
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM

from app.inference.architecture import Architecture, UnsupportedModel, load_shape
from app.inference.general_shape import GeneralShape
from tests.inference.kinds import general_config
from tests.inference.test_model_architecture import changed
from tests.tiny import build_tiny_base


def test_every_linear_of_the_decoder_is_a_group(general_base: Path) -> None:
    shape = load_shape(general_base)
    assert isinstance(shape, GeneralShape)
    names = [linear.parts[0] for linear in shape.fused.values()]
    assert [name.replace(".", "/") for name in names] == list(shape.fused)
    assert not any("head" in name for name in names)
    net = AutoModelForCausalLM.from_pretrained(general_base)
    for name, linear in zip(names, shape.fused.values(), strict=True):
        assert net.get_submodule(name).weight.numel() == linear.inputs * linear.width
    assert shape.parameters == net.num_parameters()
    assert (shape.stop_ids, shape.end_id, shape.context_tokens, shape.route) == ({0}, 0, 512, "general")


def test_a_transposed_linear_has_its_inputs_first(tmp_path: Path) -> None:
    shape = load_shape(build_tiny_base(tmp_path, **general_config("gpt2")))
    linear = shape.fused["transformer/h/1/attn/c_attn"]
    assert (linear.parts, linear.inputs, linear.outputs) == (("transformer.h.1.attn.c_attn",), 64, (192,))
    assert shape.fan_in_fan_out
    assert shape.module(0, linear.parts[0]) == "transformer.h.1.attn.c_attn"


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"model_type": "mamba"}, "state in place of keys and values"),
        ({"model_type": "qwen3_next"}, "state in place of keys and values"),
        ({"model_type": "t5"}, "an encoder beside its decoder"),
        ({"model_type": "vit"}, "no decoder of text"),
        ({"model_type": "gemma3"}, "no decoder of text"),
        ({"model_type": "nobody_knows"}, "transformers cannot read"),
        ({"model_type": "gpt_neox", "num_attention_heads": 7}, "transformers cannot read"),
    ],
)
def test_a_refusal_names_the_setting_and_what_is_supported(
    tiny_base: Path, tmp_path: Path, entries: dict[str, Any], words: str
) -> None:
    with pytest.raises(UnsupportedModel, match=rf"{words}.*IDIOLECT_BASE_MODEL may name .*GPT-2"):
        load_shape(changed(tiny_base, tmp_path, **entries))


@pytest.mark.parametrize(
    ("entries", "words"),
    [({"quantization_config": {"quant_method": "gptq"}}, "quantized"), ({"eos_token_id": None}, "eos_token_id")],
)
def test_what_no_path_can_serve_is_refused(
    general_base: Path, tmp_path: Path, entries: dict[str, Any], words: str
) -> None:
    with pytest.raises(UnsupportedModel, match=words):
        load_shape(changed(general_base, tmp_path, **entries))


@pytest.mark.parametrize(
    ("entries", "context"),
    [
        ({"model_type": "mistral"}, 512),
        ({"model_type": "mistral", "sliding_window": 64}, 512),
        ({"hidden_act": "gelu"}, 512),
        ({"model_type": "qwen2", "use_sliding_window": True, "sliding_window": 8}, 512),
        ({"rope_parameters": {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}}, 512),
        (
            {
                "model_type": "phi3",
                "pad_token_id": 0,
                "original_max_position_embeddings": 64,
                "rope_parameters": {
                    "rope_type": "longrope",
                    "rope_theta": 1e4,
                    "short_factor": [1.0] * 8,
                    "long_factor": [2.0] * 8,
                    "original_max_position_embeddings": 64,
                },
            },
            64,
        ),
    ],
)
def test_what_the_fast_path_does_not_compute_goes_the_general_way(
    tiny_base: Path, tmp_path: Path, entries: dict[str, Any], context: int
) -> None:
    """Beyond the length before scaling, positions would depend on who else writes."""
    shape = load_shape(changed(tiny_base, tmp_path, **entries))
    assert isinstance(shape, GeneralShape)
    assert shape.context_tokens == context


def test_the_fast_path_keeps_what_it_knows(tiny_base: Path, tmp_path: Path) -> None:
    kinds = ({}, {"model_type": "qwen2"}, {"model_type": "qwen3"}, {"model_type": "mistral", "sliding_window": None})
    for entries in kinds:
        assert isinstance(load_shape(changed(tiny_base, tmp_path, **entries)), Architecture)
    (tmp_path / "config.json").unlink()
    with pytest.raises(FileNotFoundError):
        load_shape(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps([]))
    with pytest.raises(UnsupportedModel, match="JSON object"):
        load_shape(tmp_path)
