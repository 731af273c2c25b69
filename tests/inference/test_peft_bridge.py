import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModelForCausalLM

from app.inference import peft_bridge
from app.inference.adapter_file import Adapter, InvalidAdapter
from app.inference.delta import GROUPS
from app.inference.lora import Lora
from app.inference.model import LlamaModel
from app.inference.policy import LoraPolicy
from app.inference.tokens import Tokens
from tests.tiny import build_tiny_base

IDS = torch.randint(1, 300, (2, 24), generator=torch.Generator().manual_seed(1))


def random_adapter(model: LlamaModel, digest: str = "d" * 64) -> Adapter:
    lora, chance = Lora(model.architecture, rank=4, alpha=6), torch.Generator().manual_seed(7)
    down = {group: lora.A[group].detach() for group in GROUPS}
    up = {group: torch.randn(lora.B[group].shape, generator=chance) * 0.1 for group in GROUPS}
    return Adapter(4, 6.0, digest, down, up)


def our_logits(model: LlamaModel, tokens: Tokens, adapter: Adapter) -> Tensor:
    policy = LoraPolicy.from_adapter(model, tokens, adapter)
    with torch.no_grad():
        return model.logits(model.hidden(IDS, policy.lora.delta(torch.float32)))


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": False},
        {"kind": "mistral", "sliding_window": None},
        {"kind": "qwen2"},
        {"kind": "qwen3", "head_dim": 24},
        {"kind": "gemma", "head_dim": 24},
    ],
)
def test_logits_with_an_adapter_are_those_of_peft(tmp_path: Path, config: dict[str, Any]) -> None:
    base = build_tiny_base(tmp_path / "base", **config)
    model, tokens = LlamaModel.load(base, dtype=torch.float32), Tokens.load(base)
    adapter = random_adapter(model)
    peft_bridge.export(adapter, model.architecture, tmp_path / "peft", base_name=str(base))
    reference = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    with torch.no_grad():
        plain = reference(IDS).logits
        expected = PeftModel.from_pretrained(reference, tmp_path / "peft").eval()(IDS).logits
    found = our_logits(model, tokens, adapter)
    assert (found - expected).abs().max() < 1e-4
    assert (plain - expected).abs().max() > 0.1


def test_what_was_exported_comes_back(tiny_model: LlamaModel, tmp_path: Path) -> None:
    adapter = random_adapter(tiny_model)
    only_mlp = replace(adapter, down={"down": adapter.down["down"]}, up={"down": adapter.up["down"]})
    for original in (adapter, only_mlp):
        peft_bridge.export(original, tiny_model.architecture, tmp_path, base_name="tiny")
        back = peft_bridge.import_folder(tmp_path, tiny_model.architecture, base_digest="d" * 64)
        assert (back.rank, back.alpha, list(back.down)) == (4, 6.0, list(original.down))
        assert all(torch.equal(back.down[group], original.down[group]) for group in original.down)
        assert all(torch.equal(back.up[group], original.up[group]) for group in original.up)


def test_an_adapter_that_peft_wrote_computes_the_same_here(
    tiny_base: Path, tiny_model: LlamaModel, tiny_tokens: Tokens, tmp_path: Path
) -> None:
    """On q, v and up only: parts of fused groups that it leaves alone must stay untouched."""
    config = LoraConfig(r=3, lora_alpha=5, target_modules=["q_proj", "v_proj", "up_proj"], init_lora_weights=False)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_base, dtype=torch.float32), config).eval()
    model.save_pretrained(tmp_path)
    adapter = peft_bridge.import_folder(tmp_path, tiny_model.architecture, base_digest="d" * 64)
    assert list(adapter.down) == ["qkv", "gate_up"]
    with torch.no_grad():
        assert (our_logits(tiny_model, tiny_tokens, adapter) - model(IDS).logits).abs().max() < 1e-4


@pytest.mark.parametrize(
    "entries", [{"use_dora": True}, {"use_rslora": True}, {"bias": "all"}, {"peft_type": "IA3"}, {"r": None}]
)
def test_other_kinds_of_adapters_are_refused(tiny_model: LlamaModel, tmp_path: Path, entries: dict[str, Any]) -> None:
    peft_bridge.export(random_adapter(tiny_model), tiny_model.architecture, tmp_path, base_name="tiny")
    path = tmp_path / peft_bridge.CONFIG
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))
    with pytest.raises(InvalidAdapter, match=peft_bridge.CONFIG):
        peft_bridge.import_folder(tmp_path, tiny_model.architecture, base_digest="d" * 64)


def test_weights_of_another_shape_or_place_are_refused(tiny_model: LlamaModel, tmp_path: Path) -> None:
    peft_bridge.export(random_adapter(tiny_model), tiny_model.architecture, tmp_path, base_name="tiny")
    path = tmp_path / peft_bridge.WEIGHTS
    tensors = load_file(path)
    name = "base_model.model.model.layers.1.self_attn.k_proj.lora_B.weight"
    save_file(tensors | {name: torch.ones(64, 4)}, path)
    with pytest.raises(InvalidAdapter, match="k_proj"):
        peft_bridge.import_folder(tmp_path, tiny_model.architecture, base_digest="d" * 64)
    save_file(tensors | {"base_model.model.lm_head.lora_A.weight": torch.ones(4, 64)}, path)
    with pytest.raises(InvalidAdapter, match="lm_head"):
        peft_bridge.import_folder(tmp_path, tiny_model.architecture, base_digest="d" * 64)
    path.write_bytes(b"nonsense")
    with pytest.raises(InvalidAdapter, match="damaged"):
        peft_bridge.import_folder(tmp_path, tiny_model.architecture, base_digest="d" * 64)
